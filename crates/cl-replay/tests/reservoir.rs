//! What replay from a reservoir trains on, compared with algorithm R run by hand beside it.
#![allow(clippy::unwrap_used)]

mod common;

use cl_buffers::Reservoir;
use cl_core::{Error, Fill, Member, Mix, Now, Parts, Rehearse, Reports, Row, Share, Strategy};
use cl_random::{Address, Purpose};
use cl_replay::{Budget, EpisodicMemory, ReservoirReplay};
use cl_scenarios::Scenario;
use common::{SEED, expect, fill, log, member, near, stream};
use serde_json::Value;
use std::collections::BTreeSet;

/// One row for each of 6 classes.
const CAPACITY: usize = 6;
const STEPS: u32 = 24;
const BATCH: usize = 5;

fn check(strategy: &dyn Strategy, scenario: Scenario, mix: Mix) -> Result<(), String> {
    let log = log(strategy, scenario, mix, STEPS, BATCH)?;
    let mut reservoir: Vec<Row> = Vec::new();
    let mut seen = 0_u32;
    let mut visited = BTreeSet::new();
    for (step, (current, replayed)) in log.current.iter().zip(&log.replayed).enumerate() {
        let stage = step / STEPS as usize;
        let (ours, theirs) = match mix {
            _ if reservoir.is_empty() => (1.0, 0.0),
            Mix::ByContext => [(1.0, 0.0), (1.0 / 2.0, 1.0 / 2.0), (1.0 / 3.0, 2.0 / 3.0)][stage],
            _ => (0.5, 0.5),
        };
        let count = BATCH.min(reservoir.len());
        expect(current.iter().all(|e| near(e.weight, ours / BATCH as f64)), || {
            format!("step {step}: stream's rows {current:?}")
        })?;
        let mut places: Vec<usize> = (0..reservoir.len()).collect();
        for (i, entry) in replayed.iter().enumerate() {
            let weight = if i < count { theirs / count as f64 } else { 0.0 };
            expect(near(entry.weight, weight), || format!("step {step}: weights {replayed:?}"))?;
            if i < count {
                let at = places.iter().position(|&place| reservoir[place] == entry.row);
                let at = at.ok_or_else(|| format!("step {step}: {:?} is not kept", entry.row))?;
                visited.insert(places.swap_remove(at));
            }
        }
        // Vitter 1985, algorithm R, with this library's numbers.
        for entry in current {
            let address = Address::new(SEED, Purpose::STORE).step(1).ordinal(seen);
            let place = if (seen as usize) < CAPACITY {
                reservoir.push(entry.row);
                None
            } else {
                Some(address.rng().below(seen + 1) as usize)
            };
            if let Some(place) = place.filter(|&place| place < CAPACITY) {
                reservoir[place] = entry.row;
            }
            seen += 1;
        }
    }
    expect(visited.len() == CAPACITY, || format!("only places {visited:?} are replayed"))?;
    let row = if scenario == Scenario::Task { 6 } else { 5 };
    let expected = CAPACITY as u64 * row;
    expect(log.bytes_kept == expected, || format!("{} bytes are kept", log.bytes_kept))
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    FirstRowsOnly,
    LastRowsOnly,
    FirstOfEachBatch,
    SeenTwice,
    NotNormalised,
    CurrentRows,
    OnePlaceOnly,
}

struct Mutant(Fault);

struct MutantMemory {
    fault: Fault,
    memory: EpisodicMemory<Reservoir>,
    last: Vec<Row>,
}

impl Strategy for Mutant {
    fn name(&self) -> String {
        "mutant".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.rehearse(|member: &Member<'_>| {
            let memory = ReservoirReplay::per_class(1).memory(member)?;
            Ok(Box::new(MutantMemory { fault: self.0, memory, last: Vec::new() }))
        });
    }
}

impl Rehearse for MutantMemory {
    fn rows(&self) -> usize {
        self.memory.rows()
    }

