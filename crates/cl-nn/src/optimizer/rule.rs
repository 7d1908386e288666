//! What an optimiser is.

use crate::layout::Layout;
use cl_tensor::{Scope, Var};
use std::fmt;

/// Turns the gradient of theta into a step.
///
/// Moments are slots of `scope`, written at the end of the run. Every number is a scalar slot of
/// `scope` under its field's name ([`Scope::hyper`]), so members of a population may differ in it.
pub trait Optimizer: fmt::Debug + Send + Sync {
    /// The step δ, to be added to theta: `[layout.len()]`. Records the update of its moments.
    ///
    /// `theta` and `grad` are `[layout.len()]`; `schedule` is a scalar factor on the learning rate.
    /// Where theta and gradient are 0 (as in the padding) the step is 0.
    #[track_caller]
    fn delta<'g>(
        &self,
        scope: &Scope<'g>,
        layout: &Layout,
        theta: Var<'g>,
        grad: Var<'g>,
        schedule: Var<'g>,
    ) -> Var<'g>;

    /// Full names of the slots that are set to zero where a run starts the optimiser afresh.
    fn reset(&self, scope: &Scope<'_>) -> Vec<String>;

    /// The optimiser in one line, with its numbers.
    fn describe(&self) -> String;
}
