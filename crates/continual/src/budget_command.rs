//! `continual budget`.

use crate::bench_command::train;
use crate::cli::BudgetOptions;
use crate::dry_run::{self, short};
use crate::table::{markdown, percent};
use crate::{print, printed, report_command};
use anyhow::Result;
use continual::picture::{Curve, Curves, Place, draw};
use continual::{Asked, Bench, BudgetPoint, CellCost, EqualBytes, Finished, Named, Strengths};
use std::path::Path;

pub(crate) fn run(options: &BudgetOptions) -> Result<()> {
    let strengths = Strengths::built_in()?;
    let equal = EqualBytes::new(options.request(), &options.bytes, &strengths)?;
    let bench = equal.bench(&strengths)?;
    let costs = bench.costs()?;
    if options.output.dry_run {
        return print::text(&(dry_run::text(&bench, &costs) + &left_out(&equal)));
    }
    let folder = options.output.out.as_deref().unwrap_or(Path::new("target/budget"));
    let (request, bytes) = (equal.request.clone(), equal.budgets.clone());
    let asked = Asked::Budget { request, bytes };
    let trained = train(&asked, &bench, &costs, folder, &options.output)?;
    show(&equal, &bench, &costs, trained, folder)
}

/// Draws what came out and prints the table.
pub(crate) fn show(
    equal: &EqualBytes,
    bench: &Bench,
    costs: &[CellCost],
    (finished, named): (Finished, Named),
    folder: &Path,
) -> Result<()> {
    let points = equal.points(bench, costs, &finished)?;
    let mut written = Vec::new();
    for axis in [Axis::Bytes, Axis::Macs] {
        written.extend(draw(&picture(equal, bench, &points, axis), &folder.join(axis.name()))?);
    }
    let mut text = format!(
        "Final accuracy in %, {}, {}, {}-incremental, at equal bytes kept between contexts: mean ± s.e.m. \
         over {} seeds\n\n",
        bench.dataset,
        bench.protocol,
        equal.scenario,
        bench.seeds.len()
    );
    text += &table(equal, &points);
    text += "\nbudget `own`: the strategy has no memory of rows, its bytes are its own.\n\
             rows: of every class, in each memory of the strategy; `lxdg` alone counts those of a context.\n\
             * baseline: `none` is plain training; `cumulative` and `joint` keep all data.\n\
             MAC: multiply-accumulates of one run, steps, boundaries and evaluations.\n";
    text += &left_out(equal);
    text += &printed::gaps(&bench.skipped);
    text += &printed::gaps(&finished.diverged);
    for path in written.iter().map(|path| &**path).chain([named.results()]) {
        text += &format!("{}\n", path.display());
    }
    let (request, bytes) = (equal.request.clone(), equal.budgets.clone());
    let origin = report_command::origin(&Asked::Budget { request, bytes }, folder);
    let report = report_command::close(named, folder, &origin);
    print::text(&text)?;
    print::text(&report_command::told(&report?))?;
    finished.failure().map_or(Ok(()), |error| Err(error.into()))
}

/// Strategies whose least memory is more than a budget.
fn left_out(equal: &EqualBytes) -> String {
    let mut text = String::new();
    for fit in &equal.fits {
        let budgets = equal.budgets.iter().zip(&fit.rows);
        let small: Vec<String> =
            budgets.filter(|(_, rows)| rows.is_none()).map(|(&budget, _)| short(budget)).collect();
        let one: Vec<String> =
            fit.hypers.iter().map(|(name, one)| format!("{name}={one}")).collect();
        if !small.is_empty() {
            text += &format!(
                "- {} does not do with {} bytes: {} takes {}.\n",
                fit.strategy,
                small.join(" or "),
                one.join(" and "),
                short(fit.least)
            );
        }
    }
    text
}

/// By budget, and within one by accuracy, the best first.
fn table(equal: &EqualBytes, points: &[BudgetPoint]) -> String {
    let budgets = equal.budgets.iter().map(|&budget| Some(budget)).chain([None]);
    let mut rows = Vec::new();
    for budget in budgets {
        let mut here: Vec<&BudgetPoint> =
            points.iter().filter(|point| point.budget == budget).collect();
        here.sort_by(|a, b| b.accuracy.mean.total_cmp(&a.accuracy.mean));
        rows.extend(here.into_iter().map(|point| {
            vec![
                format!("{}{}", point.strategy, if point.is_baseline { " *" } else { "" }),
                budget.map_or("own".to_owned(), short),
                point.rows.map_or(String::new(), |rows| rows.to_string()),
                short(point.bytes),
                short(point.macs),
                percent(&point.accuracy),
            ]
        }));
    }
    let header = ["strategy", "budget", "rows", "bytes kept", "MAC", "accuracy"];
    markdown(header.map(str::to_owned).to_vec(), rows)
}

/// What accuracy is drawn over.
#[derive(Clone, Copy)]
enum Axis {
    Bytes,
    Macs,
}

impl Axis {
    fn name(self) -> &'static str {
        match self {
            Self::Bytes => "accuracy-bytes",
            Self::Macs => "accuracy-macs",
        }
    }

    fn told(self) -> &'static str {
        match self {
            Self::Bytes => "bytes kept between contexts",
            Self::Macs => "multiply-accumulates of one run",
        }
    }

    fn of(self, point: &BudgetPoint) -> f64 {
        match self {
            Self::Bytes => point.bytes as f64,
            Self::Macs => point.macs as f64,
        }
    }
}

fn picture(equal: &EqualBytes, bench: &Bench, points: &[BudgetPoint], axis: Axis) -> Curves {
    let curve = |strategy: &str, has_rows: bool| {
        let own = points.iter().filter(|point| point.strategy == strategy);
        let mut places: Vec<Place> = own
            .clone()
            .map(|point| Place {
                x: axis.of(point),
                y: 100.0 * point.accuracy.mean,
                error: 100.0 * point.accuracy.sem.unwrap_or(0.0),
            })
            .collect();
        places.sort_by(|a, b| a.x.total_cmp(&b.x));
        let is_baseline = own.clone().any(|point| point.is_baseline) && strategy != "none";
        let own = if has_rows || is_baseline { "" } else { " (own bytes)" };
        Curve { name: format!("{strategy}{own}"), places, is_baseline }
    };
    let curves = equal.fits.iter().map(|fit| curve(&fit.strategy, !fit.hypers.is_empty()));
    Curves {
        title: format!(
            "Accuracy against {} ({} {}, {}-incremental)",
            axis.told(),
            bench.dataset,
            bench.protocol,
            equal.scenario
        ),
        x: axis.told().to_owned(),
        y: "final accuracy, %".to_owned(),
        curves: curves.filter(|curve| !curve.places.is_empty()).collect(),
    }
}
