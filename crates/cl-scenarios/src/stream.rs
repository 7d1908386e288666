//! What a training loop may know about the data.

use crate::{Scenario, StreamKind, Transform};
use std::sync::Arc;

/// A period of training between two evaluations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stage {
    /// The contexts whose examples are drawn, ascending; shared by stages that draw from the same.
    pub contexts: Arc<[usize]>,
    /// How long it lasts, in units of one context's steps; in a one-pass stream its examples decide.
    pub length: usize,
}

/// What a method may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Visibility {
    /// It is told when a context ends.
    pub boundaries: bool,
    /// It is told the context of a training example.
    pub task_id_in_training: bool,
    /// It is told the context of a test example.
    pub task_id_at_test: bool,
    /// The stream itself brings examples of earlier contexts back.
    pub old_data: bool,
}

/// What decides which outputs compete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Competition {
    /// Nothing: all of them, always.
    All,
    /// The context of the row; every stage is as stage 0.
    ByContext,
    /// The context and the stage.
    ByStage,
}

/// A stream of contexts: everything a training loop may know, and nothing else.
///
/// Contexts, stages and output units are counted from 0; examples are indices into the tables of the
/// [`Dataset`](crate::Dataset). The methods panic if a context, stage or label is not there.
///
/// ```
/// use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamSpec, digits};
///
/// let (protocol, scenario, part) = (Protocol::Split, Scenario::Domain, Part::Final);
/// let spec = StreamSpec { protocol, scenario, contexts: 5, seed: 2, part, pad: 0 };
/// let stream = spec.build(&digits())?;
/// // Is a digit the first or the second class of its context?
/// assert_eq!((stream.stages().len(), stream.outputs()), (5, 2));
/// let shown = stream.visibility();
/// assert!(shown.boundaries && !shown.task_id_at_test);
/// let example = stream.train(3)[0];
/// assert!(stream.target(3, digits().labels[example as usize]) < 2);
/// # Ok::<(), cl_scenarios::Error>(())
/// ```
pub trait Stream: Send + Sync {
    /// What is told at test time.
    fn scenario(&self) -> Scenario;

    /// Number of contexts, T.
    fn contexts(&self) -> usize;

    /// How it goes from one context to the next; [`StreamKind::Sharp`] unless it says otherwise.
    fn kind(&self) -> StreamKind {
        StreamKind::Sharp
    }

    /// The periods of training. Incremental: one per context; joint: one of all contexts and length
    /// T; cumulative: stage i draws from contexts 0 to i; fuzzy and random: T of length 1, each of all
    /// contexts.
    fn stages(&self) -> &[Stage];

    /// Units of the output layer.
    fn outputs(&self) -> usize;

    /// Training examples of `context`, ascending.
    fn train(&self, context: usize) -> &[u32];

    /// Examples on which the accuracy of `context` is measured, ascending.
    fn test(&self, context: usize) -> &[u32];

    /// The output unit that is right for an example of `context` whose label in the data set is
    /// `label`. Also defined for labels of other contexts of a split, where the context plays no part.
    fn target(&self, context: usize, label: u8) -> u32;

    /// Which outputs compete for an example of `context` during and after `stage`, `[outputs]`.
    ///
    /// Entry `R[i][j]` of an accuracy matrix uses `active(i, j)`, also for j > i: where only the classes
    /// seen so far compete, those of a future context are then inactive and its accuracy is 0.
    fn active(&self, stage: usize, context: usize) -> Vec<bool>;

    /// What [`Stream::active`] depends on, so that nobody has to ask for every stage and context of a long
    /// stream to find out; [`Competition::ByStage`] unless it says otherwise.
    fn competition(&self) -> Competition {
        Competition::ByStage
    }

    /// How the pixels of `context` are moved.
    fn transform(&self, context: usize) -> &Transform;

    /// What a method may use.
    fn visibility(&self) -> Visibility;

    /// The conventions of the stream for a result's record: (name, value), in a fixed order.
    fn describe(&self) -> Vec<(&'static str, String)>;
}
