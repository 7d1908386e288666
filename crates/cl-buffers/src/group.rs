//! By what rows are told apart, and where the rows of each group lie.

use crate::{Row, draw_uniform};
use cl_random::Address;
use serde::{Deserialize, Serialize};

/// By what rows are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Group {
    /// Not at all: one group.
    All,
    /// By output unit, whatever the context.
    Class,
    /// By context.
    Context,
    /// By output unit within a context.
    ClassOfContext,
}

/// What a group has in common; what rows are not told apart by is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// The context.
    pub context: u32,
    /// The output unit.
    pub label: u32,
}

impl Group {
    /// The group of a row.
    #[must_use]
    pub fn key(self, row: &Row) -> Key {
        let (context, label) = match self {
            Self::All => (0, 0),
            Self::Class => (0, row.label),
            Self::Context => (row.context, 0),
            Self::ClassOfContext => (row.context, row.label),
        };
        Key { context, label }
    }
}

/// Positions of a memory by group, kept up to date row by row: [`Groups::set`] takes a time that grows
/// with the number of groups alone.
///
/// The order of positions within a group follows from what was set in which order; it is part of the
/// serialised form, so draws go on as before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct Groups {
    by: Group,
    groups: Vec<(Key, Vec<u32>)>,
    /// Of each position: its group and its place there.
    places: Vec<(u32, u32)>,
}

/// The serialised form.
#[derive(Clone, Serialize, Deserialize)]
struct Saved {
    by: Group,
    groups: Vec<(Key, Vec<u32>)>,
}

impl From<Groups> for Saved {
    fn from(Groups { by, groups, .. }: Groups) -> Self {
        Self { by, groups }
    }
}

impl From<Saved> for Groups {
    fn from(Saved { by, groups }: Saved) -> Self {
        let mut made = Self { by, groups, places: Vec::new() };
        for group in 0..made.groups.len() {
            for at in 0..made.groups[group].1.len() {
                let position = made.groups[group].1[at];
                made.place(position, (group as u32, at as u32));
            }
        }
        made
    }
}

const NOWHERE: (u32, u32) = (u32::MAX, 0);

impl Groups {
    /// No rows yet.
    #[must_use]
    pub fn new(by: Group) -> Self {
        Self { by, groups: Vec::new(), places: Vec::new() }
    }

    /// The groups of a memory's rows, positions ascending.
    #[must_use]
    pub fn of(by: Group, rows: &[Row]) -> Self {
        let mut groups = Self::new(by);
        (0..).zip(rows).for_each(|(position, row)| groups.set(position, row));
        groups
    }

