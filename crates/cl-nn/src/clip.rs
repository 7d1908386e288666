//! Gradient clipping.

use cl_tensor::Var;

/// g · min(1, max_norm / (‖g‖₂ + 1e-6)): a gradient of at most this norm, its direction kept.
///
/// `grad` of any shape, `max_norm` a scalar. Pascanu, Mikolov & Bengio 2013, algorithm 1; the 1e-6
/// is PyTorch's (`clip_grad_norm_`) and makes a zero gradient harmless.
#[track_caller]
#[must_use]
pub fn clip_norm<'g>(grad: Var<'g>, max_norm: Var<'g>) -> Var<'g> {
    let norm = grad.square().sum().sqrt();
    grad * (max_norm / (norm + 1e-6)).minimum(grad.graph().constant(1.0))
}

/// Each element of `grad` moved into `[-limit, limit]`; `limit` a scalar, not negative.
#[track_caller]
#[must_use]
pub fn clip_value<'g>(grad: Var<'g>, limit: Var<'g>) -> Var<'g> {
    grad.minimum(limit).maximum(-limit)
}
