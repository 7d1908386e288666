//! What can go wrong while recording, compiling or running a program.

use std::panic::Location;

/// An error of the tensor core.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A formula was recorded with operands that do not fit; names the line that recorded it.
    #[error("{file}:{line}: {message}")]
    Record {
        /// Source file of the formula.
        file: &'static str,
        /// Line in that file.
        line: u32,
        /// The operation, its operands and what was expected.
        message: String,
    },
    /// A program declares more inputs than a step can keep track of.
    #[error("the program has {inputs} inputs; at most 64 fit: concatenate some of them")]
    TooManyInputs {
        /// Inputs that something depends on.
        inputs: usize,
    },
    /// Two plans declare one slot differently.
    #[error(
        "slot `{name}`: declared as {declared} and, in another plan of this session, as {existing}"
    )]
    SlotMismatch {
        /// The slot.
        name: String,
        /// What the new plan declares.
        declared: String,
        /// What the session holds.
        existing: String,
    },
    /// A slot, input, output or resident of that name does not exist.
    #[error("{kind} `{name}` does not exist; there are: {known}")]
    Unknown {
        /// Slot, input, output or resident.
        kind: &'static str,
        /// The name asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// Data of the wrong length or type was handed over.
    #[error("{what} `{name}`: got {got} elements, expected {expected}")]
    Length {
        /// Slot, input or resident.
        what: &'static str,
        /// Its name.
        name: String,
        /// Elements handed over.
        got: usize,
        /// Elements expected.
        expected: usize,
    },
    /// More memory than there is, or than a program can address.
    #[error("{what}: {:.1} GB of memory are not there", *bytes as f64 / 1e9)]
    Memory {
        /// The slot, or what else was to be kept.
        what: String,
        /// Bytes of one member.
        bytes: u64,
    },
    /// An operation has no kernel for a GPU.
    #[error("operation `{op}` has no WGSL: its programs run on the CPU only")]
    NoShader {
        /// The operation.
        op: String,
    },
    /// A GPU that is not there, does not fit the program, or failed.
    #[error("GPU: {0}")]
    Device(String),
    /// A session was asked for no members or no threads, or the threads could not be started.
    #[error("session: {0}")]
    Session(String),
    /// A host stopped the run, for example because a loss was not finite.
    #[error("{0}")]
    Stopped(String),
}

impl Error {
    pub(crate) fn record(at: &'static Location<'static>, message: String) -> Self {
        Self::Record { file: at.file(), line: at.line(), message }
    }
}
