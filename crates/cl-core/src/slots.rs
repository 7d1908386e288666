//! Slots of a strategy, read and written by the host.

use crate::error::Error;
use crate::model::{Linear, Model};
use crate::parts::Around;
use crate::record::THETA;
use crate::reports::Reports;
use cl_tensor::Session;

/// The slots of one strategy for one member; the host's part of a consolidation works on it.
pub struct SlotStore<'a> {
    pub(crate) session: &'a mut dyn Session,
    pub(crate) model: &'a Model,
    pub(crate) scope: &'a str,
    pub(crate) member: usize,
    pub(crate) reports: Reports<'a>,
}

impl SlotStore<'_> {
    /// A copy of the slot `name` of the strategy.
    ///
    /// # Errors
    /// An unknown slot.
    pub fn read(&self, name: &str) -> Result<Vec<f32>, Error> {
        Ok(self.session.read(&format!("{}/{name}", self.scope), self.member)?)
    }

    /// A copy of the slot of indices `name` of the strategy.
    ///
    /// # Errors
    /// An unknown slot.
    pub fn read_u32(&self, name: &str) -> Result<Vec<u32>, Error> {
        Ok(self.read(name)?.into_iter().map(f32::to_bits).collect())
    }

    /// Overwrites the slot `name` of the strategy.
    ///
    /// # Errors
    /// An unknown slot or a wrong length.
    pub fn write(&mut self, name: &str, values: &[f32]) -> Result<(), Error> {
        Ok(self.session.write(&format!("{}/{name}", self.scope), self.member, values)?)
    }

    /// Overwrites the slot of indices `name` of the strategy.
    ///
    /// # Errors
    /// An unknown slot or a wrong length.
    pub fn write_u32(&mut self, name: &str, values: &[u32]) -> Result<(), Error> {
        self.write(name, bytemuck::must_cast_slice(values))
    }

    /// What passes of the boundary reported: values per row of the pass, its rows in order, by the name
    /// given to [`Step::report`](crate::Step::report). `None` where nothing of the name was reported.
    #[must_use]
    pub fn report(&self, name: &str) -> Option<&[f32]> {
        self.reports.get(name)
    }

    /// A copy of all parameters, flat; they are written by [`crate::Consolidate::consolidate`] alone.
    ///
    /// # Errors
    /// What the device refuses.
    pub fn theta(&self) -> Result<Vec<f32>, Error> {
        Ok(self.session.read(THETA, self.member)?)
    }

    /// The scope of the strategy, for messages.
    #[must_use]
    pub fn scope(&self) -> &str {
        self.scope
    }

    /// The network and the stream: the shapes of what a method keeps.
    #[must_use]
    pub fn around(&self) -> Around<'_> {
        self.model.around()
    }

    /// The linear layers of the network, in order, the output layer last.
    #[must_use]
    pub fn layers(&self) -> &[Linear] {
        &self.model.layers
    }
}
