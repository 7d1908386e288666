//! Which rows of the stream come next.

use crate::parts::Source;
use cl_buffers::{Row, Sweep};
use cl_random::{Address, Purpose};
use cl_scenarios::{Scenario, Stream, StreamKind};
use rows::Rows;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

mod rows;

/// Of which context a row of a fuzzy or random stream is.
const CONTEXT_OF_ROW: Purpose = Purpose::named("context of a row");

/// Draws batches of one stage: shuffled passes over its rows, a pass's incomplete last batch dropped.
///
/// In a task-incremental stage of several contexts (joint, cumulative) every context gives the same
/// number of rows to each batch, so that every head counts the same; drawn by class, every class gives
/// a batch of rows.
///
/// Of a fuzzy or random stream every row's context is drawn by itself, by (seed, stage, step), and the
/// context's next row is taken: passes over a context go on from stage to stage, one behind the other.
/// A one-pass stream is one pass over the rows of a stage, and its last batch what is left of them. In
/// both all rows count the same.
#[derive(Debug)]
pub(crate) struct Draw {
    stage: u32,
    source: Source,
    order: Order,
    groups: Vec<Group>,
    /// Whether rows of memories joined those of the stream.
    joined: bool,
}

/// What a draw is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub source: Source,
    /// Rows of the stream per step.
    pub batch: usize,
    /// Steps per context of the run.
    pub steps: u32,
}

/// A step for which rows are drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub seed: u64,
    /// The step of the phase.
    pub step: u32,
    /// Its number among all programs of the stage, for addresses.
    pub number: u32,
}

/// How rows follow each other.
#[derive(Debug)]
enum Order {
    /// Shuffled passes over every group.
    Passes,
    /// A group per context; every row's is drawn.
    Mixed {
        kind: StreamKind,
        wanted: Wanted,
        probabilities: Vec<f64>,
        /// The contexts that can be at this step.
        likely: Vec<usize>,
        /// Contexts whose order is worked out, the one that was drawn from last at the end.
        open: Vec<usize>,
    },
    /// One pass over one group, batch by batch.
    Once { batch: usize },
}

#[derive(Debug)]
struct Group {
    rows: Rows,
    /// 0, 1, 2, ..; groups of one length share them.
    positions: Arc<[u32]>,
    sweep: Sweep,
    count: usize,
    drawn: Vec<u32>,
}

/// Rows of the stream in a step of the widest stage.
pub(crate) fn batch_rows(
    stream: &dyn Stream,
    labels: &[u8],
    batch: usize,
    source: Source,
) -> usize {
    let by_head = !stream.kind().is_task_free() && stream.scenario() == Scenario::Task;
    let rows = |stage: usize| match source {
        Source::StreamByClass => batch * by_class(stream, labels, stage).len(),
        _ => {
            let heads = stream.stages()[stage].contexts.len();
            heads * batch.div_ceil(heads)
        }
    };
    match source {
        Source::Memory => return 0,
        Source::Stream if !by_head => return batch,
        Source::Stream | Source::StreamByClass => {}
    }
    (0..stream.stages().len()).map(rows).max().unwrap_or(batch)
}

/// A class is an output unit within a context.
fn class_of(row: &Row) -> (u32, u32) {
    (row.context, row.label)
}

/// The training rows of a stage by context and class.
fn by_class(stream: &dyn Stream, labels: &[u8], stage: usize) -> Vec<Vec<Row>> {
    let mut classes: BTreeMap<(u32, u32), Vec<Row>> = BTreeMap::new();
    for &context in stream.stages()[stage].contexts.iter() {
        for row in rows_of(stream, labels, context) {
            classes.entry(class_of(&row)).or_default().push(row);
        }
    }
    classes.into_values().collect()
}

/// Classes of a stage's training rows.
pub(crate) fn classes(stream: &dyn Stream, labels: &[u8], stage: usize) -> usize {
    let contexts = stream.stages()[stage].contexts.iter();
    let of_context = contexts.map(|&context| {
        let units = stream.train(context).iter();
        let units = units.map(|&example| stream.target(context, labels[example as usize]));
        units.collect::<BTreeSet<u32>>().len()
    });
    of_context.sum()
}

/// The training rows of a context.
pub(crate) fn rows_of(stream: &dyn Stream, labels: &[u8], context: usize) -> Vec<Row> {
    rows(stream, labels, context, stream.train(context))
}

