//! Programs over rows that nothing is trained on.

use super::{LIVE, Recorder, Segment};
use crate::model::Model;
use crate::parts::Parts;
use crate::step::{Sources, Step};
use cl_tensor::{Error, Graph, Plan};

/// Records what is done with `rows` rows outside of training: a chunk of a pass or of an evaluation.
pub(super) fn testing(
    model: &Model,
    parts: &Parts<'_>,
    rows: usize,
    record: impl FnOnce(&Step<'_, '_>),
) -> Result<Plan, Error> {
    let graph = Graph::new();
    graph.run_only_if(graph.input(LIVE, &[]));
    let theta = model.theta(&graph);
    let recorder = Recorder::testing(&graph, model, parts);
    let segment = Segment::new("", &recorder, theta, model.rows(&graph, "", rows));
    let sources = Sources { stream: rows, joined: &[], segments: &[], places: &[] };
    record(&Step::new(&recorder, theta, &segment, sources));
    Plan::compile(&graph)
}
