//! The byte budget holds whatever is offered, also under a policy that tries to exceed it.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_buffers::{Buffer, ClassBalanced, Error, Memory, Policy, Reservoir, Row, RowSize, When};
use cl_random::{Address, Purpose};
use proptest::prelude::*;

/// Keeps everything, if only it could.
struct Hoard;

impl Policy for Hoard {
    fn when(&self) -> When {
        When::Online
    }

    fn place(&mut self, memory: &mut Memory, offered: &[Row], _: Address) -> Result<(), Error> {
        offered.iter().try_for_each(|&row| memory.push(row))
    }
}

/// The newest rows of a stream: a policy as a user would write it.
struct Newest {
    next: u32,
}

impl Policy for Newest {
    fn when(&self) -> When {
        When::Online
    }

    fn place(&mut self, memory: &mut Memory, offered: &[Row], _: Address) -> Result<(), Error> {
        for &row in offered {
            if memory.rows().len() < memory.capacity() {
                memory.push(row)?;
            } else {
                memory.replace(self.next, row)?;
                self.next = (self.next + 1) % memory.capacity() as u32;
            }
        }
        Ok(())
    }
}

fn rows(context: u32, count: usize) -> Vec<Row> {
    (0..count as u32).map(|i| Row { example: i, label: 2 * context + i % 2, context }).collect()
}

proptest! {
    #[test]
    fn no_offer_takes_a_buffer_beyond_its_budget(
        seed: u64,
        budget in 1_u64..5000,
        size in 1_u64..300,
        offers in prop::collection::vec(0_usize..60, 1..6),
    ) {
        let row_size = RowSize::from_bytes(size);
        let address = Address::new(seed, Purpose::STORE);
        let reservoir = Buffer::new(budget, row_size, Reservoir::new());
        if budget < size {
            let error = reservoir.unwrap_err();
            prop_assert_eq!(error, Error::BudgetTooSmall { budget, row: size });
            return Ok(());
        }
        let mut reservoir = reservoir.unwrap();
        let mut balanced =
            Buffer::new(budget, row_size, ClassBalanced::new(2 * offers.len() as u32)).ok();
        let mut hoard = Buffer::new(budget, row_size, Hoard).unwrap();
        let mut offered = 0;
        for (context, &count) in offers.iter().enumerate() {
            let rows = rows(context as u32, count);
            reservoir.offer(&rows, address).unwrap();
            let _ = hoard.offer(&rows, address);
            offered += count as u64;
            let fit = (budget / size).min(offered);
            for (bytes, peak) in [
                (reservoir.bytes(), reservoir.peak_bytes()),
                (hoard.bytes(), hoard.peak_bytes()),
            ] {
                prop_assert_eq!((bytes, peak), (fit * size, fit * size));
                prop_assert!(peak <= budget);
            }
            if let Some(balanced) = &mut balanced {
                balanced.offer(&rows, address).unwrap();
                let quota = balanced.policy().quota(balanced.capacity());
                for label in [2 * context as u32, 2 * context as u32 + 1] {
                    let of_label = rows.iter().filter(|row| row.label == label).count();
                    let kept = balanced.positions_where(|row| row.label == label).len();
                    prop_assert_eq!(kept, of_label.min(quota));
                }
                prop_assert!(balanced.bytes() <= balanced.peak_bytes());
                prop_assert!(balanced.peak_bytes() <= budget);
            }
        }
    }
}

#[test]
fn a_policy_of_ones_own_fills_a_buffer() {
    let mut buffer = Buffer::new(30, RowSize::from_bytes(10), Newest { next: 0 }).unwrap();
    buffer.offer(&rows(0, 5), Address::new(1, Purpose::STORE)).unwrap();
    let examples: Vec<u32> = buffer.rows().iter().map(|row| row.example).collect();
    assert_eq!(examples, [3, 4, 2]);
}

/// Gives up all rows before it keeps the new ones.
struct Latest;

impl Policy for Latest {
    fn when(&self) -> When {
        When::EndOfContext
    }

    fn place(&mut self, memory: &mut Memory, offered: &[Row], _: Address) -> Result<(), Error> {
        memory.retain(|_| false);
        offered.iter().take(memory.capacity()).try_for_each(|&row| memory.push(row))
    }
}

#[test]
fn the_peak_outlasts_the_rows() {
    let mut buffer = Buffer::new(100, RowSize::from_bytes(10), Latest).unwrap();
    buffer.offer(&rows(0, 7), Address::new(1, Purpose::STORE)).unwrap();
    buffer.offer(&rows(1, 2), Address::new(1, Purpose::STORE)).unwrap();
    assert_eq!((buffer.bytes(), buffer.peak_bytes()), (20, 70));
}
