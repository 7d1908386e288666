//! Regenerative regularisation: a spring to where training started.

use crate::range::strength;
use cl_core::{Error, Parts, Penalty, Step, Strategy};
use cl_tensor::Var;

/// A spring to the initial parameters, which keeps a network able to learn.
///
/// L = CE + λ Σ_i (θ_i − θ_0,i)², without ½; θ_0 are the initial parameters, from the first step on.
///
/// Kumar, Marklund & Van Roy 2023, arXiv 2308.11958, "L2 Init". Needs no boundaries.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `lambda` | 0.01 | ≥ 0 | strength; slot `lambda` |
///
/// The paper chooses λ per problem; 0.01 is this project's. Neutral setting: `lambda` = 0. Memory:
/// θ_0, one number per parameter. A step costs the same in every context.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct L2Init {
    /// Strength λ.
    pub lambda: f64,
}

impl Default for L2Init {
    fn default() -> Self {
        Self { lambda: 0.01 }
    }
}

impl Penalty for L2Init {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let lambda = step.scope.hyper("lambda", self.lambda as f32);
        let anchor = step.scope.kept("anchor", &[step.layout.len()], step.layout.init());
        lambda * (step.theta - anchor).square().sum()
    }
}

impl Strategy for L2Init {
    fn name(&self) -> String {
        "l2-init".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self);
    }

    fn describe(&self) -> Vec<(String, String)> {
        vec![
            ("l2-init.lambda".to_owned(), self.lambda.to_string()),
            ("l2-init.penalty".to_owned(), "lambda, without 1/2".to_owned()),
            ("l2-init.anchor".to_owned(), "initial parameters".to_owned()),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        strength("l2-init", "lambda", self.lambda)
    }
}
