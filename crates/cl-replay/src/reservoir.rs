//! Experience replay from a reservoir.

use crate::budget::{self, Budget, row_size};
use cl_buffers::{Buffer, Reservoir, Row, draw_uniform};
use cl_core::{
    Error, Fill, Member, Now, Parts, Rehearse, Reports, Share, Strategy, from_state, to_state,
};
use cl_random::{Address, Purpose};
use serde_json::Value;

/// Tells its choices apart from those of other memories under the same seed.
const STORE_STEP: u32 = 1;
const REPLAY: Purpose = Purpose::named("replay from a reservoir");

/// Experience replay from a uniform sample of all rows that passed: needs no boundaries.
///
/// L = w · CE(current rows) + (1 − w) · CE(replayed rows), both means; w is the run's
/// [`Mix`](cl_core::Mix). Chaudhry et al. 2019, "On tiny episodic memories in continual learning"
/// (arXiv 1902.10486), with the reservoir of Vitter 1985, algorithm R.
///
/// A step first replays as many rows as the stream brings (fewer while the reservoir holds fewer),
/// drawn uniformly without replacement from the whole reservoir in every scenario; the stream's rows
/// are offered one by one after the step. Rows that the stream brings again are offered again.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `budget` | 100 per class | ≥ 1 | what the reservoir may hold; per class: times the classes of the whole stream |
///
/// Chaudhry et al. add the replayed rows to the batch under one mean, which with equally many rows is
/// `Mix::Fixed(0.5)`, as do van de Ven et al. 2022 in streams without boundaries; under the default `Mix::ByContext` replay begins to count in the second context.
/// There is no neutral setting: a reservoir of nothing is refused. Under `Mix::Fixed(1.0)` replayed
/// rows have weight 0.
///
/// Cells ([`Step::cells`](cl_core::Step::cells)) are places in the reservoir; a row that replaces
/// another takes over its cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReservoirReplay {
    /// What the reservoir may hold.
    pub budget: Budget,
}

impl ReservoirReplay {
    /// With room for so many rows times the number of classes.
    #[must_use]
    pub fn per_class(rows: usize) -> Self {
        Self { budget: Budget::PerClass(rows) }
    }

    /// With room for so many rows in all: van de Ven, Tuytelaars & Tolias 2022 keep 1,000 of a stream
    /// without boundaries.
    #[must_use]
    pub fn total(rows: usize) -> Self {
        Self { budget: Budget::Rows(rows) }
    }

    /// The reservoir of one member.
    ///
    /// # Errors
    /// A budget of less than one row.
    pub fn memory(&self, member: &Member<'_>) -> Result<ReservoirMemory, Error> {
        let buffer = Buffer::new(self.budget.bytes(member), row_size(member), Reservoir::new())?;
        Ok(ReservoirMemory { buffer, positions: Vec::new(), drawn: vec![0; member.batch] })
    }
}

impl Default for ReservoirReplay {
    fn default() -> Self {
        Self::per_class(100)
    }
}

impl Strategy for ReservoirReplay {
    fn name(&self) -> String {
        "er-reservoir".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.rehearse(|member| Ok(Box::new(self.memory(member)?)));
    }

    fn describe(&self) -> Vec<(String, String)> {
        let memory = "reservoir, algorithm R, rows offered after each step";
        let replay = "as many rows as the stream's, drawn without replacement from all";
        vec![
            ("er-reservoir.budget".to_owned(), self.budget.to_string()),
            ("er-reservoir.memory".to_owned(), memory.to_owned()),
            ("er-reservoir.replay".to_owned(), replay.to_owned()),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        self.budget.check("er-reservoir")
    }
}

/// The reservoir of one member.
#[derive(Clone, Debug)]
pub struct ReservoirMemory {
    buffer: Buffer<Reservoir>,
    /// 0, 1, ..: grows with the buffer, so that a step allocates nothing once it is full.
    positions: Vec<u32>,
    drawn: Vec<u32>,
}

impl ReservoirMemory {
    /// The rows kept.
    #[must_use]
    pub fn buffer(&self) -> &Buffer<Reservoir> {
        &self.buffer
    }
}

impl Rehearse for ReservoirMemory {
    fn rows(&self) -> usize {
        self.drawn.len()
    }

    fn fill(&mut self, now: Now, _: &[Row], fill: &mut Fill<'_>) -> Result<Share, Error> {
        if self.positions.is_empty() {
            return Ok(Share::Empty);
        }
        let address = Address::new(now.seed, REPLAY).context(now.stage).step(now.step);
        let count = draw_uniform(&self.positions, address, &mut self.drawn);
        for (row, &position) in fill.rows.iter_mut().zip(&self.drawn[..count]) {
            *row = self.buffer.rows()[position as usize];
        }
        fill.cells[..count].copy_from_slice(&self.drawn[..count]);
        fill.weights[..count].fill(1.0 / count as f32);
        Ok(Share::Joined(1.0))
    }

    fn store(&mut self, now: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
        self.buffer.offer(rows, Address::new(now.seed, Purpose::STORE).step(STORE_STEP))?;
        self.positions.extend(self.positions.len() as u32..self.buffer.len() as u32);
        Ok(())
    }

    fn kept(&self) -> &[Row] {
        self.buffer.rows()
    }

    fn peak_bytes(&self) -> u64 {
        self.buffer.peak_bytes()
    }

    fn save(&self) -> Result<Value, Error> {
        to_state("er-reservoir", &self.buffer)
    }

    fn restore(&mut self, state: &Value) -> Result<(), Error> {
        self.buffer = budget::same(&self.buffer, from_state("er-reservoir", state)?)?;
        self.positions = self.buffer.positions();
        Ok(())
    }
}
