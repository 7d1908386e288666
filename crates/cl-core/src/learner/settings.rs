//! How a population is trained.

use crate::rehearse::Mix;
use cl_nn::{Optimizer, Schedule};

/// How a population is trained.
#[derive(Debug)]
pub struct Settings {
    /// Steps per context; a stage of length k takes k times as many.
    pub steps: u32,
    /// Rows of the stream per step.
    pub batch: usize,
    /// The optimiser.
    pub optimizer: Box<dyn Optimizer>,
    /// Its learning rate over the steps of a stage.
    pub schedule: Schedule,
    /// Whether the optimiser starts afresh in every context.
    pub reset_optimizer: bool,
    /// How stream and replay are weighed.
    pub mix: Mix,
    /// How many outputs there are, and when.
    pub head: Head,
    /// Threads of the CPU session.
    pub threads: usize,
}

/// Outputs of the network over the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Head {
    /// All of the stream's from the first step on.
    #[default]
    Full,
    /// As many as the contexts so far need: when a context brings new ones, every slot that has an
    /// entry per output or per parameter is padded with its initial values and programs are recorded
    /// anew.
    Growing,
}
