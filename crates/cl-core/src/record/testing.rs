//! Programs over rows that nothing is trained on.

use super::{LIVE, Places, Recorder, Rows, Segment, input};
use crate::model::Model;
use crate::parts::Parts;
use crate::step::{Sources, Step};
use cl_tensor::{Error, Graph, Plan};

/// Records what is done with `count` rows outside of training: a chunk of an evaluation, or of a pass
/// over the context or over the memory of this name.
pub(super) fn testing(
    model: &Model,
    parts: &Parts<'_>,
    (rows, count): (Rows, usize),
    memory: Option<&str>,
    record: impl FnOnce(&Step<'_, '_>),
) -> Result<Plan, Error> {
    let graph = Graph::new();
    graph.run_only_if(graph.input(LIVE, &[]));
    let theta = model.theta(&graph);
    let recorder = Recorder::testing(&graph, model, parts, rows);
    let segment = Segment::new("", &recorder, theta, model.rows(&graph, "", count));
    let places = memory.map(|name| {
        let cells = graph.input_u32(&input("cells", name), &[count]);
        (name.to_owned(), Places { cells, stored: None, capacity: 0 })
    });
    let places = places.as_slice();
    let sources = Sources { stream: count, per_class: None, joined: &[], segments: &[], places };
    record(&Step::new(&recorder, theta, &segment, sources));
    Plan::compile(&graph)
}
