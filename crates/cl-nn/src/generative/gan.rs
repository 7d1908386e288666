//! The critic of a Wasserstein GAN.

use crate::dense::dense_params;
use crate::error::Error;
use crate::layout::ParamSpec;
use crate::theta::Theta;
use cl_tensor::Var;

/// Keeps the derivative of the root of a squared norm finite where that is 0.
const NORM_FLOOR: f32 = 1e-12;

/// A critic of fully connected layers: `inputs - hidden .. - 1` with leaky ReLU between them, no
/// normalisation over rows, so that each has a slope of its own. With a [`Decoder`](super::Decoder) as its generator it
/// makes a Wasserstein GAN with gradient penalty (Arjovsky, Chintala & Bottou 2017, arXiv 1701.07875;
/// Gulrajani et al. 2017, arXiv 1704.00028).
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `inputs` | | at least 1 | pixels |
/// | `hidden` | | each at least 1; may be empty | units of its layers |
/// | `leak` | 0.2 | \[0, 1\] | slope of a unit below 0 |
///
/// Leaky ReLU, as in the convolutional critics of Gulrajani et al.: D is linear in pieces, so within a
/// piece ∇_x D is a product of weights and does not depend on x. What the penalty needs, the derivative of
/// that slope with respect to the weights, is that product's and exists everywhere but on the borders
/// of the pieces, a set of measure 0; there a unit counts as below 0. Biases get no
/// gradient from the penalty. With a leak above 0 no slope vanishes because all units are off. (With tanh all derivatives
/// exist, but a unit that saturates takes the slope with it that the penalty wants to be 1.)
///
/// Parameters: `w1`, `b1`, `w2`, ...
#[derive(Clone, Debug, PartialEq)]
pub struct Critic {
    /// Pixels.
    pub inputs: usize,
    /// Units of its layers.
    pub hidden: Vec<usize>,
    /// Slope of a unit below 0.
    pub leak: f32,
}

/// Rows that a critic compares.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'g> {
    /// Images of the data, `[rows, inputs]`.
    pub real: Var<'g>,
    /// Images of the generator, `[rows, inputs]`.
    pub made: Var<'g>,
    /// Where between the two of a row the slope is taken, uniform in [0, 1): `[rows, 1]`.
    pub between: Var<'g>,
}

impl Critic {
    /// Slope below 0, as published.
    pub const LEAK: f32 = 0.2;

    /// A critic of these sizes.
    ///
    /// # Errors
    /// A size of 0.
    pub fn new(inputs: usize, hidden: &[usize]) -> Result<Self, Error> {
        let sizes = [&[inputs], hidden].concat();
        if sizes.contains(&0) {
            return Err(Error::CriticSizes { sizes });
        }
        Ok(Self { inputs, hidden: hidden.to_vec(), leak: Self::LEAK })
    }

    /// Its parameters, in order.
    #[must_use]
    pub fn params(&self) -> Vec<ParamSpec> {
        let sizes = [&[self.inputs], &self.hidden[..], &[1]].concat();
        let layers = sizes.windows(2).enumerate();
        layers.flat_map(|(layer, sizes)| dense_params(&name(layer), sizes[0], sizes[1])).collect()
    }

    /// D(x), `[rows]`: higher for what looks like data. `x` is `[rows, inputs]`.
    #[track_caller]
    #[must_use]
    pub fn scores<'g>(&self, theta: Theta<'_, 'g>, x: Var<'g>) -> Var<'g> {
        let (rows, layers) = (x.shape().first().copied().unwrap_or(1), self.hidden.len());
        let up = |h: Var<'g>, layer| {
            let z = theta.dense(&name(layer), h);
            z.relu() * (1.0 - self.leak) + z * self.leak
        };
        theta.dense(&name(layers), (0..layers).fold(x, up)).reshape(&[rows])
    }

    /// (‖∇_x D(x)‖₂ − 1)², `[rows]`: the norm is that of each row over all its pixels (Gulrajani et al.
    /// 2017, eq. 3, without λ).
    #[track_caller]
    #[must_use]
    pub fn penalty<'g>(&self, theta: Theta<'_, 'g>, x: Var<'g>) -> Var<'g> {
        // Rows do not meet in the critic: the gradient of the sum holds the slope of each.
        let slopes = x.graph().grad(self.scores(theta, x).sum(), x);
        ((slopes.square().sum_axis(1) + NORM_FLOOR).sqrt() - 1.0).square()
    }

    /// What the critic minimises, `[rows]`: D(made) − D(real) + λ (‖∇_x̂ D(x̂)‖₂ − 1)² at
    /// x̂ = ε real + (1 − ε) made with ε = `between` (eq. 3); `lambda` is a scalar.
    #[track_caller]
    #[must_use]
    pub fn loss<'g>(&self, theta: Theta<'_, 'g>, rows: Compared<'g>, lambda: Var<'g>) -> Var<'g> {
        let Compared { real, made, between } = rows;
        let straight = between * real + (1.0 - between) * made;
        self.scores(theta, made) - self.scores(theta, real) + lambda * self.penalty(theta, straight)
    }

    /// What the generator minimises, `[rows]`: −D(made) (algorithm 1, line 12).
    #[track_caller]
    #[must_use]
    pub fn generator_loss<'g>(&self, theta: Theta<'_, 'g>, made: Var<'g>) -> Var<'g> {
        -self.scores(theta, made)
    }
}

fn name(layer: usize) -> String {
    (layer + 1).to_string()
}
