//! A step of a memory allocates nothing once it is full.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{Fill, Now, Rehearse, Reports, Row};
use cl_replay::{ExperienceReplay, ReservoirReplay};
use cl_scenarios::Scenario;
use common::{member, rows_of, stream};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged; the counter is a `Cell` with a
// constant initial value, which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `System.alloc` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Allocations of 50 steps of the third context, after one that works out the first order.
fn allocations(memory: &mut dyn Rehearse, scenario: Scenario) -> usize {
    let stream = stream(scenario);
    let seen = rows_of(&stream, 2);
    let mut rows = vec![Row { example: 0, label: 0, context: 0 }; memory.rows()];
    let (mut weights, mut cells) = (vec![0.0; memory.rows()], vec![u32::MAX; memory.rows()]);
    let mut stored = [u32::MAX; 5];
    for stage in 0..2 {
        let (now, rows) = (Now { seed: 1, stage, step: 0 }, rows_of(&stream, stage as usize));
        memory.store(now, &rows, &Reports::none()).unwrap();
        memory.end_context(now, &rows, &Reports::none()).unwrap();
    }
    let mut before = 0;
    for step in 0..51 {
        let now = Now { seed: 1, stage: 2, step };
        let mut fill =
            Fill { rows: &mut rows, weights: &mut weights, cells: &mut cells, stored: &mut stored };
        memory.fill(now, &seen[..5], &mut fill).unwrap();
        memory.store(now, &seen[..5], &Reports::none()).unwrap();
        if step == 0 {
            before = ALLOCATIONS.get();
        }
    }
    ALLOCATIONS.get() - before
}

#[test]
fn a_step_of_a_full_memory_allocates_nothing() {
    for scenario in Scenario::ALL {
        let stream = stream(scenario);
        let member = member(&stream, 5);
        let mut er = ExperienceReplay::per_class(3).memory(&member).unwrap();
        assert_eq!(allocations(&mut er, scenario), 0, "er, {scenario}");
        let mut reservoir = ReservoirReplay::per_class(3).memory(&member).unwrap();
        assert_eq!(allocations(&mut reservoir, scenario), 0, "er-reservoir, {scenario}");
    }
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(Box::new(before)));
    assert!(ALLOCATIONS.get() > before, "the count counts");
}
