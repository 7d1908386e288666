//! `--dry-run`: the runs and what they would cost.

use crate::printed::{gaps, remarks, stream_told};
use crate::table::markdown;
use continual::{Bench, CellCost};

/// One row per population; counts with decimal prefixes, bytes too.
pub(crate) fn text(bench: &Bench, costs: &[CellCost]) -> String {
    let header = [
        "strategy",
        "scenario",
        "runs",
        "parameters",
        "steps",
        "MAC per step",
        "bytes per step",
        "MAC in all",
        "bytes kept",
    ];
    let rows = bench.cells.iter().zip(costs).map(|(cell, cost)| {
        vec![
            cell.label(),
            cell.scenario.to_string(),
            cost.members.to_string(),
            cost.parameters.to_string(),
            cost.steps.to_string(),
            short(cost.costs.step.macs),
            short(cost.costs.step.bytes),
            short(cost.macs()),
            short(cost.costs.bytes_kept),
        ]
    });
    let table = markdown(header.map(str::to_owned).to_vec(), rows.collect());
    let waves: String = bench
        .cells
        .iter()
        .zip(costs)
        .filter(|(_, cost)| cost.lanes < cost.members)
        .map(|(cell, cost)| {
            let CellCost { lanes, members, .. } = cost;
            let (strategy, scenario) = (cell.label(), cell.scenario);
            format!("{strategy} in {scenario}: {lanes} of {members} runs at once, in waves.\n")
        })
        .collect();
    let runs: usize = costs.iter().map(|cost| cost.members).sum();
    let macs = costs.iter().map(CellCost::macs).fold(0, u64::saturating_add);
    format!(
        "{table}\n{runs} runs on {} {}{}, {} multiply-accumulates (MAC) in all: steps, boundaries, \
         evaluations.\n\
         Bytes per step: read and written, of one run. Bytes kept: between contexts, of one run, as \
         its results will say.\n{waves}{}{}Nothing was trained, nothing was written.\n",
        bench.dataset,
        bench.protocol,
        stream_told(bench.stream),
        short(macs),
        gaps(&bench.skipped),
        remarks(bench)
    )
}

/// A count with three digits and a decimal prefix.
pub(crate) fn short(count: u64) -> String {
    continual::report::short(count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_shortened_to_three_digits() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1000, "1.00 k"),
            (9_999, "10.0 k"),
            (123_456, "123 k"),
            (999_600, "1.00 M"),
            (45_600_000_000, "45.6 G"),
            (u64::MAX, "18.4 E"),
        ];
        for (count, expected) in cases {
            assert_eq!(short(count), expected);
        }
    }
}
