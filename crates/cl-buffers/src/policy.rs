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
///
/// ```
/// use cl_buffers::{Buffer, Error, Memory, Policy, Row, RowSize, When};
/// use cl_random::{Address, Purpose};
///
/// // The first rows stay, whatever comes later.
/// struct First;
///
/// impl Policy for First {
///     fn when(&self) -> When {
///         When::Online
///     }
///     fn place(&mut self, memory: &mut Memory, rows: &[Row], _: Address) -> Result<(), Error> {
///         let free = memory.capacity() - memory.rows().len();
///         rows.iter().take(free).try_for_each(|row| memory.push(*row).map(|_| ()))
///     }
/// }
///
/// let mut buffer = Buffer::new(3 * 65, RowSize::new(64, 10), First)?;
/// let rows: Vec<Row> = (0..9).map(|example| Row { example, label: 0, context: 0 }).collect();
/// buffer.offer(&rows, Address::new(1, Purpose::STORE))?;
/// assert_eq!(buffer.rows(), &rows[..3]);
/// # Ok::<(), Error>(())
/// ```
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
