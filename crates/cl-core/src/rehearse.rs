//! Rows of earlier contexts in the batch.

use crate::error::Error;
use crate::reports::Reports;
use cl_buffers::{Row, RowSize};
use cl_scenarios::Stream;
use serde::{Serialize, de::DeserializeOwned};

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
    /// The most classes that one context has: [`Around::classes_per_context`](crate::Around).
    pub classes_per_context: u32,
}

/// A moment of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The member's seed.
    pub seed: u64,
    /// So many boundaries have passed: the stage, counted from 0, where boundaries are told.
    pub stage: u32,
    /// Programs that have run since the last of them: the step within the stage, counted from 0,
    /// where a step is one program. No two programs of a run have the same stage and step.
    pub step: u32,
}

/// How rows of a memory enter the step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Share {
    /// There are none yet.
    Empty,
    /// They count; among several memories that join the batch shares are proportional to this.
    Joined(f32),
}

/// What a rehearsal fills in for a step. What is not filled in keeps weight 0 and cell `u32::MAX`.
pub struct Fill<'a> {
    /// Its rows.
    pub rows: &'a mut [Row],
    /// Their weights: of rows that join the batch relative to each other, summing to 1; of rows apart
    /// as they are, for the part that reads them.
    pub weights: &'a mut [f32],
    /// Where each of its rows lies in the memory: an index into slots that keep something per row
    /// (logits); `step.cells(..)`.
    pub cells: &'a mut [u32],
    /// Where each row of the stream will be stored after the step; `step.stored(..)`. Distinct but
    /// for `u32::MAX`, which is nowhere.
    pub stored: &'a mut [u32],
}

/// Acts on the batch: indices and counters, never tensors. One per member.
///
/// ```
/// use cl_core::{Error, Fill, Now, Rehearse, Reports, Row, Share, from_state, to_state};
///
/// // Replays the last row of the stream, one step later.
/// struct Echo {
///     row: Vec<Row>,
/// }
///
/// impl Rehearse for Echo {
///     fn rows(&self) -> usize {
///         1
///     }
///     fn fill(&mut self, _: Now, _: &[Row], fill: &mut Fill<'_>) -> Result<Share, Error> {
///         let [row] = self.row[..] else { return Ok(Share::Empty) };
///         (fill.rows[0], fill.weights[0]) = (row, 1.0);
///         Ok(Share::Joined(1.0))
///     }
///     fn store(&mut self, _: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
///         self.row = rows.last().copied().into_iter().collect();
///         Ok(())
///     }
///     fn kept(&self) -> &[Row] {
///         &self.row
///     }
///     fn peak_bytes(&self) -> u64 {
///         65
///     }
///     fn save(&self) -> Result<serde_json::Value, Error> {
///         to_state("echo", &self.row)
///     }
///     fn restore(&mut self, state: &serde_json::Value) -> Result<(), Error> {
///         self.row = from_state("echo", state)?;
///         Ok(())
///     }
/// }
///
/// let row = Row { example: 7, label: 1, context: 0 };
/// let state = Echo { row: vec![row] }.save()?;
/// let mut restored = Echo { row: Vec::new() };
/// restored.restore(&state)?;
/// assert_eq!(restored.kept(), [row]);
/// # Ok::<(), Error>(())
/// ```
pub trait Rehearse: Send {
    /// Rows it adds to every batch; by default none, as where exemplars join the stream's own draw.
    fn rows(&self) -> usize {
        0
    }

    /// Places of the memory: every cell is below. A slot that keeps something beside each row (logits)
    /// has as many rows, [`Step::capacity`](crate::Step::capacity); members have the same. 0 where
    /// nothing is kept beside rows.
    fn capacity(&self) -> usize {
        0
    }

    /// Chooses rows for a step whose rows of the stream are `current`.
    ///
    /// # Errors
    /// What the memory refuses.
    fn fill(&mut self, _now: Now, _current: &[Row], _fill: &mut Fill<'_>) -> Result<Share, Error> {
        Ok(Share::Empty)
    }

