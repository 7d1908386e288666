//! The programs of `docs/TUTORIAL.md` and `docs/COOKBOOK.md`, one file each.

pub mod cookbook;
mod program;
pub mod tutorial;

pub use program::{PROGRAMS, Program};

#[cfg(test)]
mod tests;
