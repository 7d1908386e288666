//! Exemplars in a reservoir, replayed at every step.

use crate::budget::{ExemplarBudget, row_size};
use cl_buffers::{Buffer, Group, Groups, Reservoir, Row};
use cl_core::{Error, Fill, Member, Now, Rehearse, Reports, Share, from_state, to_state};
use cl_random::{Address, Purpose};
use serde_json::Value;

const REPLAY: Purpose = Purpose::named("replay from a reservoir");
/// Tells its choices apart from those of memories that fill at the end of a context.
const STORE_STEP: u32 = 1;

/// A uniform sample of all rows that passed (Vitter 1985, algorithm R), offered after each step; a step
/// replays as many as the stream brings, drawn without replacement.
///
/// Cells are places of the reservoir; a row that replaces another takes over its cell.
#[derive(Debug)]
pub(crate) struct ReservoirExemplars {
    strategy: &'static str,
    buffer: Buffer<Reservoir>,
    places: Groups,
    drawn: Vec<u32>,
}

impl ReservoirExemplars {
    /// An empty reservoir for one member of `strategy`.
    ///
    /// # Errors
    /// A budget of less than one row for every class of the stream.
    pub(crate) fn new(
        strategy: &'static str,
        budget: ExemplarBudget,
        member: &Member<'_>,
    ) -> Result<Self, Error> {
        let (rows, classes) = (budget.rows(member), member.classes as usize);
        if rows < classes {
            return Err(Error::Misfit(format!(
                "{strategy}: a reservoir of {rows} rows; expected at least one for each of {classes} \
                 classes"
            )));
        }
        let buffer = Buffer::new(budget.bytes(member), row_size(member), Reservoir::new())?;
        let places = Groups::new(Group::All);
        Ok(Self { strategy, buffer, places, drawn: vec![0; member.batch] })
    }
}

impl Rehearse for ReservoirExemplars {
    fn rows(&self) -> usize {
        self.drawn.len()
    }

    fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    fn fill(&mut self, now: Now, _: &[Row], fill: &mut Fill<'_>) -> Result<Share, Error> {
        let address = Address::new(now.seed, REPLAY).context(now.stage).step(now.step);
        let count = self.places.draw(|_| true, address, &mut self.drawn);
        for (place, &position) in self.drawn[..count].iter().enumerate() {
            fill.rows[place] = self.buffer.rows()[position as usize];
            fill.cells[place] = position;
            fill.weights[place] = 1.0 / count as f32;
        }
        Ok(if count == 0 { Share::Empty } else { Share::Joined(1.0) })
    }

    fn store(&mut self, now: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
        self.buffer.offer(rows, Address::new(now.seed, Purpose::STORE).step(STORE_STEP))?;
        for (position, row) in self.buffer.written() {
            self.places.set(*position, row);
        }
        Ok(())
    }

    fn kept(&self) -> &[Row] {
        self.buffer.rows()
    }

    fn peak_bytes(&self) -> u64 {
        self.buffer.peak_bytes()
    }

    fn save(&self) -> Result<Value, Error> {
        to_state(self.strategy, &(&self.buffer, &self.places))
    }

    fn restore(&mut self, state: &Value) -> Result<(), Error> {
        let (buffer, places): (Buffer<Reservoir>, Groups) = from_state(self.strategy, state)?;
        let limits = |buffer: &Buffer<Reservoir>| (buffer.budget(), buffer.capacity());
        if limits(&buffer) != limits(&self.buffer) || places.positions() != buffer.len() {
            let ((bytes, rows), (own, room)) = (limits(&buffer), limits(&self.buffer));
            let reason = format!(
                "{} rows at {} places, {bytes} bytes with room for {rows}; expected {own} bytes with \
                 room for {room}",
                buffer.len(),
                places.positions()
            );
            return Err(Error::state(self.strategy, reason));
        }
        (self.buffer, self.places) = (buffer, places);
        Ok(())
    }
}
