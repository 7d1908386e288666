//! Parts that act on the loss.

use crate::step::Step;
use cl_tensor::Var;

/// Acts on the loss: EWC, SI, LwF, sparse gates.
pub trait Penalty {
    /// A scalar in nats, added to the task loss.
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g>;
}

/// Replaces the cross-entropy; a composition has at most one: binary distillation, masked softmax,
/// self-supervision.
pub trait Criterion {
    /// The loss of each row, `[rows]`, in nats; the step weighs and sums them.
    ///
    /// Called for the rows of the batch and for those of every segment with a forward pass of its own
    /// ([`Step::rows`]): it reads only the step it is given.
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> Var<'g>;
}