    /// Sees the stream's rows of a step after it was taken, and what the step reported.
    ///
    /// # Errors
    /// What the memory refuses.
    fn store(&mut self, _now: Now, _rows: &[Row], _reports: &Reports<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Sees all training rows of a context when it ends, and what passes over them reported: for
    /// every report one value, or row of values, per row of [`Reports::rows`].
    ///
    /// # Errors
    /// What the memory refuses.
    fn end_context(
        &mut self,
        _now: Now,
        _rows: &[Row],
        _reports: &Reports<'_>,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// The rows it keeps, the row of cell 0 first: what passes over the memory visit and phases on the
    /// memory count.
    fn kept(&self) -> &[Row] {
        &[]
    }

    /// Rows that join the stream's own draw from the next stage on: exemplars that are trained on
    /// like new rows. They change when a context ends and at no other time.
    fn main_rows(&self) -> &[Row] {
        &[]
    }

    /// The most bytes it held so far.
    fn peak_bytes(&self) -> u64;

    /// Its state, for a checkpoint ([`to_state`]): everything that `restore` needs to go on as if
    /// nothing had happened.
    ///
    /// # Errors
    /// A state that cannot be written down.
    fn save(&self) -> Result<serde_json::Value, Error>;

    /// Takes up a saved state.
    ///
    /// # Errors
    /// A state that is not its own.
    fn restore(&mut self, state: &serde_json::Value) -> Result<(), Error>;
}

/// A part's host state for a checkpoint, for [`Rehearse::save`]; `what` names it in messages.
///
/// # Errors
/// A state that JSON cannot hold.
pub fn to_state<T: Serialize>(what: &str, state: &T) -> Result<serde_json::Value, Error> {
    serde_json::to_value(state).map_err(|error| Error::state(what, error))
}

/// The state that [`to_state`] made.
///
/// # Errors
/// Something else.
pub fn from_state<T: DeserializeOwned>(what: &str, state: &serde_json::Value) -> Result<T, Error> {
    T::deserialize(state).map_err(|error| Error::state(what, error))
}

/// How the loss of the stream's rows and of replayed rows are weighed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mix {
    /// 1/t for the stream's rows in the t-th context, the rest for replay: every context seen so far
    /// counts the same (van de Ven et al. 2022).
    ByContext,
    /// This fraction for the stream's rows, the rest for replay.
    Fixed(f32),
    /// Every row of the batch counts the same: one mean over rows of the stream and of memories
    /// (Chaudhry et al. 2019, arXiv 1902.10486). Generated rows have no part in it.
    ByRows,
    /// The mean losses add up.
    Sum,
}

impl Mix {
    /// Weights of the stream's rows and of all replayed rows together at a stage, counted from 0, in
    /// a batch with `rows` of each.
    #[must_use]
    pub fn weights_of(self, stage: u32, (current, replayed): (usize, usize)) -> (f32, f32) {
        match self {
            Self::ByRows => {
                let all = (current + replayed).max(1) as f32;
                (current as f32 / all, replayed as f32 / all)
            }
            Self::ByContext | Self::Fixed(_) | Self::Sum => self.weights(stage),
        }
    }

    /// Weights of the stream's rows and of all replayed rows together at a stage, counted from 0, in
    /// a batch with as many of either.
    #[must_use]
    pub fn weights(self, stage: u32) -> (f32, f32) {
        match self {
            Self::ByContext => {
                let current = 1.0 / (stage + 1) as f32;
                (current, 1.0 - current)
            }
            Self::Fixed(current) => (current, 1.0 - current),
            Self::ByRows => (0.5, 0.5),
            Self::Sum => (1.0, 1.0),
        }
    }

    /// Its name in results.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::ByContext => "by-context: 1/t current, 1 - 1/t replay".to_owned(),
            Self::Fixed(current) => format!("fixed: {current} current, {} replay", 1.0 - current),
            Self::ByRows => "by-rows: one mean over all rows".to_owned(),
            Self::Sum => "sum".to_owned(),
        }
    }
}
