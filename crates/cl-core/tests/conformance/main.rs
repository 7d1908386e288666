//! The suite on sound strategies, and on mutants that it must catch.
#![allow(clippy::unwrap_used)]

mod mutant;
mod mutants;
mod sound;
