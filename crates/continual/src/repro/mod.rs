//! Published tables, held against what this program gives.
//!
//! A table is a TOML file: where it was published, by which rule a cell counts as reproduced, how the
//! runs are trained (as in an [`ExperimentFile`](crate::ExperimentFile)), and one row per method with
//! the published mean and standard error per scenario. [`Reproduction`] works cell by cell in a folder
//! of its own, so that it may be stopped and asked again for more seeds or other rows, and [`page`]
//! writes down what is known so far.
mod page;
mod table;
mod target;
mod verdict;

pub use page::page;
pub use table::{Acceptance, Published, PublishedTable, TableRow};
pub use target::{Reproduction, Target, Wanted};
pub use verdict::Verdict;
