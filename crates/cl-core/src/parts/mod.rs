//! The parts: where a method acts.

mod composition;
mod consolidate;
mod detect;
mod gradient;
mod loss;
mod module;
mod names;
mod network;
mod phases;
#[cfg(test)]
mod tests;

pub(crate) use composition::Joins;
pub use composition::Parts;
pub use consolidate::{At, Boundary, Consolidate, Over, Pass};
pub use detect::Detect;
pub use gradient::{GradientMap, Taken, Track};
pub use loss::{Criterion, Penalty};
pub use module::Module;
pub(crate) use names::find;
pub use network::{Around, Backbone, Gate, GateSite, Generate, Readout, ViewSite, WeightView};
pub use phases::{Length, Phase, PhaseContext, Phases, Source, Start, Trains};
