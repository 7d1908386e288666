//! The host's side of a member: which rows come next, and with what weight.

use crate::draw::{Draw, Moment};
use crate::error::Error;
use crate::memory::Memory;
use crate::parts::{Detect, Generate, Joins, Source};
use crate::record::{LIVE, LOSS, input};
use crate::rehearse::{Fill, Mix, Now, Share};
use crate::reports::Reports;
use cl_buffers::Row;
use cl_nn::Schedule;
use cl_random::{Address, Purpose, threefry2x32};
use cl_tensor::{Feeds, Host, Outputs};

const PADDING: Row = Row { example: 0, label: 0, context: 0 };

/// The rows of one group in one step, with room for the largest, and the names they are fed under.
#[derive(Debug)]
pub(crate) struct Rows {
    pub rows: Vec<Row>,
    pub weight: Vec<f32>,
    values: [Vec<u32>; 3],
    names: [String; 4],
}

impl Rows {
    pub(crate) fn new(group: &str, count: usize) -> Self {
        Self {
            rows: vec![PADDING; count],
            weight: vec![0.0; count],
            values: std::array::from_fn(|_| vec![0; count]),
            names: ["index", "target", "context", "weight"].map(|what| input(what, group)),
        }
    }

    /// Sets the front to these rows with weight 1 and the rest to padding.
    pub(crate) fn pad(&mut self, rows: &[Row]) {
        self.clear();
        // Padding stays in the context of the rows: a batch that views weights has one context.
        let context = rows.first().map_or(0, |row| row.context);
        self.rows.fill(Row { context, ..PADDING });
        self.rows[..rows.len()].copy_from_slice(rows);
        self.weight[..rows.len()].fill(1.0);
    }

    pub(crate) fn clear(&mut self) {
        self.rows.fill(PADDING);
        self.weight.fill(0.0);
    }

    pub(crate) fn feed(&mut self, feeds: &mut Feeds<'_>) -> Result<(), cl_tensor::Error> {
        let [index, target, context] = &mut self.values;
        for (i, row) in self.rows.iter().enumerate() {
            (index[i], target[i], context[i]) = (row.example, row.label, row.context);
        }
        let [index, target, context, weight] = &self.names;
        feeds.u32(index, &self.values[0])?;
        feeds.u32(target, &self.values[1])?;
        feeds.u32(context, &self.values[2])?;
        feeds.f32(weight, &self.weight)
    }
}

/// One member's training with one program of a phase.
pub(crate) struct Training<'a> {
    pub seed: u64,
    /// Boundaries that have passed.
    pub stage: u32,
    /// The stage of the stream. Noise follows it, whoever finds boundaries where.
    pub stream_stage: u32,
    /// Where the steps of this program lie among those of the stage, for addresses of noise: step s
    /// is number `offset + s * stride`.
    pub offset: u32,
    pub stride: u32,
    /// The first step of this run, and how many programs have run since the last boundary by then,
    /// for the host's own addresses.
    pub first: u32,
    pub taken: u32,
    /// Steps of the phase for this member; it idles behind them.
    pub length: u32,
    pub draw: &'a mut Draw,
    pub source: Source,
    pub memories: &'a mut [Memory],
    pub generators: &'a [(String, &'a dyn Generate)],
    pub rows: &'a mut Rows,
    /// Rows of the stream in `rows`, behind them those of the memories.
    pub stream_rows: usize,
    pub drawn: usize,
    pub mix: Mix,
    pub schedule: Schedule,
    /// Rows of the stream since the last boundary, where nobody tells boundaries.
    pub recent: Option<&'a mut Vec<Row>>,
    pub detector: Option<&'a mut (dyn Detect + 'static)>,
    /// Whether the detector found a boundary.
    pub ended: &'a mut bool,
    /// Name of the composition, for messages.
    pub strategy: &'a str,
}

