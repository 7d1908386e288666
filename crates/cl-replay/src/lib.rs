//! Methods that replay: rows of earlier contexts return in the batch.
//!
//! | method | memory | replayed |
//! |---|---|---|
//! | [`ExperienceReplay`], `er` | class-balanced, chosen when a context ends; or a reservoir | shuffled passes; or a fresh draw |
//! | [`ReservoirReplay`], `er-reservoir` | a reservoir, online | a fresh draw at every step |
//! | [`Agem`], `agem` | the newest of every class; or four others | never: their gradient bounds the step |
//! | [`Gem`], `gem` | the newest of every context | never: each context's gradient bounds the step |
//! | [`Der`], `der` | a reservoir with logits | held to the stored logits |
//! | [`DerPlusPlus`], `derpp` | the same | and to their labels, another draw |
//! | [`ErAce`], `er-ace` | classes kept equal, online | a fresh draw; new classes compete among themselves |
//! | [`Mir`], `mir` | a reservoir | of some candidates those that the step would harm most |
//! | [`Gdumb`], `gdumb` | classes kept equal, greedily | a new network is trained on them alone |
//! | [`Dgr`], `dgr`, `dgr-distill`, `dgr-gan` | a generator | what it makes, labelled by the frozen network |
//! | [`ReplayThroughFeedback`], `rtf`, `bir` | the network | what it decodes, labelled by itself |
//!
//! A memory chooses rows and their weights relative to each other; how much replay counts against the
//! stream's own rows is a [`Mix`](cl_core::Mix), the strategy's own or that of the run. Memories hold indices, never tensors, and
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

mod agem;
mod budget;
mod der;
mod derpp;
mod episodic;
mod er_ace;
mod experience;
mod gdumb;
mod gem;
pub mod generative;
mod mir;
mod range;
mod reservoir;

pub use agem::{Agem, Constrains, Episodes, project_one};
pub use budget::Budget;
pub use der::{Der, Distance};
pub use derpp::DerPlusPlus;
pub use episodic::{Eligible, EpisodicMemory, Offer, Recall};
pub use er_ace::{Balance, Begins, Competitors, ErAce};
pub use experience::{Exemplars, ExperienceReplay, Store};
pub use gdumb::{Gdumb, Sample};
pub use gem::{Gem, PastContexts, project};
pub use generative::{
    DecoderGates, Dgr, FeedbackGenerator, GanCritic, GanGenerator, GatedBy, Heads, Labels, Prior,
    ReplayThroughFeedback, RowGenerator, VaeGenerator,
};
pub use mir::{Mir, Score};
pub use reservoir::ReservoirReplay;
