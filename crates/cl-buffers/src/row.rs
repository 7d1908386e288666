//! What is kept, and what it weighs.

use serde::{Deserialize, Serialize};

/// One kept example: where it is and what it is, not its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Row {
    /// Its index in the data set.
    pub example: u32,
    /// Its label, as an output unit.
    pub label: u32,
    /// The context it came from, counted from 0.
    pub context: u32,
}

/// The bytes that one row would take if it were stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RowSize(u64);

impl RowSize {
    /// `features` values of one byte each and a label out of `classes`, in the fewest of 1, 2 or 4
    /// bytes: 1 up to 256 classes, 2 up to 65,536.
    #[must_use]
    pub const fn new(features: u32, classes: u32) -> Self {
        Self(features as u64 + index_bytes(classes))
    }

    /// The same row with the number of its context, out of `contexts`, in the fewest of 1, 2 or 4
    /// bytes: for methods that need it at replay.
    #[must_use]
    pub const fn with_context(self, contexts: u32) -> Self {
        Self(self.0.saturating_add(index_bytes(contexts)))
    }

    /// The same row with its logits, 4 bytes for each of `outputs`.
    #[must_use]
    pub const fn with_logits(self, outputs: u32) -> Self {
        Self(self.0.saturating_add(4 * outputs as u64))
    }

    /// A row of exactly so many bytes, for content of another kind.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

/// Bytes of the smallest unsigned integer that tells `count` things apart.
const fn index_bytes(count: u32) -> u64 {
    match count {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::RowSize;

    #[test]
    fn a_row_weighs_its_features_its_label_and_where_stored_its_context() {
        assert_eq!(RowSize::new(784, 10).bytes(), 785);
        assert_eq!(RowSize::new(784, 10).with_context(5).bytes(), 786);
        assert_eq!(RowSize::new(64, 256).bytes(), 65);
        assert_eq!(RowSize::new(64, 257).bytes(), 66);
        assert_eq!(RowSize::new(64, 65_536).bytes(), 66);
        assert_eq!(RowSize::new(64, 65_537).with_context(257).bytes(), 70);
        assert_eq!(RowSize::new(784, 10).with_logits(10).bytes(), 825);
        assert_eq!(RowSize::from_bytes(3 * 32 * 32 + 1).bytes(), 3073);
    }
}