impl Training<'_> {
    fn now(&self, step: u32) -> Now {
        let step = self.taken + (step - self.first);
        Now { seed: self.seed, stage: self.stage, step }
    }

    fn choose(&mut self, step: u32, feeds: &mut Feeds<'_>) -> Result<(), Error> {
        let now = self.now(step);
        self.draw_current(step);
        let mut total = self.let_memories_fill(now)?;
        let generated = |it: &dyn Generate| match it.share(now) {
            Share::Empty => 0.0,
            Share::Joined(share) => share,
        };
        for (_, generator) in self.generators {
            total += generated(*generator);
        }
        let (current, replayed) = match (self.source, total > 0.0) {
            (_, false) => (1.0, 0.0),
            (Source::Memory, true) => (0.0, 1.0),
            (_, true) => self.mix.weights_of(self.stage, (self.drawn, self.replayed())),
        };
        let factor = |share: f32| match self.mix {
            _ if total == 0.0 => 0.0,
            Mix::Sum if self.source != Source::Memory => share,
            _ => replayed * share / total,
        };
        let weights = &mut self.rows.weight;
        if current != 1.0 {
            weights[..self.stream_rows].iter_mut().for_each(|weight| *weight *= current);
        }
        let mut start = self.stream_rows;
        for memory in self.memories.iter().filter(|memory| memory.joins == Joins::Batch) {
            let end = start + memory.it.rows();
            weights[start..end].iter_mut().for_each(|weight| *weight *= factor(memory.share));
            start = end;
        }
        for (name, generator) in self.generators {
            feeds.f32(name, &[factor(generated(*generator))])?;
        }
        Ok(())
    }

    /// Lets every memory choose its rows; gives the shares of those that join the batch together.
    fn let_memories_fill(&mut self, now: Now) -> Result<f32, Error> {
        let mut total = 0.0;
        let mut start = self.stream_rows;
        for memory in &mut *self.memories {
            let share = fill(memory, now, self.rows, start, self.drawn)?;
            memory.share = share;
            if memory.joins == Joins::Batch {
                total += share;
                start += memory.it.rows();
            }
        }
        Ok(total)
    }

    /// Rows of memories in the batch that count.
    fn replayed(&self) -> usize {
        self.rows.weight[self.stream_rows..].iter().filter(|weight| **weight > 0.0).count()
    }

    fn draw_current(&mut self, step: u32) {
        self.rows.clear();
        if self.source == Source::Memory {
            self.drawn = 0;
            return;
        }
        let (rows, weights) = (&mut self.rows.rows, &mut self.rows.weight);
        let moment = Moment { seed: self.seed, step, number: self.offset + step * self.stride };
        self.drawn = self.draw.fill(moment, rows, weights);
        if let Some(recent) = &mut self.recent {
            recent.extend_from_slice(&rows[..self.drawn]);
        }
    }

    /// A step that trains nothing: rows pass by memories.
    pub(crate) fn pass_by(&mut self, step: u32) -> Result<(), Error> {
        self.draw_current(step);
        self.store(step, None)
    }

    /// A step without its program: memories choose rows and see those of the stream.
    pub(crate) fn rehearse(&mut self, step: u32) -> Result<(), Error> {
        self.draw_current(step);
        self.let_memories_fill(self.now(step))?;
        self.store(step, None)
    }

    fn store(&mut self, step: u32, outputs: Option<&Outputs<'_>>) -> Result<(), Error> {
        let now = self.now(step);
        let rows = &self.rows.rows[..self.drawn];
        let read = |name: &str| outputs.and_then(|outputs| outputs.f32(name).ok());
        self.memories.iter_mut().try_for_each(|memory| {
            let reports = Reports::new(rows, &memory.scope, &read);
            memory.it.store(now, rows, &reports)
        })
    }
}

/// Lets a memory choose its rows; gives its share.
fn fill(
    memory: &mut Memory,
    now: Now,
    main: &mut Rows,
    start: usize,
    drawn: usize,
) -> Result<f32, Error> {
    memory.cells.fill(u32::MAX);
    memory.stored.fill(u32::MAX);
    let (before, behind) = main.rows.split_at_mut(start);
    let count = memory.it.rows();
    let (rows, weights) = match &mut memory.apart {
        None => (&mut behind[..count], &mut main.weight[start..start + count]),
        Some(apart) => {
            apart.clear();
            (&mut apart.rows[..], &mut apart.weight[..])
        }
    };
    let (cells, stored) = (&mut memory.cells[..], &mut memory.stored[..]);
    let mut fill = Fill { rows, weights, cells, stored };
    Ok(match memory.it.fill(now, &before[..drawn], &mut fill)? {
        Share::Empty => 0.0,
        Share::Joined(share) => share,
    })
}

impl Host for Training<'_> {
    fn feed(&mut self, step: u32, feeds: &mut Feeds<'_>) -> Result<(), cl_tensor::Error> {
        let live = step < self.length;
        feeds.f32(LIVE, &[f32::from(u8::from(live))])?;
        if live {
            self.choose(step, feeds).map_err(stopped)?;
        } else {
            for (name, _) in self.generators {
                feeds.f32(name, &[0.0])?;
            }
        }
        self.rows.feed(feeds)?;
        for memory in &mut *self.memories {
            memory.feed(feeds)?;
        }
        let seed = [self.seed as u32, (self.seed >> 32) as u32];
        let number = self.offset + step * self.stride;
        feeds.u32("address", &[seed[0], seed[1], self.stream_stage, number])?;
        let steps = self.length.max(1) as f32;
        feeds.f32("progress", &[step as f32 / steps])?;
        feeds.f32("steps", &[steps])?;
        feeds.f32("schedule", &[self.schedule.factor_within(step, self.length) as f32])
    }

    fn collect(&mut self, step: u32, outputs: &Outputs<'_>) -> Result<(), cl_tensor::Error> {
        let loss = outputs.scalar(LOSS)?;
        if !loss.is_finite() {
            return Err(stopped(Error::Diverged {
                strategy: self.strategy.to_owned(),
                seed: self.seed,
                loss,
                context: self.stream_stage as usize + 1,
                step: step + 1,
            }));
        }
        let now = self.now(step);
        if let Some(detector) = &mut self.detector {
            *self.ended |= detector.ends_here(now, loss);
        }
        self.store(step, Some(outputs)).map_err(stopped)
    }
}

