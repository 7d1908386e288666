//! Means per class, kept up row by row, and what all read-outs share.

use cl_core::Step;
use cl_tensor::{Init, Scope, Var};

/// Slots of counts and means.
pub(crate) const COUNTS: &str = "counts";
pub(crate) const MEANS: &str = "means";

/// Rows of a chunk by class.
pub(crate) struct ByClass<'g> {
    /// 1 in the column of the row's class, 0 for padding: `[rows, classes]`.
    pub one_hot: Var<'g>,
    /// 1 for rows, 0 for padding: `[rows]`.
    pub present: Var<'g>,
    /// Rows of each class, `[classes]`.
    pub counts: Var<'g>,
}

impl<'g> ByClass<'g> {
    pub(crate) fn of(step: &Step<'_, 'g>) -> Self {
        let present = step.weight.sign();
        let one_hot = step.target.one_hot(outputs(step)) * present.column();
        Self { one_hot, present, counts: one_hot.sum_axis(0) }
    }
}

/// Output units, which are the classes.
pub(crate) fn outputs(step: &Step<'_, '_>) -> usize {
    step.forward.logits.shape()[1]
}

/// Rows of each class so far, `[classes]`.
pub(crate) fn counts<'g>(scope: &Scope<'g>, classes: usize) -> Var<'g> {
    scope.kept(COUNTS, &[classes], Init::Zeros)
}

/// How many rows have been seen, a scalar: above 0 behind the first boundary.
pub(crate) fn seen<'g>(step: &Step<'_, 'g>) -> Var<'g> {
    counts(&step.scope, outputs(step)).sum()
}

/// `sum / count` where a row was counted, `[n, d]` by `[n]`, else 0.
pub(crate) fn mean<'g>(sum: Var<'g>, count: Var<'g>) -> Var<'g> {
    sum / count.maximum(sum.graph().constant(1.0)).column()
}

/// Records the means of another slot over all rows so far: μ ← μ + Σ (x − μ) / n. Returns the old
/// ones.
pub(crate) fn update_means<'g>(
    step: &Step<'_, 'g>,
    name: &str,
    x: Var<'g>,
    rows: &ByClass<'g>,
) -> Var<'g> {
    let (classes, width) = (rows.counts.len(), x.shape()[1]);
    let means = step.scope.kept(name, &[classes, width], Init::Zeros);
    let total = counts(&step.scope, classes) + rows.counts;
    let moved = rows.one_hot.t().matmul(x) - means * rows.counts.column();
    step.scope.assign(name, means + mean(moved, total));
    means
}

/// Records the new counts.
pub(crate) fn update_counts(step: &Step<'_, '_>, rows: &ByClass<'_>) {
    let counts = counts(&step.scope, rows.counts.len());
    step.scope.assign(COUNTS, counts + rows.counts);
}

/// The scores, `[rows, classes]`, with −1e30 for classes that were never seen: those of which `known`,
/// `[classes]`, is 0.
pub(crate) fn of_known<'g>(known: Var<'g>, scores: Var<'g>) -> Var<'g> {
    let shape = scores.shape();
    known.expand(&shape).select(scores, scores.graph().full(&shape, -1e30))
}
