//! The report against numbers worked out by hand, and against whatever a file may hold.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

#[path = "report/made.rs"]
mod made;

use continual::report::{Origin, Report};
use made::{Made, line, write};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Final accuracies of three strategies and a baseline over six seeds.
const FINALS: [(&str, [f64; 6]); 4] = [
    ("er", [0.90, 0.92, 0.94, 0.90, 0.92, 0.94]),
    ("ewc", [0.80, 0.82, 0.84, 0.81, 0.81, 0.84]),
    ("si", [0.80, 0.84, 0.80, 0.84, 0.80, 0.84]),
    ("joint", [0.99; 6]),
];

fn hand_made() -> (TempDir, Report) {
    let mut lines = Vec::new();
    for (strategy, finals) in FINALS {
        for (seed, value) in finals.into_iter().enumerate() {
            // R = [[0.96, 0.1], [2 f - 0.9, 0.9]]: its last row has the mean f.
            let matrix = vec![vec![0.96, 0.1], vec![2.0 * value - 0.9, 0.9]];
            let matrix = if strategy == "joint" { vec![vec![value, value]] } else { matrix };
            lines.push(line(&Made { strategy, seed: seed as u64 + 2, matrix, ..Made::default() }));
        }
    }
    let folder = write(&lines);
    let report = Report::read(folder.path()).unwrap();
    (folder, report)
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found} and {expected}");
}

/// Means: er 5.52 / 6 = 0.92, ewc 4.92 / 6 = 0.82, si 4.92 / 6 = 0.82; joint has no rank.
#[test]
fn ranks_are_by_the_mean_and_equal_means_share_one() {
    let (_folder, report) = hand_made();
    assert_eq!((report.boards.len(), report.runs, report.repeated), (1, 24, 0));
    let board = &report.boards[0];
    assert_eq!(board.title, "Class-incremental");
    let ranks: Vec<_> = board.rows.iter().map(|row| (row.label.as_str(), row.rank)).collect();
    assert_eq!(ranks[..2], [("joint", None), ("er", Some(1))]);
    let last: BTreeMap<&str, Option<usize>> = ranks[2..].iter().copied().collect();
    assert_eq!(last, BTreeMap::from([("ewc", Some(2)), ("si", Some(2))]));
}

/// er: deviations -0.02, 0, 0.02 twice, sd = sqrt(4 * 0.0004 / 5) = 0.0178885, s.e.m. = sd / sqrt(6) =
/// 0.00730297; t(0.975, 5) = 2.57058184, so 0.92 -+ 0.0187729. Forgetting of er, 0.96 - (2 f - 0.9): mean 0.02.
/// Learning accuracy (0.96 + 0.9) / 2; average incremental (0.96 + 0.92) / 2.
#[test]
fn intervals_and_metrics_are_those_worked_out_by_hand() {
    let (_folder, report) = hand_made();
    let er = &report.boards[0].rows[1];
    let last = er.last().unwrap();
    let (low, high) = last.ci95.unwrap();
    near(last.mean, 0.92);
    near(last.sd.unwrap(), 0.017_888_544);
    near(low, 0.92 - 0.018_772_9);
    near(high, 0.92 + 0.018_772_9);
    near(er.metrics["forgetting_chaudhry"].mean, 0.02);
    near(er.metrics["learning_accuracy"].mean, 0.93);
    near(er.metrics["average_incremental_accuracy"].mean, 0.94);
    near(er.old.unwrap().mean, 0.94);
    near(er.new.unwrap().mean, 0.9);
    near(er.seen[1].1.mean, 0.92);
    near(er.accuracy[1][0], 0.94);
    assert_eq!((er.bytes_kept, er.macs, er.seeds.len()), (1000, Some(5_000_000), 6));
}

