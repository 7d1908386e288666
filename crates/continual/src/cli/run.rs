//! The options of what a file describes, and of going on with it.

use super::Output;
use clap::Args;
use continual::CheckpointEvery;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct RunOptions {
    /// The description of an experiment
    #[arg(value_name = "FILE.toml", required_unless_present = "keys")]
    pub(crate) file: Option<PathBuf>,
    /// Print every key that a file may have, with default and range
    #[arg(long)]
    pub(crate) keys: bool,
    /// Runs, of seeds and values of a sweep, that are trained at once; results do not depend on it [default:
    /// all on the CPU, elsewhere what should fit the memory]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) lanes: Option<usize>,
    /// Folder of the files of mnist or fashion-mnist, in place of the file's
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Threads, in place of the file's; results do not depend on it
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) threads: Option<usize>,
    /// Where programs run, in place of the file's: cpu, gpu (the fastest), gpu:NAME (one of `continual
    /// devices`) or auto
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Args, Debug)]
pub(crate) struct ExplainOptions {
    /// The description of an experiment, as for `continual run`
    #[arg(value_name = "FILE.toml")]
    pub(crate) file: PathBuf,
    /// Folder of the files of mnist or fashion-mnist, in place of the file's
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct ResumeOptions {
    /// The folder of the results: --out of what was interrupted
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Runs that are trained at once; those under way go on as they were begun [default: as asked for]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) lanes: Option<usize>,
    /// Folder of the files of mnist or fashion-mnist, if they have moved
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Threads; results do not depend on it [default: as asked for]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) threads: Option<usize>,
    /// Where programs run from here on: cpu, gpu (the fastest), gpu:NAME (one of `continual devices`) or
    /// auto [default: where the work was begun]
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<String>,
    /// How often the runs under way are saved [default: as asked for]
    #[arg(long, value_name = "INTERVAL")]
    pub(crate) checkpoint_every: Option<CheckpointEvery>,
}
