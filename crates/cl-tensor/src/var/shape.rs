//! Products, other shapes, and sums over axes.

use super::Var;
use crate::ops::{Expand, MatMul, Reshape, Slice, Sum, Transpose};
use std::ops::Range;

impl Var<'_> {
    /// `[.., m, k] x [.., k, n] -> [.., m, n]`; ranks 2 and 3, a missing batch axis is shared.
    #[track_caller]
    #[must_use]
    pub fn matmul(self, other: Self) -> Self {
        self.graph.record(MatMul, &[self, other])
    }

    /// The last two axes swapped; a view.
    #[track_caller]
    #[must_use]
    pub fn t(self) -> Self {
        self.graph.record(Transpose, &[self])
    }

    /// The same elements in another shape; a view.
    #[track_caller]
    #[must_use]
    pub fn reshape(self, shape: &[usize]) -> Self {
        if self.shape() == shape {
            return self;
        }
        self.graph.record(Reshape(shape.to_vec()), &[self])
    }

    /// A vector as a column, `[n] -> [n, 1]`: one factor for each row of a matrix; a view.
    #[track_caller]
    #[must_use]
    pub fn column(self) -> Self {
        self.reshape(&[self.len(), 1])
    }

    /// Stretched to a larger shape by the broadcasting rule; a view.
    #[track_caller]
    #[must_use]
    pub fn expand(self, shape: &[usize]) -> Self {
        if self.shape() == shape {
            return self;
        }
        self.graph.record(Expand(shape.to_vec()), &[self])
    }

    /// The elements `range` along `axis`; a view.
    #[track_caller]
    #[must_use]
    pub fn slice(self, axis: usize, range: Range<usize>) -> Self {
        if self.shape().get(axis) == Some(&range.len()) && range.start == 0 {
            return self;
        }
        self.graph.record(Slice { axis, start: range.start, len: range.len() }, &[self])
    }

    /// Sum of all elements: a scalar.
    #[track_caller]
    #[must_use]
    pub fn sum(self) -> Self {
        let shape = self.shape();
        self.graph.record(Sum { start: 0, end: shape.len() }, &[self])
    }

    /// Sum over one axis, which disappears.
    #[track_caller]
    #[must_use]
    pub fn sum_axis(self, axis: usize) -> Self {
        self.graph.record(Sum { start: axis, end: axis + 1 }, &[self])
    }

    /// Mean of all elements: a scalar.
    #[track_caller]
    #[must_use]
    pub fn mean(self) -> Self {
        self.sum() * (1.0 / self.len() as f32)
    }

    /// Mean over one axis, which disappears.
    #[track_caller]
    #[must_use]
    pub fn mean_axis(self, axis: usize) -> Self {
        let extent = self.shape().get(axis).copied().unwrap_or(1);
        self.sum_axis(axis) * (1.0 / extent as f32)
    }

    /// Undoes broadcasting: sums over the axes along which `shape` was stretched to this one.
    #[track_caller]
    #[must_use]
    pub fn sum_to(self, shape: &[usize]) -> Self {
        let own = self.shape();
        let Some(added) = own.len().checked_sub(shape.len()) else {
            let message = format!("sum_to: {} to {shape:?}: expected a smaller shape", self.ty());
            return self.graph.fail(message, self.ty());
        };
        let mut out = self;
        if added > 0 {
            out = self.graph.record(Sum { start: 0, end: added }, &[out]);
        }
        for axis in (0..shape.len()).rev() {
            if shape[axis] == 1 && own[added + axis] != 1 {
                out = out.sum_axis(axis);
            }
        }
        out.reshape(shape)
    }
}