/// Three pairs: 3 * 2/64 = 0.094 is too much, so t tests decide; seven seeds would do, 3 * 2/128 = 0.047. er lies
/// 0.1 above ewc (differences -0.10, -0.10, -0.10, -0.09, -0.11, -0.10: sd 0.0063246, t = -38.7) and above si;
/// ewc - si: 0, -0.02, 0.04, -0.03, 0.01, 0 has the mean 0.
#[test]
fn groups_are_told_apart_by_paired_tests_corrected_for_their_number() {
    let (_folder, report) = hand_made();
    let board = &report.boards[0];
    let verdict = board.verdict;
    assert_eq!((verdict.compared, verdict.pairs, verdict.different), (3, 3, 2));
    assert_eq!((verdict.seeds, verdict.needed, verdict.is_exact()), (6, 7, false));
    let row = |name: &str| board.rows.iter().find(|row| row.label == name).unwrap();
    let groups: Vec<_> = ["er", "ewc", "si", "joint"].map(|name| row(name).group.clone()).into();
    assert_eq!(groups, [Some("a".to_owned()), Some("b".to_owned()), Some("b".to_owned()), None]);
    let ewc = row("ewc").against_best.unwrap();
    near(ewc.paired.difference.mean, -0.1);
    near(ewc.paired.difference.sd.unwrap(), 0.006_324_555);
    assert_eq!(ewc.paired.p, 2.0 / 64.0);
    assert!(ewc.paired.t_p < 1e-6 && ewc.adjusted_p <= 3.0 * ewc.paired.t_p + 1e-15);
    assert!(row("er").against_best.is_none() && row("joint").against_best.is_none());
}

/// Joint models of contexts 1 and 1 to 2: 0.98 and 0.94 with seed 2, 0.96 and 0.92 with seed 3; er knew 0.9 and 0.8 when
/// it had learned them, so (0.08 + 0.14) / 2 = 0.11 and (0.06 + 0.12) / 2 = 0.09.
#[test]
fn intransigence_is_known_beside_joint_models_of_the_same_seeds() {
    let made = |strategy, seed, [first, second]: [f64; 2]| {
        let matrix = vec![vec![first, 0.1], vec![0.7, second]];
        line(&Made { strategy, seed, matrix, ..Made::default() })
    };
    let joint = [made("cumulative", 2, [0.98, 0.94]), made("cumulative", 3, [0.96, 0.92])];
    let er = [2, 3, 4].map(|seed| made("er", seed, [0.9, 0.8]));
    let of = |lines: &[String]| {
        let folder = write(lines);
        let report = Report::read(folder.path()).unwrap();
        let row = report.boards[0].rows.iter().find(|row| row.label == "er").unwrap();
        row.metrics.get("intransigence").map(|it| it.mean)
    };
    near(of(&[&joint[..], &er[..2]].concat()).unwrap(), 0.10);
    near(of(&[&joint[..1], &er[..1]].concat()).unwrap(), 0.11);
    assert_eq!(of(&[&joint[..], &er[..]].concat()), None, "seed 4 has no joint model");
    assert_eq!(of(&er[..2]), None);
}

/// One pair: 2/64 does with six seeds, so the exact test decides, though the t test would say far less.
#[test]
fn with_seeds_enough_the_exact_test_decides() {
    let made = |strategy, seed, value: f64| {
        line(&Made {
            strategy,
            seed,
            matrix: vec![vec![0.9, 0.1], vec![value, 0.8]],
            ..Made::default()
        })
    };
    let of = |(seed, low): (u64, f64)| [made("er", seed, low + 0.1), made("ewc", seed, low)];
    let lows = [0.80, 0.82, 0.84, 0.81, 0.81, 0.85];
    let folder = write(&(2..).zip(lows).flat_map(of).collect::<Vec<_>>());
    let board = &Report::read(folder.path()).unwrap().boards[0];
    assert!(board.verdict.is_exact() && board.verdict.needed == 6, "{:?}", board.verdict);
    let against = board.rows[1].against_best.unwrap();
    assert_eq!((against.adjusted_p, board.verdict.different), (2.0 / 64.0, 1));
    assert!(against.paired.t_p < 1e-6);
}

