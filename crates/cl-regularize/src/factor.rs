//! What stands before a quadratic penalty.

use cl_tensor::Var;

/// Whether a quadratic penalty has a factor of ½ beside its strength. Programs of the field differ, and
/// with them the meaning of one number by a factor of 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// λ/2 Σ ..
    Half,
    /// λ Σ ..
    One,
}

impl Factor {
    /// The strength with its factor.
    pub(crate) fn of(self, strength: Var<'_>) -> Var<'_> {
        match self {
            Self::Half => 0.5 * strength,
            Self::One => strength,
        }
    }

    /// The factor of a strength of this name, for results.
    pub(crate) fn describe(self, strength: &str) -> String {
        match self {
            Self::Half => format!("{strength}/2"),
            Self::One => format!("{strength}, without 1/2"),
        }
    }
}
