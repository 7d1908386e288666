//! `continual list`: what can be chosen.

use crate::cli::ListOptions;
use crate::print;
use anyhow::Result;
use comfy_table::Table;
use continual::CALIBRATION_ERROR;
use continual::metrics::{ANYTIME_METRICS, METRICS, PLASTICITY_METRICS};
use continual::registry::STRATEGIES;
use continual::scenarios::{DatasetName, Error, Protocol, Scenario};
use continual::schema::TABLES;
use continual::{Pair, Preset};
use std::path::Path;

pub(crate) fn run(options: &ListOptions) -> Result<()> {
    match options.pairs {
        true => print::text(&pairs_table(&continual::pairs())),
        false => print::text(&text(options.data.as_deref())),
    }
}

/// A letter for every scenario in which a pair runs, and below it why not where it does not.
fn pairs_table(pairs: &[Pair]) -> String {
    let names: Vec<&str> = pairs.iter().filter(|p| p.first == p.second).map(|p| p.first).collect();
    let letters = |pair: &Pair| -> String {
        let letter = |(scenario, refused): &(Scenario, Option<String>)| match refused {
            None => scenario.to_string().chars().next().unwrap_or('?'),
            Some(_) => '.',
        };
        pair.refused.iter().map(letter).collect()
    };
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header([""].iter().chain(&names));
    for row in &names {
        let cell = |column: &&str| {
            let ends = [*row, *column];
            pairs
                .iter()
                .find(|pair| [pair.first, pair.second] == ends || [pair.second, pair.first] == ends)
                .map_or(String::new(), letters)
        };
        let cells = names.iter().map(cell);
        table.add_row(std::iter::once((*row).to_owned()).chain(cells));
    }
    let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
    for pair in pairs {
        let name = match pair.first == pair.second {
            true => pair.first.to_owned(),
            false => format!("{}+{}", pair.first, pair.second),
        };
        for (scenario, reason) in &pair.refused {
            let Some(reason) = reason else { continue };
            let at = format!("{name} ({scenario})");
            match reasons.iter_mut().find(|(known, _)| known == reason) {
                Some((_, pairs)) => pairs.push(at),
                None => reasons.push((reason.clone(), vec![at])),
            }
        }
    }
    let mut text = format!(
        "Pairs on split digits; t, d, c: runs in task-, domain-, class-incremental streams; .: does \
         not. On the diagonal: alone.\n\n{}\n",
        table.trim_fmt()
    );
    for (reason, pairs) in reasons {
        text += &format!("\n{reason}:\n  {}\n", pairs.join(", "));
    }
    text
}

fn text(data: Option<&Path>) -> String {
    let scenarios = Scenario::ALL.map(|scenario| {
        let about = match scenario {
            Scenario::Task => "the context is told at test time: which of its classes is it?",
            Scenario::Domain => "the context is not told and need not be named",
            Scenario::Class => "which class of all contexts is it?",
        };
        (scenario.to_string(), about.to_owned())
    });
    let protocols = Protocol::ALL.map(|protocol| {
        let about = match protocol {
            Protocol::Split => "each context has its own classes",
            Protocol::Permuted => "each context has all classes and its own order of the pixels",
            Protocol::Rotated => "each context has all classes and its own angle",
        };
        (protocol.to_string(), about.to_owned())
    });
    let presets = Preset::ALL.map(|preset| (preset.to_string(), preset.about().to_owned()));
    let datasets = DatasetName::ALL.map(|name| (name.to_string(), found(name, data)));
    let mut metrics: Vec<(String, String)> = METRICS
        .iter()
        .map(|metric| (metric.name.to_owned(), format!("{}; {}", metric.formula, metric.source)))
        .collect();
    let anytime = ANYTIME_METRICS.iter().map(|metric| {
        let about = format!("{}; {}; with --anytime-every", metric.formula, metric.source);
        (metric.name.to_owned(), about)
    });
    metrics.extend(anytime);
    metrics.extend(PLASTICITY_METRICS.iter().map(|metric| {
        let about = format!("{}; {}; with --plasticity", metric.formula, metric.source);
        (metric.name.to_owned(), about)
    }));
    metrics.push((
        CALIBRATION_ERROR.to_owned(),
        "expected calibration error after the last context, 15 bins; Guo et al. 2017".to_owned(),
    ));
    metrics.push((
        "intransigence".to_owned(),
        "mean_j (joint model of contexts 1 to j, on j) - R[j][j]; Chaudhry et al. 2018; in reports, where `cumulative`, the joint \
         model, was run with the same seeds".to_owned(),
    ));
    [
        strategies(),
        section("Data sets", &datasets),
        section("Scenarios", &scenarios),
        section("Protocols", &protocols),
        section("Presets", &presets),
        section("Metrics", &metrics),
    ]
    .join("\n")
}

/// Every key of an experiment's file.
pub(crate) fn keys() -> String {
    let mut text = String::new();
    for table in TABLES {
        let title = match table.name {
            "" => "Before the first table".to_owned(),
            name => format!("[{name}]"),
        };
        let keys: Vec<(String, String)> = table
            .keys
            .iter()
            .map(|key| {
                let about = format!("{} ({}; default {})", key.purpose, key.range, key.default);
                (key.name.to_owned(), about)
            })
            .collect();
        text += &section(&title, &keys).replace('`', "");
        text.push('\n');
    }
    text + "[[strategy]]\n  name and hyper-parameters: `continual list` has them all\n"
}

fn section(title: &str, entries: &[(String, String)]) -> String {
    let width = entries.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let lines = entries.iter().map(|(name, about)| format!("  {name:width$}  {about}\n"));
    format!("{title}\n{}", lines.collect::<String>())
}

/// Strategies with their hyper-parameters below them.
fn strategies() -> String {
    let mut text = "Strategies (compose with +, such as xdg+ewc+er)\n".to_owned();
    for entry in STRATEGIES {
        text +=
            &format!("  {:13} {} ({}; {})\n", entry.name, entry.about, entry.family, entry.source);
        for hyper in entry.hypers {
            let presets = hyper.presets.iter();
            let presets =
                presets.map(|(preset, value)| format!(", preset {preset} {}", hyper.tell(*value)));
            let defaults = hyper.tell(hyper.paper) + &presets.collect::<String>();
            let name = format!("{}.{}", entry.name, hyper.name);
            text +=
                &format!("    {name:23} {} ({}; default {defaults})\n", hyper.purpose, hyper.range);
        }
    }
    text
}

/// Whether a data set is there.
fn found(name: DatasetName, data: Option<&Path>) -> String {
    match name.load(data) {
        Ok(loaded) => {
            let parts = [&loaded.train, &loaded.validation, &loaded.test].map(|part| part.len());
            let [train, validation, test] = parts;
            let built_in = if name == DatasetName::Digits { "built in" } else { "found" };
            let (width, height) = (loaded.width, loaded.height);
            format!(
                "{built_in}: {width}x{height}, {train} train, {validation} validation, {test} test"
            )
        }
        Err(Error::DataNotFound { .. }) => {
            "not found: name the folder of its files with --data or $CONTINUAL_DATA".to_owned()
        }
        Err(error) => format!("unusable: {}", print::one_line(&error.to_string())),
    }
}
