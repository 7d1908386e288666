//! Groups pointwise values into units that make one pass over memory, and hangs them onto products.

use super::lower::{How, Lowered};
use std::collections::BTreeSet;

/// Values that are computed together, by one kernel.
pub(super) struct Units {
    /// The unit of a value; meaningless for values that are not computed.
    pub of: Vec<usize>,
    /// The values of a unit, in order; empty for units that were merged away.
    pub members: Vec<Vec<usize>>,
    /// Per value, who reads it.
    pub readers: Vec<Vec<Reader>>,
}

/// A computed value that reads another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader {
    pub value: usize,
    /// Whether it reads element i for its own element i only: the two can share a pass.
    pub aligned: bool,
}

pub(super) fn fuse(low: &Lowered) -> Units {
    let count = low.values.len();
    let mut readers: Vec<Vec<Reader>> = vec![Vec::new(); count];
    let mut members = vec![Vec::new(); count];
    for (v, value) in low.values.iter().enumerate() {
        if !low.live[v] || !value.is_computed() {
            continue;
        }
        members[v].push(v);
        for operand in &value.operands {
            let base = &low.values[operand.base];
            let aligned = value.is_pointwise()
                && (base.is_pointwise() || matches!(base.how, How::Product))
                && operand.is_whole(base.ty.len())
                && base.ty.len() == value.ty.len();
            readers[operand.base].push(Reader { value: v, aligned });
        }
    }
    let mut units = Units { of: (0..count).collect(), members, readers };
    let mut order: Vec<usize> =
        (0..count).filter(|&v| low.live[v] && low.values[v].is_computed()).collect();
    order.sort_by_key(|&v| (low.values[v].order, v));

    // A value with one reader joins it: nothing of it needs to be kept.
    for &v in order.iter().rev().filter(|&&v| low.values[v].is_pointwise()) {
        let consumers: BTreeSet<usize> =
            units.readers[v].iter().map(|reader| units.of[reader.value]).collect();
        if let (1, Some(&unit)) = (consumers.len(), consumers.first())
            && units.readers[v].iter().all(|reader| reader.aligned)
        {
            units.merge(units.of[v], unit);
        }
    }
    // Neighbours that several values read still share the pass: m, v and theta of Adam.
    for &v in order.iter().filter(|&&v| low.values[v].is_pointwise()) {
        for reader in units.readers[v].clone() {
            if reader.aligned {
                units.merge(units.of[v], units.of[reader.value]);
            }
        }
    }
    // A product takes what is done to its result as its epilogue.
    for &v in order.iter().filter(|&&v| matches!(low.values[v].how, How::Product)) {
        for reader in units.readers[v].clone() {
            let unit = units.of[reader.value];
            let free = units.members[unit].iter().all(|&m| low.values[m].is_pointwise());
            if reader.aligned && free && units.merge(units.of[v], unit) {
                break;
            }
        }
    }
    for unit in &mut units.members {
        unit.sort_by_key(|&v| (low.values[v].order, v));
    }
    units
}

impl Units {
    /// Merges two units if one pass can compute both; says whether they are one now.
    fn merge(&mut self, a: usize, b: usize) -> bool {
        if a == b {
            return true;
        }
        if self.blocked(a, b) || self.blocked(b, a) {
            return false;
        }
        let moved = std::mem::take(&mut self.members[b]);
        for &v in &moved {
            self.of[v] = a;
        }
        self.members[a].extend(moved);
        true
    }

    /// Whether something between the two needs `from` finished before `to` starts.
    fn blocked(&self, from: usize, to: usize) -> bool {
        let direct =
            |v: &usize| self.readers[*v].iter().any(|r| self.of[r.value] == to && !r.aligned);
        if self.members[from].iter().any(direct) {
            return true;
        }
        let mut seen = vec![false; self.members.len()];
        seen[from] = true;
        let mut pending: Vec<usize> =
            self.next(from).filter(|&unit| unit != to && unit != from).collect();
        while let Some(unit) = pending.pop() {
            if unit == to {
                return true;
            }
            if std::mem::replace(&mut seen[unit], true) {
                continue;
            }
            pending.extend(self.next(unit));
        }
        false
    }

    /// The units that read a unit's values.
    pub(super) fn next(&self, unit: usize) -> impl Iterator<Item = usize> + '_ {
        self.members[unit].iter().flat_map(|&v| self.readers[v].iter().map(|r| self.of[r.value]))
    }
}
