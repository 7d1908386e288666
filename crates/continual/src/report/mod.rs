//! The report of a folder of results: what was compared, how it ranks, and which differences are more than
//! luck of the seeds.
//!
//! [`Report::read`] sorts the lines of `results.jsonl` into [`Board`]s: only runs that differ in nothing but
//! strategy, hyper-parameters and seed are ranked together. Within a board the runs of a strategy are a
//! [`Row`]. `read` and `board` work out numbers, `compare` ranks and tests, `titles` tells boards apart;
//! `page` and `plots` make one HTML file of it, `plain` Markdown, CSV and JSON. Whatever comes from a file
//! goes through `escape` on its way into the page.
mod board;
mod compare;
mod csv;
mod escape;
mod facts;
mod figures;
mod numbers;
mod origin;
mod page;
mod plain;
mod plots;
mod ranking;
mod read;
mod titles;
mod way;

pub use board::{Board, Row};
pub use compare::{AgainstBest, Verdict};
pub use numbers::short;
pub use origin::Origin;
pub use read::{Gap, Report};
