//! A rehearsal and what is fed for it.

use crate::host::Rows;
use crate::parts::Joins;
use crate::record::{MemoryRows, input};
use crate::rehearse::Rehearse;
use cl_tensor::Feeds;

/// One member's rehearsal, with room for what it fills in.
pub(crate) struct Memory {
    /// `STRATEGY` or `STRATEGY/NAME`.
    pub name: String,
    /// The strategy it came with.
    pub scope: String,
    pub joins: Joins,
    pub it: Box<dyn Rehearse>,
    /// Rows of its own, where they do not join the batch.
    pub apart: Option<Rows>,
    pub cells: Vec<u32>,
    pub stored: Vec<u32>,
    /// Its share of the present step; 0 where it is empty.
    pub share: f32,
    cells_name: String,
    stored_name: String,
}

impl Memory {
    pub(crate) fn new(name: String, scope: &str, joins: Joins, it: Box<dyn Rehearse>) -> Self {
        let count = it.rows();
        Self {
            scope: scope.to_owned(),
            joins,
            apart: (joins == Joins::Apart).then(|| Rows::new(&name, count)),
            cells: vec![u32::MAX; count],
            stored: Vec::new(),
            share: 0.0,
            cells_name: input("cells", &name),
            stored_name: input("stored", &name),
            name,
            it,
        }
    }

    /// Its shape.
    pub(crate) fn rows(&self) -> MemoryRows {
        let (name, rows, capacity) = (self.name.clone(), self.it.rows(), self.it.capacity());
        MemoryRows { name, rows, joins: self.joins, capacity }
    }

    pub(crate) fn feed(&mut self, feeds: &mut Feeds<'_>) -> Result<(), cl_tensor::Error> {
        if let Some(apart) = &mut self.apart {
            apart.feed(feeds)?;
        }
        feeds.u32(&self.cells_name, &self.cells)?;
        feeds.u32(&self.stored_name, &self.stored)
    }
}