#[test]
fn what_differs_in_more_than_the_strategy_is_ranked_by_itself() {
    let base = Made::default();
    let lines = [
        line(&base),
        line(&Made { strategy: "er", ..base.clone() }),
        line(&Made { preset: "vdv", ..base.clone() }),
        line(&Made { loss: "another one", ..base.clone() }),
        line(&Made { version: "0.0.9", ..base.clone() }),
        line(&Made { scenario: "task", ..base.clone() }),
    ];
    let folder = write(&lines);
    let report = Report::read(folder.path()).unwrap();
    let titles: Vec<&str> = report.boards.iter().map(|board| board.title.as_str()).collect();
    let rows: Vec<usize> = report.boards.iter().map(|board| board.rows.len()).collect();
    assert_eq!(rows, [2, 1, 1, 1, 1]);
    assert!(titles[1].contains("preset vdv") && titles[3].contains("version 0.0.9"), "{titles:?}");
    assert!(titles[4].starts_with("Task-incremental"), "{titles:?}");
    let mut distinct = titles.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), titles.len());
    // The class order is another one with every seed: no reason to part them.
    let seeds = write(&[line(&base), line(&Made { seed: 9, ..base.clone() })]);
    assert_eq!(Report::read(seeds.path()).unwrap().boards.len(), 1);
    let conventions = write(&[line(&base), line(&Made { loss: "another one", ..base.clone() })]);
    let report = Report::read(conventions.path()).unwrap();
    assert_eq!(report.boards[1].title, "Class-incremental, loss: another one");
}

#[test]
fn a_run_that_is_there_twice_counts_once_and_a_sweep_has_a_row_per_value() {
    let base = Made { strategy: "ewc", ..Made::default() };
    let sweep = |lambda| Made { hyper: Some(("ewc.lambda", lambda)), ..base.clone() };
    let folder = write(&[line(&sweep(1.0)), line(&sweep(1e4)), line(&sweep(1e4))]);
    let report = Report::read(folder.path()).unwrap();
    let mut labels: Vec<&str> =
        report.boards[0].rows.iter().map(|row| row.label.as_str()).collect();
    labels.sort_unstable();
    assert_eq!((labels, report.repeated), (vec!["ewc lambda=1", "ewc lambda=1e4"], 1));
    assert!(report.html().contains("the last one counts"));
}

#[test]
fn damage_is_named_by_file_and_line_and_a_folder_without_results_by_what_to_do() {
    let good = line(&Made::default());
    let cases: [(&str, &str); 6] = [
        ("{\"dataset\"", "EOF while parsing"),
        ("{}", "missing field `dataset` at column 2; without this line the others are reported"),
        ("\u{fffd}", "expected value"),
        (&good.replace("0.1]", "1.7]"), "row 0, context 1: 1.7 is not a fraction"),
        (
            &good.replace("[0.9,0.1]", "[0.9]"),
            "row 1 has length 2, expected one value per context (1)",
        ),
        (&good.replace("[0.9,0.1]", "[]"), "at least one context"),
    ];
    for (damaged, reason) in cases {
        let folder = write(&[good.clone(), damaged.to_owned()]);
        let error = Report::read(folder.path()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("results.jsonl:2: ") && text.contains(reason), "{text}");
        assert!(error.is_bad_input() && text.lines().count() == 1, "{text}");
    }
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path| Report::read(path).unwrap_err().to_string();
    assert!(refused(&folder.path().join("gone")).contains("there is no such folder; expected the"));
    assert!(refused(folder.path()).contains("there is no results.jsonl in it; expected the --out"));
    fs::write(folder.path().join("results.jsonl.partial"), "").unwrap();
    assert!(refused(folder.path()).contains("not finished; go on with it by `continual resume`"));
    fs::write(folder.path().join("results.jsonl"), "\n").unwrap();
    assert!(refused(folder.path()).ends_with("results.jsonl in it has no lines"));
    assert!(refused(&folder.path().join("results.jsonl")).ends_with("is no folder"));
    fs::write(folder.path().join("origin.json"), "[").unwrap();
    assert!(refused(folder.path()).contains("origin.json: does not say where results come from"));
}

