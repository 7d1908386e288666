//! Element types and tensor types.

use std::fmt;

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32-bit floats: everything that is computed.
    F32,
    /// 32-bit unsigned integers: indices, labels, counters. No index is ever a float.
    U32,
    /// Bytes: resident data only, read by `gather_decode`.
    U8,
}

impl DType {
    /// Bytes of one element.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::F32 | Self::U32 => 4,
            Self::U8 => 1,
        }
    }
}

/// Shape and element type of a recorded value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// Extent per axis; an empty shape is a scalar.
    pub shape: Vec<usize>,
    /// Type of the elements.
    pub dtype: DType,
}

impl Type {
    /// A float tensor.
    #[must_use]
    pub fn f32(shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), dtype: DType::F32 }
    }

    /// An index tensor.
    #[must_use]
    pub fn u32(shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), dtype: DType::U32 }
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Bytes of all elements.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.len() * self.dtype.bytes()) as u64
    }

    /// Whether some axis is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dtype = match self.dtype {
            DType::F32 => "f32",
            DType::U32 => "u32",
            DType::U8 => "u8",
        };
        write!(f, "{dtype}{:?}", self.shape)
    }
}

/// The shape that `a` and `b` broadcast to: axes are aligned from the right, 1 stretches.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let extent = |shape: &[usize], axis: usize| {
        let missing = rank - shape.len();
        if axis < missing { 1 } else { shape[axis - missing] }
    };
    (0..rank)
        .map(|axis| match (extent(a, axis), extent(b, axis)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}

/// Strides of a contiguous row-major tensor, in elements.
pub(crate) fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_aligns_axes_from_the_right() {
        assert_eq!(broadcast(&[32, 10], &[10]), Some(vec![32, 10]));
        assert_eq!(broadcast(&[32, 1], &[1, 10]), Some(vec![32, 10]));
        assert_eq!(broadcast(&[], &[2, 3]), Some(vec![2, 3]));
        assert_eq!(broadcast(&[2], &[3]), None);
    }
}
