//! What was saved and restored goes on as what was not.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{Error, Member, Now, Rehearse, Reports, Row};
use cl_replay::{Budget, ExperienceReplay, ReservoirReplay};
use cl_scenarios::Scenario;
use common::{Filled, SEED, fill, member, rows_of, stream};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Steps of each of 3 contexts; when they are taken the context ends.
const STEPS: u32 = 9;
const EVENTS: u32 = 3 * (STEPS + 1);

fn memory(online: bool, budget: Budget, about: &Member<'_>) -> Result<Box<dyn Rehearse>, Error> {
    Ok(if online {
        Box::new(ReservoirReplay { budget, mix: None }.memory(about)?)
    } else {
        Box::new(ExperienceReplay { budget, ..ExperienceReplay::default() }.memory(about)?)
    })
}

/// What a memory shows while it goes through steps and ends of contexts, as the loop would lead it.
#[derive(Debug, PartialEq)]
struct Shown {
    filled: Option<Filled>,
    kept: Vec<Row>,
    peak_bytes: u64,
    state: Value,
}

fn lead(memory: &mut dyn Rehearse, events: std::ops::Range<u32>, about: &Member<'_>) -> Vec<Shown> {
    let mut shown = Vec::new();
    for event in events {
        let (stage, step) = (event / (STEPS + 1), event % (STEPS + 1));
        let now = Now { seed: SEED, stage, step };
        let rows = rows_of(about.stream, stage as usize);
        let mut filled = None;
        if step < STEPS {
            let from = step as usize * about.batch % (rows.len() - about.batch);
            let current = &rows[from..from + about.batch];
            filled = Some(fill(memory, now, current));
            memory.store(now, current, &Reports::none()).unwrap();
        } else {
            memory.end_context(now, &rows, &Reports::none()).unwrap();
        }
        shown.push(Shown {
            filled,
            kept: memory.kept().to_vec(),
            peak_bytes: memory.peak_bytes(),
            state: memory.save().unwrap(),
        });
    }
    shown
}

/// As a checkpoint hands it back.
fn through_text(state: &Value) -> Value {
    serde_json::from_str(&state.to_string()).unwrap()
}

fn budget() -> impl Strategy<Value = Budget> {
    prop_oneof![
        // A class has 20 examples: more than that is never full.
        (1_usize..25).prop_map(Budget::PerClass),
        (6_usize..40).prop_map(Budget::Rows),
        // At least a row of 6 bytes for each of 6 classes.
        (36_u64..300).prop_map(Budget::Bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn a_restored_memory_fills_what_the_original_fills_from_there_on(
        online in any::<bool>(),
        scenario in proptest::sample::select(Scenario::ALL.to_vec()),
        budget in budget(),
        batch in 1_usize..12,
        saved_before in 0..EVENTS,
    ) {
        let stream = stream(scenario);
        let about = member(&stream, batch);
        let mut original = memory(online, budget, &about).unwrap();
        lead(&mut *original, 0..saved_before, &about);
        let state = through_text(&original.save().unwrap());
        let mut restored = memory(online, budget, &about).unwrap();
        restored.restore(&state).unwrap();
        prop_assert_eq!(restored.kept(), original.kept());
        prop_assert_eq!(restored.peak_bytes(), original.peak_bytes());
        let rest = saved_before..EVENTS;
        let whole = lead(&mut *original, rest.clone(), &about);
        prop_assert_eq!(lead(&mut *restored, rest, &about), whole);
    }

    /// A memory takes up a state whatever it went through before.
    #[test]
    fn a_memory_that_went_on_goes_back_to_what_was_saved(
        online in any::<bool>(),
        scenario in proptest::sample::select(Scenario::ALL.to_vec()),
        budget in budget(),
        saved_before in 0..EVENTS,
    ) {
        let stream = stream(scenario);
        let about = member(&stream, 5);
        let mut memory = memory(online, budget, &about).unwrap();
        lead(&mut *memory, 0..saved_before, &about);
        let state = memory.save().unwrap();
        let first = lead(&mut *memory, saved_before..EVENTS, &about);
        memory.restore(&state).unwrap();
        prop_assert_eq!(lead(&mut *memory, saved_before..EVENTS, &about), first);
    }

    #[test]
    fn the_state_of_another_budget_is_refused_and_changes_nothing(
        online in any::<bool>(),
        scenario in proptest::sample::select(Scenario::ALL.to_vec()),
        (own, other) in (budget(), budget()),
        saved_before in 0..EVENTS,
    ) {
        let stream = stream(scenario);
        let about = member(&stream, 5);
        prop_assume!(own.bytes(&about) != other.bytes(&about));
        let mut saved = memory(online, other, &about).unwrap();
        lead(&mut *saved, 0..saved_before, &about);
        let mut refusing = memory(online, own, &about).unwrap();
        lead(&mut *refusing, 0..saved_before, &about);
        let before = refusing.save().unwrap();
        let error = refusing.restore(&saved.save().unwrap()).unwrap_err().to_string();
        let expected = format!("restoring a replay memory: {} bytes", other.bytes(&about));
        prop_assert!(error.starts_with(&expected), "{}", error);
        prop_assert_eq!(refusing.save().unwrap(), before);
    }

    /// What a slot keeps beside a row is found again at the row's cell.
    #[test]
    fn a_cell_is_the_place_of_its_row_and_rows_without_weight_have_none(
        online in any::<bool>(),
        scenario in proptest::sample::select(Scenario::ALL.to_vec()),
        budget in budget(),
        batch in 1_usize..12,
    ) {
        let stream = stream(scenario);
        let about = member(&stream, batch);
        let mut memory = memory(online, budget, &about).unwrap();
        let mut kept: Vec<Row> = Vec::new();
        for shown in lead(&mut *memory, 0..EVENTS, &about) {
            // A step is filled from what was kept before it.
            for (cell, entry) in shown.filled.iter().flat_map(|f| f.cells.iter().zip(&f.entries)) {
                prop_assert_eq!(*cell == u32::MAX, entry.weight == 0.0);
                if *cell != u32::MAX {
                    prop_assert_eq!(kept[*cell as usize], entry.row);
                }
            }
            let nowhere = |filled: &Filled| filled.stored.iter().all(|&cell| cell == u32::MAX);
            prop_assert!(shown.filled.iter().all(nowhere));
            if !online {
                prop_assert_eq!(&shown.kept[..kept.len()], &kept[..], "a row keeps its cell");
            }
            kept = shown.kept;
        }
    }
}

#[test]
fn a_state_that_is_another_memorys_or_lacks_a_part_is_refused() {
    let stream = stream(Scenario::Task);
    let about = member(&stream, 4);
    let budget = Budget::PerClass(2);
    let after = |online, events| {
        let mut memory = memory(online, budget, &about).unwrap();
        lead(&mut *memory, 0..events, &about);
        memory
    };
    let refused = |memory: &mut dyn Rehearse, state: &Value| {
        let error = memory.restore(state).unwrap_err().to_string();
        assert!(error.starts_with("restoring er"), "{error}");
        error
    };
    let (mut er, mut reservoir) = (after(false, EVENTS), after(true, EVENTS));
    refused(&mut *er, &reservoir.save().unwrap());
    refused(&mut *reservoir, &er.save().unwrap());
    refused(&mut *er, &json!(null));
    // Three contexts are replayed in passes of their own.
    let mut state = er.save().unwrap();
    state[1].as_array_mut().unwrap().pop();
    let error = refused(&mut *er, &state);
    assert_eq!(error, "restoring er: passes over 2 groups of rows, expected 3");
}
