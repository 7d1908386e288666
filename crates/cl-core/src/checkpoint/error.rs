//! What is wrong with a checkpoint.

use std::path::PathBuf;

/// A checkpoint that cannot be written, read or continued from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The disk does not give the file.
    #[error("checkpoint {path}: cannot be read: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A folder, a device or a pipe.
    #[error("checkpoint {path}: it is {found}, expected a file")]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What stands there.
        found: &'static str,
    },
    /// A file of no bytes.
    #[error("checkpoint {path}: the file is empty")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A file of another program.
    #[error(
        "checkpoint {path}: it is {found}, expected a checkpoint of continual \
         (or its first bytes are lost)"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: &'static str,
    },
    /// A checkpoint whose end is missing.
    #[error("checkpoint {path}: it is cut off: {bytes} bytes, expected {expected}")]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        bytes: u64,
        /// The length it had when it was written, or that of its header if that is cut off.
        expected: u64,
    },
    /// A checkpoint whose bytes have changed.
    #[error("checkpoint {path}: it is damaged: {problem}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        problem: String,
    },
    /// A checkpoint of a later version of the format.
    #[error(
        "checkpoint {path}: written by {written_by} in version {found} of the format; \
         this program reads versions up to {known}"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The program that wrote it.
        written_by: String,
        /// The version of the file.
        found: u64,
        /// The latest version known here.
        known: u32,
    },
    /// A checkpoint of another experiment.
    #[error("checkpoint {path}: field {field} is {saved}, this run is {run}")]
    Identity {
        /// The file.
        path: PathBuf,
        /// The first field that differs: `settings.batch`, `seeds[2]`.
        field: String,
        /// Its saved value as JSON, or `absent`.
        saved: String,
        /// Its value in this run as JSON, or `absent`.
        run: String,
    },
    /// A number of members other than that of this run.
    #[error("checkpoint {path}: it holds {saved} members, this run has {run}")]
    Members {
        /// The file.
        path: PathBuf,
        /// Members saved.
        saved: usize,
        /// Members of this run.
        run: usize,
    },
    /// A tensor that this run needs is not there.
    #[error("checkpoint {path}: tensor {tensor} is missing")]
    Missing {
        /// The file.
        path: PathBuf,
        /// The tensor: `ewc/fisher[0]`.
        tensor: String,
    },
    /// A tensor that this run has no place for.
    #[error("checkpoint {path}: tensor {tensor} is unknown to this run")]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
    },
    /// A tensor of another shape.
    #[error("checkpoint {path}: tensor {tensor} has shape {saved:?}, expected {expected:?}")]
    Shape {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// Its shape.
        saved: Vec<usize>,
        /// The shape of the slot.
        expected: Vec<usize>,
    },
    /// Numbers where indices are expected, or the other way round.
    #[error("checkpoint {path}: tensor {tensor} holds {saved} values, expected {expected}")]
    Kind {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// `f32` or `u32`.
        saved: &'static str,
        /// `f32` or `u32`.
        expected: &'static str,
    },
    /// A position or host state that is not what this run expects.
    #[error("checkpoint {path}: {field}: {source}")]
    Field {
        /// The file.
        path: PathBuf,
        /// `position` or `hosts[2]`.
        field: String,
        /// What does not fit.
        source: serde_json::Error,
    },
    /// A tensor with more or fewer values than its shape.
    #[error("checkpoint: tensor {tensor}: shape {shape:?} does not hold {values} values")]
    Count {
        /// The tensor.
        tensor: String,
        /// The shape given.
        shape: Vec<usize>,
        /// The number of values given.
        values: usize,
    },
    /// A second tensor of one slot and member.
    #[error("checkpoint: tensor {tensor} was inserted before")]
    Twice {
        /// The tensor.
        tensor: String,
    },
    /// A member that has no host state.
    #[error("checkpoint: tensor {tensor}: expected a member below {members}")]
    NoSuchMember {
        /// The tensor.
        tensor: String,
        /// Number of members.
        members: usize,
    },
    /// Identity, position and host states are more than the header of a file may hold.
    #[error("checkpoint {path}: not saved: a header of {bytes} bytes, at most {most} fit")]
    HeaderTooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes of the header.
        bytes: usize,
        /// The limit of the format.
        most: usize,
    },
    /// The disk does not take the file; an earlier checkpoint is as it was.
    #[error("checkpoint {path}: not saved: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}
