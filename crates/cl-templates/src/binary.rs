//! Binary cross-entropy.

use cl_core::{Criterion, Step};
use cl_nn::losses::{binary_cross_entropy_with_logits, mask_inactive};
use cl_tensor::Var;

/// Σ_c BCE(z_c, y_c) over the outputs that compete, y one-hot: the loss of iCaRL without distillation,
/// which van de Ven, Tuytelaars & Tolias 2022 (doi:10.1038/s42256-022-00568-3) take in streams without
/// boundaries, beside replay from a reservoir and the nearest mean of what it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BinaryCrossEntropy;

impl Criterion for BinaryCrossEntropy {
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let logits = step.forward.logits;
        let targets = step.target.one_hot(logits.shape()[1]);
        let logits = step.active.map_or(logits, |active| mask_inactive(logits, active));
        binary_cross_entropy_with_logits(logits, targets)
    }
}
