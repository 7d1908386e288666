//! `continual bench`, and what it has in common with `continual run`.

use crate::cli::{BenchOptions, Output};
use crate::progress::Bar;
use crate::{dry_run, print, report};
use anyhow::{Error, Result};
use continual::{Bench, CellCost, Finished, Results, Strengths};
use std::path::Path;

pub(crate) fn run(options: &BenchOptions) -> Result<()> {
    let bench = Bench::new(&options.request(), &Strengths::built_in()?)?;
    show(&bench, &options.output, Path::new("target/bench"))
}

/// Runs, writes the results and prints the table. Everything that can be refused is refused before
/// the first step is taken.
pub(crate) fn show(bench: &Bench, output: &Output, usual: &Path) -> Result<()> {
    let costs = bench.costs()?;
    if output.dry_run {
        return print::text(&dry_run::text(bench, &costs));
    }
    let mut results = Results::open(output.out.as_deref().unwrap_or(usual))?;
    match train(bench, &costs, &mut results) {
        Ok(finished) => {
            let path = results.finish()?;
            print::text(&report::text(bench, &finished, &path)?)
        }
        Err(error) => {
            let kept = match results.runs() {
                0 => None,
                runs => {
                    Some(format!("{runs} finished runs are in {}", results.partial().display()))
                }
            };
            results.abandon();
            Err(match kept {
                None => error.into(),
                Some(kept) => Error::new(error).context(kept),
            })
        }
    }
}

fn train(
    bench: &Bench,
    costs: &[CellCost],
    results: &mut Results,
) -> Result<Finished, continual::Error> {
    let mut bar = Bar::new(costs);
    bench.run(costs, &mut bar, &mut |lines| results.push(lines))
}
