//! Classification of test rows.

use super::{LIVE, Recorder, Segment};
use crate::model::Model;
use crate::parts::Parts;
use crate::step::{Sources, Step};
use cl_nn::losses;
use cl_tensor::{Error, Graph, Plan};

/// How `rows` rows are classified: outputs `scores`, `[rows, outputs]`, inactive ones at −1e30, and
/// `hit`, `[rows]`, 1 where the largest score is that of the right output, else 0.
pub(crate) fn evaluate(model: &Model, parts: &Parts<'_>, rows: usize) -> Result<Plan, Error> {
    let graph = Graph::new();
    graph.run_only_if(graph.input(LIVE, &[]));
    let theta = model.theta(&graph);
    let recorder = Recorder::testing(&graph, model, parts);
    let segment = Segment::new("", &recorder, theta, model.rows(&graph, "", rows));
    let sources = Sources { stream: rows, joined: &[], segments: &[], places: &[] };
    let step = Step::new(&recorder, theta, &segment, sources);
    let scores = match &parts.readout {
        None => step.forward.logits,
        Some((name, readout)) => {
            let (scores, shape) =
                (readout.scores(&step.seen_by(name)), step.forward.logits.shape());
            graph.expect_shape(scores, &shape, &format!("{name}: Readout::scores"))
        }
    };
    let scores = step.active.map_or(scores, |active| losses::mask_inactive(scores, active));
    graph.output("scores", scores);
    graph.output("hit", scores.argmax().equal_index(step.target));
    Plan::compile(&graph)
}
