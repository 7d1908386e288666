//! What is known of a table, as a page.

use super::{Reproduction, Target, Verdict};
use crate::{Error, Line};
use cl_metrics::Summary;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Writes the page in Markdown: every cell published and ours, whether it is inside, the seconds it took,
/// and the conventions of all runs. `machine` says where it ran.
///
/// # Errors
/// Results that cannot be read.
pub fn page(reproduction: &Reproduction, machine: &str) -> Result<String, Error> {
    let table = &reproduction.table;
    let mut text =
        format!("# {}\n\nPublished: {}, {} seeds.\n", table.title, table.source, table.seeds);
    let mut all: Vec<Line> = Vec::new();
    let mut rows = String::new();
    let mut counts = Counts::default();
    for target in &reproduction.targets {
        let lines = reproduction.done(target)?;
        rows += &row(reproduction, target, &lines, &mut counts)?;
        all.extend(lines);
    }
    let seeds = seeds(&all);
    writeln!(text, "Ours: {seeds}; continual {}, {machine}.\n", env!("CARGO_PKG_VERSION")).ok();
    let rule = table.accept;
    writeln!(
        text,
        "A cell is inside if it differs by at most max({} points, {} s.e.m. · √(1 + {}/n)) with n seeds of \
         ours. A method may lie above, a baseline (\\*) never. Cells in brackets are not confirmed: they are \
         reported and decide nothing. {counts}\n",
        rule.points, rule.sems, table.seeds
    )
    .ok();
    text += "| method | scenario | published | ours | n | difference | allowed | | s per run |\n";
    text += "|---|---|---:|---:|---:|---:|---:|---|---:|\n";
    text += &rows;
    let notes = table.row.iter().filter_map(|row| Some((&row.name, row.note.as_ref()?)));
    for (at, (name, note)) in notes.enumerate() {
        text += if at == 0 { "\n## Notes\n\n" } else { "" };
        writeln!(text, "* {name}: {note}").ok();
    }
    text += &conventions(reproduction, &all);
    Ok(text)
}

/// How many confirmed cells are where.
#[derive(Default)]
struct Counts {
    reproduced: usize,
    outside: usize,
    open: usize,
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { reproduced, outside, open } = self;
        write!(
            f,
            "Confirmed cells: {reproduced} inside or above, {outside} outside, {open} not run."
        )
    }
}

fn row(
    reproduction: &Reproduction,
    target: &Target,
    lines: &[Line],
    counts: &mut Counts,
) -> Result<String, Error> {
    let (table, published) = (&reproduction.table, target.published);
    let name = &table.row[target.row].name;
    let star = if target.is_baseline { " \\*" } else { "" };
    let figure = format!("{:.2} ± {:.2}", published.mean, published.sem);
    let figure = if published.confirmed { figure } else { format!("({figure})") };
    let front = format!("| {name}{star} | {} | {figure} |", target.scenario);
    let values: Vec<f64> =
        lines.iter().filter_map(|line| line.metrics.get("final_accuracy").copied()).collect();
    if values.is_empty() {
        counts.open += usize::from(published.confirmed);
        let why = if target.is_known() { "not run" } else { "not in this version" };
        return Ok(format!("{front} | | | | {why} | |\n"));
    }
    let ours = Summary::of(&values)?;
    let verdict = Verdict::of(published, table.seeds, table.accept, &ours, target.is_baseline);
    if published.confirmed {
        match verdict {
            Verdict::Inside | Verdict::Above => counts.reproduced += 1,
            Verdict::Outside => counts.outside += 1,
        }
    }
    let word = match published.confirmed {
        true => verdict.word().to_owned(),
        false => format!("({})", verdict.word()),
    };
    let sem = ours.sem.map_or(String::new(), |sem| format!(" ± {:.2}", 100.0 * sem));
    let seconds: f64 =
        lines.iter().map(|line| line.train_seconds).sum::<f64>() / lines.len() as f64;
    Ok(format!(
        "{front} {:.2}{sem} | {} | {:+.2} | {:.2} | {word} | {seconds:.1} |\n",
        100.0 * ours.mean,
        ours.n,
        100.0 * ours.mean - published.mean,
        table.accept.limit(published.sem, table.seeds, ours.n),
    ))
}

fn seeds(lines: &[Line]) -> String {
    let (first, last) = lines
        .iter()
        .fold((u64::MAX, 0), |(low, high), line| (low.min(line.seed), high.max(line.seed)));
    match lines {
        [] => "nothing run yet".to_owned(),
        _ if first == last => format!("seed {first}"),
        _ => format!("seeds {first} to {last}"),
    }
}

/// What all runs have in common, then what each row has of its own.
fn conventions(reproduction: &Reproduction, lines: &[Line]) -> String {
    let Some(first) = lines.first() else { return String::new() };
    // Of a seed, not of a table.
    let told = |name: &str| name != "stream.class_order";
    let is_common = |name: &str, value: &str| {
        lines.iter().all(|line| line.conventions.get(name).is_some_and(|other| other == value))
    };
    let mut text = "\n## Conventions\n\nAll runs:\n\n".to_owned();
    let common =
        first.conventions.iter().filter(|(name, value)| told(name) && is_common(name, value));
    for (name, value) in common {
        writeln!(text, "* {name}: {value}").ok();
    }
    let mut own: BTreeMap<(usize, String), Vec<String>> = BTreeMap::new();
    for line in lines {
        let row = reproduction.table.row.iter();
        let at = row.clone().position(|row| row.strategy_name() == line.strategy);
        let differing = line.conventions.iter().filter(|(name, value)| {
            told(name) && !is_common(name, value) && !name.starts_with("stream.")
        });
        for (name, value) in differing {
            let values = own.entry((at.unwrap_or(usize::MAX), name.clone())).or_default();
            let value = format!("{value} ({})", line.scenario);
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }
    let mut last = None;
    for ((at, name), values) in own {
        let Some(row) = reproduction.table.row.get(at) else { continue };
        if last != Some(at) {
            writeln!(text, "\n`{}`:\n", row.name).ok();
            last = Some(at);
        }
        writeln!(text, "* {name}: {}", merged(&values)).ok();
    }
    text
}

/// One value for all scenarios is told once.
fn merged(values: &[String]) -> String {
    let bare = |value: &str| value.rsplit_once(" (").map_or(value, |(bare, _)| bare).to_owned();
    match values {
        [first, rest @ ..] if rest.iter().all(|value| bare(value) == bare(first)) => bare(first),
        _ => values.join(", "),
    }
}
