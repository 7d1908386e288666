//! What kernels read and write.

/// A buffer of 32-bit words that kernels read and write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Memory {
    /// Temporaries of a plan, one stretch per member.
    Arena,
    /// What is fed to a step, one stretch per member.
    Feeds,
    /// What a step hands out, one stretch per member.
    Outputs,
    /// A slot, by its number in the plan, one stretch per member.
    Slot(usize),
    /// Data that all members share, by its number in the plan.
    Resident(usize),
    /// Temporaries of inner lanes, by number: [`Dispatches::scratch`](super::Dispatches::scratch).
    Scratch(usize),
}

impl Memory {
    /// Whether kernels only read it.
    #[must_use]
    pub fn is_read_only(self) -> bool {
        matches!(self, Self::Feeds | Self::Resident(_))
    }
}
