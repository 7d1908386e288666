//! What a replay memory refuses.

use crate::Memory;

/// A budget, an offer or a saved buffer that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The budget holds no row.
    #[error("replay buffer: a budget of {budget} bytes is too small for one row of {row} bytes")]
    BudgetTooSmall {
        /// The budget in bytes.
        budget: u64,
        /// The bytes of one row.
        row: u64,
    },
    /// Rows of no bytes.
    #[error("replay buffer: a row takes 0 bytes, expected at least 1")]
    EmptyRow,
    /// The budget holds less than one row per class.
    #[error(
        "class-balanced buffer: room for {capacity} rows, expected at least one for each of \
         {classes} classes"
    )]
    NoQuota {
        /// The number of rows that fit.
        capacity: usize,
        /// The number of classes.
        classes: u32,
    },
    /// A balanced buffer for no groups.
    #[error("balanced buffer: planned for 0 groups, expected at least 1")]
    NoClasses,
    /// More classes came than the quota was worked out for.
    #[error(
        "class-balanced buffer: context {context} brings the number of classes to {found}, \
         but the quota was worked out for {planned}"
    )]
    TooManyClasses {
        /// The context offered.
        context: u32,
        /// The classes kept and offered.
        found: usize,
        /// The classes planned.
        planned: u32,
    },
    /// A class of a context came twice.
    #[error(
        "class-balanced buffer: label {label} of context {context} was chosen before; \
         offer a context once, whole, at its end"
    )]
    OfferedTwice {
        /// The output unit.
        label: u32,
        /// The context.
        context: u32,
    },
    /// The budget holds less than one row per group.
    #[error(
        "{policy} buffer: a budget of {budget} bytes has room for {capacity} rows, expected at least \
         one of {row} bytes for each of {groups} groups: {needed} bytes"
    )]
    NoRoom {
        /// The policy.
        policy: &'static str,
        /// The budget in bytes.
        budget: u64,
        /// The number of rows that fit.
        capacity: usize,
        /// The bytes of one row.
        row: u64,
        /// The groups: contexts, classes.
        groups: u32,
        /// The bytes of one row for each.
        needed: u64,
    },
    /// More groups came than were planned for.
    #[error(
        "{policy} buffer: the offer brings the number of groups to {found}, planned were {planned}"
    )]
    TooManyGroups {
        /// The policy.
        policy: &'static str,
        /// The groups kept and offered.
        found: usize,
        /// The groups planned.
        planned: u32,
    },
    /// A context came twice.
    #[error(
        "{policy} buffer: context {context} was chosen before; offer it once, whole, at its end"
    )]
    ContextTwice {
        /// The policy.
        policy: &'static str,
        /// The context.
        context: u32,
    },
    /// A stream longer than a reservoir can count.
    #[error("reservoir: {offered} more rows after {seen} would exceed 4294967295")]
    TooManyOffers {
        /// The rows offered before.
        seen: u32,
        /// The rows offered now.
        offered: usize,
    },
    /// A policy put a row into a full memory.
    #[error("replay memory: no room for another row, all {capacity} are taken")]
    Full {
        /// The number of rows that fit.
        capacity: usize,
    },
    /// A policy named a position that holds no row.
    #[error("replay memory: position {position} holds no row, expected one below {len}")]
    NoSuchPosition {
        /// The position named.
        position: u32,
        /// The number of rows kept.
        len: usize,
    },
    /// A saved buffer whose numbers contradict each other.
    #[error(
        "replay buffer: {rows} saved rows and a peak of {peak} do not fit a capacity of {capacity}"
    )]
    Damaged {
        /// The rows in the saved state.
        rows: usize,
        /// The saved peak, in rows.
        peak: usize,
        /// The number of rows that fit.
        capacity: usize,
    },
}

impl Error {
    /// Refuses a memory without room for one row of each of so many groups.
    pub(crate) fn room(policy: &'static str, memory: &Memory, groups: u32) -> Result<(), Self> {
        match groups {
            0 => Err(Self::NoClasses),
            _ if memory.capacity() < groups as usize => Err(Self::room_for(policy, memory, groups)),
            _ => Ok(()),
        }
    }

    pub(crate) fn room_for(policy: &'static str, memory: &Memory, groups: u32) -> Self {
        let (budget, row) = (memory.budget(), memory.bytes_of(1));
        let needed = row.saturating_mul(u64::from(groups));
        Self::NoRoom { policy, budget, capacity: memory.capacity(), row, groups, needed }
    }
}
