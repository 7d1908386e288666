//! Replay batches from shuffled passes.

use cl_random::Address;
use serde::{Deserialize, Serialize};

/// Shuffled passes over a group of positions, each visited once per pass, as by a shuffled data
/// loader.
///
/// The order of a pass is a function of the address (seed, purpose, context, ordinal) and of the
/// pass, which takes the address's step. Under a new address passes begin anew; a group of another
/// length than before, as while a buffer fills, begins a new pass. Use one sweep per group: in
/// task-incremental replay one for each past context, told apart by the address's ordinal.
///
/// Its serialised form is a few numbers: the order is worked out again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sweep {
    /// The key of the address that the passes belong to.
    key: [u32; 2],
    /// The pass, counted from 0.
    pass: u32,
    /// The length of the group in this pass.
    len: u32,
    /// How many of the group this pass has visited.
    visited: u32,
    /// This pass's order of the indices below `len`; empty until it is needed.
    #[serde(skip)]
    order: Vec<u32>,
}

/// Equal sweeps visit the same from here on, whether or not their order is worked out already.
impl PartialEq for Sweep {
    fn eq(&self, other: &Self) -> bool {
        let state = |sweep: &Self| (sweep.key, sweep.pass, sweep.len, sweep.visited);
        state(self) == state(other)
    }
}

impl Eq for Sweep {}

impl Sweep {
    /// A sweep that has visited nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Fills `batch` with the next positions of `group`, going on into the next pass where one
    /// ends; returns how many: `batch.len()`, or 0 for an empty group.
    pub fn fill(&mut self, group: &[u32], address: Address, batch: &mut [u32]) -> usize {
        if group.is_empty() {
            return 0;
        }
        self.follow(group, address);
        for position in &mut *batch {
            if self.visited >= self.len {
                self.begin_pass(self.pass.wrapping_add(1), self.len);
            }
            *position = self.next(group, address);
        }
        batch.len()
    }

    /// Fills the front of `batch` with the next positions of `group` from one pass: where fewer are
    /// left than the batch needs they are dropped and the next pass begins, as a loader with
    /// `drop_last` does. Returns how many: `batch.len()`, or all of a smaller group.
    pub fn fill_within_pass(
        &mut self,
        group: &[u32],
        address: Address,
        batch: &mut [u32],
    ) -> usize {
        let count = batch.len().min(group.len());
        if count == 0 {
            return 0;
        }
        self.follow(group, address);
        if (self.len.saturating_sub(self.visited) as usize) < count {
            self.begin_pass(self.pass.wrapping_add(1), self.len);
        }
        for position in &mut batch[..count] {
            *position = self.next(group, address);
        }
        count
    }

    /// Fills the front of `batch` with the next positions of `group` from one pass: where fewer are
    /// left than the batch needs those alone, as a loader does that keeps the incomplete last batch.
    /// Returns how many; none for an empty group.
    pub fn fill_to_end_of_pass(
        &mut self,
        group: &[u32],
        address: Address,
        batch: &mut [u32],
    ) -> usize {
        if group.is_empty() {
            return 0;
        }
        self.follow(group, address);
        if self.visited >= self.len {
            self.begin_pass(self.pass.wrapping_add(1), self.len);
        }
        let count = batch.len().min((self.len - self.visited) as usize);
        for position in &mut batch[..count] {
            *position = self.next(group, address);
        }
        count
    }

    /// Lets go of the memory of this pass's order; where it is needed again it is worked out again, and what
    /// is visited next stays the same.
    pub fn forget_order(&mut self) {
        self.order = Vec::new();
    }

    /// Begins passes anew where address or group are not those of the pass under way.
    fn follow(&mut self, group: &[u32], address: Address) {
        let key = address.step(0).key();
        let len = group.len() as u32;
        if key != self.key {
            self.key = key;
            self.begin_pass(0, len);
        } else if len != self.len {
            self.begin_pass(self.pass.wrapping_add(1), len);
        }
    }

    fn begin_pass(&mut self, pass: u32, len: u32) {
        (self.pass, self.len, self.visited) = (pass, len, 0);
        self.order.clear();
    }

