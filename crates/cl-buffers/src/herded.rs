//! Exemplars in the order of herding.

use crate::{Error, Group, Key, Memory, Policy, Row, When, herd};
use cl_random::Address;
use serde::{Deserialize, Serialize};

/// How much a class may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quota {
    /// capacity / classes of the whole stream: fixed for good.
    Fixed {
        /// Classes of the whole stream.
        classes: u32,
    },
    /// capacity / classes so far: older classes give up their last exemplars.
    Shared,
}

/// The first rows offered of every class: offer them in herding's order ([`Herding::order`]) when their
/// context ends.
///
/// Rebuffi et al. 2017 (iCaRL, arXiv 1611.07725), algorithms 4 and 5: the order is one of priority, so
/// giving up the last ones leaves what herding would have chosen for the smaller number. A class is an
/// output unit within a context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Herding {
    quota: Quota,
    classes: Vec<Key>,
}

impl Herding {
    /// With so much for each class.
    #[must_use]
    pub fn new(quota: Quota) -> Self {
        Self { quota, classes: Vec::new() }
    }

    /// These rows class by class in herding's order, as many as `count` of each; `features` of the rows,
    /// `[rows, width]`.
    #[must_use]
    pub fn order(rows: &[Row], features: &[f32], width: usize, count: usize) -> Vec<Row> {
        let mut keys: Vec<Key> = rows.iter().map(|row| Group::ClassOfContext.key(row)).collect();
        keys.sort_unstable();
        keys.dedup();
        let of = |key: &Key| {
            let own: Vec<usize> =
                (0..rows.len()).filter(|&i| Group::ClassOfContext.key(&rows[i]) == *key).collect();
            let features: Vec<f32> =
                own.iter().flat_map(|&i| &features[i * width..][..width]).copied().collect();
            let chosen = herd(&features, width, count);
            chosen.into_iter().map(move |i| rows[own[i]]).collect::<Vec<_>>()
        };
        keys.iter().flat_map(of).collect()
    }

    fn rows_of_each(&self, capacity: usize, classes: usize) -> usize {
        let classes = match self.quota {
            Quota::Fixed { classes } => classes as usize,
            Quota::Shared => classes,
        };
        capacity.checked_div(classes).unwrap_or(0)
    }
}

impl Policy for Herding {
    fn when(&self) -> When {
        When::EndOfContext
    }

    fn fits(&self, memory: &Memory) -> Result<(), Error> {
        match self.quota {
            Quota::Fixed { classes } => Error::room("herding", memory, classes),
            Quota::Shared => Ok(()),
        }
    }

    fn place(&mut self, memory: &mut Memory, offered: &[Row], _: Address) -> Result<(), Error> {
        let key = |row: &Row| Group::ClassOfContext.key(row);
        let mut classes = self.classes.clone();
        for row in offered {
            if self.classes.contains(&key(row)) {
                let (label, context) = (row.label, row.context);
                return Err(Error::OfferedTwice { label, context });
            }
            if !classes.contains(&key(row)) {
                classes.push(key(row));
            }
        }
        let (capacity, found) = (memory.capacity(), classes.len());
        match self.quota {
            Quota::Fixed { classes: planned } if found > planned as usize => {
                return Err(Error::TooManyGroups { policy: "herding", found, planned });
            }
            Quota::Fixed { .. } | Quota::Shared => {}
        }
        let each = self.rows_of_each(capacity, found);
        if each == 0 && found > 0 {
            let groups = u32::try_from(found).unwrap_or(u32::MAX);
            return Err(Error::room_for("herding", memory, groups));
        }
        self.classes = classes;
        let mut counts = vec![0; found];
        let mut within = |row: &Row, classes: &[Key]| {
            let class = classes.iter().position(|class| *class == key(row));
            class.is_some_and(|class| {
                counts[class] += 1;
                counts[class] <= each
            })
        };
        if self.quota == Quota::Shared {
            memory.retain(|row| within(row, &self.classes));
        }
        let chosen = offered.iter().filter(|row| within(row, &self.classes));
        chosen.into_iter().try_for_each(|row| memory.push(*row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Buffer, RowSize};
    use cl_random::Purpose;

    fn rows(labels: [u32; 2], context: u32) -> Vec<Row> {
        (0..8).map(|i| Row { example: i, label: labels[i as usize % 2], context }).collect()
    }

    fn examples(buffer: &Buffer<Herding>) -> Vec<(u32, u32)> {
        buffer.rows().iter().map(|row| (row.label, row.example)).collect()
    }

    #[test]
    fn a_shared_budget_takes_the_last_exemplars_of_older_classes() {
        let address = Address::new(1, Purpose::STORE);
        let mut buffer =
            Buffer::new(6, RowSize::from_bytes(1), Herding::new(Quota::Shared)).unwrap();
        buffer.offer(&rows([0, 1], 0), address).unwrap();
        assert_eq!(examples(&buffer), [(0, 0), (1, 1), (0, 2), (1, 3), (0, 4), (1, 5)]);
        buffer.offer(&rows([2, 3], 1), address).unwrap();
        assert_eq!(examples(&buffer), [(0, 0), (1, 1), (2, 0), (3, 1)]);
        assert_eq!(buffer.peak_bytes(), 6);
        let before = buffer.clone();
        assert!(buffer.offer(&rows([2, 3], 1), address).is_err());
        let error = buffer.offer(&rows([4, 5], 2), address);
        error.unwrap();
        let error = buffer.offer(&rows([6, 7], 3), address).unwrap_err();
        assert_eq!(
            error.to_string(),
            "herding buffer: a budget of 6 bytes has room for 6 rows, expected at least one of 1 \
             bytes for each of 8 groups: 8 bytes"
        );
        assert_ne!(buffer, before);
    }

    #[test]
    fn a_fixed_budget_is_the_same_for_every_class() {
        let address = Address::new(1, Purpose::STORE);
        let fixed = Herding::new(Quota::Fixed { classes: 4 });
        let mut buffer = Buffer::new(9, RowSize::from_bytes(1), fixed).unwrap();
        buffer.offer(&rows([0, 1], 0), address).unwrap();
        buffer.offer(&rows([2, 3], 1), address).unwrap();
        assert_eq!(examples(&buffer)[..4], [(0, 0), (1, 1), (0, 2), (1, 3)]);
        assert_eq!(buffer.len(), 8);
    }

    /// Each class by itself: the first exemplar is the feature nearest to the mean's direction.
    #[test]
    fn the_order_is_herdings_within_each_class() {
        let rows = rows([5, 4], 0);
        // Angles in degrees; even examples are of class 5.
        let angles = [0.0_f32, 90.0, 10.0, 80.0, 35.0, 10.0, 60.0, 40.0];
        let features: Vec<f32> =
            angles.iter().flat_map(|a| [a.to_radians().cos(), a.to_radians().sin()]).collect();
        let order = Herding::order(&rows, &features, 2, 1);
        // Mean directions: class 4 about 55, class 5 about 26.
        let chosen: Vec<(u32, u32)> = order.iter().map(|row| (row.label, row.example)).collect();
        assert_eq!(chosen, [(4, 7), (5, 4)]);
    }
}
