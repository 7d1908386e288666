//! `continual resume`.

use crate::bench_command::{finish, go};
use crate::budget_command;
use crate::cli::ResumeOptions;
use crate::interrupt;
use anyhow::Result;
use continual::{Asked, EqualBytes, Strengths, Unfinished};

pub(crate) fn run(options: &ResumeOptions) -> Result<()> {
    let unfinished = Unfinished::open(&options.folder)?;
    let mut asked = unfinished.asked().clone();
    if let Some(folder) = &options.data {
        asked = asked.data(folder);
    }
    if let Some(threads) = options.threads {
        asked = asked.threads(threads);
    }
    let strengths = Strengths::built_in()?;
    let equal = match &asked {
        Asked::Budget { request, bytes } => {
            Some(EqualBytes::new(request.clone(), bytes, &strengths)?)
        }
        Asked::Request(_) | Asked::File(_) => None,
    };
    let bench = match &equal {
        Some(equal) => equal.bench(&strengths)?,
        None => asked.bench(&strengths)?,
    };
    let costs = bench.costs()?;
    let every = options.checkpoint_every.unwrap_or_else(|| unfinished.checkpoint_every());
    let stop = interrupt::install()?;
    let work = unfinished.work(&bench, every)?.stopping(stop);
    match &equal {
        None => go(&bench, &costs, work),
        Some(equal) => {
            let folder = work.folder().to_owned();
            let trained = finish(&bench, &costs, work)?;
            budget_command::show(equal, &bench, &costs, trained, &folder)
        }
    }
}
