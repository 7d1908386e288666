//! `continual run`.

use crate::bench_command::show;
use crate::cli::RunOptions;
use crate::{list, print};
use anyhow::Result;
use continual::{Asked, ExperimentFile};
use std::path::Path;

pub(crate) fn run(options: &RunOptions) -> Result<()> {
    let Some(path) = options.file.as_deref().filter(|_| !options.keys) else {
        return print::text(&list::keys());
    };
    let mut file = ExperimentFile::read(path)?;
    if let Some(lanes) = options.lanes {
        file = file.lanes(lanes);
    }
    if let Some(folder) = &options.data {
        file = file.data(folder);
    }
    if let Some(threads) = options.threads {
        file = file.threads(threads);
    }
    if let Some(device) = &options.device {
        file = file.device(device);
    }
    let name = path.file_stem().unwrap_or_default();
    show(&Asked::File(file), &options.output, &Path::new("target/run").join(name))
}
