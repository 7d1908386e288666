//! Classes kept equal while rows pass by.

use crate::{Error, Group, Key, Memory, Policy, Row, When};
use cl_random::Address;
use serde::{Deserialize, Serialize};
use std::collections::{HashSet, VecDeque};

/// Which rows a full memory takes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Admit {
    /// Every one.
    All,
    /// Those that are not there yet, of groups that hold less than capacity / groups seen so far.
    BelowShare,
}

/// Which row of the largest group makes room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Evict {
    /// One at random.
    Random,
    /// The one that came first.
    Oldest,
}

/// Groups kept equal while rows pass by: room is made in the largest group, of equally large ones in
/// the one that came first.
///
/// [`Greedy::sampler`] is that of GDumb (Prabhu, Torr & Dokania 2020, algorithm 1); with [`Admit::All`]
/// and [`Evict::Oldest`] the buffer of ER-ACE's code (Caccia et al. 2022).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Greedy {
    by: Group,
    admit: Admit,
    evict: Evict,
    /// Positions by group, the oldest in front.
    groups: Vec<(Key, VecDeque<u32>)>,
    /// Rows offered so far.
    seen: u32,
    /// What is there; worked out again where it was not saved.
    #[serde(skip)]
    kept: HashSet<Row>,
}

/// Equal states go on alike.
impl PartialEq for Greedy {
    fn eq(&self, other: &Self) -> bool {
        let state = |it: &Self| (it.by, it.admit, it.evict, it.seen);
        state(self) == state(other) && self.groups == other.groups
    }
}

impl Eq for Greedy {}

impl Greedy {
    /// Groups of this kind, by these rules.
    #[must_use]
    pub fn new(by: Group, admit: Admit, evict: Evict) -> Self {
        Self { by, admit, evict, groups: Vec::new(), seen: 0, kept: HashSet::new() }
    }

    /// The greedy sampler of GDumb.
    #[must_use]
    pub fn sampler(by: Group) -> Self {
        Self::new(by, Admit::BelowShare, Evict::Random)
    }

    fn group(&mut self, key: Key) -> usize {
        self.groups.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            self.groups.push((key, VecDeque::new()));
            self.groups.len() - 1
        })
    }

    /// Makes room in the largest group: the position that is free then.
    fn free(&mut self, address: Address) -> Option<u32> {
        let mut largest = &mut VecDeque::new();
        for (_, positions) in &mut self.groups {
            if positions.len() > largest.len() {
                largest = positions;
            }
        }
        match (self.evict, largest.len()) {
            (_, 0) => None,
            (Evict::Oldest, _) => largest.pop_front(),
            (Evict::Random, len) => {
                let nth = address.ordinal(self.seen).rng().below(len as u32);
                largest.swap_remove_back(nth as usize)
            }
        }
    }

    fn place_one(&mut self, memory: &mut Memory, row: Row, address: Address) -> Result<(), Error> {
        let capacity = memory.capacity();
        let group = self.group(self.by.key(&row));
        if self.admit == Admit::BelowShare {
            let share = capacity / self.groups.len();
            if self.groups[group].1.len() >= share || self.kept.contains(&row) {
                return Ok(());
            }
        }
        let position = if memory.rows().len() < capacity {
            memory.push(row)?;
            memory.rows().len() as u32 - 1
        } else {
            let Some(position) = self.free(address) else { return Ok(()) };
            if self.admit == Admit::BelowShare {
                self.kept.remove(&memory.rows()[position as usize]);
            }
            memory.replace(position, row)?;
            position
        };
        if self.admit == Admit::BelowShare {
            self.kept.insert(row);
        }
        self.groups[group].1.push_back(position);
        Ok(())
    }
}

impl Policy for Greedy {
    fn when(&self) -> When {
        When::Online
    }

    fn fits(&self, memory: &Memory) -> Result<(), Error> {
        let (rows, capacity) = (memory.rows().len(), memory.capacity());
        let positions = self.groups.iter().flat_map(|(_, positions)| positions);
        if positions.clone().count() != rows || positions.into_iter().any(|&p| p as usize >= rows) {
            return Err(Error::Damaged { rows, peak: rows, capacity });
        }
        Ok(())
    }

    fn place(
        &mut self,
        memory: &mut Memory,
        offered: &[Row],
        address: Address,
    ) -> Result<(), Error> {
        let fits = u32::try_from(offered.len()).is_ok_and(|n| self.seen.checked_add(n).is_some());
        if !fits {
            return Err(Error::TooManyOffers { seen: self.seen, offered: offered.len() });
        }
        if self.admit == Admit::BelowShare && self.kept.is_empty() {
            self.kept.extend(memory.rows());
        }
        for &row in offered {
            self.place_one(memory, row, address)?;
            self.seen += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Buffer, RowSize};
    use cl_random::Purpose;

    const STORE: Address = Address::new(3, Purpose::STORE);

    fn row(example: u32, label: u32) -> Row {
        Row { example, label, context: 0 }
    }

    fn buffer(capacity: u64, policy: Greedy) -> Buffer<Greedy> {
        Buffer::new(capacity, RowSize::from_bytes(1), policy).unwrap()
    }

    fn count(buffer: &Buffer<Greedy>, label: u32) -> usize {
        buffer.positions_where(|row| row.label == label).len()
    }

    /// 12 places: one class fills them; a second takes 6, a third 4 of each.
    #[test]
    fn the_sampler_gives_every_class_that_came_its_share() {
        let mut buffer = buffer(12, Greedy::sampler(Group::Class));
        for (label, shares) in [(0, vec![12]), (1, vec![6, 6]), (2, vec![4, 4, 4])] {
            let rows: Vec<Row> = (0..40).map(|i| row(100 * label + i, label)).collect();
            // Twice: a row that is there is not stored again.
            buffer.offer(&rows, STORE).unwrap();
            buffer.offer(&rows, STORE).unwrap();
            let counts: Vec<usize> = (0..=label).map(|label| count(&buffer, label)).collect();
            assert_eq!(counts, shares);
        }
        let distinct: HashSet<u32> = buffer.rows().iter().map(|row| row.example).collect();
        assert_eq!(distinct.len(), 12);
    }

    /// By hand: 0, 1, 2 of class 0 fill it; 10 of class 1 takes the place of 0, the oldest of the
    /// largest; then class 0 has 2 and class 1 has 1, so 11 takes that of 1, and 12 (class 1 is the
    /// largest then) that of 10.
    #[test]
    fn the_oldest_of_the_largest_class_makes_room() {
        let mut buffer = buffer(3, Greedy::new(Group::Class, Admit::All, Evict::Oldest));
        let examples = |buffer: &Buffer<Greedy>| {
            buffer.rows().iter().map(|row| row.example).collect::<Vec<_>>()
        };
        buffer.offer(&[row(0, 0), row(1, 0), row(2, 0)], STORE).unwrap();
        for (example, expected) in [(10, [10, 1, 2]), (11, [10, 11, 2]), (12, [12, 11, 2])] {
            buffer.offer(&[row(example, 1)], STORE).unwrap();
            assert_eq!(examples(&buffer), expected);
        }
    }
}
