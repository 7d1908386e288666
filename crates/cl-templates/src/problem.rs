//! What the host's part of a boundary meets.

use cl_core::{Error, Now};

/// Why nothing came out.
pub(crate) enum Problem {
    /// The slots refused.
    Core(Error),
    /// Values that cannot be worked with.
    Values(String),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

impl From<String> for Problem {
    fn from(reason: String) -> Self {
        Self::Values(reason)
    }
}

impl Problem {
    /// The error of a boundary.
    pub(crate) fn at(self, strategy: &'static str, now: Now, what: &str) -> Error {
        match self {
            Self::Core(error) => error,
            Self::Values(reason) => {
                let (context, what) = (now.stage as usize + 1, what.to_owned());
                Error::Consolidation { strategy, context, what, reason }
            }
        }
    }
}
