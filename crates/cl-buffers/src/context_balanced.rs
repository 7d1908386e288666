//! The same number of examples of every context.

use crate::{Error, Memory, Policy, Row, When};
use cl_random::Address;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A fixed number of examples per context, chosen when it ends uniformly at random without
/// replacement, whatever their classes, and kept for good.
///
/// The quota is capacity / contexts, rounded down; a context with fewer examples keeps them all. As the
/// memory of A-GEM in Avalanche (`patterns_per_experience`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextBalanced {
    contexts: u32,
}

impl ContextBalanced {
    /// For a stream of this many contexts.
    #[must_use]
    pub fn new(contexts: u32) -> Self {
        Self { contexts }
    }

    /// The number of examples kept per context in a memory of this capacity.
    #[must_use]
    pub fn quota(&self, capacity: usize) -> usize {
        capacity.checked_div(self.contexts as usize).unwrap_or(0)
    }
}

impl Policy for ContextBalanced {
    fn when(&self) -> When {
        When::EndOfContext
    }

    fn fits(&self, memory: &Memory) -> Result<(), Error> {
        Error::room("context-balanced", memory, self.contexts)
    }

    fn place(
        &mut self,
        memory: &mut Memory,
        offered: &[Row],
        address: Address,
    ) -> Result<(), Error> {
        let mut by_context: BTreeMap<u32, Vec<Row>> = BTreeMap::new();
        for &row in offered {
            by_context.entry(row.context).or_default().push(row);
        }
        let known = |context| memory.rows().iter().any(|row| row.context == context);
        if let Some(&context) = by_context.keys().find(|&&context| known(context)) {
            return Err(Error::ContextTwice { policy: "context-balanced", context });
        }
        let quota = self.quota(memory.capacity());
        let chosen: usize = by_context.values().map(|rows| rows.len().min(quota)).sum();
        if memory.rows().len() + chosen > quota * self.contexts as usize {
            let (found, planned) = (self.contexts as usize + 1, self.contexts);
            return Err(Error::TooManyGroups { policy: "context-balanced", found, planned });
        }
        for (context, mut rows) in by_context {
            address.context(context).rng().shuffle(&mut rows);
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

    #[test]
    fn every_context_gets_its_quota_whatever_its_classes() {
        let address = Address::new(1, Purpose::STORE);
        let rows = |context, count: u32| -> Vec<Row> {
            (0..count).map(|example| Row { example, label: example % 3, context }).collect()
        };
        let policy = ContextBalanced::new(3);
        let mut buffer = Buffer::new(20, RowSize::from_bytes(1), policy).unwrap();
        for (context, offered, kept) in [(0, 50, 6), (1, 4, 10), (2, 50, 16)] {
            buffer.offer(&rows(context, offered), address).unwrap();
            assert_eq!(buffer.len(), kept);
        }
        let first: Vec<u32> = buffer.rows()[..6].iter().map(|row| row.example).collect();
        assert!(!first.is_sorted() || first[5] > 5, "the first six: {first:?}");
        let before = buffer.clone();
        let error = buffer.offer(&rows(1, 3), address).unwrap_err();
        assert_eq!(error, Error::ContextTwice { policy: "context-balanced", context: 1 });
        let error = buffer.offer(&rows(3, 9), address).unwrap_err();
        let too_many = Error::TooManyGroups { policy: "context-balanced", found: 4, planned: 3 };
        assert_eq!((error, buffer), (too_many, before));
    }
}
