//! A memory and the policy that fills it.

use crate::{Error, Memory, Policy, Row, RowSize};
use cl_random::Address;
use serde::{Deserialize, Serialize};

/// Rows kept within a byte budget by a policy.
///
/// All of its state is in its serialised form; reading checks the budget and the policy again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked<P>", bound(deserialize = "P: Policy + Deserialize<'de>"))]
pub struct Buffer<P> {
    memory: Memory,
    policy: P,
}

impl<P: Policy> Buffer<P> {
    /// An empty buffer of `budget` bytes; it keeps up to budget / bytes of a row, rounded down.
    ///
    /// # Errors
    /// If a row takes no bytes, the budget is too small for one row, or the policy cannot work with
    /// so few.
    pub fn new(budget: u64, row_size: RowSize, policy: P) -> Result<Self, Error> {
        let memory = Memory::new(budget, row_size)?;
        policy.fits(&memory)?;
        Ok(Self { memory, policy })
    }

    /// Offers rows; the policy decides which stay.
    ///
    /// `address` gives seed, purpose and step (to tell apart buffers of one seed and purpose); the
    /// same one serves all offers, since policies tell them apart.
    ///
    /// # Errors
    /// What the policy refuses about the offer; the buffer then stays as it was.
    pub fn offer(&mut self, rows: &[Row], address: Address) -> Result<(), Error> {
        self.memory.begin_offer();
        self.policy.place(&mut self.memory, rows, address)
    }
}

impl<P> Buffer<P> {
    /// The rows kept, by position.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        self.memory.rows()
    }

    /// What the last offer wrote, in order: positions and the rows that were put there. A position may
    /// come twice, its last row stays; where rows were given up, it begins with all that stayed.
    #[must_use]
    pub fn written(&self) -> &[(u32, Row)] {
        self.memory.written()
    }

    /// The number of rows kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows().len()
    }

    /// Whether no row is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows().is_empty()
    }

    /// The number of rows that fit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.memory.capacity()
    }

    /// The budget in bytes.
    #[must_use]
    pub fn budget(&self) -> u64 {
        self.memory.budget()
    }

    /// The bytes that the kept rows would take.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.memory.bytes_of(self.len())
    }

    /// The most bytes that kept rows would have taken at any time.
    #[must_use]
    pub fn peak_bytes(&self) -> u64 {
        self.memory.bytes_of(self.memory.peak())
    }

    /// The most rows kept at any time.
    #[must_use]
    pub fn peak_rows(&self) -> usize {
        self.memory.peak()
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &P {
        &self.policy
    }

    /// All positions, ascending.
    #[must_use]
    pub fn positions(&self) -> Vec<u32> {
        self.positions_where(|_| true)
    }

    /// The positions of one context's rows, ascending.
    #[must_use]
    pub fn positions_of_context(&self, context: u32) -> Vec<u32> {
        self.positions_where(|row| row.context == context)
    }

    /// The positions of the rows for which `wanted` is true, ascending.
    #[must_use]
    pub fn positions_where(&self, wanted: impl Fn(&Row) -> bool) -> Vec<u32> {
        (0..)
            .zip(self.rows())
            .filter(|(_, row)| wanted(row))
            .map(|(position, _)| position)
            .collect()
    }
}

/// The serialised form before policy and memory are checked against each other.
#[derive(Deserialize)]
struct Unchecked<P> {
    memory: Memory,
    policy: P,
}

impl<P: Policy> TryFrom<Unchecked<P>> for Buffer<P> {
    type Error = Error;

    fn try_from(read: Unchecked<P>) -> Result<Self, Error> {
        read.policy.fits(&read.memory)?;
        Ok(Self { memory: read.memory, policy: read.policy })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reservoir;
    use cl_random::Purpose;

    #[test]
    fn a_budget_below_one_row_is_refused() {
        let error = Buffer::new(784, RowSize::new(784, 10), Reservoir::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "replay buffer: a budget of 784 bytes is too small for one row of 785 bytes"
        );
        let error = Buffer::new(784, RowSize::from_bytes(0), Reservoir::new()).unwrap_err();
        assert_eq!(error, Error::EmptyRow);
        let one = Buffer::new(785, RowSize::new(784, 10), Reservoir::new()).unwrap();
        assert_eq!((one.capacity(), one.budget(), one.bytes()), (1, 785, 0));
    }

    #[test]
    fn a_context_is_found_by_its_positions() {
        let mut buffer = Buffer::new(9, RowSize::from_bytes(1), Reservoir::new()).unwrap();
        let contexts = [2, 0, 2, 1, 0];
        let rows = contexts.map(|context| Row { example: 0, label: 0, context });
        buffer.offer(&rows, Address::new(1, Purpose::STORE)).unwrap();
        assert_eq!(buffer.positions(), [0, 1, 2, 3, 4]);
        assert_eq!(buffer.positions_of_context(2), [0, 2]);
        assert_eq!(buffer.positions_of_context(7), [0; 0]);
    }
}