    /// The groups so far, in the order in which they came.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.groups.iter().map(|(key, _)| *key)
    }

    /// Number of positions that are in some group.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.groups.iter().map(|(_, positions)| positions.len()).sum()
    }

    /// The positions of a group.
    #[must_use]
    pub fn group(&self, key: Key) -> &[u32] {
        self.groups.iter().find(|(known, _)| *known == key).map_or(&[], |(_, own)| own)
    }

    /// There is this row at `position` now.
    pub fn set(&mut self, position: u32, row: &Row) {
        let key = self.by.key(row);
        let (group, at) = self.places.get(position as usize).copied().unwrap_or(NOWHERE);
        if let Some((own, positions)) = self.groups.get_mut(group as usize) {
            if *own == key {
                return;
            }
            positions.swap_remove(at as usize);
            if let Some(&moved) = positions.get(at as usize) {
                self.place(moved, (group, at));
            }
        }
        let group = match self.groups.iter().position(|(known, _)| *known == key) {
            Some(group) => group,
            None => {
                self.groups.push((key, Vec::new()));
                self.groups.len() - 1
            }
        };
        let positions = &mut self.groups[group].1;
        positions.push(position);
        let at = positions.len() as u32 - 1;
        self.place(position, (group as u32, at));
    }

    fn place(&mut self, position: u32, place: (u32, u32)) {
        let position = position as usize;
        if self.places.len() <= position {
            self.places.resize(position + 1, NOWHERE);
        }
        self.places[position] = place;
    }

    /// Draws positions of the groups that are `wanted` uniformly at random without replacement into the
    /// front of `batch`, as [`draw_uniform`] from all of them together; returns how many.
    pub fn draw(&self, wanted: impl Fn(Key) -> bool, address: Address, batch: &mut [u32]) -> usize {
        let groups = || self.groups.iter().filter(|(key, _)| wanted(*key)).map(|(_, own)| own);
        let total: usize = groups().map(Vec::len).sum();
        let count = batch.len().min(total);
        let mut rng = address.rng();
        for filled in 0..count {
            let newest = (total - count + filled) as u32;
            let index = rng.below(newest + 1);
            batch[filled] = if batch[..filled].contains(&index) { newest } else { index };
        }
        for index in &mut batch[..count] {
            let mut left = *index as usize;
            for own in groups() {
                match own.get(left) {
                    Some(&position) => {
                        *index = position;
                        break;
                    }
                    None => left -= own.len(),
                }
            }
        }
        count
    }

    /// Draws the same number of positions of every group that is `wanted`, each group uniformly at
    /// random without replacement, into the front of `batch`; returns how many. Counts differ by at most
    /// one, and who gets one more is random; a group smaller than its share gives all it has.
    pub fn draw_balanced(
        &self,
        wanted: impl Fn(Key) -> bool,
        address: Address,
        batch: &mut [u32],
    ) -> usize {
        let groups = || {
            self.groups.iter().filter(|(key, own)| wanted(*key) && !own.is_empty()).map(|it| &it.1)
        };
        let count = groups().count();
        if count == 0 {
            return 0;
        }
        let (share, more) = (batch.len() / count, batch.len() % count);
        let first = address.ordinal(u32::MAX).rng().below(count as u32) as usize;
        let mut used = 0;
        for (ordinal, own) in groups().enumerate() {
            let share = share + usize::from((ordinal + count - first) % count < more);
            let part = &mut batch[used..used + share];
            used += draw_uniform(own, address.ordinal(ordinal as u32), part);
        }
        used
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cl_random::Purpose;

    fn row(context: u32, label: u32) -> Row {
        Row { example: 0, label, context }
    }

    #[test]
    fn a_key_holds_what_rows_are_told_apart_by() {
        let row = row(3, 7);
        let key = |context, label| Key { context, label };
        let of = [Group::All, Group::Class, Group::Context, Group::ClassOfContext];
        assert_eq!(of.map(|by| by.key(&row)), [key(0, 0), key(0, 7), key(3, 0), key(3, 7)]);
    }

    #[test]
    fn a_row_that_replaces_another_moves_its_position_to_its_own_group() {
        let rows = [row(0, 0), row(0, 1), row(0, 0), row(0, 0)];
        let mut groups = Groups::of(Group::Class, &rows);
        let positions = |groups: &Groups, label| groups.group(Key { context: 0, label }).to_vec();
        assert_eq!((positions(&groups, 0), positions(&groups, 1)), (vec![0, 2, 3], vec![1]));
        groups.set(0, &row(0, 1));
        assert_eq!((positions(&groups, 0), positions(&groups, 1)), (vec![3, 2], vec![1, 0]));
        groups.set(2, &row(0, 5));
        assert_eq!((positions(&groups, 0), positions(&groups, 5)), (vec![3], vec![2]));
        let text = serde_json::to_string(&groups).unwrap();
        let mut again: Groups = serde_json::from_str(&text).unwrap();
        assert_eq!(again, groups);
        again.set(3, &row(0, 1));
        groups.set(3, &row(0, 1));
        assert_eq!((again, groups.positions()), (groups.clone(), 4));
    }

    #[test]
    fn a_draw_leaves_out_groups_and_takes_no_position_twice() {
        let rows: Vec<Row> = (0..30).map(|i| row(i % 3, 0)).collect();
        let groups = Groups::of(Group::Context, &rows);
        for seed in 0..50 {
            let mut batch = [99; 12];
            let address = Address::new(seed, Purpose::REPLAY);
            assert_eq!(groups.draw(|key| key.context != 1, address, &mut batch), 12);
            let mut sorted = batch.to_vec();
            sorted.sort_unstable();
            sorted.dedup();
            assert!(sorted.len() == 12 && sorted.iter().all(|p| p % 3 != 1), "{batch:?}");
        }
        let mut batch = [99; 25];
        let address = Address::new(1, Purpose::REPLAY);
        assert_eq!(groups.draw(|key| key.context != 1, address, &mut batch), 20);
        assert_eq!(groups.draw(|_| false, address, &mut batch), 0);
        // All of them in one group: what `draw_uniform` draws.
        let (mut all, mut uniform) = ([0; 7], [0; 7]);
        Groups::of(Group::All, &rows).draw(|_| true, address, &mut all);
        draw_uniform(&(0..30).collect::<Vec<_>>(), address, &mut uniform);
        assert_eq!(all, uniform);
    }

    #[test]
    fn a_balanced_draw_takes_as_many_of_every_group() {
        // 20 rows of class 0, 5 of class 1, 2 of class 2.
        let labels = (0..27).map(|i| if i < 20 { 0 } else { 1 + u32::from(i >= 25) });
        let rows: Vec<Row> = labels.map(|label| row(0, label)).collect();
        let groups = Groups::of(Group::Class, &rows);
        let mut most = [0; 3];
        for seed in 0..60 {
            let mut batch = [99; 5];
            let drawn =
                groups.draw_balanced(|_| true, Address::new(seed, Purpose::REPLAY), &mut batch);
            let labels: Vec<u32> = batch[..drawn].iter().map(|&p| rows[p as usize].label).collect();
            let counts = [0, 1, 2].map(|label| labels.iter().filter(|&&of| of == label).count());
            assert!(counts.iter().all(|count| (1..=2).contains(count)), "{counts:?}");
            assert_eq!(drawn, 5);
            counts.iter().zip(&mut most).for_each(|(count, most)| *most += count / 2);
        }
        assert!(most.iter().all(|&count| count > 20), "who gets one more is random: {most:?}");
        let mut batch = [99; 12];
        let address = Address::new(1, Purpose::REPLAY);
        assert_eq!(groups.draw_balanced(|_| true, address, &mut batch), 4 + 4 + 2);
        assert_eq!(Groups::new(Group::Class).draw_balanced(|_| true, address, &mut batch), 0);
    }
}
