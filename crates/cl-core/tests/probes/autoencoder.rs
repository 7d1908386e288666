//! A network that is a classifier and an autoencoder in one, all of it in theta.

use cl_nn::{Forward, ForwardContext, Network, ParamSpec, Theta, dense_params};
use cl_tensor::Var;

pub const LATENT: usize = 6;
const UNITS: usize = 20;

/// The encoder's features serve the classifier and the latent values; the decoder is apart.
#[derive(Debug)]
pub struct Autoencoder {
    pub inputs: usize,
    pub outputs: usize,
}

/// Latent values `[rows, latent]` -> pixels before the sigmoid.
pub fn decode<'g>(theta: Theta<'_, 'g>, latent: Var<'g>) -> Var<'g> {
    theta.dense("out", theta.dense("up", latent).relu())
}

impl Network for Autoencoder {
    fn params(&self) -> Vec<ParamSpec> {
        [
            dense_params("in", self.inputs, UNITS),
            dense_params("class", UNITS, self.outputs),
            dense_params("latent", UNITS, 2 * LATENT),
            dense_params("up", LATENT, UNITS),
            dense_params("out", UNITS, self.inputs),
        ]
        .concat()
    }
    fn forward<'g>(
        &self,
        theta: Theta<'_, 'g>,
        x: Var<'g>,
        _: &ForwardContext<'_, 'g>,
    ) -> Forward<'g> {
        let features = theta.dense("in", x).relu();
        Forward { logits: theta.dense("class", features), features, layers: Vec::new() }
    }
    fn inputs(&self) -> usize {
        self.inputs
    }
    fn outputs(&self) -> usize {
        self.outputs
    }
    fn hidden(&self) -> Vec<usize> {
        Vec::new()
    }
    fn describe(&self) -> String {
        format!("autoencoder {}-{UNITS}-{}, latent {LATENT}", self.inputs, self.outputs)
    }
}
