//! What gates let through.

use super::Rows;
use super::testing::testing;
use crate::model::Model;
use crate::parts::Parts;
use cl_tensor::{Error, Plan};

/// By what all gates together multiply each hidden layer for `rows` rows: outputs [`gates_output`],
/// `[rows, units]`.
pub(crate) fn gates(model: &Model, parts: &Parts<'_>, rows: usize) -> Result<Plan, Error> {
    testing(model, parts, (Rows::Tested, rows), None, |step| {
        let factors = step.recorder.gates(step.theta, step.x, step.context);
        for (layer, factor) in factors.into_iter().enumerate() {
            step.graph().output(&gates_output(layer), factor);
        }
    })
}

/// The output of a hidden layer, counted from 0 among those that have gates.
pub(crate) fn gates_output(layer: usize) -> String {
    format!("gates/{layer}")
}
