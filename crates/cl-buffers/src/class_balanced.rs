//! The same number of examples of every class.

use crate::{Error, Memory, Policy, Row, When};
use cl_random::Address;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A fixed number of examples per class, chosen at the end of its context uniformly at random
/// without replacement, and kept for good.
///
/// The quota per class is capacity / classes, rounded down, over all classes the stream will bring;
/// a class with fewer examples keeps them all. A class is an output unit *within a context*: where
/// contexts share their output units (domain-incremental learning), each has its own quota in each
/// context.
///
/// As experience replay in van de Ven, Tuytelaars & Tolias 2022, "Three types of incremental
/// learning" (100 per class). Within a class rows are kept in the order drawn, so the first ones are
/// a uniform sample as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassBalanced {
    classes: u32,
}

impl ClassBalanced {
    /// For a stream of this many classes in all its contexts, counted once per context they occur
    /// in.
    #[must_use]
    pub fn new(classes: u32) -> Self {
        Self { classes }
    }

    /// The number of examples kept per class in a memory of this capacity.
    #[must_use]
    pub fn quota(&self, capacity: usize) -> usize {
        capacity.checked_div(self.classes as usize).unwrap_or(0)
    }
}

impl Policy for ClassBalanced {
    fn when(&self) -> When {
        When::EndOfContext
    }

    fn fits(&self, memory: &Memory) -> Result<(), Error> {
        let (capacity, classes) = (memory.capacity(), self.classes);
        match self.quota(capacity) {
            0 if classes == 0 => Err(Error::NoClasses),
            0 => Err(Error::NoQuota { capacity, classes }),
            _ => Ok(()),
        }
    }

    fn place(
        &mut self,
        memory: &mut Memory,
        offered: &[Row],
        address: Address,
    ) -> Result<(), Error> {
        let mut by_class: BTreeMap<(u32, u32), Vec<Row>> = BTreeMap::new();
        for &row in offered {
            by_class.entry((row.context, row.label)).or_default().push(row);
        }
        let mut kept: BTreeSet<_> =
            memory.rows().iter().map(|row| (row.context, row.label)).collect();
        for &(context, label) in by_class.keys() {
            if !kept.insert((context, label)) {
                return Err(Error::OfferedTwice { label, context });
            }
            if kept.len() > self.classes as usize {
                let planned = self.classes;
                return Err(Error::TooManyClasses { context, found: kept.len(), planned });
            }
        }
        let quota = self.quota(memory.capacity());
        for ((context, label), mut rows) in by_class {
            address.context(context).ordinal(label).rng().shuffle(&mut rows);
            for &row in rows.iter().take(quota) {
                memory.push(row)?;
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

    const STORE: Address = Address::new(1, Purpose::STORE);

    /// `each` examples of every label, labels alternating.
    fn context(context: u32, labels: &[u32], each: u32) -> Vec<Row> {
        let rows = (0..each).flat_map(|i| labels.iter().map(move |&label| (i, label)));
        rows.map(|(i, label)| Row { example: context * 1000 + label * 100 + i, label, context })
            .collect()
    }

    fn counts(rows: &[Row]) -> BTreeMap<(u32, u32), usize> {
        let mut counts = BTreeMap::new();
        for row in rows {
            *counts.entry((row.context, row.label)).or_default() += 1;
        }
        counts
    }

    #[test]
    fn every_class_gets_its_quota_and_a_small_one_all_it_has() {
        // 43 rows fit, 4 classes: 10 each.
        let size = RowSize::from_bytes(1);
        let mut buffer = Buffer::new(43, size, ClassBalanced::new(4)).unwrap();
        buffer.offer(&context(0, &[0, 1], 30), STORE).unwrap();
        assert_eq!(counts(buffer.rows()), [((0, 0), 10), ((0, 1), 10)].into());
        let first = buffer.rows().to_vec();
        let mut second = context(1, &[2], 30);
        second.extend(context(1, &[3], 7));
        buffer.offer(&second, STORE).unwrap();
        let expected = [((0, 0), 10), ((0, 1), 10), ((1, 2), 10), ((1, 3), 7)];
        assert_eq!(counts(buffer.rows()), expected.into());
        assert_eq!(buffer.rows()[..20], first, "what was chosen stays");
        let distinct: BTreeSet<u32> = buffer.rows().iter().map(|row| row.example).collect();
        assert_eq!(distinct.len(), 37, "without replacement");
    }

    #[test]
    fn contexts_that_share_output_units_have_their_own_quotas() {
        let size = RowSize::from_bytes(1);
        let mut buffer = Buffer::new(12, size, ClassBalanced::new(4)).unwrap();
        buffer.offer(&context(0, &[0, 1], 9), STORE).unwrap();
        buffer.offer(&context(1, &[0, 1], 9), STORE).unwrap();
        let expected = [((0, 0), 3), ((0, 1), 3), ((1, 0), 3), ((1, 1), 3)];
        assert_eq!(counts(buffer.rows()), expected.into());
    }

    #[test]
    fn impossible_plans_and_offers_are_refused_and_change_nothing() {
        let size = RowSize::from_bytes(10);
        let error = Buffer::new(39, size, ClassBalanced::new(4)).unwrap_err();
        assert_eq!(error, Error::NoQuota { capacity: 3, classes: 4 });
        let error = Buffer::new(39, size, ClassBalanced::new(0)).unwrap_err();
        assert_eq!(error, Error::NoClasses);

        let mut buffer = Buffer::new(60, size, ClassBalanced::new(3)).unwrap();
        buffer.offer(&context(0, &[0, 1], 5), STORE).unwrap();
        let before = buffer.clone();
        let error = buffer.offer(&context(0, &[1], 5), STORE).unwrap_err();
        assert_eq!(error, Error::OfferedTwice { label: 1, context: 0 });
        let error = buffer.offer(&context(1, &[2, 3], 5), STORE).unwrap_err();
        assert_eq!(error, Error::TooManyClasses { context: 1, found: 4, planned: 3 });
        assert_eq!(buffer, before);
    }
}
