//! What tells boards apart.

use super::Board;
use crate::Settings;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Settings that need no name beside their value, in the order in which they are told.
const PLAIN: [&str; 3] = ["dataset", "protocol", "stream"];
/// So many others are told.
const MOST_TOLD: usize = 4;

/// Gives every board a title of its own: the scenario, and whatever differs between boards.
pub(super) fn name(boards: &mut [Board]) {
    let all: Vec<BTreeMap<String, String>> = boards.iter().map(|it| told(&it.settings)).collect();
    let mut differing: Vec<&String> = match all.first() {
        Some(first) => first.keys().filter(|name| *name != "scenario").collect(),
        None => Vec::new(),
    };
    differing.retain(|name| values(&all, name) > 1);
    differing.sort_by_key(|name| PLAIN.iter().position(|it| it == name).unwrap_or(PLAIN.len()));
    let conventions: Vec<_> = boards.iter().map(|board| board.conventions.clone()).collect();
    let names: BTreeSet<&String> = conventions.iter().flatten().map(|(name, _)| name).collect();
    // Those of settings are told as settings.
    let unlike: Vec<&&String> = match differing.is_empty() {
        true => names.iter().filter(|name| values(&conventions, name) > 1).collect(),
        false => Vec::new(),
    };
    let versions: BTreeSet<String> = boards.iter().map(|it| it.version.clone()).collect();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for (board, settings) in boards.iter_mut().zip(&all) {
        let mut parts = vec![scenario(&board.settings.scenario)];
        for name in differing.iter().take(MOST_TOLD) {
            let value = settings.get(*name).map_or("", String::as_str);
            parts.push(match PLAIN.contains(&name.as_str()) {
                true => value.to_owned(),
                false => format!("{} {value}", name.replace('_', " ")),
            });
        }
        for name in unlike.iter().take(MOST_TOLD) {
            let value = board.conventions.get(**name).map_or("not said", String::as_str);
            parts.push(format!("{name}: {value}"));
        }
        if versions.len() > 1 {
            parts.push(format!("version {}", board.version));
        }
        let mut title = parts.join(", ");
        let plain = title.clone();
        for count in 2.. {
            if taken.insert(title.clone()) {
                break;
            }
            title = format!("{plain} ({count})");
        }
        board.title = title;
    }
}

/// How many values something has.
fn values(all: &[BTreeMap<String, String>], name: &str) -> usize {
    all.iter().map(|it| it.get(name)).collect::<BTreeSet<_>>().len()
}

fn scenario(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|it| it.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}-incremental", letters.as_str())
}

/// Settings by name, as text, without what differs within a board.
pub(super) fn told(settings: &Settings) -> BTreeMap<String, String> {
    let Ok(Value::Object(fields)) = serde_json::to_value(settings) else { return BTreeMap::new() };
    let kept = fields
        .into_iter()
        .filter(|(name, _)| !["strategy", "hyper", "seed"].contains(&name.as_str()));
    kept.map(|(name, value)| (name, text(&value))).collect()
}

/// A value as people write it: lists with dashes, numbers without a needless `.0`.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => {
            number.as_f64().map_or_else(|| number.to_string(), crate::label::number)
        }
        Value::Array(all) => all.iter().map(text).collect::<Vec<_>>().join("-"),
        Value::Object(fields) => {
            let all = fields.iter().map(|(name, value)| format!("{name} {}", text(value)));
            all.collect::<Vec<_>>().join(", ")
        }
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    }
}
