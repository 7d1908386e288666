//! The variational autoencoder.

use super::{Decoder, Gaussian, LatentHead, Reconstruction, log_importance_weight, log_mean_exp};
use crate::dense::dense_params;
use crate::error::Error;
use crate::layout::ParamSpec;
use crate::theta::Theta;
use cl_tensor::Var;

/// A variational autoencoder of fully connected layers (Kingma & Welling 2014, arXiv 1312.6114).
///
/// Encoder `inputs - hidden ..` with ReLU, a [`LatentHead`], and the mirrored [`Decoder`]; prior
/// N(0, I). The loss of a row is minus the evidence lower bound per pixel,
/// (reconstruction + KL(q(z|x) ‖ N(0, I))) / inputs, with one draw z ~ q(z|x).
///
/// | field | range | what |
/// |---|---|---|
/// | `inputs` | at least 1 | pixels |
/// | `hidden` | each at least 1; may be empty | units of the encoder's layers |
/// | `latent` | at least 1 | latent values |
///
/// Parameters: `w_down1`, `b_down1`, .., those of the head, those of the decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vae {
    /// Pixels.
    pub inputs: usize,
    /// Units of the encoder's layers; the decoder has the same in the other order.
    pub hidden: Vec<usize>,
    /// Latent values.
    pub latent: usize,
}

impl Vae {
    /// A variational autoencoder of these sizes.
    ///
    /// # Errors
    /// A size of 0.
    pub fn new(inputs: usize, hidden: &[usize], latent: usize) -> Result<Self, Error> {
        let sizes = [&[inputs], hidden, &[latent]].concat();
        if sizes.contains(&0) {
            return Err(Error::VaeSizes { sizes });
        }
        Ok(Self { inputs, hidden: hidden.to_vec(), latent })
    }

    /// Its parameters, in order.
    #[must_use]
    pub fn params(&self) -> Vec<ParamSpec> {
        let sizes = [&[self.inputs], &self.hidden[..]].concat();
        let layers = sizes.windows(2).enumerate();
        let down = layers.flat_map(|(layer, sizes)| dense_params(&name(layer), sizes[0], sizes[1]));
        down.chain(self.head().params()).chain(self.decoder().params()).collect()
    }

    fn head(&self) -> LatentHead {
        let features = self.hidden.last().copied().unwrap_or(self.inputs);
        LatentHead { features, latent: self.latent }
    }

    /// Its decoder.
    #[must_use]
    pub fn decoder(&self) -> Decoder {
        Decoder::mirror(self.inputs, &self.hidden, self.latent)
    }

    /// q(z|x): images `[rows, inputs]` -> where each lies.
    #[track_caller]
    #[must_use]
    pub fn encode<'g>(&self, theta: Theta<'_, 'g>, x: Var<'g>) -> Gaussian<'g> {
        let down = |h, layer| theta.dense(&name(layer), h).relu();
        self.head().gaussian(theta, (0..self.hidden.len()).fold(x, down))
    }

    /// Latent values `[rows, latent]` -> logits of pixels, `[rows, inputs]`; their sigmoid is the image.
    #[track_caller]
    #[must_use]
    pub fn decode<'g>(&self, theta: Theta<'_, 'g>, z: Var<'g>) -> Var<'g> {
        self.decoder().logits(theta, z)
    }

    /// The loss of each row, `[rows]`, in nats per pixel; `noise` is standard normal, `[rows, latent]`.
    #[track_caller]
    #[must_use]
    pub fn loss<'g>(
        &self,
        theta: Theta<'_, 'g>,
        x: Var<'g>,
        noise: Var<'g>,
        reconstruction: Reconstruction,
    ) -> Var<'g> {
        let posterior = self.encode(theta, x);
        let logits = self.decode(theta, posterior.sample(noise));
        let bound = reconstruction.rows(logits, x) + posterior.kl_to_standard_normal();
        bound * (1.0 / self.inputs as f32)
    }

    /// log p(x) of each row, `[rows]`, in nats, up to a constant of −½ log 2π per pixel, estimated by
    /// importance sampling with q(z|x) as proposal:
    ///
    /// log p̂(x) = log (1/S) Σ_s p(x|z_s) p(z_s) / q(z_s|x), z_s ~ q(z|x), p(x|z) = N(x; decoded z, I)
    /// (van de Ven, Li & Tolias 2021, arXiv 2104.10093, eq. 2; Burda et al. 2016).
    ///
    /// `noise` is standard normal, `[samples, rows, latent]`, or `[samples, 1, latent]` where all rows
    /// share their draws. Samples are inner lanes: memory does not grow with their number.
    #[track_caller]
    #[must_use]
    pub fn log_likelihood<'g>(&self, theta: Theta<'_, 'g>, x: Var<'g>, noise: Var<'g>) -> Var<'g> {
        let posterior = self.encode(theta, x);
        let samples = noise.shape().first().copied().unwrap_or(0);
        let [terms] = noise.graph().inner(samples, [noise], |_, [noise]| {
            let z = posterior.sample(noise);
            let mean = self.decode(theta, z).sigmoid();
            [log_importance_weight(x, mean, posterior, z).stacked()]
        });
        log_mean_exp(terms)
    }

    /// The sizes in one line.
    #[must_use]
    pub fn describe(&self) -> String {
        let sizes = [&[self.inputs], &self.hidden[..]].concat();
        let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
        format!("VAE {}-z{}, mirrored, ReLU", sizes.join("-"), self.latent)
    }
}

fn name(layer: usize) -> String {
    format!("_down{}", layer + 1)
}
