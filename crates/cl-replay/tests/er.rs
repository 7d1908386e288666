//! What experience replay trains on, written down on the device and compared with the paper's rule.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{Error, Fill, Member, Mix, Now, Parts, Rehearse, Reports, Row, Share, Strategy};
use cl_replay::{Exemplars, ExperienceReplay};
use cl_scenarios::{Scenario, Stream};
use common::{EACH, Entry, expect, fill, log, member, near, rows_of, stream};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const PER_CLASS: usize = 3;
const STEPS: u32 = 24;
const BATCH: usize = 5;

/// Runs 3 contexts of 2 classes with 3 exemplars per class and compares every step with the rule.
fn check(strategy: &dyn Strategy, scenario: Scenario, mix: Mix) -> Result<(), String> {
    let log = log(strategy, scenario, mix, STEPS, BATCH)?;
    let truth: BTreeSet<(u32, u32, u32)> = (0..3)
        .flat_map(|context| rows_of(&stream(scenario), context))
        .map(|row| (row.example, row.label, row.context))
        .collect();
    // Of the stream's rows in contexts 1, 2, 3.
    let current_weight = [1.0, 1.0 / 2.0, 1.0 / 3.0];
    let mut kept: BTreeMap<(u32, u32), BTreeSet<u32>> = BTreeMap::new();
    for (step, (current, replayed)) in log.current.iter().zip(&log.replayed).enumerate() {
        let stage = step / STEPS as usize;
        let expected = current_weight[stage] / BATCH as f64;
        let own = |e: &Entry| e.row.context as usize == stage && near(e.weight, expected);
        expect(current.iter().all(own), || format!("step {step}: stream's rows {current:?}"))?;
        expect(replayed.len() == BATCH, || format!("{} rows are replayed", replayed.len()))?;
        if stage == 0 {
            let silent = replayed.iter().all(|entry| entry.weight == 0.0);
            expect(silent, || format!("step {step}: replay in the first context"))?;
            continue;
        }
        for Entry { row, .. } in replayed {
            expect((row.context as usize) < stage, || format!("step {step}: {row:?} is current"))?;
            expect(truth.contains(&(row.example, row.label, row.context)), || {
                format!("step {step}: there is no {row:?}")
            })?;
            kept.entry((row.context, row.label)).or_default().insert(row.example);
        }
        let past = stage as u32;
        // (rows, weight of each) per past context. Task: 5 rows in shares 5, or 3 and 2.
        let expected: Vec<(usize, f64)> = match (scenario, past) {
            (Scenario::Task, 2) => vec![(3, 1.0 / 9.0), (2, 1.0 / 6.0)],
            (_, 1) => vec![(5, 1.0 / 10.0)],
            _ => vec![(5, 2.0 / 15.0)],
        };
        let mut rest = &replayed[..];
        for (group, &(count, weight)) in expected.iter().enumerate() {
            let (share, others) = rest.split_at(count);
            rest = others;
            let right = |e: &Entry| {
                near(e.weight, weight)
                    && (scenario != Scenario::Task || e.row.context as usize == group)
            };
            expect(share.iter().all(right), || format!("step {step}: shares {replayed:?}"))?;
            passes(&log.replayed, step, group, (count, &expected), scenario)?;
        }
    }
    for (class, examples) in &kept {
        expect(examples.len() == PER_CLASS, || format!("class {class:?} keeps {examples:?}"))?;
    }
    expect(kept.len() == 4, || format!("{} classes are replayed", kept.len()))?;
    let first = |examples: &BTreeSet<u32>| examples.iter().all(|&e| e < 6 * PER_CLASS as u32);
    expect(!kept.values().all(first), || "the first of every class are kept".to_owned())?;
    // 4 pixels and a label, in task-incremental streams a context: of 4 past classes.
    let row = if scenario == Scenario::Task { 6 } else { 5 };
    let expected = 4 * PER_CLASS as u64 * row;
    expect(log.bytes_kept == expected, || format!("{} bytes are kept", log.bytes_kept))
}

