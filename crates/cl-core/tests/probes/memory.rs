//! A memory: so many rows of every past context.

use cl_buffers::draw_uniform;
use cl_core::{Error, Fill, Now, Rehearse, Reports, Row, Share, from_state, to_state};
use cl_random::{Address, Purpose};
use serde_json::Value;

/// Keeps the first rows of every context in a random order; gives a uniform draw of `rows` of them to
/// every step, or all where there are fewer.
pub struct Keep {
    pub per_context: usize,
    pub rows: usize,
    pub kept: Vec<Row>,
}

impl Keep {
    pub fn new(per_context: usize, rows: usize) -> Self {
        Self { per_context, rows, kept: Vec::new() }
    }
}

impl Rehearse for Keep {
    fn rows(&self) -> usize {
        self.rows
    }
    fn fill(&mut self, now: Now, _: &[Row], fill: &mut Fill<'_>) -> Result<Share, Error> {
        let all: Vec<u32> = (0..self.kept.len() as u32).collect();
        let address = Address::new(now.seed, Purpose::REPLAY).context(now.stage).step(now.step);
        let mut drawn = vec![0; self.rows];
        let count = draw_uniform(&all, address, &mut drawn);
        for (place, &cell) in drawn[..count].iter().enumerate() {
            fill.rows[place] = self.kept[cell as usize];
            fill.weights[place] = 1.0 / count as f32;
        }
        Ok(if count == 0 { Share::Empty } else { Share::Joined(1.0) })
    }
    fn end_context(&mut self, now: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
        let mut rows = rows.to_vec();
        Address::new(now.seed, Purpose::STORE).context(now.stage).rng().shuffle(&mut rows);
        self.kept.extend(rows.into_iter().take(self.per_context));
        Ok(())
    }
    fn kept(&self) -> &[Row] {
        &self.kept
    }
    fn peak_bytes(&self) -> u64 {
        65 * self.kept.len() as u64
    }
    fn save(&self) -> Result<Value, Error> {
        to_state("rows kept", &self.kept)
    }
    fn restore(&mut self, state: &Value) -> Result<(), Error> {
        self.kept = from_state("rows kept", state)?;
        Ok(())
    }
}
