//! Whose conventions.

use std::fmt;

/// Whose conventions and strengths the strategies follow where the field differs. A strategy that a
/// code base does not have, or has as its paper, is the paper's there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Each method as its own paper has it.
    Paper,
    /// As the reference code of van de Ven, Tuytelaars & Tolias 2022.
    Vdv,
    /// As Avalanche.
    Avalanche,
    /// As mammoth.
    Mammoth,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Paper, Self::Vdv, Self::Avalanche, Self::Mammoth];

    /// One line for people.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Paper => "each method as its own paper has it",
            Self::Vdv => {
                "conventions and published strengths of van de Ven, Tuytelaars & Tolias 2022"
            }
            Self::Avalanche => "conventions of Avalanche (Lomonaco et al. 2021)",
            Self::Mammoth => "conventions of mammoth (Boschini et al. 2022)",
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Paper => "paper",
            Self::Vdv => "vdv",
            Self::Avalanche => "avalanche",
            Self::Mammoth => "mammoth",
        })
    }
}