    fn next(&mut self, group: &[u32], address: Address) -> u32 {
        if self.order.is_empty() {
            self.order.extend(0..self.len);
            address.step(self.pass).rng().shuffle(&mut self.order);
        }
        let index = self.order[self.visited as usize];
        self.visited += 1;
        group[index as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cl_random::Purpose;

    const REPLAY: Address = Address::new(1, Purpose::REPLAY);

    fn sorted(positions: &[u32]) -> Vec<u32> {
        let mut sorted = positions.to_vec();
        sorted.sort_unstable();
        sorted
    }

    #[test]
    fn a_pass_visits_each_position_once_and_the_next_in_another_order() {
        let group: Vec<u32> = (100..130).collect();
        let (mut sweep, mut visited) = (Sweep::new(), Vec::new());
        let mut batch = [0; 4];
        while visited.len() < 60 {
            assert_eq!(sweep.fill(&group, REPLAY, &mut batch), 4);
            visited.extend(batch);
        }
        let (first, second) = visited.split_at(30);
        assert_eq!((sorted(first), sorted(second)), (group.clone(), group.clone()));
        assert!(first != second && first != group);
    }

    /// The order is the address's own shuffle at step = pass, so nothing else was consulted.
    #[test]
    fn the_order_is_a_function_of_address_and_pass() {
        let group = [5, 6, 7, 8, 9];
        let address = REPLAY.context(3).ordinal(2);
        let mut batch = [0; 10];
        Sweep::new().fill(&group, address, &mut batch);
        for (pass, visited) in batch.chunks(5).enumerate() {
            let mut expected = group;
            address.step(pass as u32).rng().shuffle(&mut expected);
            assert_eq!(visited, expected);
        }
    }

    #[test]
    fn within_a_pass_no_position_comes_twice_and_the_rest_is_dropped() {
        let group: Vec<u32> = (0..10).collect();
        let (mut sweep, mut batch) = (Sweep::new(), [0; 4]);
        for pass in 0..3 {
            let mut order = group.clone();
            REPLAY.step(pass).rng().shuffle(&mut order);
            for expected in [&order[..4], &order[4..8]] {
                assert_eq!(sweep.fill_within_pass(&group, REPLAY, &mut batch), 4);
                assert_eq!(batch, expected);
            }
        }
        let mut large = [99; 12];
        assert_eq!(sweep.fill_within_pass(&group, REPLAY, &mut large), 10);
        assert_eq!(sorted(&large[..10]), group);
    }

    #[test]
    fn to_the_end_of_a_pass_the_last_batch_is_what_is_left() {
        let group: Vec<u32> = (0..10).collect();
        let (mut sweep, mut batch) = (Sweep::new(), [0; 4]);
        for pass in 0..2 {
            let mut order = group.clone();
            REPLAY.step(pass).rng().shuffle(&mut order);
            for expected in [&order[..4], &order[4..8], &order[8..]] {
                let count = sweep.fill_to_end_of_pass(&group, REPLAY, &mut batch);
                assert_eq!(&batch[..count], expected);
            }
        }
    }

    #[test]
    fn a_new_address_or_length_begins_a_pass() {
        let (mut sweep, mut batch) = (Sweep::new(), [0; 3]);
        sweep.fill(&[1, 2, 3, 4], REPLAY, &mut batch);
        let mut pass = [0; 4];
        sweep.fill(&[1, 2, 3, 4], REPLAY.context(1), &mut pass);
        assert_eq!(sorted(&pass), [1, 2, 3, 4]);
        sweep.fill(&[1, 2, 3, 4], REPLAY.context(1), &mut batch);
        let mut grown = [0; 5];
        sweep.fill(&[1, 2, 3, 4, 5], REPLAY.context(1), &mut grown);
        assert_eq!(sorted(&grown), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn an_empty_group_fills_nothing() {
        let (mut sweep, mut batch) = (Sweep::new(), [7; 3]);
        assert_eq!(sweep.fill(&[], REPLAY, &mut batch), 0);
        assert_eq!(sweep.fill_within_pass(&[], REPLAY, &mut batch), 0);
        assert_eq!(sweep.fill_to_end_of_pass(&[], REPLAY, &mut batch), 0);
        assert_eq!(batch, [7; 3]);
        assert_eq!(sweep.fill(&[4], REPLAY, &mut batch), 3);
        assert_eq!(batch, [4; 3]);
    }

    #[test]
    fn an_order_that_was_forgotten_is_the_same_again() {
        let group: Vec<u32> = (0..9).collect();
        let (mut one, mut other) = (Sweep::new(), Sweep::new());
        for _ in 0..7 {
            let (mut a, mut b) = ([0; 2], [0; 2]);
            one.fill(&group, REPLAY, &mut a);
            other.fill(&group, REPLAY, &mut b);
            other.forget_order();
            assert_eq!(a, b);
        }
    }
}
