//! Methods that classify by templates: what is kept of a class is compared with the features of a row.
//!
//! | strategy | name | kept of a class | score |
//! |---|---|---|---|
//! | [`Icarl`] | `icarl` | exemplars, by herding | −‖φ − μ_c‖², μ_c their mean, lengths 1 |
//! | [`TaskFreeIcarl`] | `icarl` without boundaries | exemplars, in a reservoir | the same |
//! | [`IcarlSsl`] | `icarl-ssl` | the same, on features learned without labels | the same |
//! | [`Ncm`] | `ncm`, `ncm-pixels` | its mean | −‖f − μ_c‖² |
//! | [`Slda`] | `slda` | its mean, and one covariance | linear discriminant |
//! | [`Fecam`] | `fecam` | its mean and covariance | −Mahalanobis distance |
//! | [`Ranpac`] | `ranpac` | second moments of random projections | ridge regression |
//! | [`GenerativeClassifier`] | `generative-classifier` | a variational autoencoder | log p̂(x) under it |
//!
//! [`Features`] says of which network the features are: by default one that is trained on the first
//! context and does not move afterwards. Every method here is a read-out, so it goes with any penalty
//! and any replay: `(ExperienceReplay::default(), Ncm { features: Features::Finetuned, .. })`.
//! [`ExemplarMeans`] is the read-out of whatever keeps exemplars.
//!
//! ```
//! use cl_core::Strategy;
//! use cl_templates::{Features, Ncm};
//!
//! let random = Ncm { features: Features::Random, ..Ncm::default() };
//! assert_eq!(random.name(), "ncm");
//! assert_eq!(random.describe()[0].1, "random");
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod barlow;
mod binary;
mod budget;
mod class_adam;
mod class_rows;
mod exemplar_means;
mod exemplars;
mod features;
mod fecam;
mod generative_classifier;
mod icarl;
mod icarl_ssl;
mod icarl_task_free;
mod linear;
mod ncm;
mod normal;
mod problem;
mod projector;
mod range;
mod ranpac;
mod reservoir;
mod ridge;
mod running;
mod slda;
mod views;

pub use barlow::barlow_twins;
pub use binary::BinaryCrossEntropy;
pub use budget::ExemplarBudget;
pub use exemplar_means::ExemplarMeans;
pub use exemplars::{HerdedExemplars, Selection};
pub use features::Features;
pub use fecam::Fecam;
pub use generative_classifier::GenerativeClassifier;
pub use icarl::{Distillation, Icarl};
pub use icarl_ssl::IcarlSsl;
pub use icarl_task_free::TaskFreeIcarl;
pub use ncm::{Lengths, Means, Ncm};
pub use projector::Projector;
pub use ranpac::{Ranpac, Ridge};
pub use slda::Slda;
pub use views::Views;
