//! `continual explain-budget`: the arithmetic of storing everything.

use crate::cli::ExplainBudgetOptions;
use crate::dry_run::short;
use crate::print;
use crate::table::markdown;
use anyhow::{Result, bail};
use continual::{Bench, Strengths};

const SECONDS_PER_DAY: f64 = 86_400.0;
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
        ("a year", second * SECONDS_PER_YEAR),
    ];
    let header = ["all of", "bytes"].map(str::to_owned).to_vec();
    text += &markdown(
        header,
        stored.iter().map(|&(what, bytes)| vec![what.to_owned(), short(bytes as u64)]).collect(),
    );
    text += &format!(
        "\nWhoever keeps everything and retrains stores that, and trains on all of it again and again. A strategy \
         keeps this instead ({} {}, {} contexts, {}-incremental, full memories), however long a context is:\n\n",
        bench.dataset, bench.protocol, bench.contexts, bench.scenarios[0]
    );
    let header = ["strategy", "bytes kept", "seconds of the stream", "parameters"];
    let rows =
        bench.cells.iter().zip(&costs).filter(|(cell, _)| keeps_little(&cell.composition.name));
    let rows = rows.map(|(cell, cost)| {
        let kept = cost.costs.bytes_kept;
        vec![
            cell.label(),
            short(kept),
            format!("{:.1e}", kept as f64 / second),
            short(cost.parameters as u64),
        ]
    });
    text += &markdown(header.map(str::to_owned).to_vec(), rows.collect());
    text += "\nBytes kept lie between contexts beside the network itself. Rows of a memory are counted as this data set \
             stores them: a memory of whole frames of the sensor would be larger by the ratio of a frame to a row.\n";
    print::text(&text)
}

/// `joint` and `cumulative` keep all data.
fn keeps_little(strategy: &str) -> bool {
    !matches!(strategy, "joint" | "cumulative")
}