#[test]
fn folders_below_count_as_one_as_repro_leaves_them() {
    let folder = tempfile::tempdir().unwrap();
    for (cell, strategy) in [("class-none/2-seeds", "none"), ("class-er/2-seeds", "er")] {
        let cell = folder.path().join(cell);
        fs::create_dir_all(&cell).unwrap();
        let text = line(&Made { strategy, ..Made::default() }) + "\n";
        fs::write(cell.join("results.jsonl"), text).unwrap();
    }
    let report = Report::read(folder.path()).unwrap();
    assert_eq!((report.boards.len(), report.boards[0].rows.len()), (1, 2));
}

/// Whatever of a line can be a text of anybody's.
#[test]
fn no_text_of_a_file_becomes_markup() {
    let evil = "</script><img src=x onerror='alert(1)'>\"&";
    let made = Made {
        strategy: evil,
        scenario: evil,
        preset: evil,
        loss: evil,
        version: evil,
        device: evil,
        hyper: Some((evil, 1.0)),
        ..Made::default()
    };
    let folder = write(&[line(&made), line(&Made { hyper: Some((evil, 2.0)), ..made.clone() })]);
    let evil = evil.to_owned();
    let origin = Origin {
        command: evil.clone(),
        file: Some((evil.clone(), evil.clone())),
        machine: evil.clone(),
        remarks: vec![evil.clone()],
    };
    origin.write(folder.path()).unwrap();
    let gap = serde_json::json!({ "scenario": evil, "strategy": evil, "reason": evil });
    fs::write(folder.path().join("diverged.jsonl"), gap.to_string()).unwrap();
    let page = Report::read(folder.path()).unwrap().html();
    assert!(
        page.contains("&lt;/script&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt;&quot;&amp;")
    );
    assert!(!page.to_lowercase().contains("<img") && !page.contains("onerror='"));
    assert_eq!(page.matches("<script").count(), 1);
    assert_eq!(page.matches("</script").count(), 1);
}