fn stopped(error: Error) -> cl_tensor::Error {
    cl_tensor::Error::Stopped(error.to_string())
}

/// What a pass draws for a row: uniform in [0, 1), a function of seed, boundary, example and context of
/// the row, and of the input that it is drawn for.
pub(crate) fn row_draw(input: &str, now: Now, row: Row) -> f32 {
    let address = Address::new(now.seed, Purpose::named(input)).context(now.stage);
    let key = address.step(row.example).ordinal(row.context).key();
    (threefry2x32(key, [0, 0])[0] >> 8) as f32 / (1 << 24) as f32
}

/// A pass over fixed rows in chunks; padding has weight 0.
pub(crate) struct Chunks<'a> {
    /// The rows of each chunk.
    chunks: Vec<&'a [Row]>,
    rows: Rows,
    /// The input that takes where rows lie in their memory, and where all of them do.
    cells: Option<(&'a str, &'a [u32])>,
    /// Those of a chunk.
    of_chunk: Vec<u32>,
    /// What is drawn per row: inputs, and whose numbers they are.
    draws: &'a [String],
    now: Now,
    numbers: Vec<f32>,
    /// What is read of each chunk: outputs by name.
    pub read: Vec<(String, Vec<f32>)>,
}

impl<'a> Chunks<'a> {
    /// Chunks of at most `size` rows.
    pub(crate) fn new(all: &'a [Row], size: usize) -> Self {
        Self {
            chunks: all.chunks(size).collect(),
            rows: Rows::new("", size),
            cells: None,
            of_chunk: vec![u32::MAX; size],
            draws: &[],
            now: Now { seed: 0, stage: 0, step: 0 },
            numbers: vec![0.0; size],
            read: Vec::new(),
        }
    }

    /// Chunks of at most `size` rows, each of one context.
    pub(crate) fn by_context(all: &'a [Row], size: usize) -> Self {
        let contexts = all.chunk_by(|a, b| a.context == b.context);
        let chunks = contexts.flat_map(|rows| rows.chunks(size)).collect();
        Self { chunks, ..Self::new(&[], size) }
    }

    /// Feeds these inputs with numbers drawn per row.
    pub(crate) fn drawing(self, now: Now, draws: &'a [String]) -> Self {
        Self { now, draws, ..self }
    }

    /// Reads these outputs of every chunk, without its padding.
    pub(crate) fn reading(self, outputs: impl IntoIterator<Item = String>) -> Self {
        Self { read: outputs.into_iter().map(|name| (name, Vec::new())).collect(), ..self }
    }

    /// Tells where the rows lie in their memory, by the input of this name.
    pub(crate) fn at(self, input: Option<&'a str>, cells: &'a [u32]) -> Self {
        Self { cells: input.map(|input| (input, cells)), ..self }
    }

    /// Number of chunks.
    pub(crate) fn len(&self) -> usize {
        self.chunks.len()
    }
}

impl Host for Chunks<'_> {
    fn feed(&mut self, step: u32, feeds: &mut Feeds<'_>) -> Result<(), cl_tensor::Error> {
        let chunk = self.chunks.get(step as usize).copied().unwrap_or(&[]);
        feeds.f32(LIVE, &[f32::from(u8::from(!chunk.is_empty()))])?;
        self.rows.pad(chunk);
        for input in self.draws {
            for (number, row) in self.numbers.iter_mut().zip(&self.rows.rows) {
                *number = row_draw(input, self.now, *row);
            }
            feeds.f32(input, &self.numbers)?;
        }
        self.rows.feed(feeds)?;
        let Some((input, cells)) = self.cells else { return Ok(()) };
        self.of_chunk.fill(u32::MAX);
        if !chunk.is_empty() {
            let start: usize = self.chunks[..step as usize].iter().map(|chunk| chunk.len()).sum();
            self.of_chunk[..chunk.len()].copy_from_slice(&cells[start..start + chunk.len()]);
        }
        feeds.u32(input, &self.of_chunk)
    }

    fn collect(&mut self, step: u32, outputs: &Outputs<'_>) -> Result<(), cl_tensor::Error> {
        let count = self.chunks.get(step as usize).map_or(0, |chunk| chunk.len());
        for (name, values) in &mut self.read {
            let chunk = outputs.f32(name)?;
            let width = chunk.len() / self.rows.rows.len();
            values.extend_from_slice(&chunk[..count * width]);
        }
        Ok(())
    }
}

/// Feeds what the end of a context is told: how many contexts have ended and rows per pass.
pub(crate) struct Ends {
    pub live: f32,
    pub context: u32,
    pub examples: Vec<(String, f32)>,
}

impl Host for Ends {
    fn feed(&mut self, _: u32, feeds: &mut Feeds<'_>) -> Result<(), cl_tensor::Error> {
        feeds.f32(LIVE, &[self.live])?;
        feeds.u32("context", &[self.context])?;
        feeds.u32("index", &[self.context.wrapping_sub(1)])?;
        self.examples.iter().try_for_each(|(name, value)| feeds.f32(name, &[*value]))
    }
}
