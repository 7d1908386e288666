//! `continual resume`.

use crate::bench_command::go;
use crate::cli::ResumeOptions;
use crate::interrupt;
use anyhow::Result;
use continual::{Strengths, Unfinished};

pub(crate) fn run(options: &ResumeOptions) -> Result<()> {
    let unfinished = Unfinished::open(&options.folder)?;
    let mut asked = unfinished.asked().clone();
    if let Some(folder) = &options.data {
        asked = asked.data(folder);
    }
    if let Some(threads) = options.threads {
        asked = asked.threads(threads);
    }
    let bench = asked.bench(&Strengths::built_in()?)?;
    let costs = bench.costs()?;
    let every = options.checkpoint_every.unwrap_or_else(|| unfinished.checkpoint_every());
    let stop = interrupt::install()?;
    go(&bench, &costs, unfinished.work(&bench, every)?.stopping(stop))
}
