//! `continual budget` and `continual explain-budget`.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used)]

use continual::Line;
use std::path::Path;
use std::process::{Command, Output};

fn continual(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_continual")).args(arguments).output().unwrap()
}

fn budget(out: &Path, arguments: &[&str]) -> Output {
    let out = out.to_str().unwrap();
    let small =
        ["--contexts", "2", "--steps", "10", "--seeds", "2", "--hidden", "8", "--threads", "1"];
    continual(&[&["budget", "--out", out], &small[..], arguments].concat())
}

/// Digits: a row of an exemplar is 64 bytes and a label, two contexts have 5 classes each.
#[test]
fn a_memory_is_as_large_as_the_bytes_allow_and_no_larger() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let strategies = "none,ewc,er-reservoir,ewc+er-reservoir,joint";
    let output = budget(&out, &["--bytes", "2000,20k", "--strategy", strategies]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Line> = std::fs::read_to_string(out.join("results.jsonl"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kept = |strategy: &str| -> Vec<(u64, Option<f64>)> {
        let own = lines.iter().filter(|line| line.strategy == strategy && line.seed == 2);
        own.map(|line| {
            let rows = line.settings.hyper.get("er-reservoir.per_class").copied();
            (line.bytes_kept, rows)
        })
        .collect()
    };
    // 3 rows of 10 classes are 1,950 bytes, 30 are 19,500.
    assert_eq!(kept("er-reservoir"), [(1_950, Some(3.0)), (19_500, Some(30.0))]);
    // 64-8-10: 610 parameters; Fisher and anchor are 4,880 bytes, padding apart, and leave too little
    // of 2,000 for a row of each class.
    let [(ewc, None)] = kept("ewc")[..] else { panic!("{:?}", kept("ewc")) };
    let [(both, Some(rows))] = kept("ewc+er-reservoir")[..] else {
        panic!("{:?}", kept("ewc+er-reservoir"))
    };
    assert_eq!((both, rows), (ewc + 650 * rows as u64, ((20_000 - ewc) / 650) as f64));
    assert!(text.contains("ewc+er-reservoir does not do with 2.00 k bytes"), "{text}");
    for name in ["accuracy-bytes", "accuracy-macs"] {
        let svg = std::fs::read_to_string(out.join(name).with_extension("svg")).unwrap();
        for label in ["er-reservoir", "ewc (own bytes)", "joint", "class-incremental"] {
            assert!(svg.contains(label), "{label}");
        }
        assert!(out.join(name).with_extension("png").exists());
    }
}

#[test]
fn what_cannot_be_kept_is_one_line_of_bad_input() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        (vec!["--bytes", "0"], "such as 500, 10k"),
        (vec!["--bytes", "12q"], "such as 500, 10k"),
        (
            vec!["--bytes", "10", "--strategy", "er,fromp"],
            "10 bytes are too few: expected for er at least",
        ),
        (vec!["--strategy", "xdg"], "class-incremental stream does not show it"),
        (vec!["--scenario", "tsk"], "did you mean `task`?"),
    ];
    for (arguments, expected) in cases {
        let output = budget(&folder.path().join("out"), &arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(expected) && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn a_sensor_is_counted_in_bytes() {
    let output = continual(&["explain-budget", "--strategy", "none,er-reservoir"]);
    let text = String::from_utf8(output.stdout).unwrap();
    // 3,840 x 2,160 x 4.5 bytes are 37.3 MB; 48 a second 1.79 GB; 31,557,600 seconds 56.5 PB.
    for told in ["37.3 M", "1.79 G", "155 T", "56.5 P", "er-reservoir"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let output = continual(&["explain-budget", "--rate", "0"]);
    assert_eq!(output.status.code(), Some(2));
}
