//! What was asked for, so that another process can ask for it again.

use crate::{Bench, Error, ExperimentFile, Request, Strengths};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What a benchmark was asked for with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
pub enum Asked {
    /// Options of the command line.
    Request(Request),
    /// The text of a file.
    File(ExperimentFile),
}

impl Asked {
    /// Resolves it.
    ///
    /// # Errors
    /// As [`Bench::new`] and [`ExperimentFile::bench`].
    pub fn bench(&self, strengths: &Strengths) -> Result<Bench, Error> {
        match self {
            Self::Request(request) => Bench::new(request, strengths),
            Self::File(file) => file.bench(strengths),
        }
    }

    /// Another folder of the data set's files.
    #[must_use]
    pub fn data(self, folder: &Path) -> Self {
        match self {
            Self::Request(request) => {
                Self::Request(Request { data: Some(folder.to_owned()), ..request })
            }
            Self::File(file) => Self::File(file.data(folder)),
        }
    }

    /// Another number of threads; results do not depend on it.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        match self {
            Self::Request(request) => Self::Request(Request { threads: Some(threads), ..request }),
            Self::File(file) => Self::File(file.threads(threads)),
        }
    }

    /// The same from any working folder.
    pub(super) fn rooted(self) -> Self {
        match self {
            Self::Request(request) => {
                let data = request.data.as_deref().and_then(rooted);
                let weights = request.weights.as_deref().and_then(rooted);
                let features = request.features.map(|it| crate::features::rooted(it, rooted));
                Self::Request(Request { data, weights, features, ..request })
            }
            Self::File(file) => Self::File(file.rooted(rooted)),
        }
    }
}

/// The path from the root. None where it is no text, which JSON could not hold: then whoever goes on
/// has to name the folder again.
fn rooted(path: &Path) -> Option<PathBuf> {
    std::path::absolute(path).ok().filter(|path| path.to_str().is_some())
}
