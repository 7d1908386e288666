//! The host's side of a member: which rows come next, and with what weight.

use crate::draw::Draw;
use crate::error::Error;
use crate::rehearse::{Mix, Now, Rehearse, Share};
use cl_buffers::Row;
use cl_nn::Schedule;
use cl_tensor::{Feeds, Host, Outputs};

/// The rows of one step, with room for the largest.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub rows: Vec<Row>,
    pub weight: Vec<f32>,
    index: Vec<u32>,
    target: Vec<u32>,
    context: Vec<u32>,
}

impl Rows {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            rows: vec![Row { example: 0, label: 0, context: 0 }; count],
            weight: vec![0.0; count],
            index: vec![0; count],
            target: vec![0; count],
            context: vec![0; count],
        }
    }

    /// Sets the front to these rows with weight 1 and the rest to padding.
    pub(crate) fn pad(&mut self, rows: &[Row]) {
        self.clear();
        self.rows[..rows.len()].copy_from_slice(rows);
        self.weight[..rows.len()].fill(1.0);
    }

    pub(crate) fn clear(&mut self) {
        self.rows.fill(Row { example: 0, label: 0, context: 0 });
        self.weight.fill(0.0);
    }

    pub(crate) fn feed(&mut self, feeds: &mut Feeds<'_>) -> Result<(), cl_tensor::Error> {
        for (i, row) in self.rows.iter().enumerate() {
            self.index[i] = row.example;
            self.target[i] = row.label;
            self.context[i] = row.context;
        }
        feeds.u32("index", &self.index)?;
        feeds.u32("target", &self.target)?;
        feeds.u32("context", &self.context)?;
        feeds.f32("weight", &self.weight)
    }
}

/// One member's training.
pub(crate) struct Training<'a> {
    pub seed: u64,
    pub stage: u32,
    pub draw: &'a mut Draw,
    pub rehearsals: &'a mut [Box<dyn Rehearse>],
    pub rows: &'a mut Rows,
    /// Rows of the stream in `rows`, behind them those of the rehearsals.
    pub stream_rows: usize,
    pub drawn: usize,
    pub mix: Mix,
    pub schedule: Schedule,
    /// Name of the composition, for messages.
    pub strategy: &'a str,
}

impl Training<'_> {
    fn now(&self, step: u32) -> Now {
        Now { seed: self.seed, stage: self.stage, step }
    }

    fn choose(&mut self, step: u32) -> Result<(), Error> {
        self.rows.clear();
        let (rows, weights) = (&mut self.rows.rows, &mut self.rows.weight);
        self.drawn = self.draw.fill(self.seed, self.stage, rows, weights);
        let now = Now { seed: self.seed, stage: self.stage, step };
        let mut start = self.stream_rows;
        let mut total = 0.0;
        let mut shares = [0.0_f32; MAX_REHEARSALS];
        for (source, rehearsal) in self.rehearsals.iter_mut().enumerate() {
            let end = start + rehearsal.rows();
            let share = rehearsal.fill(now, &mut rows[start..end], &mut weights[start..end])?;
            if let Share::Joined(share) = share {
                shares[source] = share;
                total += share;
            }
            start = end;
        }
        if total == 0.0 {
            return Ok(());
        }
        let (current, replayed) = self.mix.weights(self.stage);
        weights[..self.stream_rows].iter_mut().for_each(|w| *w *= current);
        let mut start = self.stream_rows;
        for (source, rehearsal) in self.rehearsals.iter().enumerate() {
            let end = start + rehearsal.rows();
            let factor = match self.mix {
                Mix::Sum => shares[source],
                _ => replayed * shares[source] / total,
            };
            weights[start..end].iter_mut().for_each(|w| *w *= factor);
            start = end;
        }
        Ok(())
    }
}

/// The most rehearsals that one composition may have; a step allocates nothing for them.
pub(crate) const MAX_REHEARSALS: usize = 8;

impl Host for Training<'_> {
    fn feed(&mut self, step: u32, feeds: &mut Feeds<'_>) -> Result<(), cl_tensor::Error> {
        self.choose(step).map_err(stopped)?;
        self.rows.feed(feeds)?;
        let seed = [self.seed as u32, (self.seed >> 32) as u32];
        feeds.u32("address", &[seed[0], seed[1], self.stage, step])?;
        feeds.f32("schedule", &[self.schedule.factor(step) as f32])
    }

    fn collect(&mut self, step: u32, outputs: &Outputs<'_>) -> Result<(), cl_tensor::Error> {
        let loss = outputs.scalar("loss")?;
        if !loss.is_finite() {
            return Err(stopped(Error::Diverged {
                strategy: self.strategy.to_owned(),
                seed: self.seed,
                loss,
                context: self.stage as usize + 1,
                step: step + 1,
            }));
        }
        let now = self.now(step);
        let rows = &self.rows.rows[..self.drawn];
        self.rehearsals
            .iter_mut()
            .try_for_each(|rehearsal| rehearsal.see(now, rows))
            .map_err(stopped)
    }
}

fn stopped(error: Error) -> cl_tensor::Error {
    cl_tensor::Error::Stopped(error.to_string())
}

/// A pass over fixed rows in chunks; padding has weight 0.
pub(crate) struct Chunks<'a> {
    pub all: &'a [Row],
    pub rows: Rows,
    /// What is read of each chunk: output `hit`, where the plan has one.
    pub hits: Option<Vec<f32>>,
}

impl<'a> Chunks<'a> {
    pub(crate) fn new(all: &'a [Row], chunk: usize) -> Self {
        Self { all, rows: Rows::new(chunk), hits: None }
    }

    pub(crate) fn evaluating(self) -> Self {
        Self { hits: Some(Vec::with_capacity(self.all.len())), ..self }
    }

    fn chunk(&self, step: u32) -> &'a [Row] {
        let size = self.rows.rows.len();
        let start = (step as usize * size).min(self.all.len());
        &self.all[start..self.all.len().min(start + size)]
    }
}

impl Host for Chunks<'_> {
    fn feed(&mut self, step: u32, feeds: &mut Feeds<'_>) -> Result<(), cl_tensor::Error> {
        let chunk = self.chunk(step);
        self.rows.pad(chunk);
        self.rows.feed(feeds)
    }

    fn collect(&mut self, step: u32, outputs: &Outputs<'_>) -> Result<(), cl_tensor::Error> {
        let count = self.chunk(step).len();
        if let Some(hits) = &mut self.hits {
            hits.extend_from_slice(&outputs.f32("hit")?[..count]);
        }
        Ok(())
    }
}

/// Feeds scalars by name.
pub(crate) struct Numbers(pub Vec<(String, f32)>);

impl Host for Numbers {
    fn feed(&mut self, _: u32, feeds: &mut Feeds<'_>) -> Result<(), cl_tensor::Error> {
        self.0.iter().try_for_each(|(name, value)| feeds.f32(name, &[*value]))
    }
}
