//! Methods that replay: rows of earlier contexts return in the batch.
//!
//! | method | memory | replayed |
//! |---|---|---|
//! | [`ExperienceReplay`], `er` | class-balanced, chosen when a context ends | shuffled passes |
//! | [`ReservoirReplay`], `er-reservoir` | a reservoir, online | a fresh draw at every step |
//! | [`Dgr`], `dgr`, `dgr-distill` | a generator | what it makes, labelled by the frozen network |
//! | [`ReplayThroughFeedback`], `rtf`, `bir` | the network | what it decodes, labelled by itself |
//!
//! A memory chooses rows and their weights relative to each other; how much replay counts against the
//! stream's own rows is the run's [`Mix`](cl_core::Mix). Memories hold indices, never tensors, and
//! count bytes exactly as if they stored the examples: [`Budget`].
//!
//! ```
//! use cl_core::{Learner, Settings, run};
//! use cl_nn::{Adam, Mlp};
//! use cl_replay::ExperienceReplay;
//! use cl_scenarios::{Part, Protocol, Scenario, StreamSpec, digits};
//!
//! let data = digits();
//! let (protocol, scenario) = (Protocol::Split, Scenario::Class);
//! let spec = StreamSpec { protocol, scenario, contexts: 5, seed: 2, part: Part::Final, pad: 0 };
//! let er = ExperienceReplay::per_class(10);
//! let settings = Settings::new(20, 32, Box::new(Adam::new(1e-3)));
//! let network = Box::new(Mlp::new(&[64, 32, 10])?);
//! let members: Vec<(u64, Box<dyn cl_scenarios::Stream>)> =
//!     vec![(2, Box::new(spec.build(&data)?))];
//! let mut learner = Learner::new(&er, &data, members, network, settings)?;
//! run(&mut learner, &mut ())?;
//! // Two classes of each of four contexts, ten images of 64 bytes and a label each.
//! assert_eq!(learner.bytes_kept(), 2 * 4 * 10 * 65);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod budget;
mod experience;
pub mod generative;
mod reservoir;

pub use budget::Budget;
pub use experience::{Exemplars, ExperienceReplay};
pub use generative::{
    DecoderGates, Dgr, FeedbackGenerator, GatedBy, Heads, Labels, Prior, ReplayThroughFeedback,
    VaeGenerator,
};
pub use reservoir::{ReservoirMemory, ReservoirReplay};
