//! What hidden layers do.

use super::Rows;
use super::testing::testing;
use crate::model::Model;
use crate::parts::Parts;
use cl_tensor::{Error, Plan};

/// The hidden layers of `rows` rows, as an evaluation sees them.
pub(crate) struct Hidden {
    /// Outputs [`hidden_output`], `[rows, units]`: what each layer hands to the next.
    pub plan: Plan,
    /// How many hidden layers there are.
    pub layers: usize,
    /// The parameters that are weights of layers.
    pub weights: Vec<String>,
}

pub(crate) fn hidden(model: &Model, parts: &Parts<'_>, rows: usize) -> Result<Hidden, Error> {
    let (mut layers, mut weights) = (0, Vec::new());
    let plan = testing(model, parts, (Rows::Tested, rows), None, |step| {
        let traced = &step.forward.layers;
        weights.extend(traced.iter().map(|layer| layer.weight.clone()));
        for (number, layer) in traced.iter().skip(1).enumerate() {
            step.graph().output(&hidden_output(number), layer.input);
            layers = number + 1;
        }
    })?;
    Ok(Hidden { plan, layers, weights })
}

/// The output of a hidden layer, counted from 0.
pub(crate) fn hidden_output(layer: usize) -> String {
    format!("hidden/{layer}")
}
