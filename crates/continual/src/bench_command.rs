//! `continual bench`.

use crate::cli::BenchOptions;
use crate::progress::Bar;
use crate::{dry_run, print, report};
use anyhow::{Error, Result};
use continual::{Bench, CellCost, Line, Results, Strengths};

/// Everything that can be refused is refused before the first step is taken.
pub(crate) fn run(options: &BenchOptions) -> Result<()> {
    let bench = Bench::new(&options.request(), &Strengths::built_in()?)?;
    let costs = bench.costs()?;
    if options.dry_run {
        return print::text(&dry_run::text(&bench, &costs));
    }
    let mut results = Results::open(&options.out)?;
    match train(&bench, &costs, &mut results) {
        Ok(lines) => {
            let path = results.finish()?;
            print::text(&report::text(&bench, &lines, &path)?)
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
) -> Result<Vec<Line>, continual::Error> {
    let mut bar = Bar::new(costs);
    bench.run(costs, &mut bar, &mut |lines| results.push(lines))
}
