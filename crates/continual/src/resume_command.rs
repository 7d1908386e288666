//! `continual resume`.

use crate::bench_command::{finish, go};
use crate::budget_command;
use crate::cli::ResumeOptions;
use crate::interrupt;
use anyhow::Result;
use continual::{Asked, EqualBytes, Error, Strengths, Unfinished};

pub(crate) fn run(options: &ResumeOptions) -> Result<()> {
    let mut unfinished = Unfinished::open(&options.folder)?;
    if let Some(device) = &options.device {
        unfinished = unfinished.on_device(device);
    }
    let mut asked = unfinished.asked().clone();
    if let Some(lanes) = options.lanes {
        asked = asked.lanes(lanes);
    }
    if let Some(folder) = &options.data {
        asked = asked.data(folder);
    }
    if let Some(threads) = options.threads {
        asked = asked.threads(threads);
    }
    let strengths = Strengths::built_in()?;
    let equal = match &asked {
        Asked::Budget { request, bytes } => {
            let equal = EqualBytes::new(request.clone(), bytes, &strengths);
            Some(equal.map_err(|error| asked_in(options, error))?)
        }
        Asked::Request(_) | Asked::File(_) => None,
    };
    let bench = match &equal {
        Some(equal) => equal.bench(&strengths),
        None => asked.bench(&strengths),
    };
    let bench = bench.map_err(|error| asked_in(options, error))?;
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

/// What cannot be asked for, with the file in which it was, unless an option has just changed it; a file of an
/// experiment names its own line.
fn asked_in(options: &ResumeOptions, error: Error) -> Error {
    let ResumeOptions { folder, lanes, data, threads, device, .. } = options;
    let is_changed = lanes.is_some() || data.is_some() || threads.is_some() || device.is_some();
    match error {
        Error::InFile { .. } => error,
        error if is_changed => error,
        error => {
            let place = folder.join("unfinished.json").display().to_string();
            Error::InFile { place, error: Box::new(error) }
        }
    }
}
