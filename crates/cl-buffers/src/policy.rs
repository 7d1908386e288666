//! Which example stays.

use crate::{Error, Memory, Row};
use cl_random::Address;

/// When a policy wants to see rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Every row as it passes, in the stream's order.
    Online,
    /// All rows of a context at once, at its end.
    EndOfContext,
}

/// The rule by which a memory decides which of the offered examples stay.
///
/// A policy's own fields are its whole state: give it serde derives and a checkpoint holds it. What
/// it needs beyond rows it is told when it is made or through the order of the rows offered: a
/// policy that keeps the first ones is herding, if they are offered in herding's order.
pub trait Policy {
    /// When rows are to be offered.
    fn when(&self) -> When;

    /// Refuses a memory that this policy cannot work with, before anything is offered.
    ///
    /// # Errors
    /// What is wrong with it.
    fn fits(&self, memory: &Memory) -> Result<(), Error> {
        let _ = memory;
        Ok(())
    }

    /// Pushes, replaces and removes rows of `memory` after these rows were offered.
    ///
    /// `address` names the buffer (seed, purpose, step); the policy sets ordinal, and context where
    /// it needs to, so that no two of its choices share numbers.
    ///
    /// # Errors
    /// What cannot be about the offer; the memory then stays as it was.
    fn place(
        &mut self,
        memory: &mut Memory,
        offered: &[Row],
        address: Address,
    ) -> Result<(), Error>;
}
