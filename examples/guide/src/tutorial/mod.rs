//! The programs of `docs/TUTORIAL.md`.

pub mod first_strategy;
pub mod first_stream;
