//! The strategies of the file.

use super::source::Entry;
use crate::choices::{Chosen, all, check_hyper};
use crate::nearest::unknown;
use crate::registry::{Composition, Hyper, Numbers, STRATEGIES, Under};
use crate::{Error, Preset};
use cl_core::Strategy;
use cl_scenarios::{Scenario, StreamKind};
use std::collections::BTreeMap;
use toml::de::DeTable;

/// Names and tables of strategies, in order. Rows of one composition are told apart by what each
/// table gives, rows of a sweep by the values swept.
pub(crate) fn strategies(entry: &Entry<'_>, preset: Preset) -> Result<Vec<Chosen>, Error> {
    let items = entry.items().filter(|items| !items.is_empty()).ok_or_else(|| {
        entry.wrong("tables [[strategy]], or a list of names and of tables { name = .. }")
    })?;
    let mut chosen: Vec<Chosen> = Vec::new();
    for item in &items {
        chosen.extend(match item.table() {
            Some(table) => from_table(item, table, preset)?,
            None => named(item)?,
        });
    }
    let names: Vec<String> = chosen.iter().map(|one| one.composition.name.clone()).collect();
    for one in &mut chosen {
        let again = names.iter().filter(|name| **name == one.composition.name).count() > 1;
        let shown = one.hyper.iter().filter(|(_, values)| again || values.len() > 1);
        one.shown = shown.map(|(name, _)| name.clone()).collect();
    }
    Ok(chosen)
}

/// The strategies of a name: one, a composition, or all.
fn named(entry: &Entry<'_>) -> Result<Vec<Chosen>, Error> {
    let expected = "the name of a strategy, such as \"ewc\" or \"xdg+ewc\"";
    let name = match entry.items() {
        Some(parts) if !parts.is_empty() => {
            let names: Result<Vec<&str>, Error> =
                parts.iter().map(|part| part.text(expected)).collect();
            names?.join("+")
        }
        _ => entry.text(expected)?.to_owned(),
    };
    if name == "all" {
        return Ok(all());
    }
    let composition = Composition::parse(&name).map_err(|error| entry.refused(error))?;
    Ok(vec![Chosen { place: Some(entry.place()), ..Chosen::new(composition) }])
}

fn from_table<'t>(
    item: &Entry<'t>,
    table: &'t DeTable<'t>,
    preset: Preset,
) -> Result<Vec<Chosen>, Error> {
    let entries = item.source.entries("strategy", table);
    let Some(name) = entries.iter().find(|entry| entry.key == "name") else {
        return Err(item.refused(Error::Impossible(
            "strategy: `name` is missing, expected such as name = \"ewc\"".to_owned(),
        )));
    };
    let mut chosen = named(name)?;
    let mut given = entries.iter().filter(|entry| entry.key != "name");
    let [one] = &mut chosen[..] else {
        return match given.next_back() {
            None => Ok(chosen),
            Some(entry) => Err(entry.refused(Error::Impossible(format!(
                "{}: `all` takes no hyper-parameters, expected the name of one strategy",
                entry.path
            )))),
        };
    };
    for entry in given {
        // `ewc.lambda = 1` is a table `ewc` in TOML.
        match entry.table() {
            None => read_hyper(entry, None, one, preset)?,
            Some(table) => {
                for inner in item.source.entries(&entry.path, table) {
                    read_hyper(&inner, Some(entry.key), one, preset)?;
                }
            }
        }
    }
    Ok(chosen)
}

