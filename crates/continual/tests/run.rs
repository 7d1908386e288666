//! `continual run` from outside: files, options, exit codes.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use std::path::Path;
use std::process::{Command, Output};

/// In a folder of its own, since results go below the working folder.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_continual"))
        .arg("run")
        .args(arguments)
        .current_dir(folder)
        .env_remove("CONTINUAL_DATA")
        .output()
        .unwrap()
}

fn printed(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The one line of a refusal; standard output stays empty.
fn refusal(output: &Output, code: i32) -> String {
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.starts_with("error: ") && !error.contains("panicked"), "{error}");
    assert!(output.stdout.is_empty());
    error
}

const SWEEP: &str = "\
seeds = [2, 5]
scenario = ['class', 'task']

[network]
hidden = 8

[training]
steps = 5

[[strategy]]
name = 'none'

[[strategy]]
name = 'xdg+ewc'
lambda = [1, 1e3]

[[strategy]]
name = 'er'
per_class = [2, 3]
";

#[test]
fn a_file_is_trained_and_its_table_has_a_row_per_value() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.toml"), SWEEP).unwrap();
    let text = printed(&run(folder.path(), &["mine.toml"]));
    for part in [
        "Final accuracy in %, digits, split, 5 contexts: mean ± s.e.m. over 2 seeds (2, 5)",
        "| none *                 |",
        "| xdg+ewc ewc.lambda=1   |",
        "| xdg+ewc ewc.lambda=1e3 |",
        "| er per_class=2         |",
        "- xdg+ewc ewc.lambda=1,1e3 in class: xdg needs the context",
        "training.steps, network.hidden, hyper-parameters. Compare only",
        "16 runs",
    ] {
        assert!(text.contains(part), "{text} should say {part:?}");
    }
    let lines =
        std::fs::read_to_string(folder.path().join("target/run/mine/results.jsonl")).unwrap();
    let lambdas: Vec<f64> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|line| line["strategy"] == "xdg+ewc")
        .map(|line| line["settings"]["hyper"]["ewc.lambda"].as_f64().unwrap())
        .collect();
    assert_eq!((lines.lines().count(), &lambdas[..]), (16, &[1.0, 1.0, 1e3, 1e3][..]));
}

#[test]
fn a_dry_run_names_the_populations_and_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.toml"), SWEEP).unwrap();
    let text = printed(&run(folder.path(), &["mine.toml", "--dry-run", "--out", "results"]));
    for part in ["| xdg+ewc ewc.lambda=1,1e3 |", "| er per_class=3 ", "16 runs on digits split"] {
        assert!(text.contains(part), "{text} should say {part:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn options_come_before_the_file_and_paths_are_relative_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("below");
    std::fs::create_dir(&below).unwrap();
    let text = "seeds = 1\nscenario = 'task'\nstrategy = ['none']\n[network]\nhidden = 4\n\
                [training]\nsteps = 1\nthreads = 2\n[data]\nfolder = 'here'\ndataset = 'digits'\n";
    std::fs::write(below.join("a.toml"), text).unwrap();
    let threads = |more: &[&str]| {
        let arguments = [&["below/a.toml", "--out", "results"][..], more].concat();
        printed(&run(folder.path(), &arguments));
        let line = std::fs::read_to_string(folder.path().join("results/results.jsonl")).unwrap();
        serde_json::from_str::<serde_json::Value>(&line).unwrap()["threads"].as_u64()
    };
    assert_eq!((threads(&[]), threads(&["--threads", "3"])), (Some(2), Some(3)));
    let error = refusal(&run(folder.path(), &["below/a.toml", "--threads", "0"]), 2);
    assert!(error.contains("--threads `0`: expected 1 to"), "{error}");
    std::fs::write(below.join("b.toml"), text.replace("digits", "mnist")).unwrap();
    let error = refusal(&run(folder.path(), &["below/b.toml"]), 2);
    assert!(error.contains("mnist: no files found") && error.contains("below/here"), "{error}");
    let error = refusal(&run(folder.path(), &["below/b.toml", "--data", "there"]), 2);
    assert!(error.contains("there") && !error.contains("below/here"), "{error}");
}

#[test]
fn bad_files_are_refused_with_one_line_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let cases: &[(&[u8], &str)] = &[
        (
            b"[training]\nstpes = 3\n",
            "bad.toml:2: key of [training] `stpes` is unknown: did you mean `steps`?",
        ),
        (b"[optimizer]\nlr = -1\n", "bad.toml:2: optimizer.lr `-1`: expected a positive number"),
        (b"[training]\nsteps = \"\"\"\na\nb\"\"\"\n", "bad.toml:2: training.steps"),
        (b"a = [1,\n", "bad.toml:1: not TOML: "),
        (b"\xff\xfe", "bad.toml: cannot be read: "),
        (b"[network]\nhidden = [16384, 16384]\n", "bad.toml:2: MLP of sizes"),
    ];
    for (text, expected) in cases {
        std::fs::write(folder.path().join("bad.toml"), text).unwrap();
        let error = refusal(&run(folder.path(), &["bad.toml"]), 2);
        assert!(error.contains(expected), "{error:?} should say {expected:?}");
    }
    let error = refusal(&run(folder.path(), &["missing.toml"]), 2);
    assert!(error.contains("missing.toml: cannot be read: "), "{error}");
    let error = refusal(&run(folder.path(), &["."]), 2);
    assert!(error.contains(".: cannot be read: "), "{error}");
    let error = refusal(&run(folder.path(), &[]), 2);
    assert!(error.contains("FILE.toml"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_sweep_reports_the_values_that_diverge_and_a_single_run_fails() {
    let folder = tempfile::tempdir().unwrap();
    let with = |lambda: &str| {
        let text = format!(
            "scenario = 'task'\nseeds = 1\nnetwork.hidden = 8\ntraining.steps = 5\n\
             optimizer = {{ name = 'sgd', lr = 0.1 }}\n\
             strategy = [{{ name = 'ewc', lambda = {lambda} }}]\n"
        );
        std::fs::write(folder.path().join("mine.toml"), text).unwrap();
        run(folder.path(), &["mine.toml"])
    };
    let text = printed(&with("[1, 1e38]"));
    assert!(text.contains("- ewc lambda=1e38 in task: ewc, seed 2"), "{text}");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ewc")).collect();
    assert!(rows.len() == 2 && rows[1].ends_with(" - |"), "{text}");
    let error = refusal(&with("1e38"), 1);
    assert!(error.contains("ewc, seed 2") && error.contains("context 2"), "{error}");
}

#[test]
fn help_shows_a_file_and_keys_lists_them_all() {
    let folder = tempfile::tempdir().unwrap();
    let help = printed(&run(folder.path(), &["--help"]));
    for part in ["[[strategy]]", "docs/EXPERIMENTS.md", "Exit codes: 0 done", "--threads"] {
        assert!(help.contains(part), "{help} should say {part:?}");
    }
    let keys = printed(&run(folder.path(), &["--keys"]));
    for table in continual::schema::TABLES {
        for key in table.keys {
            assert!(keys.contains(&format!("\n  {}", key.name)), "{keys} lacks {}", key.name);
        }
    }
}
