//! A classifier whose features are decoded back into examples.

use super::{Decoder, Gaussian, LatentHead, MixturePrior, Reconstruction};
use crate::layout::{ParamSpec, ParamValues};
use crate::network::{Forward, ForwardContext, Network};
use crate::theta::Theta;
use cl_tensor::Var;
use std::ops::Range;

/// What feedback adds to a classifier: layers from its features to latent values and back to pixels,
/// the mirror image of its hidden layers. Parameters: `w_mean`, .., `w_up1`, .., then those of the prior.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedbackLayers {
    /// To latent values.
    pub head: LatentHead,
    /// Back to pixels.
    pub decoder: Decoder,
    /// A learned mode per output; `None`: N(0, I).
    pub prior: Option<MixturePrior>,
}

/// A network that is a classifier and a variational autoencoder in one (van de Ven & Tolias 2018,
/// arXiv 1809.10635): its features serve the outputs and a [`LatentHead`], whose draws a [`Decoder`]
/// turns back into pixels. Parameters: the classifier's own, then those of [`FeedbackLayers`].
///
/// The classifier keeps its sites, so gates act on it as without feedback.
#[derive(Debug)]
pub struct Feedback {
    classifier: Box<dyn Network>,
    /// What comes after its features.
    pub layers: FeedbackLayers,
}

/// Rows that are encoded, decoded and compared.
#[derive(Clone, Copy)]
pub struct Variational<'a, 'g> {
    /// Images, `[rows, inputs]`.
    pub x: Var<'g>,
    /// The classifier's features of them, `[rows, features]`.
    pub features: Var<'g>,
    /// Standard normal, `[rows, latent]`.
    pub noise: Var<'g>,
    /// p of each row over classes, `[rows, classes]`; read where the prior has modes.
    pub probabilities: Var<'g>,
    /// Called on the decoder's hidden layers: [`Decoder::gated`].
    pub gate: &'a dyn Fn(usize, Var<'g>) -> Var<'g>,
    /// How images are compared.
    pub reconstruction: Reconstruction,
}

impl FeedbackLayers {
    /// Those of a classifier; `modes`: a learned mode per output.
    #[must_use]
    pub fn of(classifier: &dyn Network, latent: usize, modes: bool) -> Self {
        let (inputs, hidden) = (classifier.inputs(), classifier.hidden());
        let features = hidden.last().copied().unwrap_or(inputs);
        Self {
            head: LatentHead { features, latent },
            decoder: Decoder::mirror(inputs, &hidden, latent),
            prior: modes.then(|| MixturePrior { classes: classifier.outputs(), latent }),
        }
    }

    fn params(&self) -> Vec<ParamSpec> {
        let mut params = self.head.params();
        params.extend(self.decoder.params());
        params.extend(self.prior.iter().flat_map(MixturePrior::params));
        params
    }

    /// Where rows lie: `[rows, features]` -> q(z|x).
    #[track_caller]
    #[must_use]
    pub fn encode<'g>(&self, theta: Theta<'_, 'g>, features: Var<'g>) -> Gaussian<'g> {
        self.head.gaussian(theta, features)
    }

    /// Reconstruction and divergence of each row, both `[rows]`, in nats per pixel. The divergence is
    /// KL(q(z|x) ‖ N(0, I)), or log q(z|x) − log p(z) at the drawn z where the prior has modes (van de
    /// Ven, Siegelmann & Tolias 2020, eq. 12: an estimate by one sample).
    #[track_caller]
    #[must_use]
    pub fn losses<'g>(&self, theta: Theta<'_, 'g>, rows: &Variational<'_, 'g>) -> [Var<'g>; 2] {
        let posterior = self.encode(theta, rows.features);
        let z = posterior.sample(rows.noise);
        let logits = self.decoder.gated(theta, z, rows.gate);
        let divergence = match &self.prior {
            None => posterior.kl_to_standard_normal(),
            Some(prior) => {
                posterior.log_density(z) - prior.log_density(theta, z, rows.probabilities)
            }
        };
        let per_pixel = 1.0 / self.decoder.sizes.last().copied().unwrap_or(1) as f32;
        [rows.reconstruction.rows(logits, rows.x) * per_pixel, divergence * per_pixel]
    }
}

impl Feedback {
    /// Feedback to a classifier; `modes`: with a learned mode per output.
    #[must_use]
    pub fn new(classifier: Box<dyn Network>, latent: usize, modes: bool) -> Self {
        let layers = FeedbackLayers::of(&*classifier, latent, modes);
        Self { classifier, layers }
    }
}

impl Network for Feedback {
    fn params(&self) -> Vec<ParamSpec> {
        [self.classifier.params(), self.layers.params()].concat()
    }

    fn start(&self) -> &[ParamValues] {
        self.classifier.start()
    }

    fn forward<'g>(
        &self,
        theta: Theta<'_, 'g>,
        x: Var<'g>,
        cx: &ForwardContext<'_, 'g>,
    ) -> Forward<'g> {
        self.classifier.forward(theta, x, cx)
    }

    fn inputs(&self) -> usize {
        self.classifier.inputs()
    }

    fn outputs(&self) -> usize {
        self.classifier.outputs()
    }

    fn outputs_of(&self, context: usize) -> Range<usize> {
        self.classifier.outputs_of(context)
    }

    fn hidden(&self) -> Vec<usize> {
        self.classifier.hidden()
    }

    fn with_outputs(&self, outputs: usize) -> Option<Box<dyn Network>> {
        let classifier = self.classifier.with_outputs(outputs)?;
        let FeedbackLayers { head, prior, .. } = &self.layers;
        Some(Box::new(Self::new(classifier, head.latent, prior.is_some())))
    }

    fn describe(&self) -> String {
        let FeedbackLayers { head, prior, .. } = &self.layers;
        let prior = if prior.is_some() { "a mode per output" } else { "N(0, I)" };
        format!(
            "{} with feedback: latent {}, mirrored decoder, prior {prior}",
            self.classifier.describe(),
            head.latent
        )
    }
}
