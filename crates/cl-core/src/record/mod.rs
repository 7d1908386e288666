//! The programs of a run. Whoever reads [`step()`] knows the order in which the parts act.

mod batch;
mod boundary;
mod evaluate;
mod gates;
mod hidden;
mod inputs;
mod recorder;
mod step;
mod testing;

pub(crate) use batch::{Batch, MemoryRows, Places, Segment};
pub(crate) use boundary::{consolidate, examples_input, observe};
pub(crate) use evaluate::evaluate;
pub(crate) use gates::{gates, gates_output};
pub(crate) use hidden::{Hidden, hidden, hidden_output};
pub(crate) use inputs::{ACTIVE, IMAGES, TAP_INDEX, TAP_WEIGHT, input, row_draw_input, row_draws};
pub(crate) use recorder::{Recorder, Rows};
pub(crate) use step::{PENALTY_GRADIENT, Program, TASK_GRADIENT, objectives, pull, step};

/// The slot of all parameters.
pub(crate) const THETA: &str = "theta";
/// The scope of the optimiser's slots.
pub(crate) const OPTIMIZER: &str = "optimizer";
/// The input that says whether a member takes part in a run of a program: 1, or 0 where it idles.
pub(crate) const LIVE: &str = "live";
/// The output that holds what a program minimises.
pub(crate) const LOSS: &str = "loss";
