//! Networks that make examples, as formulas over named parameters.
//!
//! | piece | is |
//! |---|---|
//! | [`Vae`] | an encoder, a [`LatentHead`] and a [`Decoder`] in one layout |
//! | [`Gaussian`] | a normal distribution per row: `sample`, `log_density`, `kl_to_standard_normal` |
//! | [`MixturePrior`] | one learned mode per class over latent values |
//! | [`Feedback`] | any [`Network`](crate::Network) with [`FeedbackLayers`] on its features: a latent head and a decoder |
//! | [`Critic`] | of a Wasserstein GAN with gradient penalty, whose generator is a [`Decoder`]; [`Compared`] are its rows |
//! | [`log_importance_weight`], [`log_mean_exp`] | p(x) by importance sampling; [`Vae::log_likelihood`] |
//! | [`Reconstruction`] | how far a decoded image is from the image |
//!
//! Noise is always an argument: a step draws it (`step.normal(..)`), a test fixes it, a population
//! addresses it. Decoders give logits; pixels in [0, 1] are their sigmoid.
//!
//! ```
//! use cl_nn::{Layout, Reconstruction, Theta, Vae};
//! use cl_tensor::Graph;
//!
//! let vae = Vae::new(64, &[128, 128], 20)?;
//! let layout = Layout::new(&vae.params())?;
//! let graph = Graph::new();
//! let flat = graph.slot("vae", &[layout.len()], layout.init());
//! let theta = Theta { flat, layout: &layout };
//! let x = graph.input("x", &[16, 64]);
//! let noise = graph.input("noise", &[16, 20]);
//!
//! // [16], nats per pixel: reconstruction plus divergence from N(0, I).
//! let rows = vae.loss(theta, x, noise, Reconstruction::CrossEntropy);
//! let gradient = graph.grad(rows.mean(), flat);
//! // The pieces: where a row lies, a draw from there, what it looks like.
//! let posterior = vae.encode(theta, x);
//! let z = posterior.sample(noise);
//! let pixels = vae.decode(theta, z).sigmoid();
//! // New images.
//! let made = vae.decode(theta, noise).sigmoid();
//! # Ok::<(), cl_nn::Error>(())
//! ```

mod decoder;
mod feedback;
mod gan;
mod gaussian;
mod likelihood;
mod mixture;
mod vae;

pub use decoder::{Decoder, Reconstruction};
pub use feedback::{Feedback, FeedbackLayers, Variational};
pub use gan::{Compared, Critic};
pub use gaussian::{Gaussian, LatentHead};
pub use likelihood::{log_importance_weight, log_mean_exp};
pub use mixture::MixturePrior;
pub use vae::Vae;
