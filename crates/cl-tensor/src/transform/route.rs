//! Which parameters went which way.

use super::uses::Uses;
use std::fmt;
use std::ops::Range;
use std::panic::Location;

/// How the per-example gradients of a range of θ entered a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// From the layer's inputs and the derivatives of its result, for all rows at once.
    ClosedForm,
    /// One backward pass per row.
    InnerLanes,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClosedForm => "closed form",
            Self::InnerLanes => "inner lanes",
        })
    }
}

/// One use of [`crate::Graph::grad_square_rows`], `grad_abs_rows` or `grad_gram_rows`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transform {
    /// The function.
    pub name: &'static str,
    /// Source file of the call.
    pub file: &'static str,
    /// Line in that file.
    pub line: u32,
    /// The ranges of θ that the losses depend on, in order, and how each was handled.
    pub ranges: Vec<(Range<usize>, Route)>,
}

impl Transform {
    pub(super) fn new(name: &'static str, at: &'static Location<'static>, uses: &Uses) -> Self {
        let closed = uses.closed.iter().map(|c| (c.range.clone(), Route::ClosedForm));
        let rest = uses.rest.iter().map(|r| (r.range.clone(), Route::InnerLanes));
        let mut ranges: Vec<_> = closed.chain(rest).collect();
        ranges.sort_by_key(|(range, _)| range.start);
        Self { name, file: at.file(), line: at.line(), ranges }
    }
}

impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{}):", self.name, self.file, self.line)?;
        for (range, route) in &self.ranges {
            write!(f, " {}..{} {route};", range.start, range.end)?;
        }
        Ok(())
    }
}
