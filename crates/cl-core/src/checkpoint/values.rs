//! The values of a tensor.

use std::borrow::Cow;

/// The values of a tensor, row by row. An index stays an index: it is never stored as a float.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Values {
    /// Numbers; every bit is kept, those of NaN too.
    F32(Vec<f32>),
    /// Indices, labels, counters.
    U32(Vec<u32>),
}

impl Values {
    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bits().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bits().is_empty()
    }

    /// The bits of each value.
    #[must_use]
    pub fn bits(&self) -> &[u32] {
        match self {
            Self::F32(values) => bytemuck::cast_slice(values),
            Self::U32(values) => values,
        }
    }

    /// `f32` or `u32`.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::F32(_) => "f32",
            Self::U32(_) => "u32",
        }
    }
}

impl From<Vec<f32>> for Values {
    fn from(values: Vec<f32>) -> Self {
        Self::F32(values)
    }
}

impl From<Vec<u32>> for Values {
    fn from(values: Vec<u32>) -> Self {
        Self::U32(values)
    }
}

/// The bytes as they stand in the file; borrowed where memory has the file's order.
pub(crate) fn little_endian(bits: &[u32]) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        Cow::Borrowed(bytemuck::cast_slice(bits))
    } else {
        Cow::Owned(bits.iter().flat_map(|word| word.to_le_bytes()).collect())
    }
}

/// The bits of each value of a file's bytes, whose number is a multiple of 4.
pub(crate) fn words(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word))
}
