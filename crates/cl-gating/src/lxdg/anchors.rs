//! Rows of past contexts whose gates are held against new ones.

use cl_buffers::RowSize;
use cl_core::{Error, Fill, Member, Now, Rehearse, Reports, Row, Share, from_state, to_state};
use cl_random::{Address, Purpose};
use serde_json::Value;

/// So many rows of every context that has ended, chosen uniformly at random without replacement.
///
/// A step of the n-th context draws ⌈batch / (n − 1)⌉ of each past context, uniformly with
/// replacement; a row weighs 1 / ⌈batch / (n − 1)⌉, so that a sum over rows is the sum over contexts
/// of the mean over each one's rows. A row's cell is its position, earlier contexts first.
#[derive(Clone, Debug)]
pub struct Anchors {
    per_context: usize,
    batch: usize,
    /// Contexts that leave anchors behind.
    groups: usize,
    /// Bytes of one image.
    bytes: u64,
    kept: Vec<Row>,
    /// Where the rows of each context end.
    ends: Vec<usize>,
}

/// Contexts of so many that leave anchors behind: all but the last.
pub(super) fn groups(contexts: usize) -> usize {
    contexts.saturating_sub(1).max(1)
}

impl Anchors {
    /// The anchors of one member.
    #[must_use]
    pub fn new(per_context: usize, member: &Member<'_>) -> Self {
        let groups = groups(member.stream.contexts());
        let label = RowSize::new(0, member.stream.outputs() as u32);
        let bytes = member.row_size.bytes() - label.bytes();
        Self { per_context, batch: member.batch, groups, bytes, kept: Vec::new(), ends: Vec::new() }
    }
}

impl Rehearse for Anchors {
    fn rows(&self) -> usize {
        (1..=self.groups).map(|past| past * self.batch.div_ceil(past)).max().unwrap_or(0)
    }

    fn fill(&mut self, now: Now, _: &[Row], fill: &mut Fill<'_>) -> Result<Share, Error> {
        let past = self.ends.len();
        if past == 0 {
            return Ok(Share::Empty);
        }
        let share = self.batch.div_ceil(past);
        let address = Address::new(now.seed, Purpose::named("lxdg, draw of anchors"));
        let address = address.context(now.stage).step(now.step);
        let (mut start, mut used) = (0, 0);
        for (ordinal, &end) in self.ends.iter().enumerate() {
            let mut random = address.ordinal(ordinal as u32).rng();
            for _ in 0..share {
                let cell = start + random.below((end - start) as u32) as usize;
                fill.rows[used] = self.kept[cell];
                fill.cells[used] = cell as u32;
                fill.weights[used] = 1.0 / share as f32;
                used += 1;
            }
            start = end;
        }
        Ok(Share::Joined(1.0))
    }

    fn end_context(&mut self, now: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
        if self.ends.len() == self.groups || rows.is_empty() {
            return Ok(());
        }
        let mut rows = rows.to_vec();
        let address = Address::new(now.seed, Purpose::named("lxdg, choice of anchors"));
        address.context(now.stage).rng().shuffle(&mut rows);
        self.kept.extend(rows.into_iter().take(self.per_context));
        self.ends.push(self.kept.len());
        Ok(())
    }

    fn kept(&self) -> &[Row] {
        &self.kept
    }

    fn peak_bytes(&self) -> u64 {
        self.bytes * self.kept.len() as u64
    }

    fn save(&self) -> Result<Value, Error> {
        to_state("lxdg's anchors", &(&self.kept, &self.ends))
    }

    fn restore(&mut self, state: &Value) -> Result<(), Error> {
        let (kept, ends): (Vec<Row>, Vec<usize>) = from_state("lxdg's anchors", state)?;
        let sizes =
            ends.iter().scan(0, |start, &end| Some(end.checked_sub(std::mem::replace(start, end))));
        let fits =
            |size: Option<usize>| size.is_some_and(|size| (1..=self.per_context).contains(&size));
        let whole = ends.last().copied().unwrap_or(0) == kept.len();
        if !whole || ends.len() > self.groups || !sizes.into_iter().all(fits) {
            let reason = format!(
                "{} rows that end at {ends:?}; expected up to {} contexts of 1 to {} rows",
                kept.len(),
                self.groups,
                self.per_context
            );
            return Err(Error::state("lxdg's anchors", reason));
        }
        (self.kept, self.ends) = (kept, ends);
        Ok(())
    }
}
