//! Methods that gate: a part of the units works in each context.
//!
//! | method | gates |
//! |---|---|
//! | [`Hat`], `hat` | learned with the network, one set per context; what earlier contexts use is frozen |
//! | [`Xdg`], `xdg` | fixed, random, one set per context |
//! | [`PackNet`], `packnet` | none: weights are pruned, frozen and shared out between contexts |
//! | [`Separate`], `separate` | none: a network of its own per context |
//! | [`Lxdg`], `lxdg` | learned with the network, from the raw input |
//!
//! A gate is a part like any other and composes with penalties and replay.
//!
//! ```
//! use cl_core::{Naive, Strategy, check};
//! use cl_gating::Xdg;
//! use cl_scenarios::{Part, Protocol, Scenario, StreamSpec, digits};
//!
//! let data = digits();
//! let stream = |scenario| {
//!     let protocol = Protocol::Split;
//!     StreamSpec { protocol, scenario, contexts: 5, seed: 2, part: Part::Final, pad: 0 }
//!         .build(&data)
//! };
//! let composed = (Xdg::default(), Naive);
//! assert_eq!(composed.name(), "xdg+none");
//! assert!(check(&composed, &stream(Scenario::Task)?, None).is_ok());
//! // The gates of a test example follow from its context, which this stream does not show.
//! assert!(check(&composed, &stream(Scenario::Class)?, None).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod hat;
mod lxdg;
mod packnet;
mod separate;
mod xdg;

pub use cl_nn::Point;
pub use hat::{Annealing, Cumulative, EmbeddingGradient, Hat, Masking};
pub use lxdg::{Anchors, Lxdg, Terms};
pub use packnet::PackNet;
pub use separate::Separate;
pub use xdg::Xdg;
