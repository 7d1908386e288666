//! What can go wrong while a method is composed or run.

use std::path::PathBuf;

/// An error of the core.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The tensor core refused or stopped a program.
    #[error(transparent)]
    Tensor(#[from] cl_tensor::Error),
    /// The network's parameters do not form a layout.
    #[error(transparent)]
    Network(#[from] cl_nn::Error),
    /// A replay memory refused a row.
    #[error(transparent)]
    Buffer(#[from] cl_buffers::Error),
    /// Accuracies that are not fractions, or rows of different lengths.
    #[error(transparent)]
    Metrics(#[from] cl_metrics::Error),
    /// A checkpoint that cannot be written, read or continued from.
    #[error(transparent)]
    Checkpoint(#[from] crate::CheckpointError),
    /// A method needs what the stream does not show.
    #[error("{strategy} needs {needed}; {shown}")]
    NotShown {
        /// The method.
        strategy: String,
        /// What it needs.
        needed: &'static str,
        /// What the stream shows instead.
        shown: String,
    },
    /// A hyper-parameter outside its range.
    #[error("{strategy}: {name} = {}; expected {expected}", shortest(*value))]
    HyperParameter {
        /// The method.
        strategy: &'static str,
        /// The hyper-parameter.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What is allowed.
        expected: &'static str,
    },
    /// The loss of a member is not a number any more.
    #[error(
        "{strategy}, seed {seed}: the loss is {loss} at context {context}, step {step}; \
         a smaller learning rate or strength may help"
    )]
    Diverged {
        /// The methods that were composed.
        strategy: String,
        /// The member's seed.
        seed: u64,
        /// The loss, in nats.
        loss: f32,
        /// The context, counted from 1.
        context: usize,
        /// The step within the context, counted from 1.
        step: u32,
    },
    /// What a method works out when a context ends has no usable result.
    #[error("{strategy}: end of context {context}: {what}: {reason}")]
    Consolidation {
        /// The method.
        strategy: &'static str,
        /// The context that ended, counted from 1.
        context: usize,
        /// What was to be worked out, and of what: of which layer, of which class.
        what: String,
        /// What was found and what was expected.
        reason: String,
    },
    /// Earlier contexts have taken what later ones would need.
    #[error(
        "{strategy}, seed {seed}: no capacity left after context {context} for {to_come} more: {what}"
    )]
    Capacity {
        /// The method.
        strategy: &'static str,
        /// The member's seed.
        seed: u64,
        /// The context that has ended, counted from 1.
        context: usize,
        /// How many contexts are to come.
        to_come: usize,
        /// What is used up, by how much, and what may help.
        what: String,
    },
    /// Two strategies own a part of which a composition has one.
    #[error("{first} and {second} cannot be composed: both own {part}, of which there is one")]
    TwoOwners {
        /// The part.
        part: &'static str,
        /// The first owner.
        first: String,
        /// The second owner.
        second: String,
    },
    /// Two strategies that cannot work in one composition.
    #[error("{first} and {second} cannot be composed: {reason}")]
    Incompatible {
        /// The one.
        first: String,
        /// The other.
        second: String,
        /// Why not.
        reason: &'static str,
    },
    /// A network that was to start from given weights, where a strategy brings another one.
    #[error(
        "{strategy} trains a network of its own ({network}): given weights do not reach it; leave \
         out either"
    )]
    OwnNetwork {
        /// The strategy.
        strategy: String,
        /// Its network.
        network: String,
    },
    /// A file of weights that cannot be read or does not fit.
    #[error("{}: {problem}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what was expected.
        problem: String,
    },
    /// A saved state that is not what it should be.
    #[error("restoring {what}: {reason}")]
    State {
        /// What was restored.
        what: String,
        /// What is wrong with its state.
        reason: String,
    },
    /// Somebody asked to stop; what was done is saved where the run keeps checkpoints.
    #[error("interrupted in context {context}, after step {step}")]
    Interrupted {
        /// The context, counted from 1.
        context: usize,
        /// Steps taken in its present phase.
        step: u32,
    },
    /// The parts of a run do not fit each other.
    #[error("{0}")]
    Misfit(String),
}

impl Error {
    /// A saved state that is not what it should be.
    pub fn state(what: &str, reason: impl std::fmt::Display) -> Self {
        Self::State { what: what.to_owned(), reason: reason.to_string() }
    }
}

/// A number as it was given: one that came from 32 bits without the digits that they do not hold.
fn shortest(value: f64) -> String {
    let single = value as f32;
    if f64::from(single) == value { single.to_string() } else { value.to_string() }
}
