//! The pages of docs/methods: one per strategy, from its doc comment, the registry, a dry run and the tables of
//! figures.

mod code;
mod facts;
mod figures;
mod folder;
mod page;

pub use folder::{outdated, write};
