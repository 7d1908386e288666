//! Which classes and contexts are generated.

use super::answers::Heads;
use cl_core::Step;
use cl_tensor::{Init, Scope, Var};

/// How many training rows of each context had each output, `[contexts, outputs]`.
pub(super) fn seen<'g>(scope: &Scope<'g>, contexts: usize, outputs: usize) -> Var<'g> {
    scope.kept("seen", &[contexts, outputs], Init::Zeros)
}

/// Counts the rows of a pass.
pub(super) fn count(step: &Step<'_, '_>) {
    let _ = seen(&step.scope, step.contexts(), step.forward.logits.shape()[1]);
    step.scope.accumulate("seen", counted(step));
}

/// Rows of a pass of each context and output, `[contexts, outputs]`.
pub(super) fn counted<'g>(step: &Step<'_, 'g>) -> Var<'g> {
    let (contexts, outputs) = (step.contexts(), step.forward.logits.shape()[1]);
    let rows = step.context.one_hot(contexts) * step.weight.column();
    rows.t().matmul(step.target.one_hot(outputs))
}

/// What rows are to be, and how much each counts.
pub(super) struct Modes<'g> {
    /// u32 `[rows]`.
    pub context: Var<'g>,
    /// u32 `[rows]`.
    pub class: Var<'g>,
    /// `[rows]`, summing to 1.
    pub weight: Var<'g>,
}

/// Draws a context and a class that was seen in it for each row.
pub(super) fn draw<'g>(step: &Step<'_, 'g>, heads: Heads, rows: usize) -> Modes<'g> {
    let seen = seen(&step.scope, step.contexts(), step.forward.logits.shape()[1]);
    of_seen(seen, heads, [step.uniform("turn", &[1]), step.uniform("class", &[rows])])
}

/// The same from counts `[contexts, outputs]` and numbers in [0, 1), `[1]` and `[rows]`. Contexts come in
/// turn, from a random point on, in proportion to their classes; with [`Heads::EachPastContext`] all
/// alike, so that counts differ by at most one, and each context has the same total weight.
pub(super) fn of_seen<'g>(seen: Var<'g>, heads: Heads, [turn, u]: [Var<'g>; 2]) -> Modes<'g> {
    let (graph, contexts, rows) = (seen.graph(), seen.shape()[0], u.len());
    let (none, one) = (graph.constant(0.0), graph.constant(1.0));
    let seen = seen.greater(none);
    let of_context = match heads {
        Heads::One => seen.sum_axis(1),
        Heads::EachPastContext => seen.sum_axis(1).sign(),
    };
    let turn = (graph.iota(rows).to_float() + turn) * (1.0 / rows as f32);
    let context = pick(of_context.reshape(&[1, contexts]), turn);
    let class = pick(seen.gather(context), u);
    let weight = match heads {
        Heads::One => graph.full(&[rows], 1.0 / rows as f32),
        Heads::EachPastContext => {
            let times = context.one_hot(contexts).sum_axis(0);
            one / (times.sign().sum() * times.gather(context))
        }
    };
    Modes { context, class, weight }
}

/// For each row the column whose part of the row's total, from left to right, `u` in [0, 1) falls in;
/// `weights` `[rows, columns]` or `[1, columns]` are whole numbers, `u` is `[rows]`; u32 `[rows]`. The first
/// column where all are 0.
fn pick<'g>(weights: Var<'g>, u: Var<'g>) -> Var<'g> {
    let (graph, columns) = (weights.graph(), weights.shape()[1]);
    let column = graph.iota(columns).to_float();
    // Sums up to each column: row i counts for the columns from i on.
    let up_to = 1.0 - column.column().greater(column);
    let sums = weights.matmul(up_to);
    // A product that rounds up to the total would belong to nobody.
    let total = weights.sum_axis(1);
    let at = (u * total).minimum(total - 0.5);
    sums.greater(at.column()).argmax()
}
