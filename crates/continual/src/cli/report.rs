//! The options of `continual report`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct ReportOptions {
    /// A folder of results: --out of `bench`, `run`, `tradeoff`, `budget` or `repro`
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// What is written
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "html")]
    pub(crate) format: ReportFormat,
    /// The file that is written [default: DIR/report.html; md, csv and json are printed]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// What is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ReportFormat {
    /// One page with everything in it
    Html,
    /// Tables in Markdown
    Md,
    /// One line per row, with every metric
    Csv,
    /// All that was worked out
    Json,
}
