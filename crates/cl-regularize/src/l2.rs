//! The plain baseline of penalties in parameter space: all parameters are equally important.

use crate::range::strength;
use cl_core::{Boundary, Consolidate, Error, Needs, Parts, Penalty, Step, Strategy};
use cl_tensor::{Init, Scope, Var};

/// A spring to the parameters at the last boundary.
///
/// L = CE + λ Σ_i (θ_i − θ*_i)², without ½; θ* ← θ when a context ends, nothing before the first.
///
/// The L2 baseline of Kirkpatrick et al. 2017, arXiv 1612.00796, fig. 2: EWC with F = 1 and the last
/// anchor alone.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `lambda` | 1 | ≥ 0 | strength; slot `lambda` |
///
/// The paper gives no strength; 1 is this project's. Neutral setting: `lambda` = 0. Memory: θ*, one
/// number per parameter, and a scalar. A step costs the same in every context. Units that a growing
/// head adds are held at their initial values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct L2 {
    /// Strength λ.
    pub lambda: f64,
}

impl Default for L2 {
    fn default() -> Self {
        Self { lambda: 1.0 }
    }
}

/// F, the same for all parameters: 0 before the first boundary, then 1.
fn importance<'g>(scope: &Scope<'g>) -> Var<'g> {
    scope.kept("importance", &[], Init::Zeros)
}

impl Penalty for L2 {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let lambda = step.scope.hyper("lambda", self.lambda as f32);
        let anchor = step.scope.kept("anchor", &[step.layout.len()], step.layout.init());
        lambda * importance(&step.scope) * (step.theta - anchor).square().sum()
    }
}

impl Consolidate for L2 {
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let scope = &boundary.scope;
        importance(scope);
        scope.kept("anchor", &[boundary.layout.len()], boundary.layout.init());
        scope.assign("importance", theta.graph().constant(1.0));
        scope.assign("anchor", theta);
        theta
    }
}

impl Strategy for L2 {
    fn name(&self) -> String {
        "l2".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).consolidate(self);
    }

    fn needs(&self) -> Needs {
        Needs { boundaries: true, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        vec![
            ("l2.lambda".to_owned(), self.lambda.to_string()),
            ("l2.penalty".to_owned(), "lambda, without 1/2".to_owned()),
            ("l2.anchor".to_owned(), "parameters at the last boundary".to_owned()),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        strength("l2", "lambda", self.lambda)
    }
}