/// The test rows of a context.
pub(crate) fn test_rows_of(stream: &dyn Stream, labels: &[u8], context: usize) -> Vec<Row> {
    rows(stream, labels, context, stream.test(context))
}

fn rows(stream: &dyn Stream, labels: &[u8], context: usize, examples: &[u32]) -> Vec<Row> {
    examples
        .iter()
        .map(|&example| Row {
            example,
            label: stream.target(context, labels[example as usize]),
            context: context as u32,
        })
        .collect()
}

impl Draw {
    /// `more` rows join the stream's own: in its first group; drawn by class, in that of their class,
    /// and those of classes that the stage does not have stay out; where every row's context is drawn,
    /// in that of their context.
    pub(crate) fn new(
        stream: &dyn Stream,
        labels: &[u8],
        stage: usize,
        wanted: Wanted,
        more: &[Row],
    ) -> Self {
        let Wanted { source, batch, .. } = wanted;
        let contexts = &stream.stages()[stage].contexts;
        let by_context = contexts.iter().map(|&context| rows_of(stream, labels, context));
        let listed =
            |groups: Vec<Vec<Row>>| -> Vec<Rows> { groups.into_iter().map(Rows::Listed).collect() };
        let order = match (source, stream.kind()) {
            (Source::Stream, kind) if kind.is_mixed() => {
                let probabilities = vec![0.0; contexts.len()];
                let (likely, open) = (Vec::with_capacity(contexts.len()), Vec::with_capacity(3));
                Order::Mixed { kind, wanted, probabilities, likely, open }
            }
            (Source::Stream, StreamKind::OnePass) => Order::Once { batch },
            _ => Order::Passes,
        };
        let (mut groups, count): (Vec<Rows>, usize) = match source {
            Source::Memory => (Vec::new(), 0),
            Source::StreamByClass => (listed(by_class(stream, labels, stage)), batch),
            Source::Stream if matches!(order, Order::Mixed { .. }) => {
                (Rows::of_contexts(stream, labels, contexts), 1)
            }
            Source::Stream if matches!(order, Order::Once { .. }) => {
                (listed(vec![by_context.flatten().collect()]), batch)
            }
            Source::Stream if stream.scenario() == Scenario::Task => {
                (listed(by_context.collect()), batch.div_ceil(contexts.len()))
            }
            Source::Stream => (listed(vec![by_context.flatten().collect()]), batch),
        };
        for (ordinal, group) in groups.iter_mut().enumerate() {
            let first = (group.len() > 0).then(|| group.get(0));
            let class = first.as_ref().map(class_of);
            let joins = |row: &&Row| match source {
                Source::Stream if matches!(order, Order::Mixed { .. }) => {
                    first.is_some_and(|first| first.context == row.context)
                }
                Source::StreamByClass => Some(class_of(row)) == class,
                Source::Stream | Source::Memory => ordinal == 0,
            };
            group.extend(more.iter().filter(joins));
        }
        let mut positions: Arc<[u32]> = Arc::default();
        let group = |rows: Rows| {
            if positions.len() != rows.len() {
                positions = (0..rows.len() as u32).collect();
            }
            let (positions, sweep) = (positions.clone(), Sweep::new());
            Group { positions, rows, sweep, count, drawn: vec![0; count] }
        };
        let groups = groups.into_iter().map(group).collect();
        Self { stage: stage as u32, source, order, groups, joined: !more.is_empty() }
    }

    /// Where its rows come from.
    pub(crate) fn source(&self) -> Source {
        self.source
    }

    /// Whether rows of memories joined those of the stream.
    pub(crate) fn joined(&self) -> bool {
        self.joined
    }

    /// Whether its passes go on in the next stage.
    pub(crate) fn goes_on(&self) -> bool {
        matches!(self.order, Order::Mixed { .. })
    }

    /// Goes on in another stage.
    pub(crate) fn go_on(&mut self, stage: usize) {
        self.stage = stage as u32;
    }

    /// The stage it draws from.
    pub(crate) fn stage(&self) -> usize {
        self.stage as usize
    }

    /// Whether a phase with this source can go on with it.
    pub(crate) fn serves(&self, source: Source) -> bool {
        source == self.source || source == Source::Memory
    }

    /// How far its passes are.
    pub(crate) fn sweeps(&self) -> Vec<Sweep> {
        self.groups.iter().map(|group| group.sweep.clone()).collect()
    }

