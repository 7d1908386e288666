//! Programs over rows that nothing is trained on.

use super::{LIVE, Recorder, Rows, Segment};
use crate::model::Model;
use crate::parts::Parts;
use crate::step::{Sources, Step};
use cl_tensor::{Error, Graph, Plan};

/// Records what is done with `count` rows outside of training: a chunk of a pass or of an evaluation.
pub(super) fn testing(
    model: &Model,
    parts: &Parts<'_>,
    (rows, count): (Rows, usize),
    record: impl FnOnce(&Step<'_, '_>),
) -> Result<Plan, Error> {
    let graph = Graph::new();
    graph.run_only_if(graph.input(LIVE, &[]));
    let theta = model.theta(&graph);
    let recorder = Recorder::testing(&graph, model, parts, rows);
    let segment = Segment::new("", &recorder, theta, model.rows(&graph, "", count));
    let sources = Sources { stream: count, joined: &[], segments: &[], places: &[] };
    record(&Step::new(&recorder, theta, &segment, sources));
    Plan::compile(&graph)
}
