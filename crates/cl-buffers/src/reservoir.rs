//! Reservoir sampling.

use crate::{Error, Memory, Policy, Row, When};
use cl_random::Address;
use serde::{Deserialize, Serialize};

/// A uniform sample of the whole stream, online: after `n` rows each has stayed with probability
/// `min(1, M / n)`, where `M` is the capacity.
///
/// With `n` rows seen before this one: if `n < M` it is put at `n`; else `j ~ U{0..n}`, and it is
/// put at `j` if `j < M`. Vitter 1985, "Random sampling with a reservoir", algorithm R; as in the
/// replay buffers of mammoth and of van de Ven et al. 2022.
///
/// The numbers of a row are those at the ordinal `n`, so batches of any size make the same choices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservoir {
    seen: u32,
}

impl Reservoir {
    /// A reservoir that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of rows offered so far.
    #[must_use]
    pub fn seen(&self) -> u32 {
        self.seen
    }
}

impl Policy for Reservoir {
    fn when(&self) -> When {
        When::Online
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
        for &row in offered {
            if (self.seen as usize) < memory.capacity() {
                memory.push(row)?;
            } else {
                let j = address.ordinal(self.seen).rng().below(self.seen + 1);
                if (j as usize) < memory.capacity() {
                    memory.replace(j, row)?;
                }
            }
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

    fn row(example: u32) -> Row {
        Row { example, label: 0, context: 0 }
    }

    /// Room for two, five rows: 0 and 1 are put at 0 and 1. For row n = 2, 3, 4 the generator's own
    /// numbers below n + 1 are looked up first, then the rule is applied by hand.
    #[test]
    fn a_small_reservoir_worked_by_hand() {
        let address = Address::new(3, Purpose::STORE);
        let drawn = [2_u32, 3, 4].map(|n| address.ordinal(n).rng().below(n + 1));
        assert_eq!(drawn, [1, 3, 0]);

        let mut buffer = Buffer::new(2, RowSize::from_bytes(1), Reservoir::new()).unwrap();
        let kept = (0..5).map(|example| {
            buffer.offer(&[row(example)], address).unwrap();
            buffer.rows().iter().map(|row| row.example).collect::<Vec<_>>()
        });
        let kept: Vec<_> = kept.collect();
        // Row 2 goes to 1; for row 3 the number is 3, beyond the room; row 4 goes to 0.
        let expected: [&[u32]; 5] = [&[0], &[0, 1], &[0, 2], &[0, 2], &[4, 2]];
        assert_eq!(kept, expected);
    }

    #[test]
    fn while_there_is_room_the_first_rows_stay_in_order() {
        let mut buffer = Buffer::new(50, RowSize::from_bytes(5), Reservoir::new()).unwrap();
        let rows: Vec<Row> = (0..10).map(row).collect();
        buffer.offer(&rows, Address::new(1, Purpose::STORE)).unwrap();
        assert_eq!(buffer.rows(), rows);
    }

    #[test]
    fn the_size_of_batches_changes_nothing() {
        let address = Address::new(3, Purpose::STORE);
        let rows: Vec<Row> = (0..200).map(row).collect();
        let kept = |batch: usize| {
            let mut buffer = Buffer::new(20, RowSize::from_bytes(1), Reservoir::new()).unwrap();
            for rows in rows.chunks(batch) {
                buffer.offer(rows, address).unwrap();
            }
            buffer.rows().to_vec()
        };
        assert_eq!(kept(1), kept(7));
        assert_eq!(kept(1), kept(200));
    }

    #[test]
    fn a_stream_beyond_its_count_is_refused_and_changes_nothing() {
        let mut memory = Memory::new(4, RowSize::from_bytes(4)).unwrap();
        let mut policy = Reservoir { seen: u32::MAX - 1 };
        let error = policy
            .place(&mut memory, &[row(0), row(1)], Address::new(1, Purpose::STORE))
            .unwrap_err();
        assert_eq!(error, Error::TooManyOffers { seen: u32::MAX - 1, offered: 2 });
        assert_eq!((policy.seen(), memory.rows().len()), (u32::MAX - 1, 0));
    }
}
