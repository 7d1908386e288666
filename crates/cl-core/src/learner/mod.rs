//! A population of members that learn the same way: programs, slots and hosts.

mod boundary;
mod clock;
mod costs;
mod filling;
mod gates;
mod grow;
mod inspect;
mod make;
mod phase;
mod plasticity;
mod programs;
mod pull;
mod settings;
mod state;
mod stream;
mod training;

pub use costs::Costs;
pub(crate) use inspect::Objectives;
pub use make::Learner;
pub use pull::Pull;
pub use settings::{Head, Settings};
pub use training::TrainingProgram;

/// Rows per chunk of a boundary's pass or of an evaluation.
const CHUNK: usize = 128;
