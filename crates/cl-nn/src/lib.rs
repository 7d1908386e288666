//! Networks, initialisers, losses, optimisers and schedules: formulas recorded over one flat
//! parameter vector theta.
//!
//! A [`Network`] declares its parameters as [`ParamSpec`]s; a [`Layout`] makes them named ranges of
//! theta; [`Theta`] reads a range back as a recorded value. An [`Optimizer`] turns a gradient of
//! theta into a step.
//!
//! ```
//! use cl_nn::{Adam, ForwardContext, Layout, Mlp, Network, Optimizer, Theta, losses};
//! use cl_tensor::{Graph, Init, Plan, Scope};
//!
//! let network = Mlp::new(&[4, 8, 3])?;
//! let layout = Layout::new(&network.params())?;
//! let graph = Graph::new();
//! let flat = graph.slot("theta", &[layout.len()], layout.init());
//! let x = graph.input("x", &[16, 4]);
//! let target = graph.input_u32("target", &[16]);
//!
//! let theta = Theta { flat, layout: &layout };
//! let forward = network.forward(theta, x, &ForwardContext::test());
//! let loss = losses::cross_entropy(forward.logits, target, None).mean();
//! let step = Adam::new(1e-3).delta(
//!     &Scope::new(&graph, "optimizer"),
//!     &layout,
//!     flat,
//!     graph.grad(loss, flat),
//!     graph.constant(1.0),
//! );
//! graph.assign("theta", flat + step);
//! let plan = Plan::compile(&graph)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod clip;
mod dense;
mod error;
pub mod generative;
mod init;
mod layout;
pub mod losses;
mod mlp;
mod network;
mod optimizer;
mod orthogonal;
mod pretrained;
mod schedule;
mod theta;

pub use clip::{clip_norm, clip_value};
pub use dense::dense_params;
pub use error::Error;
pub use generative::{
    Compared, Critic, Decoder, Feedback, FeedbackLayers, Gaussian, LatentHead, MixturePrior,
    Reconstruction, Vae, Variational, log_importance_weight, log_mean_exp,
};
pub use init::Initializer;
pub use layout::{Layout, ParamRange, ParamSpec, ParamValues};
pub use mlp::Mlp;
pub use network::{Forward, ForwardContext, GateFn, LayerTrace, Mode, Network, Point, Site};
pub use optimizer::{Adam, AdamW, Optimizer, Sgd};
pub use pretrained::Pretrained;
pub use schedule::Schedule;
pub use theta::Theta;
