//! The programs of `docs/TUTORIAL.md` and `docs/COOKBOOK.md`, one file each, and the pages of `docs/methods`.

pub mod cookbook;
pub mod methods;
mod program;
pub mod tutorial;

/// The repository.
pub const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

pub use program::{PROGRAMS, Program};

#[cfg(test)]
mod tests;
