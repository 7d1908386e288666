//! The multi-layer perceptron.

use crate::dense::dense_params;
use crate::error::Error;
use crate::init::Initializer;
use crate::layout::ParamSpec;
use crate::network::{Forward, ForwardContext, LayerTrace, Mode, Network, Point, Site};
use crate::theta::Theta;
use cl_random::Purpose;
use cl_tensor::Var;
use serde::{Deserialize, Serialize};

/// Fully connected layers with biases, ReLU between them.
///
/// Hidden layer l: `z = gate(h W)`, `z = gate(z + b)`, `h = dropout(gate(relu(z)))`, with the gate
/// called at [`Point::PreBias`], [`Point::PreActivation`] and [`Point::PostActivation`]. The output
/// layer is `h W + b`, without a gate. Parameters are `w1`, `b1`, `w2`, ...; weights are `[in, out]`.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `sizes` | | at least 2, all positive | inputs, hidden units .., outputs |
/// | `dropout` | 0 | `[0, 1)` | probability that a hidden unit is dropped in training |
/// | `init` | `FanIn` | | of the weights; biases are PyTorch's with `FanIn`, otherwise 0 |
///
/// Dropout is inverted (Srivastava et al. 2014, section 10): a unit is kept with probability 1 − p
/// and then divided by 1 − p, so evaluation needs no factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mlp {
    /// Inputs, hidden units .., outputs.
    pub sizes: Vec<usize>,
    /// Probability that a hidden unit is dropped in training.
    pub dropout: f32,
    /// How the weights start.
    pub init: Initializer,
}

impl Mlp {
    /// A network of these sizes without dropout, with PyTorch's initial values.
    ///
    /// # Errors
    /// Fewer than two sizes, or a size of 0.
    pub fn new(sizes: &[usize]) -> Result<Self, Error> {
        if sizes.len() < 2 || sizes.contains(&0) {
            return Err(Error::Sizes { sizes: sizes.to_vec() });
        }
        Ok(Self { sizes: sizes.to_vec(), dropout: 0.0, init: Initializer::FanIn })
    }

    /// The same network with dropout.
    ///
    /// # Errors
    /// A probability outside of `[0, 1)`.
    pub fn with_dropout(self, dropout: f32) -> Result<Self, Error> {
        if !(0.0..1.0).contains(&dropout) {
            return Err(Error::Dropout { dropout });
        }
        Ok(Self { dropout, ..self })
    }

    /// The same network with other initial weights.
    #[must_use]
    pub fn with_init(self, init: Initializer) -> Self {
        Self { init, ..self }
    }

    fn dropout<'g>(&self, h: Var<'g>, layer: usize, cx: &ForwardContext<'_, 'g>) -> Var<'g> {
        if cx.mode == Mode::Test || self.dropout == 0.0 {
            return h;
        }
        let graph = h.graph();
        let Some(address) = cx.address else {
            let message = "MLP: dropout in training needs the address of its random numbers";
            return graph.refuse(message.to_owned());
        };
        if !(0.0..1.0).contains(&self.dropout) {
            return graph.refuse(Error::Dropout { dropout: self.dropout }.to_string());
        }
        let keep = 1.0 - self.dropout;
        let probability = graph.constant(keep);
        let kept =
            graph.bernoulli(address, Purpose::DROPOUT, layer as u32, probability, &h.shape());
        h * kept * (1.0 / keep)
    }
}

impl Network for Mlp {
    fn params(&self) -> Vec<ParamSpec> {
        let layer = |(layer, sizes): (usize, &[usize])| {
            let [weight, mut bias] = dense_params(&number(layer), sizes[0], sizes[1]);
            if self.init != Initializer::FanIn {
                bias.init = Initializer::Constant(0.0);
            }
            [ParamSpec { init: self.init, ..weight }, bias]
        };
        self.sizes.windows(2).enumerate().flat_map(layer).collect()
    }

    fn forward<'g>(
        &self,
        theta: Theta<'_, 'g>,
        x: Var<'g>,
        cx: &ForwardContext<'_, 'g>,
    ) -> Forward<'g> {
        let hidden = self.sizes.len().saturating_sub(2);
        let mut layers = Vec::with_capacity(hidden + 1);
        let mut linear =
            |layer: usize, input: Var<'g>, gate: &dyn Fn(Point, Var<'g>) -> Var<'g>| {
                let (weight, bias) = (format!("w{}", number(layer)), format!("b{}", number(layer)));
                let product = input.matmul(theta.get(&weight));
                let pre_activation = gate(Point::PreBias, product) + theta.get(&bias);
                let name = format!("layer{}", layer + 1);
                layers.push(LayerTrace { name, input, product, pre_activation, weight, bias });
                pre_activation
            };
        let mut h = x;
        for layer in 0..hidden {
            let gate = |point: Point, value: Var<'g>| match cx.gate {
                Some(gate) => {
                    let units = self.sizes[layer + 1];
                    gate(&Site { layer, point, units, x, mode: cx.mode }, value)
                }
                None => value,
            };
            let z = gate(Point::PreActivation, linear(layer, h, &gate));
            h = self.dropout(gate(Point::PostActivation, z.relu()), layer, cx);
        }
        let logits = linear(hidden, h, &|_, value| value);
        Forward { logits, features: h, layers }
    }

    fn inputs(&self) -> usize {
        self.sizes.first().copied().unwrap_or(0)
    }

    fn outputs(&self) -> usize {
        self.sizes.last().copied().unwrap_or(0)
    }

    fn hidden(&self) -> Vec<usize> {
        let outputs = self.sizes.len().saturating_sub(1);
        self.sizes[..outputs].iter().skip(1).copied().collect()
    }

    fn with_outputs(&self, outputs: usize) -> Option<Box<dyn Network>> {
        let mut other = self.clone();
        *other.sizes.last_mut()? = outputs;
        Some(Box::new(other))
    }

    fn describe(&self) -> String {
        let sizes: Vec<String> = self.sizes.iter().map(ToString::to_string).collect();
        let sizes = sizes.join("-");
        format!("MLP {sizes}, ReLU, dropout {}, init {:?}", self.dropout, self.init)
    }
}

/// The name of a layer, counted from 1 as in the literature.
fn number(layer: usize) -> String {
    (layer + 1).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test's own functions are tests too
mod tests {
    use super::*;

    #[test]
    fn a_network_says_what_it_is() {
        let mlp = Mlp::new(&[64, 128, 100, 10]).unwrap();
        assert_eq!((mlp.inputs(), mlp.hidden(), mlp.outputs()), (64, vec![128, 100], 10));
        assert_eq!(mlp.describe(), "MLP 64-128-100-10, ReLU, dropout 0, init FanIn");
        let specs = mlp.params();
        let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        assert_eq!(names, ["w1", "b1", "w2", "b2", "w3", "b3"]);
        assert_eq!(specs[2].shape, [128, 100]);
        assert_eq!(specs[3].init, Initializer::FanInOf(128));
    }

    #[test]
    fn impossible_networks_are_refused() {
        assert_eq!(
            Mlp::new(&[64]).unwrap_err().to_string(),
            "MLP: sizes [64], expected inputs, any hidden layers and outputs, all positive"
        );
        assert!(Mlp::new(&[64, 0, 10]).is_err());
        for dropout in [-0.1, 1.0, f32::NAN] {
            assert!(Mlp::new(&[2, 2]).unwrap().with_dropout(dropout).is_err());
        }
    }
}
