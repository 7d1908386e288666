//! An experiment described by a TOML file: `schema` lists the keys, `source` reads values and knows
//! their lines, `tables` and `strategies` turn them into choices.

mod file;
pub mod schema;
mod source;
mod strategies;
mod tables;

pub use file::ExperimentFile;
