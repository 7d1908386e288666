//! Methods that replay what a generator makes, recorded on the device.
//!
//! | method | generator | labels |
//! |---|---|---|
//! | [`Dgr`], `dgr` | a variational autoencoder of its own | the frozen network's likeliest output |
//! | [`Dgr::distill`], `dgr-distill` | the same | the frozen network's probabilities |
//! | [`Dgr::gan`], `dgr-gan` | a Wasserstein GAN of its own | the frozen network's likeliest output |
//! | [`ReplayThroughFeedback::rtf`], `rtf` | the network itself, decoding its features | the same |
//! | [`ReplayThroughFeedback::bir`], `bir` | the same with a mode per output and gates | the same |
//!
//! Generation, labelling and training are one program. What a generator makes is measured
//! ([`spread`], slot [`SPREAD`]; [`Judged`], slot [`SHARES`]) and shown (slot [`ALBUM`]).

mod album;
mod answers;
mod batch;
mod dgr;
mod feedback;
mod gan;
mod judged;
mod modes;
mod rows;
mod rtf;
mod spread;
mod vae;

pub use album::{ALBUM, SAMPLED, SAMPLES, SHOWN};
pub use answers::{Heads, Labels};
pub use dgr::Dgr;
pub use feedback::{DecoderGates, FeedbackGenerator, GatedBy, Prior};
pub use gan::{GanCritic, GanGenerator};
pub use judged::{Judge, Judged, SHARES};
pub use rows::{RowGenerator, show};
pub use rtf::ReplayThroughFeedback;
pub use spread::{SPREAD, spread};
pub use vae::VaeGenerator;
