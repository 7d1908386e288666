//! `continual budget` and `continual explain-budget`.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used)]

use continual::{
    Asked, Cell, CheckpointEvery, Earlier, EqualBytes, Line, Progress, Request, Strengths, Work,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    // All 1,442 rows of the training data, 65 bytes each.
    assert_eq!(kept("joint"), [(93_730, None)]);
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
        (
            vec!["--strategy", "er", "--set", "er.per_class=5"],
            "--set er.per_class: it counts the rows of a memory, which --bytes chooses",
        ),
    ];
    for (arguments, expected) in cases {
        let output = budget(&folder.path().join("out"), &arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(expected) && error.lines().count() == 1, "{error}");
    }
}

/// The cells of the row of a table that begins with this.
fn row<'t>(text: &'t str, begins: &str) -> Vec<&'t str> {
    let cells = |line: &'t str| line.trim_matches('|').split('|').map(str::trim).collect();
    let mut rows = text.lines().filter(|line| line.starts_with('|')).map(cells);
    rows.find(|cells: &Vec<&str>| cells[0] == begins).unwrap_or_else(|| panic!("{begins}: {text}"))
}

#[test]
fn a_sensor_is_counted_in_bytes() {
    let output = continual(&["explain-budget", "--strategy", "none,er-reservoir,ewc+er,l2"]);
    let text = String::from_utf8(output.stdout).unwrap();
    // 3,840 x 2,160 x 4.5 bytes are 37,324,800; 48 a second 1,791,590,400; 86,400 seconds 1.548e14;
    // 365.25 days 5.654e16.
    let stored = [
        ("one frame", "37.3 MB"),
        ("a second", "1.79 GB"),
        ("a day", "155 TB"),
        ("a year of 365.25 days", "56.5 PB"),
    ];
    for (what, told) in stored {
        assert_eq!(row(&text, what), [what, told]);
    }
    // 64-128-128-10: 8,320 + 16,512 + 1,290 parameters.
    assert_eq!(row(&text, "none"), ["none", "0", "0 B", "0 B", "0.00e0 s", "26.1 k"]);
    // An anchor of 26,122 floats and a number: no rows, the same bytes, 5.83e-5 of a second.
    assert_eq!(row(&text, "l2")[1..], ["0", "104 kB", "104 kB", "5.83e-5 s", "26.1 k"]);
    // 10 rows of 10 classes: 65 bytes each here, a frame and a label there: 3,732,480,100 bytes.
    let expected = ["100", "6.50 kB", "3.73 GB", "2.08e0 s", "26.1 k"];
    assert_eq!(row(&text, "er-reservoir")[1..], expected);
    // 80 rows of 65 bytes beside 2 * 26,122 floats and a number: 208,980 + 5,200 bytes; 80 frames.
    assert_eq!(row(&text, "ewc+er")[1..], ["80", "214 kB", "2.99 GB", "1.67e0 s", "26.1 k"]);
    let output = continual(&["explain-budget", "--rate", "0"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn every_scenario_has_a_table_under_its_name_and_the_defaults_are_those_of_the_help() {
    let told = |arguments: &[&str]| {
        String::from_utf8(continual(&[&["explain-budget"], arguments].concat()).stdout).unwrap()
    };
    let text = told(&["--strategy", "none,er,xdg", "--scenario", "task,class"]);
    let [_, task, class] = text.split("-incremental\n\n").collect::<Vec<_>>()[..] else {
        panic!("{text}")
    };
    assert!(text.contains("\ntask-incremental\n\n| strategy"), "{text}");
    assert!(text.contains("\nclass-incremental\n\n| strategy"), "{text}");
    // 80 rows of 64 bytes, a label and in task-incremental learning the number of the context.
    assert_eq!((row(task, "er")[2], row(class, "er")[2]), ("5.28 kB", "5.20 kB"));
    assert!(task.contains("| xdg") && !class.contains("| xdg"), "{text}");
    let help = told(&["--help"]);
    for default in ["[default: class]", "[default: all]", "[default: 3840]", "1.79 GB", "56.5 PB"] {
        assert!(help.contains(default), "{default}: {help}");
    }
    assert!(!help.contains("task,domain,class"), "{help}");
    let (all, class) = (told(&[]), told(&["--scenario", "class", "--strategy", "all"]));
    assert_eq!(all, class);
}

/// Stops when the first population is through.
struct Once<'a>(&'a AtomicBool);

impl Progress for Once<'_> {
    fn end(&mut self, _: &Cell) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Every file of a folder, lines of results without what a clock measured.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        if path.extension().is_some_and(|it| it == "jsonl") {
            let untimed = |line: &str| {
                let mut line: Line = serde_json::from_str(line).unwrap();
                line.train_seconds = 0.0;
                serde_json::to_string(&line).unwrap() + "\n"
            };
            let text = String::from_utf8(bytes).unwrap();
            bytes = text.lines().map(untimed).collect::<String>().into_bytes();
        }
        (path.file_name().unwrap().to_str().unwrap().to_owned(), bytes)
    });
    files.collect()
}

#[test]
fn resuming_leaves_what_an_uninterrupted_budget_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, stopped) = (folder.path().join("whole"), folder.path().join("stopped"));
    let bytes = [2_000, 20_000];
    let arguments = ["--bytes", "2000,20k", "--strategy", "none,er-reservoir,joint"];
    let printed = |output: Output| {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let expected = printed(budget(&whole, &arguments));
    let request = Request {
        strategy: Some("none,er-reservoir,joint".to_owned()),
        contexts: Some(2),
        steps: Some(10),
        seeds: Some(2),
        hidden: Some("8".to_owned()),
        threads: Some(1),
        ..Request::default()
    };
    let strengths = Strengths::built_in().unwrap();
    let equal = EqualBytes::new(request, &bytes, &strengths).unwrap();
    let bench = equal.bench(&strengths).unwrap();
    let asked = Asked::Budget { request: equal.request, bytes: bytes.to_vec() };
    let (every, earlier) = (CheckpointEvery::default(), Earlier::Refuse);
    let stop = Arc::new(AtomicBool::new(false));
    let work = Work::begin(&stopped, &asked, &bench, every, earlier).unwrap();
    let mut work = work.stopping(Arc::clone(&stop));
    let interrupted = bench.run(&bench.costs().unwrap(), &mut Once(&stop), &mut work);
    assert!(interrupted.err().unwrap().is_interruption());
    drop(work);
    assert!(!stopped.join("results.jsonl").exists());
    let resumed = printed(continual(&["resume", stopped.to_str().unwrap()]));
    let (whole, stopped) = (whole.to_str().unwrap(), stopped.to_str().unwrap());
    assert_eq!(resumed, expected.replace(whole, stopped));
    let left = contents(Path::new(stopped));
    let names: Vec<&String> = left.keys().collect();
    let drawn =
        ["accuracy-bytes.png", "accuracy-bytes.svg", "accuracy-macs.png", "accuracy-macs.svg"];
    let told = ["origin.json", "report.html", "results.jsonl"];
    assert_eq!(names, [&drawn[..], &told].concat());
    // Those two say where they are, and seconds.
    let same = |mut files: BTreeMap<String, Vec<u8>>| {
        files.retain(|name, _| !told[..2].contains(&name.as_str()));
        files
    };
    assert_eq!(same(left), same(contents(Path::new(whole))));
}
