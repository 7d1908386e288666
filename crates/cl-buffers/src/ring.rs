//! The newest rows of every group.

use crate::{Error, Group, Key, Memory, Policy, Row, When};
use cl_random::Address;
use serde::{Deserialize, Serialize};

/// The newest rows of every group: as many as capacity / groups, rounded down, the oldest of them
/// replaced first.
///
/// Per context, as the memory of GEM (Lopez-Paz & Ranzato 2017: the last examples of each task), or per
/// class of a context, as that of A-GEM (Chaudhry et al. 2019).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring {
    by: Group,
    groups: u32,
    rings: Vec<OneRing>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OneRing {
    key: Key,
    positions: Vec<u32>,
    /// Which of them is replaced next.
    next: u32,
}

impl Ring {
    /// For a stream with this many groups in all.
    #[must_use]
    pub fn new(by: Group, groups: u32) -> Self {
        Self { by, groups, rings: Vec::new() }
    }

    /// The number of rows kept per group in a memory of this capacity.
    #[must_use]
    pub fn quota(&self, capacity: usize) -> usize {
        capacity.checked_div(self.groups as usize).unwrap_or(0)
    }

    /// The positions of a group's rows, in the order in which they were filled first.
    #[must_use]
    pub fn positions(&self, key: Key) -> &[u32] {
        self.rings.iter().find(|ring| ring.key == key).map_or(&[], |ring| &ring.positions)
    }

    /// Makes a ring for every group of the offer, or none.
    fn make_rings(&mut self, offered: &[Row], quota: usize) -> Result<(), Error> {
        let before = self.rings.len();
        for row in offered {
            let key = self.by.key(row);
            if self.rings.iter().any(|ring| ring.key == key) {
                continue;
            }
            if self.rings.len() == self.groups as usize {
                let (found, planned) = (self.rings.len() + 1, self.groups);
                self.rings.truncate(before);
                return Err(Error::TooManyGroups { policy: "ring", found, planned });
            }
            self.rings.push(OneRing { key, positions: Vec::with_capacity(quota), next: 0 });
        }
        Ok(())
    }
}

impl Policy for Ring {
    fn when(&self) -> When {
        When::Online
    }

    fn fits(&self, memory: &Memory) -> Result<(), Error> {
        Error::room("ring", memory, self.groups)
    }

    fn place(&mut self, memory: &mut Memory, offered: &[Row], _: Address) -> Result<(), Error> {
        let quota = self.quota(memory.capacity());
        self.make_rings(offered, quota)?;
        for row in offered {
            let key = self.by.key(row);
            let Some(ring) = self.rings.iter_mut().find(|ring| ring.key == key) else { continue };
            if ring.positions.len() < quota {
                ring.positions.push(memory.rows().len() as u32);
                memory.push(*row)?;
            } else {
                memory.replace(ring.positions[ring.next as usize], *row)?;
                ring.next = (ring.next + 1) % quota as u32;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Buffer, RowSize};
    use cl_random::Purpose;

    #[test]
    fn the_newest_rows_of_each_group_stay() {
        let address = Address::new(1, Purpose::STORE);
        // 7 rows fit, 2 groups: 3 each.
        let ring = Ring::new(Group::Context, 2);
        let mut buffer = Buffer::new(7, RowSize::from_bytes(1), ring).unwrap();
        let row = |example, context| Row { example, label: 0, context };
        let kept =
            |buffer: &Buffer<Ring>| buffer.rows().iter().map(|row| row.example).collect::<Vec<_>>();
        let first: Vec<Row> = (0..5).map(|i| row(i, 0)).collect();
        buffer.offer(&first, address).unwrap();
        // 3 replaces 0, 4 replaces 1.
        assert_eq!(kept(&buffer), [3, 4, 2]);
        assert_eq!(buffer.written().len(), 5);
        buffer.offer(&[row(10, 1), row(5, 0), row(11, 1)], address).unwrap();
        assert_eq!(kept(&buffer), [3, 4, 5, 10, 11]);
        assert_eq!(buffer.written(), [(3, row(10, 1)), (2, row(5, 0)), (4, row(11, 1))]);
        let key = Key { context: 1, label: 0 };
        assert_eq!(buffer.policy().positions(key), [3, 4]);
        let before = buffer.clone();
        let error = buffer.offer(&[row(6, 0), row(20, 2)], address).unwrap_err();
        assert_eq!(error, Error::TooManyGroups { policy: "ring", found: 3, planned: 2 });
        assert_eq!(buffer, before);
    }
}
