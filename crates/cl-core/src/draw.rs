//! Which rows of the stream come next.

use crate::parts::Source;
use cl_buffers::{Row, Sweep};
use cl_random::{Address, Purpose};
use cl_scenarios::{Scenario, Stream};
use std::collections::BTreeMap;

/// Draws batches of one stage: shuffled passes over its rows, a pass's incomplete last batch dropped.
///
/// In a task-incremental stage of several contexts (joint, cumulative) every context gives the same
/// number of rows to each batch, so that every head counts the same; drawn by class, every class gives
/// a batch of rows.
#[derive(Debug)]
pub(crate) struct Draw {
    stage: u32,
    source: Source,
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

/// Rows of the stream in a step of the widest stage.
pub(crate) fn batch_rows(
    stream: &dyn Stream,
    labels: &[u8],
    batch: usize,
    source: Source,
) -> usize {
    let rows = |stage: usize| match source {
        Source::Memory => 0,
        Source::Stream if stream.scenario() == Scenario::Task => {
            let heads = stream.stages()[stage].contexts.len();
            heads * batch.div_ceil(heads)
        }
        Source::Stream => batch,
        Source::StreamByClass => batch * by_class(stream, labels, stage).len(),
    };
    (0..stream.stages().len()).map(rows).max().unwrap_or(batch)
}

/// A class is an output unit within a context.
fn class_of(row: &Row) -> (u32, u32) {
    (row.context, row.label)
}

/// The training rows of a stage by context and class.
fn by_class(stream: &dyn Stream, labels: &[u8], stage: usize) -> Vec<Vec<Row>> {
    let mut classes: BTreeMap<(u32, u32), Vec<Row>> = BTreeMap::new();
    for &context in &stream.stages()[stage].contexts {
        for row in rows_of(stream, labels, context) {
            classes.entry(class_of(&row)).or_default().push(row);
        }
    }
    classes.into_values().collect()
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
    /// and those of classes that the stage does not have stay out.
    pub(crate) fn new(
        stream: &dyn Stream,
        labels: &[u8],
        stage: usize,
        (source, batch): (Source, usize),
        more: &[Row],
    ) -> Self {
        let contexts = &stream.stages()[stage].contexts;
        let by_context = contexts.iter().map(|&context| rows_of(stream, labels, context));
        let (mut groups, count): (Vec<Vec<Row>>, usize) = match source {
            Source::Memory => (Vec::new(), 0),
            Source::StreamByClass => (by_class(stream, labels, stage), batch),
            Source::Stream if stream.scenario() == Scenario::Task => {
                (by_context.collect(), batch.div_ceil(contexts.len()))
            }
            Source::Stream => (vec![by_context.flatten().collect()], batch),
        };
        for (ordinal, group) in groups.iter_mut().enumerate() {
            let class = group.first().map(class_of);
            let joins = |row: &&Row| match source {
                Source::StreamByClass => Some(class_of(row)) == class,
                Source::Stream | Source::Memory => ordinal == 0,
            };
            group.extend(more.iter().filter(joins));
        }
        let group = |rows: Vec<Row>| Group {
            positions: (0..rows.len() as u32).collect(),
            rows,
            sweep: Sweep::new(),
            count,
            drawn: vec![0; count],
        };
        Self { stage: stage as u32, source, groups: groups.into_iter().map(group).collect() }
    }

    /// Where its rows come from.
    pub(crate) fn source(&self) -> Source {
        self.source
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

    /// Fills the front of a batch; returns how many rows it used. Weights sum to 1.
    pub(crate) fn fill(&mut self, seed: u64, rows: &mut [Row], weights: &mut [f32]) -> usize {
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
                rows[used] = group.rows[position as usize];
                weights[used] = share / group.count as f32;
                used += 1;
            }
        }
        used
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cl_scenarios::{Part, Protocol, StreamSpec, digits};
    use std::collections::BTreeSet;

    const EMPTY: Row = Row { example: 0, label: 0, context: 0 };

    fn drawn(draw: &mut Draw, count: usize) -> (Vec<Row>, Vec<f32>) {
        let (mut rows, mut weights) = (vec![EMPTY; count], vec![0.0; count]);
        let used = draw.fill(2, &mut rows, &mut weights);
        rows.truncate(used);
        weights.truncate(used);
        (rows, weights)
    }

    fn stream(scenario: Scenario) -> cl_scenarios::ContextStream {
        let (protocol, part) = (Protocol::Split, Part::Final);
        let spec = StreamSpec { protocol, scenario, contexts: 5, seed: 2, part, pad: 0 };
        spec.build(&digits()).unwrap()
    }

    #[test]
    fn a_pass_shows_no_row_twice_and_drops_its_incomplete_batch() {
        let (stream, labels) = (stream(Scenario::Class), digits().labels);
        let all: BTreeSet<u32> = stream.train(1).iter().copied().collect();
        let mut draw = Draw::new(&stream, &labels, 1, (Source::Stream, 32), &[]);
        let mut passes = Vec::new();
        for _ in 0..2 {
            let mut seen = BTreeSet::new();
            for _ in 0..all.len() / 32 {
                let (rows, weights) = drawn(&mut draw, 32);
                assert!(weights.iter().all(|&weight| weight == 1.0 / 32.0));
                assert!(rows.iter().all(|row| row.context == 1 && all.contains(&row.example)));
                seen.extend(rows.iter().map(|row| row.example));
            }
            // Every batch of a pass is new; what is left over of the pass is never shown.
            assert_eq!(seen.len(), all.len() / 32 * 32);
            passes.push(seen);
        }
        assert_ne!(all.len() % 32, 0);
        assert_ne!(passes[0], passes[1], "each pass leaves out other rows");
    }

    #[test]
    fn a_context_smaller_than_the_batch_fills_it_with_further_passes() {
        let (stream, labels) = (stream(Scenario::Class), digits().labels);
        let count = stream.train(0).len();
        let mut draw = Draw::new(&stream, &labels, 0, (Source::Stream, count + 10), &[]);
        let (rows, weights) = drawn(&mut draw, count + 10);
        assert_eq!(rows.len(), count + 10);
        let first: BTreeSet<u32> = rows[..count].iter().map(|row| row.example).collect();
        assert_eq!(first.len(), count);
        assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }

    /// 32 rows over 5 contexts: 7 of each, each with weight 1/5 / 7.
    #[test]
    fn joint_task_batches_give_every_context_the_same_rows_and_weight() {
        let (stream, labels) = (stream(Scenario::Task).joint(), digits().labels);
        assert_eq!(batch_rows(&stream, &labels, 32, Source::Stream), 35);
        let mut draw = Draw::new(&stream, &labels, 0, (Source::Stream, 32), &[]);
        let (rows, weights) = drawn(&mut draw, 35);
        for context in 0..5 {
            assert_eq!(rows.iter().filter(|row| row.context == context).count(), 7);
        }
        assert!(weights.iter().all(|&weight| (weight - 0.2 / 7.0).abs() < 1e-8));
    }

    /// 7 rows of each of two classes, each with weight 1/14; a pass over a class shows no row twice.
    #[test]
    fn drawn_by_class_a_batch_is_so_many_rows_of_one_class_behind_the_other() {
        let (stream, labels) = (stream(Scenario::Class), digits().labels);
        assert_eq!(batch_rows(&stream, &labels, 7, Source::StreamByClass), 14);
        let mut classes =
            stream.classes(1).iter().map(|&class| u32::from(class)).collect::<Vec<_>>();
        classes.sort_unstable_by_key(|&class| stream.target(1, class as u8));
        let count = |class| {
            let of = |&&example: &&u32| u32::from(labels[example as usize]) == class;
            stream.train(1).iter().filter(of).count()
        };
        let mut draw = Draw::new(&stream, &labels, 1, (Source::StreamByClass, 7), &[]);
        let mut seen = BTreeSet::new();
        let steps = count(classes[0]).min(count(classes[1])) / 7;
        for _ in 0..steps {
            let (rows, weights) = drawn(&mut draw, 14);
            assert!(weights.iter().all(|&weight| (weight - 1.0 / 14.0).abs() < 1e-8));
            for (rows, &class) in rows.chunks(7).zip(&classes) {
                assert!(rows.iter().all(|row| u32::from(labels[row.example as usize]) == class));
            }
            seen.extend(rows.iter().map(|row| row.example));
        }
        assert_eq!(seen.len(), steps * 14);
    }

    #[test]
    fn drawn_by_class_a_batch_of_a_joint_stage_holds_every_class_of_every_context() {
        let (stream, labels) = (stream(Scenario::Domain).joint(), digits().labels);
        // Two units in each of five contexts, which share them.
        assert_eq!(batch_rows(&stream, &labels, 3, Source::StreamByClass), 30);
        let mut draw = Draw::new(&stream, &labels, 0, (Source::StreamByClass, 3), &[]);
        let (rows, weights) = drawn(&mut draw, 30);
        let found: Vec<_> = rows.iter().map(|row| (row.context, row.label)).collect();
        let expected: Vec<_> = (0..30).map(|i| (i / 6, i / 3 % 2)).collect();
        assert_eq!(found, expected);
        assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn drawn_by_class_a_class_smaller_than_the_batch_is_shown_again() {
        let (stream, labels) = (stream(Scenario::Class), digits().labels);
        let of_stage = rows_of(&stream, &labels, 0);
        let first = of_stage.iter().map(|row| row.label).min().unwrap();
        let count = of_stage.iter().filter(|row| row.label == first).count();
        let mut draw = Draw::new(&stream, &labels, 0, (Source::StreamByClass, count + 1), &[]);
        let (rows, _) = drawn(&mut draw, 2 * (count + 1));
        let shown =
            |rows: &[Row]| rows.iter().map(|row| row.example).collect::<BTreeSet<_>>().len();
        assert_eq!(shown(&rows[..count]), count);
        assert!(rows[..count + 1].iter().all(|row| row.label == first));
    }

    #[test]
    fn exemplars_join_the_draw_as_rows_of_the_stream_and_by_class_only_their_own() {
        let (stream, labels) = (stream(Scenario::Class), digits().labels);
        let (earlier, own) = (rows_of(&stream, &labels, 0), rows_of(&stream, &labels, 1));
        let more = [&earlier[..3], &own[..2]].concat();
        let mut draw = Draw::new(&stream, &labels, 1, (Source::Stream, own.len() + 5), &more);
        let (rows, _) = drawn(&mut draw, own.len() + 5);
        let times = |rows: &[Row], row: &Row| rows.iter().filter(|other| *other == row).count();
        assert!(earlier[..3].iter().all(|row| times(&rows, row) == 1));
        assert!(own[..2].iter().all(|row| times(&rows, row) == 2));

        let most = own.len() + 2;
        let mut draw = Draw::new(&stream, &labels, 1, (Source::StreamByClass, most), &more);
        let (rows, _) = drawn(&mut draw, 2 * most);
        assert!(rows.iter().all(|row| row.context == 1));
        for rows in rows.chunks(most) {
            assert!(rows.iter().all(|row| row.label == rows[0].label));
            // One pass over the class and what joined it holds those twice.
            let joined = own[..2].iter().filter(|row| row.label == rows[0].label);
            let pass = own.iter().filter(|row| row.label == rows[0].label).count();
            let pass = &rows[..pass + joined.clone().count()];
            assert!(joined.into_iter().all(|row| times(pass, row) == 2));
        }
    }

    #[test]
    fn targets_are_the_units_of_the_rows_labels() {
        let (stream, labels) = (stream(Scenario::Domain), digits().labels);
        for row in rows_of(&stream, &labels, 3) {
            let classes = stream.classes(3);
            let place = classes.iter().position(|&c| c == labels[row.example as usize]);
            assert_eq!(Some(row.label as usize), place);
        }
    }
}
