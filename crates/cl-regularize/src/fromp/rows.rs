//! Function values of rows: probabilities over the outputs that compete.

use cl_nn::losses::mask_inactive;
use cl_tensor::Var;

/// The softmax over the named outputs alone, in their order: logits `[rows, outputs]`, units u32
/// `[rows, n]` -> `[rows, n]`; 0 where a unit is out of range.
pub(super) fn label_set<'g>(logits: Var<'g>, units: Var<'g>) -> Var<'g> {
    let ones = logits.graph().full(&logits.shape(), 1.0);
    mask_inactive(logits.gather_columns(units), ones.gather_columns(units)).softmax()
}

/// Which outputs compete, ranked: for each of `ranks` the one-hot choice `[rows, outputs]` of the
/// output that is the rank-th active one of its row; zeros where there are fewer.
pub(super) fn ranked<'g>(active: Var<'g>, ranks: usize) -> Vec<Var<'g>> {
    let graph = active.graph();
    let outputs = active.shape().last().copied().unwrap_or(0);
    let number = graph.iota(outputs).to_float();
    let before = number.greater(number.column());
    let rank = active.matmul(before);
    let chosen = |k: usize| active * rank.equal(graph.constant(k as f32));
    (0..ranks).map(chosen).collect()
}
