//! `continual repro` on a small table of made-up figures.
#![allow(clippy::unwrap_used)]

use continual::repro::{PublishedTable, Reproduction, Wanted};
use std::path::Path;
use std::process::{Command, Output};

const TABLE: &str = "
title = 'Made up'
source = 'nobody'
seeds = 20
accept = { points = 1.5, sems = 3 }
experiment = { training = { steps = 8 }, network = { hidden = [8] }, data = { contexts = 2 } }

[[row]]
name = 'none'
task = { mean = 50.0, sem = 30.0 }
class = { mean = 100.0, sem = 0.0 }
note = 'made up'

[[row]]
name = 'strong'
strategy = { name = 'ewc', lambda = 3.0 }
task = { mean = 0.0, sem = 0.0, confirmed = false }

[[row]]
name = 'to-come'
strategy = 'nothing-of-that-name'
domain = { mean = 1.0, sem = 1.0 }
";

fn repro(folder: &Path, options: &[&str]) -> Output {
    let table = folder.join("made-up.toml");
    std::fs::write(&table, TABLE).unwrap();
    Command::new(env!("CARGO_BIN_EXE_continual"))
        .arg("repro")
        .arg(&table)
        .arg("--out")
        .arg(folder.join("out"))
        .args(options)
        .output()
        .unwrap()
}

/// The page without the seconds, which differ from run to run.
fn page(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("out/made-up.md")).unwrap();
    let without = |line: &str| match line.strip_suffix('|') {
        Some(row) => row.rsplit_once('|').map_or(row, |(front, _)| front).to_owned(),
        None => line.to_owned(),
    };
    text.lines().map(without).collect()
}

fn runs(folder: &Path) -> usize {
    let mut runs = 0;
    for cell in std::fs::read_dir(folder.join("out")).unwrap().flatten() {
        let Ok(parts) = std::fs::read_dir(cell.path()) else { continue };
        for part in parts.flatten() {
            let lines = std::fs::read_to_string(part.path().join("results.jsonl")).unwrap();
            runs += lines.lines().count();
        }
    }
    runs
}

#[test]
fn a_page_holds_every_cell_and_says_which_are_inside() {
    let folder = tempfile::tempdir().unwrap();
    let output = repro(folder.path(), &["--seeds", "2"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = page(folder.path());
    let row = |start: &str| {
        let mut rows = page.iter().filter(|line| line.starts_with(start));
        rows.next().unwrap_or_else(|| panic!("{start} in {page:#?}")).clone()
    };
    // 3 · 30 · √11 = 298.5 points are allowed.
    let inside = row("| none \\* | task | 50.00 ± 30.00 |");
    assert!(inside.contains("| 298.50 | inside "), "{inside}");
    let outside = row("| none \\* | class | 100.00 ± 0.00 |");
    assert!(outside.contains("| 1.50 | **outside** "), "{outside}");
    let above = row("| strong | task | (0.00 ± 0.00) |");
    assert!(above.contains("| (above) "), "{above}");
    assert!(row("| to-come | domain |").contains("not in this version"));
    assert!(page.iter().any(|line| line.contains("1 inside or above, 1 outside, 1 not run.")));
    assert!(page.contains(&"* none: made up".to_owned()));
    assert!(page.contains(&"* ewc.lambda: 3".to_owned()));
    assert!(page.iter().any(|line| line.starts_with("* budget: iterations")));
}

#[test]
fn what_is_done_is_not_done_again_and_more_seeds_add_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert!(repro(folder, &["--seeds", "1", "--only", "none"]).status.success());
    assert_eq!(runs(folder), 2);
    assert!(repro(folder, &["--seeds", "3", "--only", "none,strong"]).status.success());
    assert_eq!(runs(folder), 9);
    let pieces = page(folder);
    let at_once = tempfile::tempdir().unwrap();
    assert!(repro(at_once.path(), &["--seeds", "3"]).status.success());
    assert_eq!(page(at_once.path()), pieces);
}

/// Whatever moment the time is up at, also within a cell: the page comes out as in one go.
#[test]
fn out_of_time_everything_is_saved_and_the_same_command_goes_on() {
    let (pieces, at_once) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let left = |budget: &str| {
        let output = repro(pieces.path(), &["--budget-minutes", budget]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).contains("cells are left")
    };
    assert!(left("1e-9"));
    // From a fifth of a millisecond on, a little more each time.
    let done = (1..200).find(|tries| !left(&format!("{}", 4e-6 * f64::from(*tries))));
    assert!(done.is_some());
    assert!(repro(at_once.path(), &[]).status.success());
    assert_eq!(page(pieces.path()), page(at_once.path()));
    assert_eq!(runs(pieces.path()), 6);
}

/// Results that cannot be read are not trained again in silence.
#[test]
fn a_damaged_line_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["--seeds", "1", "--only", "none"];
    assert!(repro(folder.path(), &options).status.success());
    let cells = std::fs::read_dir(folder.path().join("out")).unwrap().flatten();
    let cell = cells.map(|it| it.path()).find(|it| it.is_dir()).unwrap();
    let part = std::fs::read_dir(cell).unwrap().flatten().next().unwrap().path();
    let results = part.join("results.jsonl");
    let whole = std::fs::read_to_string(&results).unwrap();
    std::fs::write(&results, format!("damaged\n{whole}")).unwrap();
    let output = repro(folder.path(), &options);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("results.jsonl, line 1: it is damaged"), "{error}");
}

#[test]
fn rows_and_tables_that_are_not_there_are_bad_input() {
    let folder = tempfile::tempdir().unwrap();
    let output = repro(folder.path(), &["--only", "strog"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("row `strog` is unknown: did you mean `strong`?"), "{error}");
    let missing = Command::new(env!("CARGO_BIN_EXE_continual")).args(["repro", "no.toml"]).output();
    assert_eq!(missing.unwrap().status.code(), Some(2));
}

#[test]
fn the_device_of_the_options_is_that_of_every_cell() {
    let folder = tempfile::tempdir().unwrap();
    let output = repro(folder.path(), &["--only", "none", "--device", "cuda"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("--device `cuda`: expected cpu, gpu, gpu:NAME or auto"), "{error}");
    let output = repro(folder.path(), &["--only", "none", "--seeds", "1", "--device", "cpu"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(runs(folder.path()), 2);
}

#[test]
fn the_tables_of_the_project_can_be_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/repro");
    let mut tables = 0;
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().extension().is_some_and(|it| it == "toml") {
            let table = PublishedTable::read(&entry.path()).unwrap();
            assert!(!table.row.is_empty());
            // Everything in it is understood: only the data is not there.
            let data = Some("nowhere".into());
            let wanted = Wanted { seeds: 2, data, ..Wanted::default() };
            let error = Reproduction::new(table, wanted, Path::new("")).err().unwrap().to_string();
            assert!(error.contains("nowhere"), "{error}");
            tables += 1;
        }
    }
    assert!(tables > 0);
}
