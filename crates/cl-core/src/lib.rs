//! The parts of which continual-learning methods are made, and the one training loop that runs them.
//!
//! A method is a few [`parts`](Parts), each a narrow trait that says where it acts: [`Penalty`] on
//! the loss, [`Track`] after each step, [`Gate`] inside the network, [`Consolidate`] at a boundary,
//! [`Rehearse`] on the batch. A [`Strategy`] is the name under which parts travel together. Tuples of
//! strategies are strategies: penalties add, gates multiply, rows concatenate.
//!
//! Nobody writes a training loop but [`run`]; whoever reads `record.rs` knows the order in which the
//! parts act.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod checkpoint;
mod draw;
mod error;
mod evaluate;
mod host;
mod learner;
mod model;
mod parts;
mod population;
mod record;
mod rehearse;
mod run;
mod step;
mod strategy;
mod trial;

pub use checkpoint::{Checkpoint, CheckpointError, Values, rename_durably, write_atomically};
pub use cl_buffers::Row;
pub use error::Error;
pub use learner::{Costs, Learner, Settings};
pub use model::{Data, Model};
pub use parts::{Boundary, Consolidate, Gate, GateSite, Parts, Pass, Penalty, Taken, Track};
pub use rehearse::{Member, Mix, Now, Rehearse, Share};
pub use run::{Observer, Outcome, run};
pub use step::Step;
pub use strategy::{Naive, Needs, Strategy};
pub use trial::{Batch, Trial};
