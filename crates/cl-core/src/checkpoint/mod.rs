//! The state of a run in one file: what is needed to go on with the same bits.
//!
//! # The file
//! One safetensors file, so that any reader of that format opens it; the tensors are little-endian.
//! It is one file and not two because one rename is atomic and two are not.
//!
//! * **Metadata**: one entry, `continual checkpoint`, a JSON text with `format_version`,
//!   `written_by`, `identity`, `position` and `hosts` (one value per member).
//! * **Tensors**: one per slot and member, `theta[0]`, `ewc/fisher[4]`, of type F32 or U32. A member
//!   by itself can be read, left out or found at fault, and no slot is copied to stack it.
//! * **Checksum**: the last tensor, `sha256`, 32 bytes of type U8: the SHA-256 of every byte before
//!   them, header included. So `head -c -32 FILE | sha256sum` checks a file without this program.
//!
//! The place of the metadata entry, of `format_version` and of the checksum is the same in every
//! version of the format: a file that is whole but too new is told apart from a damaged one. Equal
//! states give equal bytes.
mod atomic;
mod contents;
mod damage;
mod decode;
mod encode;
mod error;
mod identity;
mod values;

pub use atomic::{rename_durably, write_atomically};
pub use contents::Checkpoint;
pub(crate) use damage::kind_of;
pub(crate) use encode::MARK;
pub use error::CheckpointError;
pub use values::Values;
pub(crate) use values::{little_endian, words};
