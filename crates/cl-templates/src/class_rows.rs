//! Rows of a batch by class, as inner lanes take them.

use crate::running::outputs;
use cl_core::Step;
use cl_tensor::Var;

/// Below the weight of any row.
const NOTHING: f32 = 1e-30;

/// The rows that the stream brings, and a lane for every class that they may be of.
pub(crate) struct ClassRows<'g> {
    /// All rows, `[rows, inputs]`.
    pub x: Var<'g>,
    /// Lanes and rows of each, where rows come class by class; else every lane sees all rows.
    pub apart: Option<[usize; 2]>,
    /// Weight of each row in its class, `[lanes, rows of a lane]`; those of a class sum to 1, rows of
    /// others have 0.
    pub weight: Var<'g>,
    /// The class of each lane, u32 `[lanes]`; out of range where it has no rows.
    pub class: Var<'g>,
    /// Number of classes.
    pub outputs: usize,
}

impl<'g> ClassRows<'g> {
    pub(crate) fn of(step: &Step<'_, 'g>) -> Self {
        match step.rows_per_class() {
            Some(count) => Self::apart(step, count),
            None => Self::mixed(step),
        }
    }

    /// A lane per class, which sees all rows.
    pub(crate) fn mixed(step: &Step<'_, 'g>) -> Self {
        let (x, one_hot, outputs) = stream(step);
        let one = step.graph().iota(outputs).one_hot(outputs);
        let total = one_hot.sum_axis(0);
        let class = class(one * total.column());
        Self { x, apart: None, weight: one_hot.t() / divisor(total), class, outputs }
    }

    /// A lane per class of the context, which sees its own rows.
    fn apart(step: &Step<'_, 'g>, count: usize) -> Self {
        let (x, one_hot, outputs) = stream(step);
        let lanes = one_hot.shape()[0] / count.max(1);
        let total = one_hot.reshape(&[lanes, count, outputs]).sum_axis(1);
        let weight = one_hot.sum_axis(1).reshape(&[lanes, count]);
        let weight = weight / divisor(total.sum_axis(1));
        Self { x, apart: Some([lanes, count]), weight, class: class(total), outputs }
    }
}

/// Rows of the stream, their weight in the column of their class, and the number of classes.
fn stream<'g>(step: &Step<'_, 'g>) -> (Var<'g>, Var<'g>, usize) {
    let (rows, outputs) = (step.stream_rows(), outputs(step));
    let of_stream = |value: Var<'g>| value.slice(0, rows.clone());
    let one_hot = of_stream(step.target).one_hot(outputs) * of_stream(step.weight).column();
    (of_stream(step.x), one_hot, outputs)
}

/// Totals as divisors, `[lanes, 1]`: 1 where there is nothing.
fn divisor(total: Var<'_>) -> Var<'_> {
    let (graph, none) = (total.graph(), total.graph().constant(0.0));
    total.greater(none).select(total, graph.full(&total.shape(), 1.0)).column()
}

/// Of weights by lane and class, `[lanes, classes]`, the class of each lane; `classes` where all are 0.
fn class(total: Var<'_>) -> Var<'_> {
    let (graph, lanes) = (total.graph(), total.shape()[0]);
    graph.concat(&[total, graph.full(&[lanes, 1], NOTHING)], 1).argmax()
}
