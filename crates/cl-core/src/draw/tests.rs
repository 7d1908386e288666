//! Passes, their weights, and rows that join them.

use super::*;
use cl_scenarios::{ContextStream, Part, Protocol, StreamSpec, digits};
use std::collections::BTreeSet;

const EMPTY: Row = Row { example: 0, label: 0, context: 0 };

fn drawn(draw: &mut Draw, count: usize) -> (Vec<Row>, Vec<f32>) {
    let (mut rows, mut weights) = (vec![EMPTY; count], vec![0.0; count]);
    let used = draw.fill(at(2, 0), &mut rows, &mut weights);
    rows.truncate(used);
    weights.truncate(used);
    (rows, weights)
}

/// A step of a stage whose steps are one program each.
fn at(seed: u64, step: u32) -> Moment {
    Moment { seed, step, number: step }
}

fn wanted(source: Source, batch: usize) -> Wanted {
    Wanted { source, batch, steps: 100 }
}

fn stream(scenario: Scenario) -> ContextStream {
    let (protocol, part) = (Protocol::Split, Part::Final);
    let spec = StreamSpec { protocol, scenario, contexts: 5, seed: 2, part, pad: 0 };
    spec.build(&digits()).unwrap()
}

#[test]
fn a_pass_shows_no_row_twice_and_drops_its_incomplete_batch() {
    let (stream, labels) = (stream(Scenario::Class), digits().labels);
    let all: BTreeSet<u32> = stream.train(1).iter().copied().collect();
    let mut draw = Draw::new(&stream, &labels, 1, wanted(Source::Stream, 32), &[]);
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
    let mut draw = Draw::new(&stream, &labels, 0, wanted(Source::Stream, count + 10), &[]);
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
    let mut draw = Draw::new(&stream, &labels, 0, wanted(Source::Stream, 32), &[]);
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
    let mut classes = stream.classes(1).iter().map(|&class| u32::from(class)).collect::<Vec<_>>();
    classes.sort_unstable_by_key(|&class| stream.target(1, class as u8));
    let count = |class| {
        let of = |&&example: &&u32| u32::from(labels[example as usize]) == class;
        stream.train(1).iter().filter(of).count()
    };
    let mut draw = Draw::new(&stream, &labels, 1, wanted(Source::StreamByClass, 7), &[]);
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
    let mut draw = Draw::new(&stream, &labels, 0, wanted(Source::StreamByClass, 3), &[]);
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
    let mut draw = Draw::new(&stream, &labels, 0, wanted(Source::StreamByClass, count + 1), &[]);
    let (rows, _) = drawn(&mut draw, 2 * (count + 1));
    let shown = |rows: &[Row]| rows.iter().map(|row| row.example).collect::<BTreeSet<_>>().len();
    assert_eq!(shown(&rows[..count]), count);
    assert!(rows[..count + 1].iter().all(|row| row.label == first));
}

