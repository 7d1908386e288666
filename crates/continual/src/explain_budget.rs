//! `continual explain-budget`: the arithmetic of storing everything.

use crate::cli::ExplainBudgetOptions;
use crate::dry_run::short;
use crate::print;
use crate::table::markdown;
use anyhow::{Result, bail};
use continual::{Bench, CellCost, Strengths};

const SECONDS_PER_DAY: f64 = 86_400.0;
/// A year of 365.25 days.
const SECONDS_PER_YEAR: f64 = 365.25 * SECONDS_PER_DAY;

pub(crate) fn run(options: &ExplainBudgetOptions) -> Result<()> {
    if !(options.rate.is_finite() && options.rate > 0.0) {
        bail!(continual::Error::Value {
            what: "--rate".to_owned(),
            value: options.rate.to_string(),
            expected: "a number of frames per second above 0".to_owned(),
        });
    }
    let bench = Bench::new(&options.request(), &Strengths::built_in()?)?;
    let costs = bench.costs()?;
    let frame = (options.width * options.height) as f64 * options.depth as f64 / 8.0;
    let second = frame * options.rate;
    let mut text = format!(
        "A sensor of {} x {} pixels, {} bits each, {} frames per second:\n\n",
        options.width, options.height, options.depth, options.rate
    );
    let stored = [
        ("one frame", frame),
        ("a second", second),
        ("a day", second * SECONDS_PER_DAY),
        ("a year of 365.25 days", second * SECONDS_PER_YEAR),
    ];
    let header = ["all of", "takes"].map(str::to_owned).to_vec();
    text += &markdown(
        header,
        stored.iter().map(|&(what, taken)| vec![what.to_owned(), bytes(taken)]).collect(),
    );
    text += &format!(
        "\nWhoever keeps everything and retrains stores that, and trains on all of it again and again. A strategy \
         keeps this instead at the end of {} contexts, however long a context is ({} {}):\n",
        bench.contexts, bench.dataset, bench.protocol
    );
    for &scenario in &bench.scenarios {
        let header =
            ["strategy", "rows", "kept here", "kept of the sensor", "of its stream", "parameters"];
        let cells = bench.cells.iter().zip(&costs);
        let rows = cells
            .filter(|(cell, _)| cell.scenario == scenario && keeps_little(&cell.composition.name))
            .map(|(cell, cost)| {
                let features = cell.features() as f64;
                let sensor = of_sensor(cost, features, frame);
                vec![
                    cell.label(),
                    cost.rows_kept.to_string(),
                    bytes(cost.costs.bytes_kept as f64),
                    bytes(sensor),
                    format!("{:.2e} s", sensor / second),
                    short(cost.parameters as u64),
                ]
            });
        text += &format!("\n{scenario}-incremental\n\n");
        text += &markdown(header.map(str::to_owned).to_vec(), rows.collect());
    }
    text += "\nKept: between contexts, beside the classifier. Here: with rows as this data set stores them. Of the \
             sensor: a frame for each row, its label and logits as they are; what is no row (Fisher information, \
             anchors, teachers, generators, gates) in its own bytes, those of this network.\n";
    print::text(&text)
}

/// Bytes kept where every row of a memory, here of `features` bytes, is a frame.
fn of_sensor(cost: &CellCost, features: f64, frame: f64) -> f64 {
    cost.costs.bytes_kept as f64 + cost.rows_kept as f64 * (frame - features)
}

/// Three digits with a decimal prefix: `56.5 PB`.
fn bytes(count: f64) -> String {
    let told = short(count.round() as u64);
    if told.contains(' ') { format!("{told}B") } else { format!("{told} B") }
}

/// `joint` and `cumulative` keep all data.
fn keeps_little(strategy: &str) -> bool {
    !matches!(strategy, "joint" | "cumulative")
}
