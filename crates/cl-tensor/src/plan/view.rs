//! How a value addresses memory.

use crate::types::{Type, row_major};

/// A stretch of a member's memory: which block, and where in it (in elements of 4 bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub(crate) base: u32,
    pub(crate) offset: u32,
}

/// Elements of a block of memory addressed by an offset and a stride per axis, in elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strided {
    /// First element.
    pub offset: usize,
    /// Extent per axis.
    pub shape: Vec<usize>,
    /// Distance between neighbours per axis; 0 where the value is stretched.
    pub strides: Vec<usize>,
}

impl Strided {
    /// The whole of a freshly computed value.
    #[must_use]
    pub fn contiguous(ty: &Type) -> Self {
        Self { offset: 0, shape: ty.shape.clone(), strides: row_major(&ty.shape) }
    }

    /// Whether the elements lie in row-major order without gaps.
    #[must_use]
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        for axis in (0..self.shape.len()).rev() {
            if self.shape[axis] != 1 && self.strides[axis] != expected {
                return false;
            }
            expected *= self.shape[axis];
        }
        true
    }

    /// Whether all elements lie within `len`.
    #[must_use]
    pub(crate) fn is_within(&self, len: usize) -> bool {
        let mut last = Some(self.offset);
        for (&extent, &stride) in self.shape.iter().zip(&self.strides) {
            let Some(steps) = extent.checked_sub(1) else { return true };
            let way = steps.checked_mul(stride);
            last = last.and_then(|last| last.checked_add(way?));
        }
        self.shape.len() == self.strides.len() && last.is_some_and(|last| last < len)
    }

    /// Number of elements addressed.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The same elements stretched to `shape` by the broadcasting rule.
    #[must_use]
    pub(crate) fn expanded(&self, shape: &[usize]) -> Self {
        let missing = shape.len() - self.shape.len();
        let strides = (0..shape.len())
            .map(|axis| {
                if axis < missing || (self.shape[axis - missing] == 1 && shape[axis] != 1) {
                    0
                } else {
                    self.strides[axis - missing]
                }
            })
            .collect();
        Self { offset: self.offset, shape: shape.to_vec(), strides }
    }

    /// Axes of extent 1 dropped and neighbours that run on merged: fewer, longer runs.
    #[must_use]
    pub(crate) fn collapsed(&self) -> Self {
        let mut shape: Vec<usize> = Vec::new();
        let mut strides: Vec<usize> = Vec::new();
        for (&extent, &stride) in self.shape.iter().zip(&self.strides) {
            if extent == 1 {
                continue;
            }
            match (shape.last_mut(), strides.last_mut()) {
                (Some(outer), Some(outer_stride)) if *outer_stride == extent * stride => {
                    *outer *= extent;
                    *outer_stride = stride;
                }
                _ => {
                    shape.push(extent);
                    strides.push(stride);
                }
            }
        }
        Self { offset: self.offset, shape, strides }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collapsing_merges_axes_that_run_on() {
        let whole = Strided::contiguous(&Type::f32(&[2, 1, 3, 4]));
        assert_eq!(whole.collapsed(), Strided { offset: 0, shape: vec![24], strides: vec![1] });
        let row = Strided::contiguous(&Type::f32(&[4])).expanded(&[2, 3, 4]);
        assert_eq!(row.collapsed(), Strided { offset: 0, shape: vec![6, 4], strides: vec![0, 1] });
    }

    #[test]
    fn a_stretched_value_is_not_contiguous() {
        let scalar = Strided::contiguous(&Type::f32(&[]));
        assert!(scalar.is_contiguous());
        assert!(!scalar.expanded(&[3]).is_contiguous());
    }
}
