//! What was asked for, so that another process can ask for it again.

use crate::{Bench, EqualBytes, Error, ExperimentFile, Request, Strengths};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What a benchmark was asked for with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Asked {
    /// Options of the command line.
    Request(Request),
    /// The text of a file.
    File(ExperimentFile),
    /// Strategies at equal bytes.
    Budget {
        /// Options of the command line.
        request: Request,
        /// The bytes.
        bytes: Vec<u64>,
    },
}

impl Asked {
    /// Resolves it.
    ///
    /// # Errors
    /// As [`Bench::new`], [`ExperimentFile::bench`] and [`EqualBytes::new`].
    pub fn bench(&self, strengths: &Strengths) -> Result<Bench, Error> {
        match self {
            Self::Request(request) => Bench::new(request, strengths),
            Self::File(file) => file.bench(strengths),
            Self::Budget { request, bytes } => {
                EqualBytes::new(request.clone(), bytes, strengths)?.bench(strengths)
            }
        }
    }

    /// Another number of members at once; what was begun goes on as it was begun. Results do not depend on it.
    #[must_use]
    pub fn lanes(self, lanes: usize) -> Self {
        let other = |request| Request { lanes: Some(lanes), ..request };
        match self {
            Self::Request(request) => Self::Request(other(request)),
            Self::File(file) => Self::File(file.lanes(lanes)),
            Self::Budget { request, bytes } => Self::Budget { request: other(request), bytes },
        }
    }

    /// Another folder of the data set's files.
    #[must_use]
    pub fn data(self, folder: &Path) -> Self {
        let other = |request| Request { data: Some(folder.to_owned()), ..request };
        match self {
            Self::Request(request) => Self::Request(other(request)),
            Self::File(file) => Self::File(file.data(folder)),
            Self::Budget { request, bytes } => Self::Budget { request: other(request), bytes },
        }
    }

    /// Another number of threads; results do not depend on it.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        let other = |request| Request { threads: Some(threads), ..request };
        match self {
            Self::Request(request) => Self::Request(other(request)),
            Self::File(file) => Self::File(file.threads(threads)),
            Self::Budget { request, bytes } => Self::Budget { request: other(request), bytes },
        }
    }

    /// Another device; the word is read when it is resolved.
    #[must_use]
    pub fn device(self, device: &str) -> Self {
        let other = |request| Request { device: Some(device.to_owned()), ..request };
        match self {
            Self::Request(request) => Self::Request(other(request)),
            Self::File(file) => Self::File(file.device(device)),
            Self::Budget { request, bytes } => Self::Budget { request: other(request), bytes },
        }
    }

    /// The same from any working folder.
    pub(super) fn rooted(self) -> Self {
        let other = |request: Request| {
            let data = request.data.as_deref().and_then(rooted);
            let weights = request.weights.as_deref().and_then(rooted);
            let features = request.features.map(|it| crate::features::rooted(it, rooted));
            Request { data, weights, features, ..request }
        };
        match self {
            Self::Request(request) => Self::Request(other(request)),
            Self::File(file) => Self::File(file.rooted(rooted)),
            Self::Budget { request, bytes } => Self::Budget { request: other(request), bytes },
        }
    }
}

/// The path from the root. None where it is no text, which JSON could not hold: then whoever goes on
/// has to name the folder again.
fn rooted(path: &Path) -> Option<PathBuf> {
    std::path::absolute(path).ok().filter(|path| path.to_str().is_some())
}
