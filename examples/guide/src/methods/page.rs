//! The pages, put together.

use super::code::{Documented, documented};
use super::facts::{DryRun, Facts};
use super::figures::Figures;
use continual::registry::{Entry, Family, Hyper, STRATEGIES};
use continual::scenarios::Scenario;
use std::error::Error;
use std::path::Path;

const WRITTEN: &str = "<!-- Written by `cargo xtask methods`: change the doc comment, the registry or the table instead. -->";

/// Every page of docs/methods by its file, the index first; `root` is the repository.
///
/// # Errors
/// A file that cannot be read, a strategy without a doc comment.
pub fn pages(root: &Path) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let (dry, figures) = (DryRun::new()?, Figures::read(root)?);
    let mut pages = vec![("README.md".to_owned(), index())];
    for entry in STRATEGIES {
        let documented = documented(root, entry.name)?;
        let page = page(entry, &documented, &dry, &figures);
        pages.push((format!("{}.md", entry.name), page));
    }
    Ok(pages)
}

fn index() -> String {
    let families = [
        (Family::Baseline, "Baselines"),
        (Family::Regularisation, "Regularisation"),
        (Family::Replay, "Replay"),
        (Family::Gating, "Gating, parts of networks"),
        (Family::Template, "Templates"),
    ];
    let sections = families.map(|(family, title)| {
        let entries = STRATEGIES.iter().filter(|entry| entry.family == family);
        let rows = entries.map(|it| {
            format!("| [{}]({}.md) | {} | {} |\n", it.name, it.name, it.about, it.source)
        });
        format!(
            "\n## {title}\n\n| strategy | what | source |\n|---|---|---|\n{}",
            rows.collect::<String>()
        )
    });
    format!(
        "{WRITTEN}\n# Methods\n\nA page per strategy: the formula and its source, hyper-parameters, what it needs of a stream, bytes \
         kept, cost, and the figures that are expected. Strategies compose with `+`; `continual list --pairs` says which \
         go together. What each part is: [ARCHITECTURE.md](../../ARCHITECTURE.md#parts).\n{}",
        sections.concat()
    )
}

fn page(entry: &Entry, documented: &Documented, dry: &DryRun, figures: &Figures) -> String {
    let facts = dry.of(entry.name);
    let Documented { files, text } = documented;
    let link = |file: &&str| format!("[crates/{file}](../../crates/{file})");
    let code: Vec<String> = files.iter().map(link).collect();
    let parts: Vec<String> = facts.parts.iter().map(|part| format!("`{part}`")).collect();
    let listed = |words: &[String]| match words {
        [] => "none".to_owned(),
        words => words.join(", "),
    };
    let needs: Vec<String> = facts.needs.iter().map(|it| (*it).to_owned()).collect();
    let needs = match needs.is_empty() {
        true => "nothing of the stream".to_owned(),
        false => needs.join("; "),
    };
    let Entry { name, family, about, source, .. } = entry;
    format!(
        "{WRITTEN}\n# {name}\n\n* in short: {about}\n* family: {family}\n* source: {source}\n* parts: {}\n* needs: {needs}\n* code: {}\n\n## Method\n\n{text}\n\n{}{}{}",
        listed(&parts),
        code.join(", "),
        hypers(entry, &facts),
        costs(&facts, dry),
        expected(name, figures),
    )
}

fn hypers(entry: &Entry, facts: &Facts) -> String {
    if entry.hypers.is_empty() {
        return String::new();
    }
    let rows = entry.hypers.iter().map(|hyper| {
        let name = format!("{}.{}", entry.name, hyper.name);
        let presets = hyper.presets.iter();
        let presets: Vec<String> =
            presets.map(|(preset, value)| format!("{preset} {}", hyper.tell(*value))).collect();
        let (presets, digits) = (presets.join(", "), on_digits(hyper, &name, facts));
        let Hyper { purpose, range, .. } = hyper;
        let paper = hyper.tell(hyper.paper);
        format!("| `{name}` | {paper} | {presets} | {digits} | {range} | {purpose} |\n")
    });
    format!(
        "## Hyper-parameters\n\nAs on the command line (`--set`) and in files. On digits: where no one says anything, by \
         scenario (task, domain, class) where they differ: strengths were chosen on validation images, sizes are those of \
         the protocol.\n\n| name | default | other presets | on digits | range | what |\n|---|---|---|---|---|---|\n{}\n",
        rows.collect::<String>()
    )
}

/// Its values in the scenarios where the strategy runs: one where they are the same.
fn on_digits(hyper: &Hyper, name: &str, facts: &Facts) -> String {
    let values = facts.values.iter().filter_map(|(_, values)| {
        values.iter().find(|(known, _)| known == name).map(|(_, value)| hyper.tell(*value))
    });
    let mut values: Vec<String> = values.collect();
    if values.iter().all(|value| *value == values[0]) {
        values.truncate(1);
    }
    values.join(", ")
}

fn costs(facts: &Facts, dry: &DryRun) -> String {
    let rows = facts.cost.iter().map(|(scenario, cost)| match cost {
        Err(reason) => format!("| {scenario} | does not run: {reason} | | | | |\n"),
        Ok(cost) => {
            let (all, step) = (cost.macs(), cost.costs.step.macs);
            let plain = dry
                .plain(*scenario)
                .map_or(String::new(), |plain| format!("{:.1}", all as f64 / plain as f64));
            let (kept, parameters) = (cost.costs.bytes_kept, cost.parameters);
            format!(
                "| {scenario} | {} | {} | {} | {plain} | {} |\n",
                grouped(parameters as u64),
                grouped(step),
                grouped(all),
                grouped(kept)
            )
        }
    });
    format!(
        "## Bytes and cost\n\nOf one run of the default protocol on digits, as a dry run counts them: multiply-accumulates \
         (MAC) of matrix products, those of steps, boundaries and evaluations in all, and what is kept between contexts \
         ([what counts](../EXPERIMENTS.md#equal-bytes)).\n\n| scenario | parameters | MAC per step | MAC in all | times `none` | bytes kept |\n\
         |---|---:|---:|---:|---:|---:|\n{}\n",
        rows.collect::<String>()
    )
}

fn expected(name: &str, figures: &Figures) -> String {
    let mut text = "## Expected figures\n\n".to_owned();
    if let Some(cells) = figures.digits(name) {
        let cells = Scenario::ALL.iter().zip(cells).filter(|(_, cell)| *cell != "-");
        let cells: Vec<String> = cells.map(|(it, cell)| format!("{it} {cell}")).collect();
        text += &format!(
            "Split digits, final accuracy in percent, mean ± s.e.m. over seeds 2 to 6 (README): {}.\n\n",
            cells.join(", ")
        );
    }
    let published = figures.published(name);
    if !published.is_empty() {
        text += "Split MNIST, published (van de Ven, Tuytelaars & Tolias 2022, 20 seeds; in brackets: from a second hand) \
                 and ours ([all of it](../repro/split-mnist.md)):\n\n| scenario | published | ours | seeds | |\n\
                 |---|---:|---:|---:|---|\n";
        for cells in published {
            text += &format!("| {} |\n", cells.join(" | "));
        }
        text.push('\n');
    }
    text + &format!("```sh\ncargo xtask bench --strategy {name}\n```\n")
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
