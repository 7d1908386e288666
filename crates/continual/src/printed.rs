//! What is printed around the table.

use crate::table::accuracies;
use anyhow::Result;
use continual::scenarios::{Part, Protocol, Scenario, StreamKind};
use continual::{Bench, Finished, Line, Skipped};
use std::fmt::Write;
use std::path::Path;

/// The table, what it shows, what to expect, and where the results are.
pub(crate) fn text(bench: &Bench, finished: &Finished, path: &Path) -> Result<String> {
    let Bench { dataset, protocol, contexts, seeds, scenarios, .. } = bench;
    let lines = &finished.lines;
    let images = match bench.part {
        Part::Final => "",
        Part::Validation => " on validation images",
    };
    let mut text = format!(
        "Final accuracy in %{images}, {dataset}, {protocol}, {contexts} context{}{}: mean ± s.e.m. over {}\n\n",
        if *contexts == 1 { "" } else { "s" },
        stream_told(bench.stream),
        seeds_told(seeds)
    );
    text += &accuracies(bench, lines)?;
    text += "\n* baseline: `none` is plain training; `cumulative` and `joint` keep all data.\n";
    if let Some(tracked) = bench.tracked() {
        writeln!(text, "- {tracked}.")?;
    }
    text += &gaps(&bench.skipped);
    text += &gaps(&finished.diverged);
    for off in bench.off_strengths(lines) {
        writeln!(text, "- {off}.")?;
    }
    for collapsed in bench.collapsed(lines) {
        writeln!(text, "- {collapsed}.")?;
    }
    let sharp = bench.stream == StreamKind::Sharp;
    if scenarios.contains(&Scenario::Class) && *contexts > 1 && sharp {
        writeln!(text, "{}", expectation(*protocol, *contexts))?;
    }
    text += &never_ticked(lines);
    text += &remarks(bench);
    let seconds: f64 = lines.iter().map(|line| line.train_seconds).sum();
    writeln!(text, "{} runs, {seconds:.1} s of training: {}", lines.len(), path.display())?;
    Ok(text)
}

/// What consolidates every so many steps did nothing in a stream that is shorter.
fn never_ticked(lines: &[Line]) -> String {
    let short = lines.iter().filter(|line| line.steps < u64::from(line.settings.update_every));
    short.max_by_key(|line| line.steps).map_or(String::new(), |line| {
        format!(
            "Nothing was consolidated: the stream has {} steps, --update-every is {}.\n",
            line.steps, line.settings.update_every
        )
    })
}

/// The stream, where it is no sharp one.
pub(crate) fn stream_told(kind: StreamKind) -> String {
    match kind {
        StreamKind::Sharp => String::new(),
        StreamKind::Fuzzy { fuzziness } => format!(", fuzzy stream (fuzziness {fuzziness})"),
        StreamKind::Random | StreamKind::OnePass => format!(", {kind} stream"),
    }
}

fn seeds_told(seeds: &[u64]) -> String {
    match seeds {
        [one] => format!("seed {one} alone"),
        [first, .., last] if seeds.windows(2).all(|pair| pair[1] == pair[0].saturating_add(1)) => {
            format!("{} seeds ({first} to {last})", seeds.len())
        }
        all => {
            let all: Vec<String> = all.iter().map(ToString::to_string).collect();
            format!("{} seeds ({})", all.len(), all.join(", "))
        }
    }
}

/// Why cells are empty, each reason once.
pub(crate) fn gaps(skipped: &[Skipped]) -> String {
    let mut text = String::new();
    for skipped in skipped {
        text += &format!("- {} in {}: {}.\n", skipped.strategy, skipped.scenario, skipped.reason);
    }
    text
}

/// What the table of van de Ven, Tuytelaars & Tolias 2022 shows, and why.
fn expectation(protocol: Protocol, contexts: usize) -> String {
    let chance = 100.0 / contexts as f64;
    let far = match protocol {
        Protocol::Split => format!("stay near 1/k = {chance:.0} % for k = {contexts} contexts"),
        Protocol::Permuted | Protocol::Rotated => "stay far below `joint`".to_owned(),
    };
    format!(
        "Expect: class-incremental, penalties alone (ewc, ewc-online, si) {far}, since no loss ever \
         compares classes of different contexts; replay does."
    )
}

/// What keeps the figures from being compared.
pub(crate) fn remarks(bench: &Bench) -> String {
    let mut text = String::new();
    if bench.quick {
        text += "Quick look: these figures are not comparable with any others.\n";
    }
    if !bench.deviations.is_empty() {
        text += &format!(
            "Other than the default protocol of {} {}: {}. Compare only with runs of the same.\n",
            bench.dataset,
            bench.protocol,
            bench.deviations.join(", ")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_told_as_a_range_or_one_by_one() {
        assert_eq!(seeds_told(&[2, 7, 4]), "3 seeds (2, 7, 4)");
        assert_eq!(seeds_told(&[2]), "seed 2 alone");
        assert_eq!(seeds_told(&[2, 3, 4]), "3 seeds (2 to 4)");
    }

    #[test]
    fn what_to_expect_depends_on_the_number_of_contexts() {
        assert!(expectation(Protocol::Split, 5).contains("1/k = 20 % for k = 5"));
        assert!(expectation(Protocol::Split, 10).contains("1/k = 10 % for k = 10"));
        assert!(!expectation(Protocol::Rotated, 10).contains("1/k"));
    }
}
