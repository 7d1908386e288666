//! Whether generated rows still differ from each other.

use super::answers::last;
use cl_core::Step;
use cl_tensor::{Init, Var};

/// The slot, `[contexts]`, in which a generative strategy leaves the [spread](spread) of the rows that
/// its generator made of the contexts up to each one: at the last step of the context after it. 1 where
/// nothing was generated yet.
pub const SPREAD: &str = "spread";

/// √(V(made) / V(real)), a scalar, V = the mean over columns of the variance over rows: about 1 for a
/// generator that does as the data, 0 for one that makes one row only, not a number for one that makes
/// no numbers. 1 where the data does not vary.
///
/// `made` and `real` are `[rows, columns]`, rows may differ in number.
#[track_caller]
#[must_use]
pub fn spread<'g>(made: Var<'g>, real: Var<'g>) -> Var<'g> {
    let variance = |x: Var<'g>| (x - x.mean_axis(0)).square().mean();
    let (made, real) = (variance(made), variance(real));
    let one = real.graph().constant(1.0);
    real.select((made / real.select(real, one)).sqrt(), one)
}

/// Writes down the spread of rows made of the contexts up to the last one that ended.
pub(super) fn watch<'g>(step: &Step<'_, 'g>, made: Var<'g>) {
    let _ = step.scope.slot(SPREAD, &[step.contexts()], Init::Constant(1.0));
    let real = step.x.slice(0, 0..step.stream_rows().len().max(1));
    let value = spread(made, real).reshape(&[1]);
    step.scope.assign_rows(SPREAD, last(&step.scope), value);
}

/// The rows with 0 for what is no number, and which rows had none of that: 1 or 0, `[rows]`.
pub(super) fn numbers<'g>(x: Var<'g>) -> (Var<'g>, Var<'g>) {
    let (graph, columns) = (x.graph(), x.shape()[1]);
    // Only what is no number differs from itself.
    let is_number = x.equal(x);
    let whole = is_number.sum_axis(1).equal(graph.constant(columns as f32));
    (is_number.select(x, graph.constant(0.0)), whole)
}
