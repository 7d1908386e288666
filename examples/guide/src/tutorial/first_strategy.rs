//! Your first strategy: parameters that have moved far in earlier contexts move less.

use continual::core::{
    Boundary, Consolidate, Error, GradientMap, Needs, Parts, Step, Taken, Track,
};
use continual::prelude::*;
use continual::tensor::{Init, Scope, Var};

/// Parameters settle: δ'_i = δ_i / (1 + k S_i), where S_i = Σ |δ_i| over all steps of earlier contexts and δ is
/// the step of the optimiser.
pub struct Settle {
    /// How fast they settle, at least 0; 0 is plain training.
    pub k: f64,
}

/// Σ |δ| of the context under way, `[theta]`.
fn path<'g>(scope: &Scope<'g>, len: usize) -> Var<'g> {
    scope.slot("path", &[len], Init::Zeros)
}

/// S, `[theta]`.
fn settled<'g>(scope: &Scope<'g>, len: usize) -> Var<'g> {
    scope.kept("settled", &[len], Init::Zeros)
}

impl GradientMap for Settle {
    fn delta<'g>(&self, step: &Step<'_, 'g>, delta: Var<'g>) -> Var<'g> {
        let k = step.scope.hyper("k", self.k as f32);
        delta / (k * settled(&step.scope, step.layout.len()) + 1.0)
    }
}

impl Track for Settle {
    fn update<'g>(&self, step: &Step<'_, 'g>, taken: &Taken<'g>) {
        let path = path(&step.scope, step.layout.len());
        step.scope.assign("path", path + taken.delta.abs());
    }
}

impl Consolidate for Settle {
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let (scope, len) = (&boundary.scope, boundary.layout.len());
        scope.assign("settled", settled(scope, len) + path(scope, len));
        scope.assign("path", theta.graph().full(&[len], 0.0));
        theta
    }
}

impl Strategy for Settle {
    fn name(&self) -> String {
        "settle".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.gradient_map(self).track(self).consolidate(self);
    }
    fn needs(&self) -> Needs {
        Needs { moments: true, ..Needs::default() }
    }
    fn describe(&self) -> Vec<(String, String)> {
        vec![("settle.k".to_owned(), self.k.to_string())]
    }
    fn check(&self) -> Result<(), Error> {
        let (strategy, name, value) = ("settle", "k", self.k);
        let expected = "a finite number of at least 0";
        let bad = Error::HyperParameter { strategy, name, value, expected };
        if value.is_finite() && value >= 0.0 { Ok(()) } else { Err(bad) }
    }
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let experiment = Experiment::new(digits()).scenario(Scenario::Domain).steps(100).seeds(2..=4);
    for k in [0.0, 10.0, 100.0, 1000.0] {
        let outcomes = experiment.run(&Settle { k })?;
        let mean = |name: &str| -> Result<f64, continual::metrics::Error> {
            let values: Vec<f64> =
                outcomes.iter().map(|it| evaluate(&it.accuracy).0[name]).collect();
            Ok(100.0 * Summary::of(&values)?.mean)
        };
        let (last, learned) = (mean("final_accuracy")?, mean("learning_accuracy")?);
        println!("k = {k:<4} final {last:.1} %, when learned {learned:.1} %");
    }
    Ok(())
}
