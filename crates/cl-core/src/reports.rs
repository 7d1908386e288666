//! What recorded parts tell the host.

use cl_buffers::Row;

/// Values that parts of a strategy declared with [`Step::report`](crate::Step::report), read back
/// from the device.
pub struct Reports<'a> {
    rows: &'a [Row],
    scope: &'a str,
    read: &'a dyn Fn(&str) -> Option<&'a [f32]>,
}

impl<'a> Reports<'a> {
    /// Nothing reported about rows.
    #[must_use]
    pub fn none() -> Self {
        Self { rows: &[], scope: "", read: &|_| None }
    }

    pub(crate) fn new(
        rows: &'a [Row],
        scope: &'a str,
        read: &'a dyn Fn(&str) -> Option<&'a [f32]>,
    ) -> Self {
        Self { rows, scope, read }
    }

    /// The rows that the strategy's first pass with reports went over, in order; those of the context
    /// where it made none; of a step: the rows of the stream.
    #[must_use]
    pub fn rows(&self) -> &'a [Row] {
        self.rows
    }

    /// A report of the same strategy by its name, or of another by `STRATEGY/NAME`; `None` where
    /// nothing of the name was reported. Row-major, the rows of the batch or pass first.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a [f32]> {
        (self.read)(&format!("{}/{name}", self.scope)).or_else(|| (self.read)(name))
    }
}