/// One value or a list of them for a hyper-parameter, of a part if one is named.
fn read_hyper(
    entry: &Entry<'_>,
    part: Option<&str>,
    chosen: &mut Chosen,
    preset: Preset,
) -> Result<(), Error> {
    // In quotes, as on the command line: "ewc.lambda" = 1.
    let (part, key) = match (part, entry.key.split_once('.')) {
        (None, Some((part, key))) => (Some(part), key),
        (part, _) => (part, entry.key),
    };
    let (name, hyper) = find(entry, part, key, &chosen.composition)?;
    if chosen.hyper.iter().any(|(known, _)| *known == name) {
        return Err(entry.refused(Error::Impossible(format!("{}: given twice", entry.path))));
    }
    let items = entry.one_or_more();
    let mut values: Vec<f64> = Vec::with_capacity(items.len());
    for item in &items {
        let value = match hyper.numbers {
            Numbers::Names(_) => {
                hyper.read(item.text("a name")?).map_err(|expected| item.wrong(expected))?
            }
            Numbers::Real | Numbers::Whole => {
                let expected = format!("a number, {}, or a list of them", hyper.range);
                let value = item.number().ok_or_else(|| item.wrong(expected))?;
                check_hyper(hyper, value).map_err(|expected| item.wrong(expected))?;
                value
            }
        };
        check_range(item, &chosen.composition, &name, value, preset)?;
        if values.iter().any(|known| *known as f32 == value as f32) {
            return Err(item.wrong("each value of a sweep once"));
        }
        values.push(value);
    }
    if values.is_empty() {
        return Err(entry.wrong("at least one value"));
    }
    chosen.hyper.push((name, values));
    Ok(())
}

/// Asks the method itself, with the value in place of its default.
fn check_range(
    item: &Entry<'_>,
    composition: &Composition,
    name: &str,
    value: f64,
    preset: Preset,
) -> Result<(), Error> {
    let mut hyper: BTreeMap<String, f64> = composition
        .hypers()
        .into_iter()
        .map(|(name, about)| (name, about.default(preset)))
        .collect();
    hyper.insert(name.to_owned(), value);
    let under = Under { preset, scenario: Scenario::Task, kind: StreamKind::Sharp, batch: 32 };
    composition.build(under, &hyper).check().map_err(|error| item.refused(error.into()))
}

/// The hyper-parameter that a key means.
fn find(
    entry: &Entry<'_>,
    part: Option<&str>,
    key: &str,
    composition: &Composition,
) -> Result<(String, &'static Hyper), Error> {
    let hypers = composition.hypers();
    let strategy = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    let fits = |(name, hyper): &&(String, &'static Hyper)| {
        hyper.name == key && part.is_none_or(|part| strategy(name) == part)
    };
    let found: Vec<_> = hypers.iter().filter(fits).collect();
    match &found[..] {
        [one] => Ok((*one).clone()),
        [] => Err(entry.refused(missing((entry, part, key), composition, &hypers))),
        several => {
            let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
            Err(entry.refused(Error::Impossible(format!(
                "{}: several parts of `{}` have it, expected one of {}",
                entry.path,
                composition.name,
                names.join(", ")
            ))))
        }
    }
}

/// Why a key is no hyper-parameter here.
fn missing(
    (entry, part, key): (&Entry<'_>, Option<&str>, &str),
    composition: &Composition,
    hypers: &[(String, &'static Hyper)],
) -> Error {
    let about = &composition.name;
    if let Some(part) = part
        && !composition.parts.iter().any(|known| known.name == part)
    {
        let parts: Vec<&str> = composition.parts.iter().map(|known| known.name).collect();
        return unknown("part of a strategy", part, &parts);
    }
    let others: Vec<&str> = STRATEGIES
        .iter()
        .filter(|other| other.hyper(key).is_some())
        .map(|other| other.name)
        .collect();
    if !others.is_empty() {
        return Error::Impossible(format!(
            "{}: strategy `{about}` has no hyper-parameter `{}`, which is one of {}",
            entry.path,
            key,
            others.join(", ")
        ));
    }
    // Of a composition also the full names are understood.
    let mut known: Vec<&str> = Vec::new();
    for (full, hyper) in hypers {
        known.push(if composition.parts.len() == 1 { hyper.name } else { full });
    }
    if known.is_empty() {
        return Error::Impossible(format!(
            "{}: strategy `{about}` has no hyper-parameters",
            entry.path
        ));
    }
    let name = match part {
        Some(part) => format!("{part}.{key}"),
        None => key.to_owned(),
    };
    unknown("hyper-parameter", &name, &known)
}
