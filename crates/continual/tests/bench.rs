//! A tiny benchmark in this process: what its results hold, and on what they do not depend.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use continual::registry::STRATEGIES;
use continual::{Bench, Error, Line, Request, Results, Strengths};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Digits, one small layer, few steps.
fn tiny(strategy: &str, scenario: &str) -> Request {
    Request {
        strategy: some(strategy),
        scenario: some(scenario),
        hidden: some("16"),
        steps: Some(10),
        seeds: Some(2),
        threads: Some(1),
        ..Request::default()
    }
}

fn run(request: &Request) -> Vec<Line> {
    let bench = Bench::new(request, &Strengths::built_in().unwrap()).unwrap();
    let costs = bench.costs().unwrap();
    bench.run(&costs, &mut (), &mut ()).unwrap().lines
}

fn names() -> String {
    STRATEGIES.iter().map(|entry| entry.name).collect::<Vec<_>>().join(",")
}

#[test]
fn a_line_has_exactly_the_fields_of_the_format() {
    let request = tiny("none,joint", "class");
    let bench = Bench::new(&request, &Strengths::built_in().unwrap()).unwrap();
    let costs = bench.costs().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut results = Results::open(folder.path()).unwrap();
    results.push(&bench.run(&costs, &mut (), &mut ()).unwrap().lines).unwrap();
    let text = std::fs::read_to_string(results.finish().unwrap()).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    for line in &lines {
        let mut fields: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "accuracy",
                "accuracy_before",
                "bytes_kept",
                "config_hash",
                "conventions",
                "dataset",
                "device",
                "generator_shares",
                "generator_spread",
                "macs",
                "members",
                "metrics",
                "metrics_undefined",
                "parameters",
                "penalty_ratio",
                "scenario",
                "seed",
                "settings",
                "steps",
                "strategy",
                "threads",
                "train_seconds",
                "version",
            ]
        );
        let undefined = line["metrics_undefined"].as_object().unwrap();
        assert!(undefined["intransigence"].as_str().unwrap().starts_with("intransigence needs"));
        assert_eq!(line["settings"]["seed"], line["seed"]);
        assert_eq!(line["accuracy_before"].as_array().unwrap().len(), 5);
        assert_eq!((&line["members"], &line["device"]), (&2.into(), &"cpu".into()));
        // 64 * 16 + 16 + 16 * 10 + 10
        assert_eq!((&line["parameters"], &line["steps"]), (&1210.into(), &50.into()));
        for convention in ["optimizer_reset", "mix", "budget", "stream.heads", "accuracy"] {
            assert!(line["conventions"][convention].is_string(), "{convention}");
        }
    }
    let of = |strategy: &str| -> Vec<&serde_json::Value> {
        lines.iter().filter(|line| line["strategy"] == strategy).collect()
    };
    assert_eq!(of("none")[0]["accuracy"].as_array().unwrap().len(), 5);
    assert!(of("none")[0]["metrics"]["bwt_gem"].is_number());
    assert_eq!(of("joint")[0]["accuracy"].as_array().unwrap().len(), 1);
    assert!(of("joint")[0]["metrics_undefined"]["bwt_gem"].is_string());
    assert_eq!(of("none")[1]["seed"], 3);
    let hashes: std::collections::BTreeSet<&str> =
        lines.iter().map(|line| line["config_hash"].as_str().unwrap()).collect();
    assert_eq!(hashes.len(), 4);
}

#[test]
fn accuracies_and_hashes_do_not_depend_on_threads_or_on_the_population() {
    // Room enough for the gates of every context.
    let tiny =
        |names: &str, scenario: &str| Request { hidden: some("64"), ..tiny(names, scenario) };
    let one_thread = run(&tiny(&names(), "task"));
    assert_eq!(one_thread.len(), 2 * STRATEGIES.len());
    let two_threads = run(&Request { threads: Some(2), ..tiny(&names(), "task") });
    let alone = run(&Request { seeds: Some(1), ..tiny(&names(), "task") });
    assert_eq!(alone.len(), STRATEGIES.len());
    for other in two_threads.iter().chain(&alone) {
        let same = |line: &&Line| (&line.strategy, line.seed) == (&other.strategy, other.seed);
        let line = one_thread.iter().find(same).unwrap();
        assert_eq!(line.accuracy, other.accuracy, "{}", line.strategy);
        assert_eq!(line.accuracy_before, other.accuracy_before);
        assert_eq!(line.config_hash, other.config_hash);
        assert_eq!(line.bytes_kept, other.bytes_kept);
    }
}

#[test]
fn every_strategy_differs_from_plain_training() {
    // Long enough for a boundary to matter; a strategy that does nothing would give equal bits.
    let request = Request { steps: Some(60), seeds: Some(1), ..tiny(&names(), "task") };
    let lines = run(&request);
    let none = lines.iter().find(|line| line.strategy == "none").unwrap();
    for line in lines.iter().filter(|line| line.strategy != "none") {
        assert_ne!(line.accuracy, none.accuracy, "{}", line.strategy);
    }
}

#[test]
fn a_composition_runs_where_all_of_its_parts_can() {
    let lines = run(&Request { seeds: Some(1), ..tiny("xdg+ewc+er", "task") });
    let [line] = &lines[..] else { panic!("one run, got {}", lines.len()) };
    assert_eq!(line.strategy, "xdg+ewc+er");
    for name in ["xdg.p", "ewc.lambda", "er.per_class"] {
        assert!(line.settings.hyper.contains_key(name), "{name}");
    }
    let alone =
        |strategy: &str| run(&Request { seeds: Some(1), ..tiny(strategy, "task") })[0].bytes_kept;
    assert_eq!(line.bytes_kept, alone("xdg") + alone("ewc") + alone("er"));
}

