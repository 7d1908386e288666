//! Classification of test rows.

use super::Rows;
use super::testing::testing;
use crate::model::Model;
use crate::parts::Parts;
use cl_nn::losses;
use cl_tensor::{Error, Plan};

/// How `rows` rows are classified: outputs `scores`, `[rows, outputs]`, inactive ones at −1e30, and
/// `hit`, `[rows]`, 1 where the largest score is that of the right output, else 0.
pub(crate) fn evaluate(model: &Model, parts: &Parts<'_>, rows: usize) -> Result<Plan, Error> {
    testing(model, parts, (Rows::Tested, rows), None, |step| {
        let (graph, logits) = (step.graph(), step.forward.logits);
        let scores = parts.readout.as_ref().map_or(logits, |(name, readout)| {
            let scores = readout.scores(&step.seen_by(name));
            graph.expect_shape(scores, &logits.shape(), &format!("{name}: Readout::scores"))
        });
        let scores = step.active.map_or(scores, |active| losses::mask_inactive(scores, active));
        graph.output("scores", scores);
        graph.output("hit", scores.argmax().equal_index(step.target));
    })
}
