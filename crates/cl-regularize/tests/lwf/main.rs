//! Learning without forgetting: published numbers, slow loops, faults that these catch.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod conformance;
mod golden;
mod loops;

use cl_core::{Consolidate, GradientMap, Mix, Parts, Penalty, Step, Strategy, Track};
use cl_regularize::Lwf;
use cl_tensor::{Init, Var};

/// A method like Lwf: all that it is made of.
pub(crate) trait Penalized: Strategy + Penalty + GradientMap + Track + Consolidate {
    fn maps(&self) -> bool;
}

impl Penalized for Lwf {
    fn maps(&self) -> bool {
        self.mix != Mix::Sum
    }
}

/// A method whose penalty is kept in its slot `value`.
pub(crate) struct Valued<'s>(pub(crate) &'s dyn Penalized);

impl Penalty for Valued<'_> {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let loss = self.0.loss(step);
        step.scope.slot("value", &[], Init::Zeros);
        step.scope.assign("value", loss);
        loss
    }
}

impl Strategy for Valued<'_> {
    fn name(&self) -> String {
        "lwf".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).track(self.0).consolidate(self.0);
        if self.0.maps() {
            parts.gradient_map(self.0);
        }
    }
}
