//! A strategy: a penalty, and what it remembers at a boundary.

use crate::huber::huber;
use cl_core::{Boundary, Consolidate, Error, Needs, Parts, Penalty, Step, Strategy};
use cl_tensor::{Init, Var};

/// Ties theta to where it was when the last context ended: λ Σ_i huber(1000 (θ_i − θ*_i)), from the
/// second context on.
pub struct Tether {
    /// Strength λ, at least 0; 0 switches it off.
    pub lambda: f64,
}

impl Penalty for Tether {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let lambda = step.scope.hyper("lambda", self.lambda as f32);
        let anchor = step.scope.kept("anchor", &[step.layout.len()], step.layout.init());
        let tied = step.scope.kept("tied", &[], Init::Zeros);
        lambda * tied * huber((step.theta - anchor) * 1000.0).sum()
    }
}

impl Consolidate for Tether {
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let (scope, layout) = (&boundary.scope, boundary.layout);
        scope.kept("anchor", &[layout.len()], layout.init());
        scope.assign("anchor", theta);
        scope.kept("tied", &[], Init::Zeros);
        scope.assign("tied", theta.graph().constant(1.0));
        theta
    }
}

impl Strategy for Tether {
    fn name(&self) -> String {
        "tether".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).consolidate(self);
    }
    fn needs(&self) -> Needs {
        Needs { boundaries: true, ..Needs::default() }
    }
    fn describe(&self) -> Vec<(String, String)> {
        vec![("tether.lambda".to_owned(), self.lambda.to_string())]
    }
    fn check(&self) -> Result<(), Error> {
        let (strategy, name, value) = ("tether", "lambda", self.lambda);
        let expected = "a finite number of at least 0";
        let bad = Error::HyperParameter { strategy, name, value, expected };
        if value.is_finite() && value >= 0.0 { Ok(()) } else { Err(bad) }
    }
}
