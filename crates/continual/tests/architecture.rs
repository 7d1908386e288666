//! What ARCHITECTURE.md says of parts and methods is true.
#![allow(clippy::unwrap_used)]

use cl_core::Parts;
use continual::registry::{Family, STRATEGIES};
use continual::{Bench, Request, Strengths};
use std::collections::BTreeSet;

/// Rows of the table of parts, as lists of cells.
fn rows() -> Vec<Vec<String>> {
    let text = include_str!("../../../ARCHITECTURE.md");
    let table = text.split("## Parts").nth(1).unwrap().split("## Invariants").next().unwrap();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect();
    table.lines().filter(|line| line.starts_with("| `")).map(cells).collect()
}

/// What stands in backquotes.
fn quoted(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_table_of_parts_names_exactly_the_strategies_that_play_them() {
    let [scenario, strategy] = ["task", "all"].map(|name| Some(name.to_owned()));
    let request = Request { scenario, strategy, ..Request::default() };
    let bench = Bench::new(&request, &Strengths::built_in().unwrap()).unwrap();
    let mut played = BTreeSet::new();
    let methods = bench.cells.iter().filter(|cell| !cell.composition.is_baseline());
    for cell in methods {
        let parts = Parts::of(cell.variants[0].strategy());
        let own = parts.played();
        assert!(!own.is_empty());
        played.extend(own.into_iter().map(|(part, name)| (part.to_owned(), name.to_owned())));
    }
    let said: BTreeSet<(String, String)> = rows()
        .iter()
        .flat_map(|cells| {
            let part = quoted(&cells[1]).into_iter().next().unwrap();
            quoted(&cells[4]).into_iter().map(move |name| (part.clone(), name))
        })
        .collect();
    assert_eq!(said, played);
    let count = bench.cells.iter().filter(|cell| !cell.composition.is_baseline()).count();
    let listed = STRATEGIES.iter().filter(|entry| entry.family != Family::Baseline);
    assert_eq!(listed.count(), count, "a strategy of the list does not run in this scenario");
}

/// Files of the probes that hold no probe.
const SUPPORT: [&str; 9] =
    ["common", "golden", "guarantees", "main", "memory", "seen", "slow", "task_free", "trials"];

#[test]
fn the_table_of_parts_names_exactly_the_probes_that_play_them() {
    let rows = rows();
    assert_eq!(rows.len(), 14);
    let parts: BTreeSet<String> = rows.iter().flat_map(|cells| quoted(&cells[1])).collect();
    let mut played = BTreeSet::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../cl-core/tests/probes");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let probe = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if SUPPORT.contains(&probe.as_str()) {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| line.starts_with("impl")) {
            let Some((before, _)) = line.split_once(" for ") else { continue };
            let part = before.rsplit(' ').next().unwrap_or_default().to_owned();
            if parts.contains(&part) {
                played.insert((part, probe.clone()));
            }
        }
    }
    let mut said = BTreeSet::new();
    for cells in &rows {
        let part = quoted(&cells[1]).into_iter().next().unwrap();
        for probe in cells[5].split(',').map(str::trim).filter(|probe| !probe.is_empty()) {
            said.insert((part.clone(), probe.to_owned()));
        }
    }
    assert_eq!(said, played);
}
