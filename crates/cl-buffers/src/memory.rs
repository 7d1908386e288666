//! The kept rows, within their budget.

use crate::{Error, Row, RowSize};
use serde::{Deserialize, Serialize};

/// Rows within a byte budget, as a policy sees them.
///
/// A position is an index into [`rows`](Self::rows). It stays a row's own until the row is replaced
/// or one is removed, so tensors kept beside the rows can use it as their index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Memory {
    budget: u64,
    row_size: RowSize,
    /// The most rows kept at any time.
    peak: usize,
    rows: Vec<Row>,
    /// What was written since the present offer began.
    #[serde(skip)]
    written: Written,
}

/// Positions and the rows written there, in order. Not part of what a memory is: two that keep the
/// same are equal.
#[derive(Clone, Debug, Default)]
struct Written(Vec<(u32, Row)>);

impl PartialEq for Written {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Written {}

impl Memory {
    pub(crate) fn new(budget: u64, row_size: RowSize) -> Result<Self, Error> {
        let row = row_size.bytes();
        if row == 0 {
            return Err(Error::EmptyRow);
        }
        if budget < row {
            return Err(Error::BudgetTooSmall { budget, row });
        }
        Ok(Self { budget, row_size, peak: 0, rows: Vec::new(), written: Written::default() })
    }

    /// The number of rows that fit: budget / bytes of a row, rounded down, at most `u32::MAX`.
    #[must_use]
    pub fn capacity(&self) -> usize {
        (self.budget / self.row_size.bytes()).min(u64::from(u32::MAX)) as usize
    }

    /// The rows kept, by position.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Keeps one more row, at the next position.
    ///
    /// # Errors
    /// If the budget is used up.
    pub fn push(&mut self, row: Row) -> Result<(), Error> {
        if self.rows.len() >= self.capacity() {
            return Err(Error::Full { capacity: self.capacity() });
        }
        self.written.0.push((self.rows.len() as u32, row));
        self.rows.push(row);
        self.peak = self.peak.max(self.rows.len());
        Ok(())
    }

    /// Keeps `row` in place of the one at `position`.
    ///
    /// # Errors
    /// If there is no row at `position`.
    pub fn replace(&mut self, position: u32, row: Row) -> Result<(), Error> {
        let len = self.rows.len();
        let kept =
            self.rows.get_mut(position as usize).ok_or(Error::NoSuchPosition { position, len })?;
        *kept = row;
        self.written.0.push((position, row));
        Ok(())
    }

    /// Gives up every row for which `keep` is false; the others close ranks in
    /// their order.
    pub fn retain(&mut self, keep: impl FnMut(&Row) -> bool) {
        self.rows.retain(keep);
        self.written.0 = (0..).zip(self.rows.iter().copied()).collect();
    }

    pub(crate) fn begin_offer(&mut self) {
        self.written.0.clear();
    }

    pub(crate) fn written(&self) -> &[(u32, Row)] {
        &self.written.0
    }

    pub(crate) fn budget(&self) -> u64 {
        self.budget
    }

    pub(crate) fn bytes_of(&self, rows: usize) -> u64 {
        rows as u64 * self.row_size.bytes()
    }

    pub(crate) fn peak(&self) -> usize {
        self.peak
    }
}

/// The serialised form before its numbers are checked.
#[derive(Deserialize)]
struct Unchecked {
    budget: u64,
    row_size: RowSize,
    peak: usize,
    rows: Vec<Row>,
}

impl TryFrom<Unchecked> for Memory {
    type Error = Error;

    fn try_from(read: Unchecked) -> Result<Self, Error> {
        let empty = Self::new(read.budget, read.row_size)?;
        let (rows, peak, capacity) = (read.rows.len(), read.peak, empty.capacity());
        if rows > peak || peak > capacity {
            return Err(Error::Damaged { rows, peak, capacity });
        }
        Ok(Self { peak, rows: read.rows, ..empty })
    }
}