#[test]
fn a_page_needs_nothing_but_itself() {
    let (folder, report) = hand_made();
    let path = report.write().unwrap();
    assert_eq!(path, folder.path().join("report.html"));
    let page = fs::read_to_string(path).unwrap();
    assert_eq!(page, report.html());
    for outside in ["http:", "https:", " src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("default-src 'none'"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn ten_thousand_lines_and_ten_thousand_settings_stay_below_two_megabytes() {
    let contexts = 50;
    let matrix = vec![vec![0.5; contexts]; contexts];
    let of = |at: u64| Made {
        strategy: ["ewc", "er", "si", "xdg+ewc"][at as usize % 4],
        hyper: Some(("ewc.lambda", (at / 4) as f64)),
        seed: at % 3,
        ..Made::default()
    };
    let many: Vec<String> =
        (0..600).map(|at| line(&Made { matrix: matrix.clone(), ..of(at) })).collect();
    let sweeps: Vec<String> = (0..10_000).map(|at| line(&of(at))).collect();
    let boards: Vec<String> = (0..10_000).map(|at| line(&Made { steps: at, ..of(0) })).collect();
    for lines in [many, sweeps, boards] {
        let folder = write(&lines);
        let page = Report::read(folder.path()).unwrap().html();
        assert!(page.len() < 2_000_000, "{} lines: {} bytes", lines.len(), page.len());
        assert!(page.len() > 100_000 && page.ends_with("</html>\n"));
    }
}

#[test]
fn formats_have_the_same_numbers() {
    let (_folder, report) = hand_made();
    let markdown = report.markdown();
    assert!(markdown.contains("| 1 | er | a | 92.00 ± 1.88 |"), "{markdown}");
    assert!(markdown.contains("| - | joint \\* |  | 99.00 ± 0.00 |"), "{markdown}");
    let csv = report.csv();
    let table: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(table.len(), 5);
    assert!(table.iter().all(|row| row.len() == table[0].len()));
    let column = table[0].iter().position(|name| *name == "final_accuracy").unwrap();
    near(table[2][column].parse().unwrap(), 0.92);
    let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
    near(json["boards"][0]["rows"][1]["metrics"]["final_accuracy"]["mean"].as_f64().unwrap(), 0.92);
}

#[cfg(feature = "cli")]
#[test]
fn the_command_prints_writes_and_refuses() {
    let (folder, report) = hand_made();
    let run = |arguments: &[&str]| {
        let program = env!("CARGO_BIN_EXE_continual");
        std::process::Command::new(program).arg("report").args(arguments).output().unwrap()
    };
    let place = folder.path().display().to_string();
    let printed = |arguments: &[&str]| {
        let output = run(&[&[place.as_str()], arguments].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let page = folder.path().join("report.html");
    assert_eq!(printed(&[]), format!("The report: {}\n", page.display()));
    assert_eq!(fs::read_to_string(&page).unwrap(), report.html());
    assert_eq!(printed(&["--format", "md"]), report.markdown());
    assert_eq!(printed(&["--format", "json"]), report.json().unwrap());
    let file = folder.path().join("numbers.csv");
    let told = printed(&["--format", "csv", "--out", file.to_str().unwrap()]);
    assert_eq!(told, format!("The report: {}\n", file.display()));
    assert_eq!(fs::read_to_string(&file).unwrap(), report.csv());
    let below = file.join("below").display().to_string();
    let gone = format!("{place}/gone");
    for (arguments, part) in [
        (&[gone.as_str()][..], "there is no such folder"),
        (&[&place, "--format", "md", "--out", &below], "cannot be written"),
        (&[&place, "--format", "pdf"], "invalid value 'pdf' for '--format <FORMAT>'"),
    ] {
        let output = run(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.starts_with("error: ") && error.contains(part), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

/// Contexts 2 and 4 of 4 are tracked; rows come after contexts 1, 2 and 4. Before context 2 nothing tracked is
/// learned; then 0.8; at the end (0.6 + 0.9) / 2. The one row of `joint` is of all of them.
#[test]
fn a_sparse_matrix_keeps_the_numbers_of_its_contexts() {
    let of = |strategy, matrix: Vec<Vec<f64>>, after: &[usize]| {
        let text = line(&Made { strategy, matrix, ..Made::default() });
        let mut line: serde_json::Value = serde_json::from_str(&text).unwrap();
        line["settings"]["contexts"] = 4.into();
        line["tracked_contexts"] = vec![2, 4].into();
        line["evaluated_after"] = after.into();
        line.to_string()
    };
    let rows = vec![vec![0.1, 0.2], vec![0.8, 0.3], vec![0.6, 0.9]];
    let folder = write(&[of("none", rows, &[1, 2, 4]), of("joint", vec![vec![0.9, 0.7]], &[1])]);
    let report = Report::read(folder.path()).unwrap();
    let [joint, none] = &report.boards[0].rows[..] else { panic!("{:?}", report.boards) };
    assert_eq!((&none.tracked[..], &none.after[..]), (&[2, 4][..], &[1, 2, 4][..]));
    let seen: Vec<(usize, f64)> = none.seen.iter().map(|(at, it)| (*at, it.mean)).collect();
    assert_eq!(seen, [(2, 0.8), (4, 0.75)]);
    assert_eq!((&joint.after[..], joint.seen[0].0), (&[4][..], 4));
    // Old: context 2 at the end; new: context 4 right after it.
    near(none.old.unwrap().mean, 0.6);
    near(none.new.unwrap().mean, 0.9);
    assert!(report.html().contains("none,4,2,0.6000"));
}

/// A line with accuracies on the way: `lows` at two of 601 evaluations, 0.75 at the others.
fn seen_on_the_way(seed: u64, lows: [f64; 2]) -> String {
    let mut value: serde_json::Value =
        serde_json::from_str(&line(&Made { strategy: "er", seed, ..Made::default() })).unwrap();
    let glance = |step: usize| {
        let accuracy = match step {
            301 => lows[0],
            599 => lows[1],
            _ => 0.75,
        };
        serde_json::json!({"context": step / 301, "step": step, "accuracy": [accuracy, 0.5]})
    };
    let glances: Vec<_> = (0..=600).map(glance).collect();
    value["anytime"] = serde_json::json!({"contexts": 2, "glances": glances});
    value.to_string()
}

/// A line whose network was asked what it can still learn after each of two contexts.
fn probed(seed: u64, dormant: [Option<f64>; 2]) -> String {
    let mut value: serde_json::Value =
        serde_json::from_str(&line(&Made { strategy: "er", seed, ..Made::default() })).unwrap();
    let of = |share: Option<f64>| {
        share.map(|it| serde_json::json!({"dormant_units": it, "effective_rank": 3.5, "weight_magnitude": 0.1}))
    };
    value["plasticity"] = serde_json::json!(dormant.map(of));
    value.to_string()
}

/// (0.1 + 0.2) / 2 after the first context, (0.3 + 0.5) / 2 after the second.
#[test]
fn dormant_units_are_drawn_over_contexts() {
    let folder = write(&[probed(2, [Some(0.1), Some(0.3)]), probed(3, [Some(0.2), Some(0.5)])]);
    let report = Report::read(folder.path()).unwrap();
    let dormant = &report.boards[0].rows[0].dormant;
    assert_eq!(dormant.iter().map(|(context, _)| *context).collect::<Vec<_>>(), [1, 2]);
    near(dormant[0].1.mean, 0.15);
    near(dormant[1].1.mean, 0.4);
    let page = report.html();
    assert!(page.contains("<h3>Dormant units</h3>"));
    assert!(page.contains("strategy,context,dormant_units,ci95_low,ci95_high"));
    assert!(!hand_made().1.html().contains("Dormant units"), "nobody asked there");
    // Where one run has no number there is no mean.
    let folder = write(&[probed(2, [Some(0.1), Some(0.3)]), probed(3, [Some(0.2), None])]);
    let some = &Report::read(folder.path()).unwrap().boards[0].rows[0].dormant;
    assert_eq!(some.len(), 1);
}

/// 601 evaluations are drawn three by three, each three by their lowest mean: (0.3 + 0.5) / 2 and
/// (0.7 + 0.75) / 2 stay, where they were.
#[test]
fn a_curve_on_the_way_keeps_how_low_it_fell() {
    let folder = write(&[seen_on_the_way(2, [0.3, 0.7]), seen_on_the_way(3, [0.5, 0.75])]);
    let report = Report::read(folder.path()).unwrap();
    let way = &report.boards[0].rows[0].way;
    assert_eq!(way.len(), 201);
    let lower: Vec<_> = way.iter().filter(|(_, it)| it.mean < 0.75).collect();
    assert_eq!(lower.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [301, 599]);
    near(lower[0].1.mean, 0.4);
    near(lower[1].1.mean, 0.725);
    let page = report.html();
    assert!(page.contains("<h3>The first context, on the way</h3>"));
    assert!(!hand_made().1.html().contains("on the way</h3>"), "nobody looked there");
    // Runs that were looked at after other steps have no mean.
    let other = seen_on_the_way(3, [0.5, 0.5]).replace("\"step\":600", "\"step\":601");
    let folder = write(&[seen_on_the_way(2, [0.3, 0.3]), other]);
    assert!(Report::read(folder.path()).unwrap().boards[0].rows[0].way.is_empty());
}
