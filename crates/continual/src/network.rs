//! The network by sizes and names.

use crate::Error;
use cl_core::{Head, Weights};
use cl_nn::{Initializer, Mlp, Network, Pretrained};
use std::sync::Arc;

/// The initial weights that can be chosen by name, the default first.
pub(crate) const INITIALIZERS: [(&str, Initializer); 6] = [
    ("fan-in", Initializer::FanIn),
    ("xavier-uniform", Initializer::XavierUniform),
    ("xavier-normal", Initializer::XavierNormal),
    ("kaiming-uniform", Initializer::KaimingUniform),
    ("kaiming-normal", Initializer::KaimingNormal),
    ("orthogonal", Initializer::Orthogonal { gain: 1.0 }),
];

/// When there are outputs, by name, the default first.
pub(crate) const HEADS: [(&str, Head); 2] = [("full", Head::Full), ("growing", Head::Growing)];

/// A multi-layer perceptron but for its inputs and outputs, which data and scenario decide.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NetworkSpec {
    pub hidden: Vec<usize>,
    pub dropout: f64,
    pub init: Initializer,
    /// What it starts with in place of drawn values.
    pub weights: Option<Arc<Weights>>,
}

impl NetworkSpec {
    /// The most parameters of a network: a population of more would end without memory, not with a
    /// message.
    const MOST_PARAMETERS: usize = 100_000_000;

    pub(crate) fn of(hidden: &[usize]) -> Self {
        Self { hidden: hidden.to_vec(), dropout: 0.0, init: Initializer::FanIn, weights: None }
    }

    pub(crate) fn build(&self, inputs: usize, outputs: usize) -> Result<Box<dyn Network>, Error> {
        let sizes = [&[inputs], &self.hidden[..], &[outputs]].concat();
        let parameters = sizes.windows(2).fold(0_usize, |sum, layer| {
            sum.saturating_add(layer[0].saturating_add(1).saturating_mul(layer[1]))
        });
        if parameters > Self::MOST_PARAMETERS {
            return Err(Error::Impossible(format!(
                "MLP of sizes {sizes:?}: {parameters} parameters, expected at most {}",
                Self::MOST_PARAMETERS
            )));
        }
        let mlp = Mlp::new(&sizes)?.with_dropout(self.dropout as f32)?.with_init(self.init);
        let Some(weights) = &self.weights else { return Ok(Box::new(mlp)) };
        let started = Pretrained::new(Box::new(mlp), weights.values.clone());
        let refused = |error: cl_nn::Error| cl_core::Error::Weights {
            path: weights.path.clone(),
            problem: format!("{error}, for an MLP of sizes {sizes:?}"),
        };
        Ok(Box::new(started.map_err(refused)?))
    }

    /// The initial weights by name.
    pub(crate) fn init_name(&self) -> String {
        let named = INITIALIZERS.iter().find(|(_, init)| *init == self.init);
        named.map_or_else(|| format!("{:?}", self.init), |(name, _)| (*name).to_owned())
    }

    /// For the record of a run.
    pub(crate) fn describe(&self) -> String {
        let init = match self.init {
            Initializer::FanIn => "weights and biases uniform in 1/sqrt(fan_in)".to_owned(),
            _ => format!("weights {}, biases 0", self.init_name()),
        };
        let dropout = match self.dropout {
            0.0 => "no dropout".to_owned(),
            p => format!("dropout {p} of hidden units, inverted"),
        };
        let start = match &self.weights {
            None => String::new(),
            Some(weights) => {
                let name = weights.path.file_name().unwrap_or_default().display();
                format!(", but for those that start as in {name} (SHA-256 {})", weights.sha256)
            }
        };
        format!("MLP, ReLU, biases, {init}, {dropout}{start}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_tells_what_is_not_usual() {
        let mut network = NetworkSpec::of(&[8]);
        assert_eq!(
            network.describe(),
            "MLP, ReLU, biases, weights and biases uniform in 1/sqrt(fan_in), no dropout"
        );
        network.dropout = 0.5;
        network.init = Initializer::KaimingNormal;
        assert_eq!(
            network.describe(),
            "MLP, ReLU, biases, weights kaiming-normal, biases 0, dropout 0.5 of hidden units, inverted"
        );
    }
}
