//! The parts of which continual-learning methods are made, and the one training loop that runs them.
//!
//! A method is a few parts, each a narrow trait that says where it acts:
//!
//! | part | acts |
//! |---|---|
//! | [`Penalty`] | on the loss |
//! | [`Criterion`] | in place of the cross-entropy |
//! | [`GradientMap`] | on gradients and steps |
//! | [`Track`] | after each step |
//! | [`Gate`] | inside the network |
//! | [`WeightView`] | on theta, per context |
//! | [`Backbone`] | in place of the network |
//! | [`Readout`] | at test time |
//! | [`Module`] | beside theta |
//! | [`Generate`] | on the batch, on the device |
//! | [`Rehearse`] | on the batch, on the host |
//! | [`Consolidate`] | at a boundary |
//! | [`Phases`] | on the schedule |
//! | [`Detect`] | where nobody tells boundaries |
//!
//! A [`Strategy`] is the name under which [`Parts`] travel together. Tuples of strategies are
//! strategies: penalties add, gates multiply, gradient maps fold in order, rows concatenate.
//!
//! Nobody writes a training loop but [`run()`]; whoever reads `record/step.rs` knows the order in which
//! the parts act.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod checkpoint;
pub mod conformance;
mod draw;
mod error;
mod evaluate;
mod gates;
mod host;
mod learner;
mod memory;
mod model;
mod parts;
mod population;
mod record;
mod rehearse;
mod reports;
mod rows;
mod run;
mod saver;
mod slots;
mod step;
mod strategy;
mod trial;
mod weights;

pub use checkpoint::{Checkpoint, CheckpointError, Values, rename_durably, write_atomically};
pub use cl_buffers::Row;
pub use error::Error;
pub use evaluate::Evaluation;
pub use gates::MeanGates;
pub use learner::{Costs, Head, Learner, Pull, Settings, TrainingProgram};
pub use model::{Data, Linear, Model};
pub use parts::{
    Around, At, Backbone, Boundary, Consolidate, Criterion, Detect, Gate, GateSite, Generate,
    GradientMap, Length, Module, Over, Parts, Pass, Penalty, Phase, PhaseContext, Phases, Readout,
    Source, Start, Taken, Track, Trains, ViewSite, WeightView,
};
pub use rehearse::{Fill, Member, Mix, Now, Rehearse, Share, from_state, to_state};
pub use reports::Reports;
pub use rows::{Head as TargetHead, RecordedRows, Targets};
pub use run::{Observer, Outcome, Progress, run};
pub use saver::{Every, Saver};
pub use slots::SlotStore;
pub use step::Step;
pub use strategy::{Naive, Needs, Shown, Strategy, check};
pub use trial::{Batch, Replayed, Trial};
pub use weights::Weights;