#[test]
fn exemplars_join_the_draw_as_rows_of_the_stream_and_by_class_only_their_own() {
    let (stream, labels) = (stream(Scenario::Class), digits().labels);
    let (earlier, own) = (rows_of(&stream, &labels, 0), rows_of(&stream, &labels, 1));
    let more = [&earlier[..3], &own[..2]].concat();
    let mut draw = Draw::new(&stream, &labels, 1, wanted(Source::Stream, own.len() + 5), &more);
    let (rows, _) = drawn(&mut draw, own.len() + 5);
    let times = |rows: &[Row], row: &Row| rows.iter().filter(|other| *other == row).count();
    assert!(earlier[..3].iter().all(|row| times(&rows, row) == 1));
    assert!(own[..2].iter().all(|row| times(&rows, row) == 2));

    let most = own.len() + 2;
    let mut draw = Draw::new(&stream, &labels, 1, wanted(Source::StreamByClass, most), &more);
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

/// The rows of every step of a task-free stream, stage by stage.
fn all(stream: &ContextStream, seed: u64, batch: usize, steps: u32) -> Vec<Vec<Row>> {
    let labels = digits().labels;
    let wanted = Wanted { source: Source::Stream, batch, steps };
    let mut draw = Draw::new(stream, &labels, 0, wanted, &[]);
    let mut all = Vec::new();
    for stage in 0..stream.stages().len() {
        draw.go_on(stage);
        for step in 0..steps {
            let (mut rows, mut weights) = (vec![EMPTY; batch + 1], vec![0.0; batch + 1]);
            assert_eq!(draw.fill(at(seed, step), &mut rows, &mut weights), batch);
            // Plain mean, in every scenario; behind the batch nothing was touched.
            assert!(weights[..batch].iter().all(|&weight| weight == 1.0 / batch as f32));
            assert_eq!((rows.pop(), weights.pop()), (Some(EMPTY), Some(0.0)));
            all.push(rows);
        }
    }
    all
}

/// Counts of contexts at every step against their probabilities: within 5 standard deviations of the
/// binomial distribution, and exactly 0 or all where the probability is.
#[test]
fn contexts_come_as_often_as_the_probabilities_of_their_step_say() {
    let (batch, steps) = (2000, 8);
    for scenario in [Scenario::Class, Scenario::Task] {
        for free in [stream(scenario).fuzzy(3), stream(scenario).random()] {
            let mut probabilities = [0.0; 5];
            for (step, rows) in all(&free, 2, batch, steps).iter().enumerate() {
                assert!(free.kind().probabilities(step as u64, steps, &mut probabilities));
                for (context, p) in probabilities.into_iter().enumerate() {
                    let count = rows.iter().filter(|row| row.context == context as u32).count();
                    let (mean, sd) = (p * batch as f64, (p * (1.0 - p) * batch as f64).sqrt());
                    let off = (count as f64 - mean).abs();
                    assert!(
                        off <= 5.0 * sd,
                        "{}, step {step}, context {context}: {count}, expected {mean} ± {sd}",
                        free.kind()
                    );
                }
            }
        }
    }
}

/// Passes go on from stage to stage: every n rows of a context of n examples are those, once each.
#[test]
fn the_rows_of_a_context_come_in_passes_over_the_whole_stream() {
    let free = stream(Scenario::Class).fuzzy(4);
    let rows = all(&free, 3, 100, 16).concat();
    for context in 0..5 {
        let own: BTreeSet<u32> = free.train(context).iter().copied().collect();
        let seen: Vec<u32> = rows
            .iter()
            .filter(|row| row.context == context as u32)
            .map(|row| row.example)
            .collect();
        assert!(seen.len() > 3 * own.len());
        for pass in seen.chunks_exact(own.len()) {
            assert_eq!(pass.iter().copied().collect::<BTreeSet<_>>(), own);
        }
        assert_ne!(seen[..own.len()], seen[own.len()..2 * own.len()]);
    }
}

/// The contexts of a step depend on seed, stage and step, and on nothing that was drawn before.
#[test]
fn contexts_of_rows_are_a_function_of_their_address() {
    let labels = digits().labels;
    let free = stream(Scenario::Class).random();
    let contexts = |rows: &[Row]| rows.iter().map(|row| row.context).collect::<Vec<_>>();
    let whole = all(&free, 2, 64, 4);
    let mut draw = Draw::new(&free, &labels, 0, wanted(Source::Stream, 64), &[]);
    draw.go_on(3);
    let (mut rows, mut weights) = (vec![EMPTY; 64], vec![0.0; 64]);
    draw.fill(at(2, 1), &mut rows, &mut weights);
    assert_eq!(contexts(&rows), contexts(&whole[3 * 4 + 1]));
    assert_ne!(contexts(&rows), contexts(&whole[3 * 4 + 2]));
    assert_ne!(contexts(&rows), contexts(&whole[2 * 4 + 1]));
    assert_ne!(contexts(&rows), contexts(&all(&free, 3, 64, 4)[3 * 4 + 1]));
}

#[test]
fn one_pass_shows_every_example_once_and_its_last_batch_is_what_is_left() {
    let labels = digits().labels;
    let free = stream(Scenario::Task).one_pass();
    assert_eq!(batch_rows(&free, &labels, 32, Source::Stream), 32);
    for stage in 0..5 {
        let count = free.train(stage).len();
        let mut draw = Draw::new(&free, &labels, stage, wanted(Source::Stream, 32), &[]);
        let mut seen = Vec::new();
        for step in 0..count.div_ceil(32) {
            let (mut rows, mut weights) = (vec![EMPTY; 40], vec![0.0; 40]);
            let used = draw.fill(at(2, step as u32), &mut rows, &mut weights);
            assert_eq!(used, 32.min(count - seen.len()));
            assert!(weights[..used].iter().all(|&weight| weight == 1.0 / used as f32));
            assert!(weights[used..].iter().all(|&weight| weight == 0.0));
            assert!(rows[..32].iter().all(|row| row.context == stage as u32));
            seen.extend(rows[..used].iter().map(|row| row.example));
        }
        assert_ne!(count % 32, 0, "a last batch that is full shows nothing");
        let ordered = seen.clone();
        seen.sort_unstable();
        assert_eq!(seen, free.train(stage));
        assert_ne!(seen, ordered);
    }
}

#[test]
fn exemplars_join_the_passes_of_their_own_context_where_contexts_are_drawn() {
    let labels = digits().labels;
    let free = stream(Scenario::Class).random();
    let (a, b) = (rows_of(&free, &labels, 1), rows_of(&free, &labels, 3));
    let more = [&a[..4], &b[..2]].concat();
    let draw = Draw::new(&free, &labels, 0, wanted(Source::Stream, 32), &more);
    assert!(draw.joined());
    let expected = [0, 4, 0, 2, 0];
    for (context, (group, more)) in draw.groups.iter().zip(expected).enumerate() {
        assert_eq!(group.rows.len(), free.train(context).len() + more);
        assert!((0..group.rows.len()).all(|at| group.rows.get(at).context == context as u32));
    }
}

/// What rounding leaves over goes to the last context that is possible at all.
#[test]
fn a_number_falls_into_the_share_of_one_context() {
    let share = |eighths: u32| chosen(&[0.0, 0.25, 0.0, 0.75, 0.0], &[1, 3], eighths << 28);
    assert_eq!([0, 1, 2, 3, 7].map(share), [1, 1, 3, 3, 3]);
    assert_eq!(chosen(&[0.5, 0.25, 0.0], &[0, 1], u32::MAX >> 1), 1);
}