    fn fill(&mut self, now: Now, current: &[Row], fill: &mut Fill<'_>) -> Result<Share, Error> {
        let share = self.memory.fill(now, current, fill)?;
        if share == Share::Empty {
            return Ok(share);
        }
        let Fill { rows, weights, .. } = fill;
        match self.fault {
            Fault::LastRowsOnly => {
                let start = self.last.len() - rows.len();
                rows.copy_from_slice(&self.last[start..]);
            }
            Fault::CurrentRows => rows.fill(self.last[self.last.len() - 1]),
            Fault::OnePlaceOnly => rows.fill(self.memory.buffer().rows()[0]),
            Fault::NotNormalised => weights.fill(1.0),
            _ => {}
        }
        Ok(share)
    }

    fn store(&mut self, now: Now, rows: &[Row], reports: &Reports<'_>) -> Result<(), Error> {
        self.last.extend_from_slice(rows);
        let full = self.memory.buffer().len() == CAPACITY;
        match self.fault {
            Fault::FirstRowsOnly if full => Ok(()),
            Fault::FirstOfEachBatch => self.memory.store(now, &rows[..1], reports),
            Fault::SeenTwice => {
                self.memory.store(now, rows, reports)?;
                self.memory.store(now, rows, reports)
            }
            _ => self.memory.store(now, rows, reports),
        }
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
fn every_row_of_every_step_follows_algorithm_r_in_all_scenarios() {
    for scenario in Scenario::ALL {
        for mix in [Mix::ByContext, Mix::Fixed(0.5)] {
            let er = ReservoirReplay::per_class(1);
            check(&er, scenario, mix).unwrap_or_else(|e| panic!("{scenario}, {mix:?}: {e}"));
        }
        check(&Mutant(Fault::None), scenario, Mix::ByContext).unwrap();
    }
}

#[test]
fn every_fault_is_found() {
    let faults = [
        Fault::FirstRowsOnly,
        Fault::LastRowsOnly,
        Fault::FirstOfEachBatch,
        Fault::SeenTwice,
        Fault::NotNormalised,
        Fault::CurrentRows,
        Fault::OnePlaceOnly,
    ];
    for fault in faults {
        for mix in [Mix::ByContext, Mix::Fixed(0.5)] {
            let found = check(&Mutant(fault), Scenario::Class, mix);
            assert!(found.is_err(), "{fault:?} passes under {mix:?}");
        }
    }
    assert!(check(&ReservoirReplay::per_class(1), Scenario::Class, Mix::Sum).is_err());
}

#[test]
fn the_budget_in_bytes_is_exact() {
    let (class, task) = (stream(Scenario::Class), stream(Scenario::Task));
    let memory = |budget, stream| ReservoirReplay { budget, mix: None }.memory(&member(stream, 4));
    let capacity = |budget, stream| memory(budget, stream).unwrap().buffer().capacity();
    assert_eq!(capacity(Budget::PerClass(2), &class), 12);
    assert_eq!(capacity(Budget::PerClass(2), &task), 12);
    assert_eq!((capacity(Budget::Rows(9), &class), capacity(Budget::Rows(9), &task)), (9, 9));
    assert_eq!(ReservoirReplay::total(1000).budget.to_string(), "1000 rows in all");
    // Rows of 5 bytes, and of 6 with the context.
    assert_eq!((capacity(Budget::Bytes(41), &class), capacity(Budget::Bytes(41), &task)), (8, 6));
    assert_eq!(
        memory(Budget::Bytes(29), &class).unwrap_err().to_string(),
        "er-reservoir: a budget of 29 bytes; expected at least 30: one row of 5 bytes for each of 6 \
         classes"
    );
    assert_eq!(
        ReservoirReplay { budget: Budget::Bytes(0), mix: None }.check().unwrap_err().to_string(),
        "er-reservoir: bytes = 0; expected at least 1"
    );
}

#[test]
fn every_step_draws_anew() {
    let stream = stream(Scenario::Class);
    let mut memory = ReservoirReplay::per_class(4).memory(&member(&stream, 4)).unwrap();
    let now = |step| Now { seed: SEED, stage: 0, step };
    let offered: Vec<Row> = (0..24).map(|example| Row { example, label: 0, context: 0 }).collect();
    memory.store(now(0), &offered, &Reports::none()).unwrap();
    let mut drawn = |step| {
        let filled = fill(&mut memory, now(step), &[]).entries;
        filled.into_iter().map(|entry| entry.row.example).collect::<Vec<_>>()
    };
    let different: BTreeSet<Vec<u32>> = (1..9).map(&mut drawn).collect();
    assert_eq!(different.len(), 8);
}
