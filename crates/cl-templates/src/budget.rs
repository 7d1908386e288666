//! How many exemplars may be kept.

use cl_buffers::RowSize;
use cl_core::{Error, Member};
use cl_scenarios::Scenario;
use std::fmt;

/// How many exemplars a memory of templates may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExemplarBudget {
    /// So many of every class, whatever comes later.
    PerClass(usize),
    /// Room for so many of every class of the whole stream, all of it used from the start: shared equally
    /// by the classes so far as [`ExemplarBudget::Shared`] is.
    SharedPerClass(usize),
    /// So many in all, shared equally by the classes so far: ⌊M / classes⌋ of each, those chosen last
    /// given up first.
    Shared(usize),
    /// So many bytes in all, of which whole exemplars are shared.
    Bytes(u64),
}

impl ExemplarBudget {
    /// Exemplars that fit, over the whole stream.
    #[must_use]
    pub fn rows(self, member: &Member<'_>) -> usize {
        match self {
            Self::PerClass(rows) | Self::SharedPerClass(rows) => {
                rows.saturating_mul(member.classes as usize)
            }
            Self::Shared(rows) => rows,
            Self::Bytes(bytes) => {
                bytes.checked_div(row_size(member).bytes()).unwrap_or(0).min(u64::from(u32::MAX))
                    as usize
            }
        }
    }

    /// The budget in bytes for one member.
    #[must_use]
    pub fn bytes(self, member: &Member<'_>) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::PerClass(_) | Self::SharedPerClass(_) | Self::Shared(_) => {
                (self.rows(member) as u64).saturating_mul(row_size(member).bytes())
            }
        }
    }

    /// Exemplars of one class where `classes` have come.
    pub(crate) fn quota(self, rows: usize, classes: usize) -> usize {
        match self {
            Self::PerClass(each) => each,
            Self::SharedPerClass(_) | Self::Shared(_) | Self::Bytes(_) => {
                rows.checked_div(classes).unwrap_or(0)
            }
        }
    }

    pub(crate) fn check(self, strategy: &'static str) -> Result<(), Error> {
        let (name, value) = match self {
            Self::PerClass(rows) | Self::SharedPerClass(rows) => ("per_class", rows as f64),
            Self::Shared(rows) => ("exemplars", rows as f64),
            Self::Bytes(bytes) => ("bytes", bytes as f64),
        };
        crate::range::expect(value >= 1.0, strategy, name, value, "at least 1")
    }
}

impl fmt::Display for ExemplarBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerClass(rows) => write!(f, "{rows} per class"),
            Self::SharedPerClass(rows) => {
                write!(f, "{rows} per class of the whole stream, shared by the classes so far")
            }
            Self::Shared(rows) => write!(f, "{rows} shared by the classes so far"),
            Self::Bytes(bytes) => write!(f, "{bytes} bytes shared by the classes so far"),
        }
    }
}

/// Bytes of one exemplar. Its context is stored where it selects the head.
pub(crate) fn row_size(member: &Member<'_>) -> RowSize {
    match member.stream.scenario() {
        Scenario::Task => member.row_size.with_context(member.stream.contexts() as u32),
        Scenario::Domain | Scenario::Class => member.row_size,
    }
}
