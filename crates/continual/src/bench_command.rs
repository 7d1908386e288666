//! `continual bench`, and what it has in common with `continual run` and `continual resume`.

use crate::cli::{BenchOptions, Output};
use crate::progress::Bar;
use crate::{dry_run, interrupt, print, printed, report_command};
use anyhow::{Error, Result};
use continual::{Asked, Bench, CellCost, Earlier, Finished, Named, Strengths, Unfinished, Work};
use std::path::Path;

pub(crate) fn run(options: &BenchOptions) -> Result<()> {
    show(&Asked::Request(options.request()), &options.output, Path::new("target/bench"))
}

/// Runs, writes the results and prints the table. Everything that can be refused is refused before
/// the first step is taken.
pub(crate) fn show(asked: &Asked, output: &Output, usual: &Path) -> Result<()> {
    let bench = asked.bench(&Strengths::built_in()?)?;
    let costs = bench.costs()?;
    if output.dry_run {
        return print::text(&dry_run::text(&bench, &costs));
    }
    let folder = output.out.as_deref().unwrap_or(usual);
    let every = output.checkpoint_every.unwrap_or_default();
    let earlier = if output.restart { Earlier::Discard } else { Earlier::Refuse };
    // First, so that whoever sees the folder may interrupt.
    let stop = interrupt::install()?;
    let work = match output.keep_networks {
        true => Work::begin_keeping_networks(folder, asked, &bench, every, earlier)?,
        false => Work::begin(folder, asked, &bench, every, earlier)?,
    };
    go(&bench, &costs, work.stopping(stop))
}

/// Trains what is not finished yet, to the table.
pub(crate) fn go(bench: &Bench, costs: &[CellCost], work: Work) -> Result<()> {
    let folder = work.folder().to_owned();
    let origin = report_command::origin(work.asked(), &folder);
    let (finished, named) = finish(bench, costs, work)?;
    let text = printed::text(bench, &finished, named.results())?;
    let report = report_command::close(named, &folder, &origin);
    print::text(&text)?;
    print::text(&report_command::told(&report?))?;
    finished.failure().map_or(Ok(()), |error| Err(error.into()))
}

/// Trains what is not finished yet, to the named file of results.
pub(crate) fn finish(
    bench: &Bench,
    costs: &[CellCost],
    mut work: Work,
) -> Result<(Finished, Named)> {
    let trained = bench.run(costs, &mut Bar::new(costs), &mut work);
    let told = match work.kept() {
        (0, _) => None,
        (runs, partial) => Some(format!("{runs} finished runs are in {}", partial.display())),
    };
    let error = match trained {
        Ok(finished) => match work.name(&finished.diverged) {
            Ok(named) => return Ok((finished, named)),
            Err(error) => error,
        },
        Err(error) => {
            let folder = work.folder().to_owned();
            work.leave(&error);
            if error.is_interruption() {
                let told = format!("saved; go on with: {}", interrupt::command(&folder));
                return Err(Error::new(error).context(told));
            }
            if error.is_of_device() && Unfinished::open(&folder).is_ok() {
                let told =
                    format!("what was done is saved; go on with: {}", interrupt::command(&folder));
                return Err(Error::new(error).context(told));
            }
            error
        }
    };
    Err(match told {
        None => error.into(),
        Some(told) => Error::new(error).context(told),
    })
}

/// Runs what a command makes a picture of, to the file of results. The same command goes on where it was
/// left; another one is refused as anywhere.
pub(crate) fn train(
    asked: &Asked,
    bench: &Bench,
    costs: &[CellCost],
    folder: &Path,
    output: &Output,
) -> Result<(Finished, Named)> {
    let every = output.checkpoint_every.unwrap_or_default();
    let stop = interrupt::install()?;
    let earlier = if output.restart { Earlier::Discard } else { Earlier::Refuse };
    let unfinished = Unfinished::open(folder).ok().filter(|_| earlier == Earlier::Refuse);
    let work = match unfinished.and_then(|unfinished| unfinished.work(bench, every).ok()) {
        Some(work) => work,
        None if output.keep_networks => {
            Work::begin_keeping_networks(folder, asked, bench, every, earlier)?
        }
        None => Work::begin(folder, asked, bench, every, earlier)?,
    };
    let work = if output.keep_networks { work.keeping_networks()? } else { work };
    let mut work = work.stopping(stop);
    match bench.run(costs, &mut Bar::new(costs), &mut work) {
        Ok(finished) => {
            let named = work.name(&finished.diverged)?;
            Ok((finished, named))
        }
        Err(error) => {
            let is_interruption = error.is_interruption();
            work.leave(&error);
            let error = Error::new(error);
            Err(match is_interruption {
                true => error.context("saved; the same command goes on"),
                false => error,
            })
        }
    }
}
