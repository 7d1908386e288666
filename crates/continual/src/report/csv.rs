//! One line per row of every board.

use super::escape::csv;
use super::{Report, Row};
use std::collections::BTreeSet;

/// Columns before the metrics.
const FIXED: &str = "board,rank,group,strategy,label,is_baseline,hyper,seeds,final_accuracy_difference_to_best,\
                     p_holm,bytes_kept,macs,parameters,steps,train_seconds";

/// Everything about the rows as CSV: fractions, bytes, multiply-accumulates, seconds. Of every metric mean,
/// standard deviation and both ends of the 95 % interval; what is not known is empty.
pub(super) fn text(report: &Report) -> String {
    let rows = || report.boards.iter().flat_map(|board| &board.rows);
    let names: BTreeSet<&String> = rows().flat_map(|row| row.metrics.keys()).collect();
    let mut text = FIXED.to_owned();
    for name in &names {
        for part in ["", "_sd", "_ci95_low", "_ci95_high"] {
            text += &format!(",{}", csv(&format!("{name}{part}")));
        }
    }
    text.push('\n');
    for board in &report.boards {
        for row in &board.rows {
            text += &fixed(&board.title, row);
            for name in &names {
                let summary = row.metrics.get(*name);
                let ends = summary.and_then(|it| it.ci95);
                for value in [
                    summary.map(|it| it.mean),
                    summary.and_then(|it| it.sd),
                    ends.map(|it| it.0),
                    ends.map(|it| it.1),
                ] {
                    text.push(',');
                    text += &known(value);
                }
            }
            text.push('\n');
        }
    }
    text
}

fn known<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn fixed(board: &str, row: &Row) -> String {
    let hyper: Vec<String> =
        row.hyper.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let seeds: Vec<String> = row.seeds.iter().map(ToString::to_string).collect();
    let best = row.against_best;
    let fields = [
        board.to_owned(),
        known(row.rank),
        row.group.clone().unwrap_or_default(),
        row.strategy.clone(),
        row.label.clone(),
        row.is_baseline.to_string(),
        hyper.join(" "),
        seeds.join(" "),
        known(best.map(|it| it.paired.difference.mean)),
        known(best.map(|it| it.adjusted_p)),
        row.bytes_kept.to_string(),
        known(row.macs),
        row.parameters.to_string(),
        row.steps.to_string(),
        row.seconds.mean.to_string(),
    ];
    fields.map(|field| csv(&field)).join(",")
}
