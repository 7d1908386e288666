//! From latent values to pixels.

use crate::dense::dense_params;
use crate::layout::{Layout, ParamSpec};
use crate::losses;
use crate::theta::Theta;
use cl_tensor::Var;

/// Fully connected layers with ReLU between them, from latent values to the logits of pixels:
/// `w_up1`, `b_up1`, `w_up2`, ...
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoder {
    /// Latent values, hidden units .., pixels.
    pub sizes: Vec<usize>,
}

impl Decoder {
    /// From `latent` values through the hidden layers of an encoder, the last one first, to `inputs`
    /// pixels.
    #[must_use]
    pub fn mirror(inputs: usize, hidden: &[usize], latent: usize) -> Self {
        let hidden: Vec<usize> = hidden.iter().rev().copied().collect();
        Self { sizes: [&[latent], &hidden[..], &[inputs]].concat() }
    }

    /// The decoder whose parameters stand in a layout.
    #[must_use]
    pub fn of(layout: &Layout) -> Self {
        let weights = (1..).map_while(|layer| layout.range(&format!("w_up{layer}")));
        let mut sizes = Vec::new();
        for range in weights {
            sizes.truncate(sizes.len().saturating_sub(1));
            sizes.extend(&range.shape);
        }
        Self { sizes }
    }

    /// Its parameters, in order.
    #[must_use]
    pub fn params(&self) -> Vec<ParamSpec> {
        let layers = self.sizes.windows(2).enumerate();
        layers.flat_map(|(layer, sizes)| dense_params(&name(layer), sizes[0], sizes[1])).collect()
    }

    /// Units of its hidden layers.
    #[must_use]
    pub fn hidden(&self) -> &[usize] {
        let last = self.sizes.len().saturating_sub(1);
        &self.sizes[1.min(last)..last]
    }

    /// Latent values `[rows, latent]` -> logits of pixels, `[rows, inputs]`.
    #[track_caller]
    #[must_use]
    pub fn logits<'g>(&self, theta: Theta<'_, 'g>, z: Var<'g>) -> Var<'g> {
        self.gated(theta, z, &|_, h| h)
    }

    /// The same with `gate(layer, h)` at every hidden layer, counted from 0, on the values before the
    /// non-linearity, `[rows, units]`, bias included. The output layer is not gated.
    #[track_caller]
    #[must_use]
    pub fn gated<'g>(
        &self,
        theta: Theta<'_, 'g>,
        z: Var<'g>,
        gate: &dyn Fn(usize, Var<'g>) -> Var<'g>,
    ) -> Var<'g> {
        let hidden = self.hidden().len();
        let h = (0..hidden).fold(z, |h, layer| gate(layer, theta.dense(&name(layer), h)).relu());
        theta.dense(&name(hidden), h)
    }
}

fn name(layer: usize) -> String {
    format!("_up{}", layer + 1)
}

/// How far a decoded image is from the image, `[rows]`: a sum over pixels, in nats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reconstruction {
    /// −Σ (x log σ(logit) + (1 − x) log(1 − σ(logit))), pixels in [0, 1].
    #[default]
    CrossEntropy,
    /// ½ Σ (x − σ(logit))²: −log N(x; σ(logit), I) without its constant.
    SquaredError,
}

impl Reconstruction {
    /// The loss of each row; `logits` and `x` are `[rows, pixels]`.
    #[track_caller]
    #[must_use]
    pub fn rows<'g>(self, logits: Var<'g>, x: Var<'g>) -> Var<'g> {
        match self {
            Self::CrossEntropy => losses::binary_cross_entropy_with_logits(logits, x),
            Self::SquaredError => (x - logits.sigmoid()).square().sum_axis(1) * 0.5,
        }
    }
}
