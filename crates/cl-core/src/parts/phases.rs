//! What a context's training consists of.

use cl_nn::{Optimizer, Schedule};
use cl_scenarios::StreamKind;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Acts on the schedule; a composition has at most one: reset and train on the buffer, retrain after
/// pruning, critic steps.
///
/// ```
/// use cl_core::{Phase, PhaseContext, Phases, Start};
/// use cl_scenarios::StreamKind;
///
/// // In the middle of a context the optimiser starts afresh.
/// struct Twice;
///
/// impl Phases for Twice {
///     fn phases(&self, context: PhaseContext) -> Vec<Phase> {
///         let first = context.steps / 2;
///         let second = Phase::stream("second", context.steps - first);
///         vec![Phase::stream("first", first), Phase { start: Start::Optimizer, ..second }]
///     }
/// }
///
/// let (kind, stages) = (StreamKind::Sharp, 5);
/// let context =
///     PhaseContext { stage: 0, stages, contexts: 1, classes: 2, kind, steps: 9, batch: 32 };
/// let names: Vec<&str> = Twice.phases(context).iter().map(|phase| phase.name).collect();
/// assert_eq!(names, ["first", "second"]);
/// ```
pub trait Phases {
    /// The phases of a context, in order.
    fn phases(&self, context: PhaseContext) -> Vec<Phase>;
}

/// The context whose phases are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseContext {
    /// The stage, counted from 0.
    pub stage: usize,
    /// Number of stages.
    pub stages: usize,
    /// Number of contexts whose rows the stage draws.
    pub contexts: usize,
    /// Classes of these rows: output units within a context.
    pub classes: usize,
    /// How the stream goes from one context to the next.
    pub kind: StreamKind,
    /// Steps that the run gives the stage.
    pub steps: u32,
    /// Rows of the stream per step.
    pub batch: usize,
}

/// A stretch of steps of one kind.
#[derive(Clone, Debug)]
pub struct Phase {
    /// Its name; consolidations wait for it ([`At::PhaseEnd`](crate::At::PhaseEnd)).
    pub name: &'static str,
    /// Where its rows come from.
    pub rows: Source,
    /// How long it lasts.
    pub length: Length,
    /// What a step trains; several programs make a cycle, run one after the other at every step, each
    /// on rows of its own. Empty: rows pass by memories and nothing is trained.
    pub cycle: Vec<Trains>,
    /// Another optimiser than the run's.
    pub optimizer: Option<Arc<dyn Optimizer>>,
    /// Another schedule than the run's.
    pub schedule: Option<Schedule>,
    /// What starts afresh when it begins.
    pub start: Start,
}

impl Phase {
    /// The run's own: rows of the stream, everything is trained.
    #[must_use]
    pub fn stream(name: &'static str, steps: u32) -> Self {
        Self {
            name,
            rows: Source::Stream,
            length: Length::Steps(steps),
            cycle: vec![Trains::Everything],
            optimizer: None,
            schedule: None,
            start: Start::AsItIs,
        }
    }

    /// Rows of each class of a batch, where they come class by class; `batch`: rows of the run's step.
    pub(crate) fn rows_per_class(&self, batch: usize) -> Option<usize> {
        (self.rows == Source::StreamByClass).then_some(batch)
    }
}

/// Where the rows of a phase come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Source {
    /// The stream, beside what memories add.
    Stream,
    /// The stream, the same number of rows of every class of the context, class by class: a
    /// program over inner lanes reads them as `[classes, batch, ..]`
    /// ([`Step::rows_per_class`](crate::Step::rows_per_class)).
    StreamByClass,
    /// Memories alone.
    Memory,
}

/// How long a phase lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So many steps.
    Steps(u32),
    /// So many passes over what memories keep when it begins; members may differ, and who is through
    /// idles.
    Passes(u32),
}

/// What one program trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trains {
    /// The network and all modules.
    Everything,
    /// The network.
    Network,
    /// The network and all modules but that of this name, `STRATEGY/NAME` or `NAME`: behind programs of a
    /// cycle that train it alone.
    AllBut(&'static str),
    /// The module of this name, `STRATEGY/NAME` or `NAME`.
    Module(&'static str),
}

impl Trains {
    /// Whether the network is trained.
    pub(crate) fn network(self) -> bool {
        !matches!(self, Self::Module(_))
    }
}

/// What starts afresh when a phase begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// Nothing.
    #[default]
    AsItIs,
    /// The optimiser of the network.
    Optimizer,
    /// The network and its optimiser: theta as it was before any training.
    Network,
}
