//! The `continual` binary from outside: exit codes, one line of error, no panic.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use std::path::Path;
use std::process::{Command, Output};

fn continual(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_continual"))
        .args(arguments)
        .env_remove("CONTINUAL_DATA")
        .output()
        .unwrap()
}

/// A run of a moment, with `more` behind its options.
fn tiny(out: &Path, more: &[&str]) -> Output {
    let out = out.display().to_string();
    let small =
        ["bench", "--hidden", "8", "--steps", "5", "--seeds", "2", "--threads", "1", "--out", &out];
    continual(&[&small[..], more].concat())
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

fn printed(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn bad_input_is_refused_with_one_line_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let cases: &[(&[&str], &[&str])] = &[
        (&["--strategy", "ewx"], &["strategy `ewx`", "did you mean `ewc`?"]),
        (&["--contexts", "-3"], &["--contexts", "-3"]),
        (&["--strategy", "fromp+hat", "--scenario", "task"], &["error: fromp: parameter", "hat/"]),
        (
            &["--strategy", "packnet+er", "--scenario", "task"],
            &["packnet and er cannot be composed"],
        ),
        (&["--strategy", "xdg", "--scenario", "task", "--set", "xdg.p=-0.1"], &["p = -0.1;"]),
        (
            &["--strategy", "separate", "--scenario", "task", "--set", "separate.units=1000000"],
            &["slot `theta`", "GB of memory are not there"],
        ),
        (&["--strategy", "none+er"], &["`none` is a baseline"]),
        (&["--dataset", "minst"], &["data set `minst`", "`mnist`"]),
        (&["--scenario", "klass"], &["scenario `klass`", "`class`"]),
        (&["--protocol", "splt"], &["protocol `splt`", "`split`"]),
        (&["--preset", "vdvv"], &["preset `vdvv`", "`vdv`"]),
        (&["--optimizer", "adm"], &["optimizer `adm`", "`adam`"]),
        (&["--strategy", "xdg", "--scenario", "class"], &["xdg", "class-incremental"]),
        (&["--set", "ewc.lamda=1"], &["hyper-parameter `ewc.lamda`", "`ewc.lambda`"]),
        (&["--set", "ewc.lambda"], &["--set `ewc.lambda`", "ewc.lambda=1e5"]),
        (&["--set", "ewc.lambda=much"], &["--set `ewc.lambda=much`", "a number"]),
        (&["--set", "ewc.lambda=-1"], &["ewc", "lambda = -1", "at least 0"]),
        (&["--set", "ewc.lambda=1e60"], &["--set", "32 bits"]),
        (&["--set", "ewc.lambda=1e-50"], &["--set", "32 bits"]),
        (&["--set", "xdg.p=1"], &["xdg", "p = 1"]),
        (&["--set", "er.per_class=0"], &["er", "at least 1"]),
        (&["--set", "er.per_class=1.5"], &["a whole number"]),
        (&["--strategy", "si", "--set", "ewc.lambda=1"], &["`ewc` is not among those that run"]),
        (&["--contexts", "3"], &["3 contexts", "1, 2, 5, 10"]),
        (&["--hidden", "8,,8"], &["--hidden `8,,8`"]),
        (&["--hidden", "16384,16384"], &["parameters, expected at most 100000000"]),
        (&["--lr", "-1"], &["--lr `-1`"]),
        (&["--lr", "inf"], &["--lr `inf`"]),
        (&["--batch", "0"], &["--batch `0`"]),
        (&["--threads", "0"], &["--threads `0`"]),
        (&["--dataset", "mnist", "--data", "/nowhere"], &["mnist: no files found", "/nowhere"]),
        (&["--sceanrio", "task"], &["unexpected argument '--sceanrio'", "'--scenario'"]),
        (&["--seeds", "many"], &["invalid value 'many'"]),
    ];
    for (arguments, expected) in cases {
        // Of an option given twice clap would complain first.
        let mut all = vec!["bench", "--out", out.to_str().unwrap()];
        all.extend_from_slice(arguments);
        let error = refusal(&continual(&all), 2);
        for part in *expected {
            assert!(error.contains(part), "{arguments:?}: {error:?} should say {part:?}");
        }
    }
    assert!(!out.exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_found_before_training() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken");
    std::fs::write(&file, "mine").unwrap();
    // So many steps would take hours.
    let out = file.display().to_string();
    let error = refusal(&continual(&["bench", "--steps", "1000000", "--out", &out]), 2);
    assert!(error.contains(&format!("--out {out}: the folder cannot be made")), "{error}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn a_loss_that_is_no_number_stops_with_context_step_and_strategy() {
    let folder = tempfile::tempdir().unwrap();
    let more = ["--lr", "1e30", "--strategy", "er", "--scenario", "domain"];
    let error = refusal(&tiny(folder.path(), &more), 1);
    for part in ["er, seed ", "context 1", "step "] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing half-written");
}

#[test]
fn runs_beside_one_that_fails_are_told_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    // A gradient step so large that only the penalty, from context 2 on, leaves the numbers.
    let more = [
        "--strategy",
        "none,ewc",
        "--scenario",
        "task",
        "--set",
        "ewc.lambda=1e38",
        "--optimizer",
        "sgd",
        "--lr",
        "0.1",
    ];
    let output = tiny(folder.path(), &more);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.lines().count() == 1 && error.starts_with("error: no results of ewc in task: "));
    assert!(error.contains("ewc, seed 2") && error.contains("context 2"), "{error}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("- ewc in task: ewc, seed 2: the loss is"), "{text}");
    let rows = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(rows("| ewc").ends_with(" - |") && rows("| none").contains(" ± "), "{text}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("results.jsonl").lines().count(), 2);
    assert_eq!(read("diverged.jsonl").lines().count(), 1);
    assert!(!folder.path().join("unfinished.json").exists());
}

#[test]
fn a_benchmark_prints_its_table_and_writes_one_line_per_run() {
    let folder = tempfile::tempdir().unwrap();
    let text = printed(&tiny(folder.path(), &["--strategy", "none,xdg,er"]));
    for part in [
        "| strategy |",
        "| none *   |",
        "2 seeds (2 to 3)",
        "- xdg in class: xdg needs the context of each",
        "Expect: class-incremental",
        "1/k = 20 %",
        "--steps, --hidden",
        "14 runs",
    ] {
        assert!(text.contains(part), "{text} should say {part:?}");
    }
    // Three scenarios, two of which do not suit xdg; two seeds.
    let lines = std::fs::read_to_string(folder.path().join("results.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 14);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    let page = folder.path().join("report.html");
    assert!(text.ends_with(&format!("The report: {}\n", page.display())), "{text}");
    let page = std::fs::read_to_string(page).unwrap();
    for part in ["Class-incremental", "continual bench --strategy none,xdg,er --seeds 2"] {
        assert!(page.contains(part), "the page should say {part:?}");
    }
}

#[test]
fn a_dry_run_prints_costs_and_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let arguments = ["bench", "--dry-run", "--strategy", "none,er", "--scenario", "class", "--out"];
    let text = printed(&continual(&[&arguments[..], &[out.to_str().unwrap()]].concat()));
    for part in ["MAC per step", "bytes kept", "10 runs on digits split", "Nothing was trained"] {
        assert!(text.contains(part), "{text} should say {part:?}");
    }
    // 10 exemplars of 8 classes, which four contexts leave behind, 64 bytes of pixels and one of label.
    assert!(text.contains("5.20 k"), "{text}");
    assert!(!out.exists());
}

#[test]
fn a_quick_look_says_that_it_is_not_comparable() {
    let text = printed(&continual(&["bench", "--quick", "--dry-run"]));
    assert!(text.contains("not comparable"), "{text}");
    assert!(text.contains("| none"), "{text}");
}

#[test]
fn list_names_everything_that_can_be_chosen() {
    let text = printed(&continual(&["list"]));
    for name in [
        "ewc-online",
        "er-reservoir",
        "cumulative",
        "ewc.lambda",
        "Kirkpatrick",
        "built in: 8x8",
        "fashion-mnist",
        "class",
        "permuted",
        "vdv",
        "bwt_gem",
    ] {
        assert!(text.contains(name), "{name}: {text}");
    }
}

#[test]
fn tune_prints_a_grid_and_writes_what_it_chose() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("strengths.toml");
    std::fs::write(&file, "# mine\n[digits.split.paper.task]\nxdg.p = 0.95\n").unwrap();
    let path = file.to_str().unwrap();
    let arguments = [
        "tune",
        "--strategy",
        "xdg",
        "--steps",
        "5",
        "--hidden",
        "10",
        "--threads",
        "1",
        "--write",
        path,
    ];
    let text = printed(&continual(&arguments));
    assert!(text.contains("digits.split.paper.task xdg.p: "), "{text}");
    assert!(!text.contains("paper.class"), "{text}");
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.starts_with("# mine\n[digits.split.paper.task]\nxdg.p = "), "{written}");
    assert!(!written.contains("0.95"), "{written}");
    let nothing = continual(&["tune", "--strategy", "er,none"]);
    assert!(refusal(&nothing, 2).contains("none of the strategies has a strength"));
    let refused = continual(&["tune", "--dataset", "mnist", "--data", "/nowhere"]);
    refusal(&refused, 2);
    // Before anything is tuned.
    std::fs::write(&file, "digits = 3\n").unwrap();
    let nowhere = folder.path().join("no/strengths.toml");
    for (path, code) in [(path, 2), (nowhere.to_str().unwrap(), 1)] {
        let refused = continual(&["tune", "--strategy", "xdg", "--steps", "5", "--write", path]);
        let text = refusal(&refused, code);
        assert!(text.contains("strengths.toml") && refused.stdout.is_empty(), "{text}");
    }
}

#[test]
fn files_that_are_no_data_are_refused_with_their_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"] {
        std::fs::write(folder.path().join(format!("{name}-ubyte")), "not at all").unwrap();
    }
    let data = folder.path().display().to_string();
    let error = refusal(&continual(&["bench", "--dataset", "mnist", "--data", &data]), 2);
    assert!(error.contains("train-labels-idx1-ubyte: not an IDX file"), "{error}");
    let text = printed(&continual(&["list", "--data", &data]));
    assert!(text.contains("mnist          unusable: "), "{text}");
}

#[test]
fn help_names_the_exit_codes() {
    for arguments in [&["--help"][..], &["bench", "--help"], &["tune", "--help"]] {
        let text = printed(&continual(arguments));
        assert!(text.contains("Exit codes: 0 done, 1 a run failed"), "{text}");
    }
}
