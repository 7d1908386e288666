//! What can go wrong, and whose fault it is.

use std::path::PathBuf;

/// An error of the library; every message is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A method or its composition was refused, or a run was stopped.
    #[error(transparent)]
    Core(#[from] cl_core::Error),
    /// Data or a stream was refused.
    #[error(transparent)]
    Scenarios(#[from] cl_scenarios::Error),
    /// A network was refused.
    #[error(transparent)]
    Network(#[from] cl_nn::Error),
    /// Accuracies or statistics were refused.
    #[error(transparent)]
    Metrics(#[from] cl_metrics::Error),
    /// A metric that was asked for has no value.
    #[error(transparent)]
    Undefined(#[from] cl_metrics::Undefined),
    /// A name that stands for nothing.
    #[error("{kind} `{name}` is unknown: {}", advice(nearest.as_deref(), known))]
    Unknown {
        /// What was to be named, such as `strategy`.
        kind: &'static str,
        /// What was given.
        name: String,
        /// The known name that is most like it, if any is.
        nearest: Option<String>,
        /// What would have been understood.
        known: Vec<String>,
    },
    /// A value that cannot be understood or is out of range.
    #[error("{what} `{value}`: expected {expected}")]
    Value {
        /// The option.
        what: String,
        /// What was given.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// What the file of an experiment says was refused.
    #[error("{place}: {error}")]
    InFile {
        /// The file and, where one is to blame, its line: `mine.toml:12`.
        place: String,
        /// Why. Part of the message, hence no source of its own.
        error: Box<Error>,
    },
    /// A folder of which there is no report.
    #[error("report of {}: {problem}", folder.display())]
    Report {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        problem: String,
    },
    /// Choices that exclude each other.
    #[error("{0}")]
    Impossible(String),
    /// The folder for results cannot be used; found before training starts.
    #[error("--out {}: {problem}", folder.display())]
    OutputFolder {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        problem: String,
    },
    /// Results could not be written while the benchmark ran.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Another process works in the folder.
    #[error("{}: another process works in this folder; wait for its end or choose another folder", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// A benchmark would take the place of one that is not finished.
    #[error(
        "--out {0}: it holds {what} of an unfinished benchmark: `continual resume {0}` goes on with it, \
         --restart throws it away",
        folder.display()
    )]
    Unfinished {
        /// The folder.
        folder: PathBuf,
        /// What would be lost.
        what: String,
    },
    /// A folder from which nothing can be gone on with.
    #[error("resume {}: {problem}", folder.display())]
    Resume {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        problem: String,
    },
    /// A checkpoint from which the population under way cannot go on.
    #[error("{error}; without {} the population is trained anew", path.display())]
    Restore {
        /// The checkpoint.
        path: PathBuf,
        /// Why not. Part of the message, hence not its source.
        error: Box<cl_core::Error>,
    },
    /// Cells have no results, since their losses were no numbers any more.
    #[error("{0}")]
    Diverged(String),
    /// A file of strengths that is none.
    #[error("{file}: {problem}")]
    Strengths {
        /// The file.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// A picture that could not be drawn.
    #[error("{}: the picture cannot be drawn: {problem}", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// A record that JSON cannot hold.
    #[error("results: {0}")]
    Json(#[from] serde_json::Error),
}

impl Error {
    /// The same, with the place in a file; the first place stays.
    pub(crate) fn at(self, place: String) -> Self {
        match self {
            Self::InFile { .. } => self,
            error => Self::InFile { place, error: Box::new(error) },
        }
    }

    /// What a recorded program refused, without the line of source that says it: whoever asked by names
    /// knows no source.
    pub(crate) fn without_place(self) -> Self {
        match self {
            Self::Core(cl_core::Error::Tensor(cl_tensor::Error::Record { message, .. })) => {
                Self::Impossible(message)
            }
            error => error,
        }
    }

    /// Whether the request was at fault (exit code 2), not the run (exit code 1).
    #[must_use]
    pub fn is_bad_input(&self) -> bool {
        use cl_core::Error as Core;
        match self {
            Self::Core(error) => {
                matches!(
                    error,
                    Core::NotShown { .. }
                        | Core::HyperParameter { .. }
                        | Core::Misfit(_)
                        | Core::TwoOwners { .. }
                        | Core::Incompatible { .. }
                        | Core::OwnNetwork { .. }
                        | Core::Weights { .. }
                        | Core::Tensor(cl_tensor::Error::Memory { .. })
                        | Core::Network(_)
                )
            }
            Self::Scenarios(_)
            | Self::Network(_)
            | Self::Unknown { .. }
            | Self::Value { .. }
            | Self::Impossible(_)
            | Self::OutputFolder { .. }
            | Self::Report { .. }
            | Self::InUse { .. }
            | Self::Unfinished { .. }
            | Self::Resume { .. }
            | Self::Restore { .. }
            | Self::Strengths { .. } => true,
            Self::InFile { error, .. } => error.is_bad_input(),
            Self::Metrics(_)
            | Self::Undefined(_)
            | Self::Write { .. }
            | Self::Diverged(_)
            | Self::Picture { .. }
            | Self::Json(_) => false,
        }
    }

    /// Whether a loss, or what is worked out when a context ends, was no number any more: smaller
    /// strengths may do.
    pub(crate) fn has_diverged(&self) -> bool {
        matches!(
            self,
            Self::Diverged(_)
                | Self::Core(
                    cl_core::Error::Tensor(cl_tensor::Error::Stopped(_))
                        | cl_core::Error::Diverged { .. }
                        | cl_core::Error::Consolidation { .. }
                )
        )
    }

    /// Whether earlier contexts took what later ones would have needed: more units may do.
    pub(crate) fn is_used_up(&self) -> bool {
        matches!(self, Self::Core(cl_core::Error::Capacity { .. }))
    }

    /// Whether a device was lost, has too little memory or failed otherwise: another may do, or the same
    /// later.
    #[must_use]
    pub fn is_of_device(&self) -> bool {
        let device = |error: &cl_tensor::Error| matches!(error, cl_tensor::Error::Device(_));
        let of = matches!(self, Self::Core(cl_core::Error::Tensor(error)) if device(error));
        of || self.is_out_of_memory()
    }

    /// Whether a device has less memory than was asked of it: fewer members may fit.
    pub(crate) fn is_out_of_memory(&self) -> bool {
        let memory = |error: &cl_tensor::Error| matches!(error, cl_tensor::Error::Memory { .. });
        matches!(self, Self::Core(cl_core::Error::Tensor(error)) if memory(error))
    }

    /// Whether somebody asked to stop, and what was done is saved.
    #[must_use]
    pub fn is_interruption(&self) -> bool {
        matches!(self, Self::Core(cl_core::Error::Interrupted { .. }))
    }
}

fn advice(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`? (known: {})", known.join(", ")),
        None => format!("expected one of {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diverged_run_is_no_bad_input_and_a_value_out_of_range_is() {
        let stopped = cl_core::Error::Tensor(cl_tensor::Error::Stopped("NaN".to_owned()));
        assert!(!Error::from(stopped).is_bad_input());
        let range = cl_core::Error::HyperParameter {
            strategy: "ewc",
            name: "lambda",
            value: -1.0,
            expected: "at least 0",
        };
        assert!(Error::from(range).is_bad_input());
    }
}
