//! `continual tradeoff`.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

fn tradeoff(out: &Path, arguments: &[&str]) -> Output {
    let small = ["--contexts", "2", "--steps", "20", "--seeds", "2", "--threads", "1"];
    Command::new(env!("CARGO_BIN_EXE_continual"))
        .args(["tradeoff", "ewc", "--out"])
        .arg(out)
        .args(small)
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn a_sweep_is_told_and_drawn_beside_both_baselines() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let output = tradeoff(&out, &["--values", "1e3,1"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let first: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    let first: Vec<&str> =
        first.iter().map(|line| line.split('|').nth(1).unwrap().trim()).collect();
    assert_eq!(first[0], "ewc.lambda");
    assert_eq!(first[2..], ["1", "1e3", "none *", "joint *"]);
    let mut names: Vec<String> = std::fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["origin.json", "report.html", "results.jsonl", "tradeoff.png", "tradeoff.svg"]
    );
    let svg = std::fs::read_to_string(out.join("tradeoff.svg")).unwrap();
    for label in ["1e3", "none", "joint", "domain-incremental"] {
        assert!(svg.contains(label), "{label}");
    }
}

#[test]
fn what_cannot_be_swept_is_one_line_of_bad_input() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        (vec!["--values", "-1"], "-1"),
        (vec!["--hyper", "ewc.lamda"], "did you mean `ewc.lambda`?"),
        (vec!["--scenario", "tsk"], "did you mean `task`?"),
    ];
    for (arguments, expected) in cases {
        let output = tradeoff(&folder.path().join("out"), &arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(expected) && error.lines().count() == 1, "{error}");
    }
}
