//! What is said around tables and figures.

use super::titles::told;
use super::{Board, Report};
use std::collections::{BTreeMap, BTreeSet};

/// In place of a command.
pub(super) const NO_ORIGIN: &str = "The folder does not say by which command its results came about: they are of an earlier version, or were \
     put there by hand. The settings below decide the numbers.";

/// What was compared, in a few words.
pub(super) fn heading(report: &Report) -> String {
    let fields: BTreeSet<(&str, &str, usize)> = report
        .boards
        .iter()
        .map(|it| {
            (it.settings.dataset.as_str(), it.settings.protocol.as_str(), it.settings.contexts)
        })
        .collect();
    match fields.first() {
        Some((dataset, protocol, contexts)) if fields.len() == 1 => {
            let s = if *contexts == 1 { "" } else { "s" };
            format!("{protocol} {dataset}, {contexts} context{s}")
        }
        _ => format!("{} streams", fields.len()),
    }
}

/// How much of it.
pub(super) fn counts(report: &Report) -> Vec<(&'static str, String)> {
    let rows = || report.boards.iter().flat_map(|board| &board.rows);
    let labels: BTreeSet<&str> = rows().map(|row| row.label.as_str()).collect();
    let seeds: BTreeSet<u64> = rows().flat_map(|row| row.seeds.iter().copied()).collect();
    let seconds: f64 = rows().map(|row| row.seconds.mean * row.seeds.len() as f64).sum();
    let counted =
        |count: usize, one, many| (if count == 1 { one } else { many }, count.to_string());
    vec![
        counted(labels.len(), "strategy", "strategies"),
        counted(report.boards.len(), "ranking", "rankings"),
        counted(seeds.len(), "seed", "seeds"),
        counted(report.runs, "run", "runs"),
        ("of training", duration(seconds)),
    ]
}

fn duration(seconds: f64) -> String {
    match seconds {
        it if it < 120.0 => format!("{it:.0} s"),
        it if it < 7200.0 => format!("{:.0} min", it / 60.0),
        it => format!("{:.1} h", it / 3600.0),
    }
}

/// The counts in one line.
pub(super) fn scope(report: &Report) -> String {
    let all = counts(report).into_iter().map(|(what, count)| format!("{count} {what}"));
    all.collect::<Vec<_>>().join(" · ")
}

/// What keeps figures from being what they seem.
pub(super) fn remarks(report: &Report) -> Vec<String> {
    let mut all = report.origin.as_ref().map_or_else(Vec::new, |origin| origin.remarks.clone());
    if report.boards.iter().any(|board| board.settings.part == "validation") {
        all.push("Accuracies are on validation images, which are there to choose by.".to_owned());
    }
    if report.repeated > 0 {
        all.push(format!(
            "{} runs are there more than once, with the same settings and seed: the last one counts.",
            report.repeated
        ));
    }
    let versions: BTreeSet<&str> = report.boards.iter().map(|it| it.version.as_str()).collect();
    if versions.len() > 1 {
        all.push(
            "Results are of several versions of the program; each is ranked by itself.".to_owned(),
        );
    }
    all
}

/// What a ranking says and what it cannot.
pub(super) fn notes(board: &Board) -> Vec<String> {
    let mut all = Vec::new();
    let verdict = board.verdict;
    if board.rows.iter().any(|row| row.is_baseline) {
        all.push("Baselines have no rank: the others are held against them.".to_owned());
    }
    if board.rows.iter().all(|row| row.seeds.len() == 1) {
        all.push(
            "One seed alone: nothing is known of the spread, and nothing can be told apart."
                .to_owned(),
        );
        return all;
    }
    if verdict.pairs == 0 {
        return all;
    }
    if verdict.seeds < 2 {
        all.push("Some rows have fewer than two seeds in common: none are told apart.".to_owned());
        return all;
    }
    let pairs =
        if verdict.pairs == 1 { "1 pair".to_owned() } else { format!("{} pairs", verdict.pairs) };
    let (differ, needed) = (verdict.different, verdict.needed);
    let test = match verdict.is_exact() {
        true => "exact sign flips up to 12 seeds, Wilcoxon's signed ranks above",
        false => "t tests, which take differences as normal",
    };
    let mut told = format!(
        "Rows that share a letter are not told apart: every two rows compared on the same seeds ({test}), corrected \
         for {pairs} (Holm) at 5 %; {differ} differ."
    );
    if !verdict.is_exact() {
        let least = 2_f64.powi(1 - verdict.seeds.min(60) as i32);
        told += &format!(
            " An exact test on {} seeds gives no p below {least:.4}, too much for {pairs}; --seeds {needed} would do.",
            verdict.seeds
        );
    }
    all.push(told);
    let ranked = board.rows.iter().filter(|row| !row.is_baseline).count();
    if ranked > verdict.compared {
        all.push(format!("Of {ranked} rows the best {} were compared.", verdict.compared));
    }
    all
}

/// The settings of a board.
pub(super) fn settings(board: &Board) -> Vec<(String, String)> {
    let named = told(&board.settings).into_iter();
    named
        .map(|(name, value)| (name.replace('_', " "), value))
        .filter(|(_, it)| !it.is_empty())
        .collect()
}

/// Names with one value for all boards, and those that differ with the value of each.
pub(super) struct Shared {
    pub same: Vec<(String, String)>,
    /// A name, and its value by board.
    pub other: Vec<(String, Vec<String>)>,
}

/// Sorts what several boards say by whether they agree.
pub(super) fn shared(all: &[BTreeMap<String, String>]) -> Shared {
    let names: BTreeSet<&String> = all.iter().flat_map(BTreeMap::keys).collect();
    let mut shared = Shared { same: Vec::new(), other: Vec::new() };
    for name in names {
        let of = |it: &BTreeMap<String, String>| it.get(name).cloned().unwrap_or_default();
        let values: Vec<String> = all.iter().map(of).collect();
        match values.iter().all(|value| *value == values[0]) {
            true if values[0].is_empty() => {}
            true => shared.same.push((name.clone(), values[0].clone())),
            false => shared.other.push((name.clone(), values)),
        }
    }
    shared
}
