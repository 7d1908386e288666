//! Parameters beside theta.

use crate::step::Step;
use cl_nn::{Optimizer, ParamSpec, Theta};
use cl_tensor::Var;

/// Trained beside theta, unseen by penalties and gradient maps: generators, critics, projection
/// heads.
///
/// Its parameters are the slot `NAME` of the strategy's scope, its optimiser's slots stand under
/// `NAME/optimizer`. Any part reads it with [`Step::module`].
pub trait Module {
    /// Its name within the strategy.
    fn name(&self) -> &'static str;

    /// Its parameters; `inputs` values per example, `outputs` logits.
    fn params(&self, inputs: usize, outputs: usize) -> Vec<ParamSpec>;

    /// Its optimiser.
    fn optimizer(&self) -> Box<dyn Optimizer>;

    /// What it minimises, a scalar. Only its own parameters move.
    fn loss<'g>(&self, step: &Step<'_, 'g>, theta: Theta<'_, 'g>) -> Var<'g>;
}
