//! Rows of earlier contexts in the batch.

use crate::error::Error;
use cl_buffers::{Row, RowSize};
use cl_scenarios::Stream;

/// The member that a rehearsal is made for.
pub struct Member<'a> {
    /// Its seed.
    pub seed: u64,
    /// Its stream.
    pub stream: &'a dyn Stream,
    /// Bytes of one stored row: the example as the data set stores it and its label. A method that
    /// stores the context too adds it: [`RowSize::with_context`].
    pub row_size: RowSize,
    /// Rows of the stream in one batch.
    pub batch: usize,
    /// Number of (context, label) pairs of the whole stream.
    pub classes: u32,
}

/// A moment of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The member's seed.
    pub seed: u64,
    /// The stage, counted from 0: so many boundaries have passed.
    pub stage: u32,
    /// The step within the stage, counted from 0.
    pub step: u32,
}

/// How rows of a memory enter the step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Share {
    /// There are none yet.
    Empty,
    /// They are part of the task loss; among several memories shares are proportional to this.
    Joined(f32),
}

/// Acts on the batch: indices and counters, never tensors. One per member.
pub trait Rehearse: Send {
    /// Rows it adds to every batch.
    fn rows(&self) -> usize;

    /// Chooses rows and their weights relative to each other, summing to 1; what is not used keeps
    /// weight 0.
    ///
    /// # Errors
    /// What the memory refuses.
    fn fill(&mut self, now: Now, rows: &mut [Row], weights: &mut [f32]) -> Result<Share, Error>;

    /// Sees the stream's rows of a step after it was taken.
    ///
    /// # Errors
    /// What the memory refuses.
    fn see(&mut self, _now: Now, _rows: &[Row]) -> Result<(), Error> {
        Ok(())
    }

    /// Sees all training rows of a context when it ends.
    ///
    /// # Errors
    /// What the memory refuses.
    fn end_context(&mut self, _now: Now, _rows: &[Row]) -> Result<(), Error> {
        Ok(())
    }

    /// The most bytes it held so far.
    fn peak_bytes(&self) -> u64;
}

/// How the loss of the stream's rows and of replayed rows are weighed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mix {
    /// 1/t for the stream's rows in the t-th context, the rest for replay: every context seen so far
    /// counts the same (van de Ven et al. 2022).
    ByContext,
    /// This fraction for the stream's rows, the rest for replay.
    Fixed(f32),
    /// The mean losses add up.
    Sum,
}

impl Mix {
    /// Weights of the stream's rows and of all replayed rows together at a stage, counted from 0.
    #[must_use]
    pub fn weights(self, stage: u32) -> (f32, f32) {
        match self {
            Self::ByContext => {
                let current = 1.0 / (stage + 1) as f32;
                (current, 1.0 - current)
            }
            Self::Fixed(current) => (current, 1.0 - current),
            Self::Sum => (1.0, 1.0),
        }
    }

    /// Its name in results.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::ByContext => "by-context: 1/t current, 1 - 1/t replay".to_owned(),
            Self::Fixed(current) => format!("fixed: {current} current, {} replay", 1.0 - current),
            Self::Sum => "sum".to_owned(),
        }
    }
}
