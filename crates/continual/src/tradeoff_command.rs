//! `continual tradeoff`.

use crate::bench_command::train;
use crate::cli::TradeoffOptions;
use crate::table::{markdown, percent};
use crate::{dry_run, print, printed, report_command};
use anyhow::Result;
use continual::picture::{Group, Mark, Scatter, draw};
use continual::{Asked, Bench, Strengths, Tradeoff, TradeoffPoint};
use std::path::{Path, PathBuf};

pub(crate) fn run(options: &TradeoffOptions) -> Result<()> {
    let hyper = options.hyper.as_deref();
    let tradeoff = Tradeoff::new(options.request(), &options.strategy, hyper, &options.values)?;
    let asked = Asked::Request(tradeoff.request.clone());
    let bench = asked.bench(&Strengths::built_in()?)?;
    let costs = bench.costs()?;
    if options.output.dry_run {
        return print::text(&dry_run::text(&bench, &costs));
    }
    let folder = options.output.out.clone().unwrap_or_else(|| usual(&tradeoff));
    let (finished, named) = train(&asked, &bench, &costs, &folder, &options.output)?;
    let points = tradeoff.points(&bench, &finished)?;
    let pictures = draw(&picture(&tradeoff, &bench, &points), &folder.join("tradeoff"))?;
    let mut text = format!(
        "{} in the {}-incremental scenario, {}: accuracy in %, mean ± s.e.m. over {} seeds\n\n",
        tradeoff.strategy,
        tradeoff.scenario,
        bench.dataset,
        bench.seeds.len()
    );
    text += &table(&tradeoff, &points);
    text += "\nold: the contexts but the last, at the end. new: each context but the first, when it was \
             just learned.\n";
    text += &printed::gaps(&finished.diverged);
    for path in pictures.iter().map(|path| &**path).chain([named.results()]) {
        text += &format!("{}\n", path.display());
    }
    let report = report_command::close(named, &folder, &report_command::origin(&asked, &folder));
    print::text(&text)?;
    print::text(&report_command::told(&report?))?;
    finished.failure().map_or(Ok(()), |error| Err(error.into()))
}

fn usual(tradeoff: &Tradeoff) -> PathBuf {
    Path::new("target/tradeoff").join(format!("{}-{}", tradeoff.strategy, tradeoff.scenario))
}

fn table(tradeoff: &Tradeoff, points: &[TradeoffPoint]) -> String {
    let header = [tradeoff.hyper.as_str(), "old", "new"].map(str::to_owned).to_vec();
    let row = |point: &TradeoffPoint| {
        let star = if point.is_baseline { " *" } else { "" };
        vec![format!("{}{star}", point.label), percent(&point.old), percent(&point.new)]
    };
    markdown(header, points.iter().map(row).collect())
}

fn picture(tradeoff: &Tradeoff, bench: &Bench, points: &[TradeoffPoint]) -> Scatter {
    let mark = |point: &TradeoffPoint| Mark {
        x: 100.0 * point.new.mean,
        y: 100.0 * point.old.mean,
        x_error: 100.0 * point.new.sem.unwrap_or(0.0),
        y_error: 100.0 * point.old.sem.unwrap_or(0.0),
        label: point.label.clone(),
    };
    let group = |name: &str, line: bool, fits: &dyn Fn(&TradeoffPoint) -> bool| Group {
        name: name.to_owned(),
        marks: points.iter().filter(|point| fits(point)).map(mark).collect(),
        line,
    };
    let swept = group(&tradeoff.hyper, true, &|point| !point.is_baseline);
    let baselines = ["none", "joint"]
        .map(|name| group(name, false, &|point| point.is_baseline && point.label == name));
    Scatter {
        title: format!(
            "{}: stability against plasticity ({}, {}-incremental)",
            tradeoff.strategy, bench.dataset, tradeoff.scenario
        ),
        x: "accuracy on new contexts when learned, %".to_owned(),
        y: "accuracy on old contexts at the end, %".to_owned(),
        groups: std::iter::once(swept).chain(baselines).collect(),
    }
}
