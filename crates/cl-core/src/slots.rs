//! Slots of a strategy, read and written by the host.

use crate::error::Error;
use cl_tensor::Session;

/// The slots of one strategy for one member; the host's part of a consolidation works on it.
pub struct SlotStore<'a> {
    pub(crate) session: &'a mut dyn Session,
    pub(crate) scope: &'a str,
    pub(crate) member: usize,
}

impl SlotStore<'_> {
    /// A copy of the slot `name` of the strategy; indices come as their bits.
    ///
    /// # Errors
    /// An unknown slot.
    pub fn read(&self, name: &str) -> Result<Vec<f32>, Error> {
        Ok(self.session.read(&format!("{}/{name}", self.scope), self.member)?)
    }

    /// Overwrites the slot `name` of the strategy.
    ///
    /// # Errors
    /// An unknown slot or a wrong length.
    pub fn write(&mut self, name: &str, values: &[f32]) -> Result<(), Error> {
        Ok(self.session.write(&format!("{}/{name}", self.scope), self.member, values)?)
    }
}