    /// Goes on where other passes over the same rows were; `false` if they are not of these groups.
    pub(crate) fn resume(&mut self, sweeps: &[Sweep]) -> bool {
        for (group, sweep) in self.groups.iter_mut().zip(sweeps) {
            group.sweep = sweep.clone();
        }
        self.groups.len() == sweeps.len()
    }

    /// Fills the front of a batch for a step of the stage; returns how many rows it used. Weights sum
    /// to 1.
    pub(crate) fn fill(&mut self, moment: Moment, rows: &mut [Row], weights: &mut [f32]) -> usize {
        match self.order {
            Order::Passes => self.fill_from_passes(moment.seed, rows, weights),
            Order::Mixed { .. } => self.fill_by_context(moment, rows, weights),
            Order::Once { batch } => self.fill_once(moment.seed, &mut rows[..batch], weights),
        }
    }

    fn fill_by_context(
        &mut self,
        Moment { seed, step, number }: Moment,
        rows: &mut [Row],
        weights: &mut [f32],
    ) -> usize {
        let Order::Mixed { kind, wanted, probabilities, likely, open } = &mut self.order else {
            return 0;
        };
        let before = u64::from(self.stage) * u64::from(wanted.steps);
        kind.probabilities(before + u64::from(step), wanted.steps, probabilities);
        likely.clear();
        likely.extend((0..probabilities.len()).filter(|&context| probabilities[context] > 0.0));
        let address = Address::new(seed, CONTEXT_OF_ROW).context(self.stage).step(number);
        let (mut rng, passes) = (address.rng(), Address::new(seed, Purpose::DRAW));
        for (row, weight) in rows.iter_mut().zip(weights).take(wanted.batch) {
            let context = chosen(probabilities, likely, rng.below(1 << 31));
            let group = &mut self.groups[context];
            let address = passes.ordinal(context as u32);
            group.sweep.fill(&group.positions, address, &mut group.drawn);
            *row = group.rows.get(group.drawn[0] as usize);
            *weight = 1.0 / wanted.batch as f32;
            if matches!(kind, StreamKind::Fuzzy { .. }) && !open.contains(&context) {
                // Contexts come one after the other, two at a time: others need no order now.
                open.push(context);
                if open.len() > 2 {
                    self.groups[open.remove(0)].sweep.forget_order();
                }
            }
        }
        wanted.batch
    }

    fn fill_once(&mut self, seed: u64, rows: &mut [Row], weights: &mut [f32]) -> usize {
        let group = &mut self.groups[0];
        let address = Address::new(seed, Purpose::DRAW).context(self.stage);
        let used = group.sweep.fill_to_end_of_pass(&group.positions, address, &mut group.drawn);
        for (row, &position) in rows.iter_mut().zip(&group.drawn[..used]) {
            *row = group.rows.get(position as usize);
        }
        // Padding stays in the context of the rows: a batch that views weights has one context.
        let context = rows.first().map_or(0, |row| row.context);
        rows[used..].iter_mut().for_each(|row| row.context = context);
        weights[..used].fill(1.0 / used as f32);
        used
    }

    fn fill_from_passes(&mut self, seed: u64, rows: &mut [Row], weights: &mut [f32]) -> usize {
        let share = 1.0 / self.groups.len() as f32;
        let mut used = 0;
        for (ordinal, group) in self.groups.iter_mut().enumerate() {
            let address = Address::new(seed, Purpose::DRAW).context(self.stage);
            let address = address.ordinal(ordinal as u32);
            if group.rows.len() >= group.count {
                group.sweep.fill_within_pass(&group.positions, address, &mut group.drawn);
            } else {
                group.sweep.fill(&group.positions, address, &mut group.drawn);
            }
            for &position in &group.drawn {
                rows[used] = group.rows.get(position as usize);
                weights[used] = share / group.count as f32;
                used += 1;
            }
        }
        used
    }
}

/// The entry, one of the likely ones, in whose share of the numbers below 2^31 `number` lies.
fn chosen(probabilities: &[f64], likely: &[usize], number: u32) -> usize {
    let mut left = f64::from(number) / f64::from(1_u32 << 31);
    let mut last = 0;
    for &index in likely {
        let probability = probabilities[index];
        if left < probability {
            return index;
        }
        // Where rounding leaves something over, the last that can be.
        (left, last) = (left - probability, index);
    }
    last
}

#[cfg(test)]
mod tests;
