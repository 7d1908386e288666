//! The order of units, and which slots are updated in place.

use super::fuse::Units;
use super::lower::{Home, How, Lowered};
use crate::ops::SourceKind;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

pub(super) struct Schedule {
    /// Units in execution order.
    pub order: Vec<usize>,
    /// Position of a unit in that order.
    pub time: Vec<usize>,
    /// Assigned values that could not be written in place: (slot, value).
    pub commits: Vec<(usize, usize)>,
}

pub(super) fn schedule(low: &mut Lowered, units: &mut Units) -> Schedule {
    let mut after: Vec<BTreeSet<usize>> = (0..units.members.len())
        .map(|unit| units.next(unit).filter(|&other| other != unit).collect())
        .collect();
    let mut commits = Vec::new();
    for (slot, value) in low.assigns.clone() {
        if in_place(low, units, &mut after, slot, value) {
            continue;
        }
        low.home[value] = Home::Arena;
        commits.push((slot, value));
    }
    let order = sorted(low, units, &after);
    let mut time = vec![usize::MAX; units.members.len()];
    for (position, &unit) in order.iter().enumerate() {
        time[unit] = position;
    }
    Schedule { order, time, commits }
}

/// Tries to let `value` be written into its slot: every other reader must come first, and its own
/// unit must read the slot element by element. Adds the order this needs.
fn in_place(
    low: &Lowered,
    units: &Units,
    after: &mut [BTreeSet<usize>],
    slot: usize,
    value: usize,
) -> bool {
    let writer = units.of[value];
    let is_slot = |how: &How| matches!(how, How::Source(SourceKind::Slot, name) if *name == low.slot_names[slot]);
    let mut earlier = BTreeSet::new();
    for (reader, other) in low.values.iter().enumerate() {
        if !low.live[reader] || !other.is_computed() {
            continue;
        }
        for operand in &other.operands {
            let base = &low.values[operand.base];
            if !is_slot(&base.how) {
                continue;
            }
            if units.of[reader] != writer {
                earlier.insert(units.of[reader]);
                continue;
            }
            let aligned = other.is_pointwise()
                && low.values[value].is_pointwise()
                && operand.is_whole(base.ty.len())
                && base.ty.len() == other.ty.len();
            if !aligned {
                return false;
            }
        }
    }
    if earlier.iter().any(|&reader| reaches(after, writer, reader)) {
        return false;
    }
    for reader in earlier {
        after[reader].insert(writer);
    }
    true
}

fn reaches(after: &[BTreeSet<usize>], from: usize, to: usize) -> bool {
    let mut seen = vec![false; after.len()];
    let mut pending = vec![from];
    while let Some(unit) = pending.pop() {
        if unit == to {
            return true;
        }
        if !std::mem::replace(&mut seen[unit], true) {
            pending.extend(&after[unit]);
        }
    }
    false
}

/// Topological order; of what is ready, what was recorded first.
fn sorted(low: &Lowered, units: &Units, after: &[BTreeSet<usize>]) -> Vec<usize> {
    let mut waiting = vec![0_usize; after.len()];
    for next in after {
        for &unit in next {
            waiting[unit] += 1;
        }
    }
    let key = |unit: usize| {
        let last = units.members[unit].iter().map(|&v| low.values[v].order).max();
        Reverse((last.unwrap_or(0), unit))
    };
    let alive = |unit: &usize| !units.members[*unit].is_empty();
    let mut ready: BinaryHeap<_> =
        (0..after.len()).filter(alive).filter(|&u| waiting[u] == 0).map(key).collect();
    let mut order = Vec::new();
    while let Some(Reverse((_, unit))) = ready.pop() {
        order.push(unit);
        for &next in &after[unit] {
            waiting[next] -= 1;
            if waiting[next] == 0 {
                ready.push(key(next));
            }
        }
    }
    debug_assert_eq!(order.len(), (0..after.len()).filter(alive).count(), "units form no cycle");
    order
}