/// Within a pass no row comes twice; passes begin with the stage.
fn passes(
    replayed: &[Vec<Entry>],
    step: usize,
    group: usize,
    (count, shares): (usize, &[(usize, f64)]),
    scenario: Scenario,
) -> Result<(), String> {
    let stage = step / STEPS as usize;
    let contexts = if scenario == Scenario::Task { 1 } else { stage };
    let batches = contexts * 2 * PER_CLASS / count;
    let within = step % STEPS as usize % batches;
    let from: usize = shares[..group].iter().map(|(count, _)| count).sum();
    let mut visited = BTreeSet::new();
    for rows in &replayed[step - within..=step] {
        for entry in &rows[from..from + count] {
            expect(visited.insert(entry.row.example), || {
                format!("step {step}: {:?} twice in one pass", entry.row)
            })?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    CurrentRows,
    OneWeightForAll,
    NotNormalised,
    SameRowsAlways,
    FirstOfEachClass,
    ContextLost,
    LastContextOnly,
    HalfTheMemory,
}

struct Mutant(Fault);

struct MutantMemory {
    fault: Fault,
    memory: Exemplars,
    seen: Vec<Row>,
}

impl Strategy for Mutant {
    fn name(&self) -> String {
        "mutant".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.rehearse(|member: &Member<'_>| {
            let memory = ExperienceReplay::per_class(PER_CLASS).memory(member)?;
            Ok(Box::new(MutantMemory { fault: self.0, memory, seen: Vec::new() }))
        });
    }
}

impl Rehearse for MutantMemory {
    fn rows(&self) -> usize {
        self.memory.rows()
    }

    fn fill(&mut self, now: Now, current: &[Row], fill: &mut Fill<'_>) -> Result<Share, Error> {
        let share = self.memory.fill(now, current, fill)?;
        let kept = self.memory.buffer().rows();
        if share == Share::Empty {
            return Ok(share);
        }
        let used = fill.weights.iter().filter(|weight| **weight > 0.0).count();
        let (rows, weights) = (&mut fill.rows[..used], &mut fill.weights[..used]);
        match self.fault {
            Fault::CurrentRows => rows.copy_from_slice(&self.seen[..used]),
            Fault::OneWeightForAll => weights.fill(1.0 / used as f32),
            Fault::NotNormalised => weights.fill(1.0),
            Fault::SameRowsAlways => rows.copy_from_slice(&kept[..used]),
            Fault::ContextLost => rows.iter_mut().for_each(|row| row.context = 0),
            Fault::LastContextOnly => rows.copy_from_slice(&kept[kept.len() - used..]),
            Fault::None | Fault::FirstOfEachClass | Fault::HalfTheMemory => {}
        }
        Ok(share)
    }

    fn store(&mut self, now: Now, rows: &[Row], reports: &Reports<'_>) -> Result<(), Error> {
        self.seen = rows.to_vec();
        self.memory.store(now, rows, reports)
    }

    fn end_context(&mut self, now: Now, rows: &[Row], reports: &Reports<'_>) -> Result<(), Error> {
        // The tiny set's classes alternate: of two classes, the first 2 n rows are n of each.
        let count = match self.fault {
            Fault::FirstOfEachClass => 2 * PER_CLASS,
            Fault::HalfTheMemory => PER_CLASS,
            _ => rows.len(),
        };
        let mut sorted = rows.to_vec();
        sorted.sort_unstable_by_key(|row| row.example);
        self.memory.end_context(now, &sorted[..count], reports)
    }

    fn peak_bytes(&self) -> u64 {
        self.memory.peak_bytes()
    }

    fn save(&self) -> Result<Value, Error> {
        self.memory.save()
    }

    fn restore(&mut self, state: &Value) -> Result<(), Error> {
        self.memory.restore(state)
    }
}

#[test]
fn every_row_of_every_step_follows_the_rule_in_all_scenarios() {
    for scenario in Scenario::ALL {
        let er = ExperienceReplay::per_class(PER_CLASS);
        check(&er, scenario, Mix::ByContext).unwrap_or_else(|e| panic!("{scenario}: {e}"));
        check(&Mutant(Fault::None), scenario, Mix::ByContext).unwrap();
    }
}

#[test]
fn every_fault_is_found() {
    let everywhere = [
        Fault::CurrentRows,
        Fault::NotNormalised,
        Fault::SameRowsAlways,
        Fault::FirstOfEachClass,
        Fault::ContextLost,
        Fault::LastContextOnly,
        Fault::HalfTheMemory,
    ];
    for fault in everywhere {
        for scenario in Scenario::ALL {
            let found = check(&Mutant(fault), scenario, Mix::ByContext);
            assert!(found.is_err(), "{fault:?} passes in {scenario}");
        }
    }
    // Where there is one group this is the rule itself.
    assert!(check(&Mutant(Fault::OneWeightForAll), Scenario::Task, Mix::ByContext).is_err());
    for mix in [Mix::Sum, Mix::Fixed(0.5), Mix::Fixed(1.0 / 3.0)] {
        let er = ExperienceReplay::per_class(PER_CLASS);
        assert!(check(&er, Scenario::Class, mix).is_err(), "{mix:?}");
    }
}

/// A memory after contexts 0 .. `contexts` have ended, and one batch of the next.
fn filled(er: ExperienceReplay, stream: &dyn Stream, batch: usize, contexts: u32) -> Vec<Entry> {
    let mut memory = er.memory(&member(stream, batch)).unwrap();
    let now = |stage| Now { seed: common::SEED, stage, step: 0 };
    assert_eq!(fill(&mut memory, now(0), &[]).share, Share::Empty);
    for stage in 0..contexts {
        let rows = rows_of(stream, stage as usize);
        memory.end_context(now(stage), &rows, &Reports::none()).unwrap();
    }
    let filled = fill(&mut memory, now(contexts), &[]);
    assert_eq!(filled.share, Share::Joined(1.0));
    filled.entries
}

#[test]
fn a_memory_smaller_than_the_batch_is_replayed_whole() {
    // 2 contexts of 2 classes with 1 row each.
    let batch = filled(ExperienceReplay::per_class(1), &stream(Scenario::Class), 7, 2);
    let used: BTreeSet<u32> = batch[..4].iter().map(|entry| entry.row.example).collect();
    assert_eq!(used.len(), 4);
    assert!(batch[..4].iter().all(|entry| entry.weight == 0.25));
    assert!(batch[4..].iter().all(|entry| entry.weight == 0.0));
    // Task: 4 and 3 rows are wanted, each context has 2.
    let batch = filled(ExperienceReplay::per_class(1), &stream(Scenario::Task), 7, 2);
    let contexts: Vec<u32> = batch[..4].iter().map(|entry| entry.row.context).collect();
    assert_eq!(contexts, [0, 0, 1, 1]);
    assert!(batch[..4].iter().all(|entry| entry.weight == 0.25));
}

#[test]
fn every_past_context_gets_a_row_of_the_smallest_batch() {
    let batch = filled(ExperienceReplay::per_class(2), &stream(Scenario::Task), 1, 2);
    let shares: Vec<(u32, f32)> = batch.iter().map(|e| (e.row.context, e.weight)).collect();
    assert_eq!(shares, [(0, 0.5), (1, 0.5)]);
}

#[test]
fn the_budget_in_bytes_is_exact() {
    use cl_replay::Budget;
    let (class, task) = (stream(Scenario::Class), stream(Scenario::Task));
    // A row is 4 pixels and a label; the context is stored where it selects the head.
    let memory = |budget, stream| {
        ExperienceReplay { budget, ..ExperienceReplay::default() }.memory(&member(stream, 4))
    };
    assert_eq!(memory(Budget::PerClass(3), &class).unwrap().buffer().budget(), 3 * 6 * 5);
    assert_eq!(memory(Budget::PerClass(3), &task).unwrap().buffer().budget(), 3 * 6 * 6);
    assert_eq!(memory(Budget::Bytes(94), &class).unwrap().buffer().capacity(), 18);
    // 94 bytes are 15 rows of 6 bytes: 2 for each of 6 classes.
    let mut memory = memory(Budget::Bytes(94), &task).unwrap();
    for stage in 0..3 {
        let now = Now { seed: 1, stage, step: 0 };
        memory.end_context(now, &rows_of(&task, stage as usize), &Reports::none()).unwrap();
    }
    assert_eq!((memory.buffer().len(), memory.peak_bytes()), (12, 72));
    let error = ExperienceReplay { budget: Budget::Bytes(29), ..ExperienceReplay::default() }
        .memory(&member(&class, 4));
    assert_eq!(
        error.unwrap_err().to_string(),
        "class-balanced buffer: room for 5 rows, expected at least one for each of 6 classes"
    );
    assert_eq!(
        ExperienceReplay::per_class(0).check().unwrap_err().to_string(),
        "er: per_class = 0; expected at least 1"
    );
}

#[test]
fn a_context_that_comes_back_leaves_its_part_of_the_memory_alone() {
    let stream = stream(Scenario::Class);
    let mut memory = ExperienceReplay::per_class(2).memory(&member(&stream, 4)).unwrap();
    let now = |stage| Now { seed: 1, stage, step: 0 };
    let (first, mut both) = (rows_of(&stream, 0), rows_of(&stream, 0));
    both.extend(rows_of(&stream, 1));
    assert_eq!((first.len(), both.len()), (2 * EACH, 4 * EACH));
    memory.end_context(now(0), &first, &Reports::none()).unwrap();
    let kept = memory.buffer().rows().to_vec();
    memory.end_context(now(1), &both, &Reports::none()).unwrap();
    assert_eq!(memory.buffer().rows()[..4], kept);
    assert_eq!(memory.buffer().len(), 8);
}
