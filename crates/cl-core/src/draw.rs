//! Which rows of the stream come next.

use cl_buffers::{Row, Sweep};
use cl_random::{Address, Purpose};
use cl_scenarios::{Scenario, Stream};

/// Draws batches of one stage: shuffled passes over its rows, a pass's incomplete last batch dropped.
///
/// In a task-incremental stage of several contexts (joint, cumulative) every context gives the same
/// number of rows to each batch, so that every head counts the same.
#[derive(Debug)]
pub(crate) struct Draw {
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    rows: Vec<Row>,
    positions: Vec<u32>,
    sweep: Sweep,
    count: usize,
    drawn: Vec<u32>,
}

/// Rows that a batch of the widest stage needs.
pub(crate) fn batch_rows(stream: &dyn Stream, batch: usize) -> usize {
    let widest = stream.stages().iter().map(|stage| {
        let heads = if stream.scenario() == Scenario::Task { stage.contexts.len() } else { 1 };
        heads * batch.div_ceil(heads)
    });
    widest.max().unwrap_or(batch)
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
    pub(crate) fn new(stream: &dyn Stream, labels: &[u8], stage: usize, batch: usize) -> Self {
        let contexts = &stream.stages()[stage].contexts;
        let by_context = contexts.iter().map(|&context| rows_of(stream, labels, context));
        let groups: Vec<Vec<Row>> = if stream.scenario() == Scenario::Task {
            by_context.collect()
        } else {
            vec![by_context.flatten().collect()]
        };
        let count = batch.div_ceil(groups.len());
        let groups = groups
            .into_iter()
            .map(|rows| Group {
                positions: (0..rows.len() as u32).collect(),
                rows,
                sweep: Sweep::new(),
                count,
                drawn: vec![0; count],
            })
            .collect();
        Self { groups }
    }

    /// Fills the front of a batch; returns how many rows it used. Weights sum to 1.
    pub(crate) fn fill(
        &mut self,
        seed: u64,
        stage: u32,
        rows: &mut [Row],
        weights: &mut [f32],
    ) -> usize {
        let share = 1.0 / self.groups.len() as f32;
        let mut used = 0;
        for (ordinal, group) in self.groups.iter_mut().enumerate() {
            let address = Address::new(seed, Purpose::DRAW).context(stage).ordinal(ordinal as u32);
            if group.rows.len() >= group.count {
                group.sweep.fill_within_pass(&group.positions, address, &mut group.drawn);
            } else {
                group.sweep.fill(&group.positions, address, &mut group.drawn);
            }
            for &position in &group.drawn {
                rows[used] = group.rows[position as usize];
                weights[used] = share / group.count as f32;
                used += 1;
            }
        }
        used
    }
}