#[test]
fn the_bytes_of_a_dry_run_are_those_that_are_kept() {
    for scenario in ["task", "class"] {
        // Room enough for the gates of every context.
        let wide = Request { hidden: Some("64".to_owned()), ..tiny("all", scenario) };
        let bench = Bench::new(&wide, &Strengths::built_in().unwrap()).unwrap();
        for cell in &bench.cells {
            let cost = cell.cost().unwrap();
            let kept = cell.run(&mut ()).unwrap().lines[0].bytes_kept;
            let name = &cell.composition.name;
            assert_eq!(kept, cost.costs.bytes_kept, "{name}");
            assert_eq!(kept == 0, name == "none", "{name}");
        }
    }
}

/// HAT's gates take half of what is free in each context when steps are too few to move them: with seed 3
/// sixteen units do not do for five contexts.
#[test]
fn a_method_that_runs_out_of_capacity_leaves_a_gap_and_the_others_stay() {
    let narrow = tiny("none,hat", "task");
    let bench = Bench::new(&narrow, &Strengths::built_in().unwrap()).unwrap();
    let finished = bench.run(&bench.costs().unwrap(), &mut (), &mut ()).unwrap();
    assert!(finished.lines.iter().all(|line| line.strategy == "none"));
    let [gap] = &finished.diverged[..] else { panic!("{:?}", finished.diverged) };
    assert!(gap.strategy == "hat" && gap.reason.contains("no capacity left after context"));
    let alone = Request { strategy: Some("hat".to_owned()), ..narrow };
    let bench = Bench::new(&alone, &Strengths::built_in().unwrap()).unwrap();
    assert!(bench.run(&bench.costs().unwrap(), &mut (), &mut ()).is_err());
}

#[test]
fn a_scenario_that_does_not_suit_is_skipped_unless_it_is_all_that_was_asked_for() {
    let strengths = Strengths::built_in().unwrap();
    let bench = Bench::new(&tiny("none,xdg", "task,class"), &strengths).unwrap();
    assert_eq!((bench.cells.len(), bench.skipped.len()), (3, 1));
    assert_eq!(bench.skipped[0].strategy, "xdg");
    let all = Bench::new(&tiny("all", "class"), &strengths).unwrap();
    let skipped: Vec<&str> = all.skipped.iter().map(|it| it.strategy.as_str()).collect();
    assert_eq!(skipped, ["xdg", "hat", "packnet", "separate"]);
    for strategy in ["xdg", "none,xdg+er"] {
        let Err(error) = Bench::new(&tiny(strategy, "class,domain"), &strengths) else {
            panic!("{strategy}: refused")
        };
        assert!(matches!(error, Error::Impossible(_)));
        let text = error.to_string();
        assert!(text.contains("xdg") && text.contains("class-incremental"), "{text}");
    }
}

#[test]
fn what_is_set_comes_before_strengths_and_strengths_before_defaults() {
    let strengths = Strengths::parse("[digits.split.paper.class]\nsi.c = 7\n", "test").unwrap();
    let hyper = |set: &[&str], strengths: &Strengths, preset: Option<&str>, name: &str| {
        let request = Request {
            set: set.iter().map(|text| (*text).to_owned()).collect(),
            preset: preset.map(str::to_owned),
            ..tiny("si,er", "class")
        };
        let bench = Bench::new(&request, strengths).unwrap();
        let mut variants = bench.cells.iter().flat_map(|cell| &cell.variants);
        variants.find_map(|variant| variant.settings.hyper.get(name).copied()).unwrap()
    };
    assert_eq!(hyper(&["si.c=3"], &strengths, None, "si.c"), 3.0);
    assert_eq!(hyper(&[], &strengths, None, "si.c"), 7.0);
    assert_eq!(hyper(&[], &Strengths::default(), None, "si.c"), 1.0);
    assert_eq!(hyper(&[], &strengths, Some("vdv"), "si.c"), 1.0);
    assert_eq!(hyper(&[], &strengths, Some("vdv"), "si.xi"), 0.1);
    assert_eq!(hyper(&[], &strengths, None, "er.per_class"), 10.0);
}

/// Methods of van de Ven et al. 2022, as methods and strengths are published.
#[test]
fn the_published_strengths_are_in_the_file() {
    use continual::scenarios::{Protocol, Scenario};
    use continual::{Key, Preset};
    let strengths = Strengths::built_in().unwrap();
    let get = |protocol, scenario, strategy: &str, hyper: &str| {
        let key = Key { dataset: "mnist".to_owned(), protocol, preset: Preset::Vdv, scenario };
        strengths.get(&key, strategy, hyper)
    };
    for (scenario, lambda, c) in [
        (Scenario::Task, 1e5, 10.0),
        (Scenario::Domain, 1e10, 50_000.0),
        (Scenario::Class, 1e9, 5000.0),
    ] {
        assert_eq!(get(Protocol::Split, scenario, "ewc", "lambda"), Some(lambda));
        assert_eq!(get(Protocol::Split, scenario, "si", "c"), Some(c));
        assert_eq!(get(Protocol::Permuted, scenario, "ewc", "lambda"), Some(100.0));
        assert_eq!(get(Protocol::Permuted, scenario, "si", "c"), Some(10.0));
    }
    assert_eq!(get(Protocol::Split, Scenario::Task, "xdg", "p"), Some(0.9));
    assert_eq!(get(Protocol::Permuted, Scenario::Task, "xdg", "p"), Some(0.6));
}
