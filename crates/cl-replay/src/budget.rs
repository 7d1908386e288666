//! How much a memory may hold.

use cl_buffers::{Buffer, Policy, RowSize};
use cl_core::{Error, Member};
use cl_scenarios::Scenario;
use std::fmt;

/// How much a memory may hold over the whole stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Budget {
    /// So many rows for every class of every context: the budget in bytes is
    /// `rows · classes · bytes of a row`.
    PerClass(usize),
    /// So many rows for every context: the budget in bytes is `rows · contexts · bytes of a row`.
    PerContext(usize),
    /// So many rows in all, however many classes the stream has.
    Rows(usize),
    /// So many bytes in all, of which whole rows are used.
    Bytes(u64),
}

impl Budget {
    /// The budget in bytes for one member.
    #[must_use]
    pub fn bytes(self, member: &Member<'_>) -> u64 {
        self.bytes_of(member, row_size(member))
    }

    /// The budget in bytes for one member whose rows weigh this.
    #[must_use]
    pub fn bytes_of(self, member: &Member<'_>, row: RowSize) -> u64 {
        let times = |rows: usize, groups: u64| {
            (rows as u64).saturating_mul(groups).saturating_mul(row.bytes())
        };
        match self {
            Self::PerClass(rows) => times(rows, u64::from(member.classes)),
            Self::PerContext(rows) => times(rows, member.stream.contexts() as u64),
            Self::Rows(rows) => times(rows, 1),
            Self::Bytes(bytes) => bytes,
        }
    }

    pub(crate) fn check(self, strategy: &'static str) -> Result<(), Error> {
        let (name, value) = match self {
            Self::PerClass(rows) => ("per_class", rows as f64),
            Self::PerContext(rows) => ("per_context", rows as f64),
            Self::Rows(rows) => ("rows", rows as f64),
            Self::Bytes(bytes) => ("bytes", bytes as f64),
        };
        if value == 0.0 {
            return Err(Error::HyperParameter { strategy, name, value, expected: "at least 1" });
        }
        Ok(())
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerClass(rows) => write!(f, "{rows} per class"),
            Self::PerContext(rows) => write!(f, "{rows} per context"),
            Self::Rows(rows) => write!(f, "{rows} rows in all"),
            Self::Bytes(bytes) => write!(f, "{bytes} bytes"),
        }
    }
}

/// Bytes of one stored row. The context is stored where replay has to know it: in a task-incremental
/// stream it selects the head.
pub(crate) fn row_size(member: &Member<'_>) -> RowSize {
    match member.stream.scenario() {
        Scenario::Task => member.row_size.with_context(member.stream.contexts() as u32),
        Scenario::Domain | Scenario::Class => member.row_size,
    }
}

/// The same where replay has to know it in every stream: to leave the present context out.
pub(crate) fn row_with_context(member: &Member<'_>) -> RowSize {
    member.row_size.with_context(member.stream.contexts() as u32)
}

/// A buffer that was saved, if it is one of the same budget.
pub(crate) fn same<P: Policy>(own: &Buffer<P>, saved: Buffer<P>) -> Result<Buffer<P>, Error> {
    let limits = |buffer: &Buffer<P>| (buffer.budget(), buffer.capacity());
    let ((bytes, rows), (own_bytes, own_rows)) = (limits(&saved), limits(own));
    if (bytes, rows) == (own_bytes, own_rows) {
        return Ok(saved);
    }
    let reason = format!(
        "{bytes} bytes with room for {rows} rows, expected {own_bytes} bytes with room for {own_rows}"
    );
    Err(Error::state("a replay memory", reason))
}
