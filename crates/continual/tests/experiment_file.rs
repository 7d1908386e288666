//! Experiments described by files: what they mean, and that they give the bits of the command line.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use continual::registry::CURATED;
use continual::scenarios::{Part, Scenario};
use continual::{Bench, Error, ExperimentFile, Finished, Line, Request, Settings, Strengths};

const EXAMPLE: &str = include_str!("../../../examples/experiment.toml");

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn bench(text: &str) -> Result<Bench, Error> {
    ExperimentFile::parse(text, "mine.toml").bench(&Strengths::built_in().unwrap())
}

fn finished(bench: &Bench) -> Finished {
    let costs = bench.costs().unwrap();
    bench.run(&costs, &mut (), &mut ()).unwrap()
}

fn lines(text: &str) -> Vec<Line> {
    finished(&bench(text).unwrap()).lines
}

/// The settings of the first run.
fn settings(text: &str) -> Settings {
    let bench = bench(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    bench.cells[0].variants[0].settings.clone()
}

/// Digits, one small layer, few steps.
const TINY: &str = "network.hidden = 16\ntraining = { steps = 10, threads = 1 }\n";

#[test]
fn an_empty_file_is_the_default_benchmark() {
    let (file, options) = (bench("").unwrap(), Request::default());
    let options = Bench::new(&options, &Strengths::built_in().unwrap()).unwrap();
    let of = |bench: &Bench| -> Vec<Settings> {
        let variants = bench.cells.iter().flat_map(|cell| &cell.variants);
        variants.map(|variant| variant.settings.clone()).collect()
    };
    assert_eq!(of(&file), of(&options));
    assert_eq!((&file.rows, &file.seeds), (&options.rows, &options.seeds));
    assert_eq!((file.rows.len(), file.deviations.len()), (CURATED.len(), 0));
}

#[test]
fn a_device_named_in_place_of_the_files_is_the_only_one_opened() {
    let strengths = Strengths::built_in().unwrap();
    let file = ExperimentFile::parse(
        format!(
            "device = \"gpu:nobody's\"\nscenario = 'task'\nseeds = 1\nstrategy = ['none', 'si']\n{TINY}"
        ),
        "mine.toml",
    );
    assert!(file.bench(&strengths).is_err());
    let bench = file.clone().device("cpu").bench(&strengths).unwrap();
    assert_eq!(bench.device(), "cpu");
    let devices: Vec<String> = finished(&bench).lines.into_iter().map(|it| it.device).collect();
    assert_eq!(devices, ["cpu", "cpu"]);
    let Err(error) = file.device("cuda").bench(&strengths) else { panic!("no such device") };
    let message = error.to_string();
    assert!(message.ends_with("--device `cuda`: expected cpu, gpu, gpu:NAME or auto"), "{message}");
}

#[test]
fn a_file_gives_the_bits_and_the_hashes_of_the_options_that_say_the_same() {
    let request = Request {
        scenario: some("task,domain"),
        strategy: some("none,xdg+ewc,er,joint"),
        protocol: some("permuted"),
        contexts: Some(3),
        seeds: Some(2),
        steps: Some(10),
        batch: Some(16),
        hidden: some("16,12"),
        optimizer: some("sgd"),
        lr: Some(0.05),
        set: vec!["xdg.p=0.25".to_owned(), "er.per_class=7".to_owned()],
        preset: some("vdv"),
        threads: Some(2),
        ..Request::default()
    };
    let options = Bench::new(&request, &Strengths::built_in().unwrap()).unwrap();
    let file = bench(
        r#"
        scenario = ["task", "domain"]
        seeds = [2, 3]
        preset = "vdv"
        strategy = ["none", { name = ["xdg", "ewc"], p = 0.25 }, { name = "er", per_class = 7 }, "joint"]
        data = { protocol = "permuted", contexts = 3 }
        network = { hidden = [16, 12] }
        training = { steps = 10, batch = 16, threads = 1 }
        optimizer = { name = "sgd", lr = 5e-2 }
        "#,
    )
    .unwrap();
    assert_eq!(file.skipped, options.skipped);
    let (file, options) = (finished(&file).lines, finished(&options).lines);
    assert_eq!((file.len(), options.len()), (14, 14));
    for (file, option) in file.iter().zip(&options) {
        assert_eq!(file.accuracy, option.accuracy, "{} {}", file.strategy, file.scenario);
        assert_eq!(file.accuracy_before, option.accuracy_before);
        assert_eq!(file.settings, option.settings);
        assert_eq!(file.config_hash, option.config_hash);
        assert_eq!(file.conventions, option.conventions);
    }
}

#[test]
fn every_value_of_a_sweep_has_the_bits_of_that_value_alone() {
    let with =
        |strategies: &str| format!("scenario = 'task'\nseeds = 2\n{TINY}strategy = [{strategies}]");
    let sweep = with(
        "{ name = 'xdg+ewc', ewc.lambda = [0, 1e3, 1e5], xdg.p = [0.25, 0.5] }, \
         { name = 'er', per_class = [2, 5] }, { name = 'ewc+ewc', lambda = [10, 1000] }, \
         { name = 'si', c = [1, 100], xi = 0.01 }",
    );
    let swept = bench(&sweep).unwrap();
    // One population for what lies in slots, one each for what is structure.
    let members: Vec<usize> = swept.costs().unwrap().iter().map(|cost| cost.members).collect();
    assert_eq!(members, [12, 2, 2, 4, 4]);
    let swept = finished(&swept).lines;
    assert_eq!(swept.len(), 24);
    let mut alone = Vec::new();
    for p in [0.25, 0.5] {
        for lambda in [0.0, 1e3, 1e5] {
            alone.push(format!("{{ name = 'xdg+ewc', lambda = {lambda:?}, p = {p} }}"));
        }
    }
    for (name, key, values) in
        [("er", "per_class", [2, 5]), ("ewc+ewc", "ewc.lambda", [10, 1000]), ("si", "c", [1, 100])]
    {
        let xi = if name == "si" { ", xi = 0.01" } else { "" };
        alone.extend(values.map(|value| format!("{{ name = '{name}', {key} = {value}{xi} }}")));
    }
    let alone: Vec<Line> = alone.iter().flat_map(|strategy| lines(&with(strategy))).collect();
    assert_eq!(alone.len(), swept.len());
    for line in &alone {
        let same = swept.iter().filter(|other| other.settings == line.settings);
        let [same] = same.collect::<Vec<_>>()[..] else { panic!("{:?}", line.settings) };
        assert_eq!(same.accuracy, line.accuracy, "{:?}", line.settings.hyper);
        assert_eq!(same.config_hash, line.config_hash);
        assert_eq!(same.bytes_kept, line.bytes_kept);
        assert_eq!(same.conventions, line.conventions);
    }
}

#[test]
fn a_sweep_changes_what_is_learnt() {
    let text = "scenario = 'task'\nseeds = [2]\nnetwork.hidden = 16\ntraining.steps = 60\n\
                strategy = [{ name = 'ewc', lambda = [0, 1e4] }, 'none']";
    let lines = lines(text);
    assert_eq!(lines[0].accuracy, lines[2].accuracy, "lambda = 0 is plain training");
    assert_ne!(lines[1].accuracy, lines[2].accuracy);
}

/// New outputs make new programs; the values of a sweep must survive them.
#[test]
fn a_sweep_has_the_bits_of_singles_with_a_growing_head_too() {
    let with = |lambda: &str| {
        format!(
            "scenario = 'class'\nseeds = 2\nnetwork = {{ hidden = 16, head = 'growing' }}\n\
             training.steps = 30\nstrategy = [{{ name = 'ewc', lambda = {lambda} }}]"
        )
    };
    let swept = lines(&with("[0, 1e4]"));
    let alone = [lines(&with("0")), lines(&with("1e4"))].concat();
    assert_ne!(alone[0].accuracy, alone[2].accuracy);
    for (swept, alone) in swept.iter().zip(&alone) {
        assert_eq!(swept.settings, alone.settings);
        assert_eq!(swept.accuracy, alone.accuracy, "{:?}", alone.settings.hyper);
    }
}

#[test]
fn a_row_of_the_table_is_a_value_and_finds_its_own_runs() {
    let text = format!(
        "scenario = ['class', 'task']\nseeds = [3, 9]\n{TINY}\
         strategy = ['ewc', {{ name = 'ewc', lambda = [1, 10] }}, \
         {{ name = 'xdg+er', xdg.p = [0.5, 0.75], er.per_class = 3 }}]"
    );
    let bench = bench(&text).unwrap();
    let labels: Vec<&str> = bench.rows.iter().map(|row| row.label.as_str()).collect();
    assert_eq!(
        labels,
        ["ewc", "ewc lambda=1", "ewc lambda=10", "xdg+er xdg.p=0.5", "xdg+er xdg.p=0.75"]
    );
    assert_eq!(bench.skipped[0].strategy, "xdg+er xdg.p=0.5,0.75");
    let lines = finished(&bench).lines;
    for (row, lambda) in bench.rows[1..3].iter().zip([1.0, 10.0]) {
        for &scenario in &bench.scenarios {
            let runs = bench.runs(row, scenario, &lines);
            let seeds: Vec<u64> = runs.iter().map(|line| line.seed).collect();
            assert_eq!(seeds, [3, 9]);
            assert!(runs.iter().all(|line| line.settings.hyper["ewc.lambda"] == lambda));
        }
    }
    assert!(bench.runs(&bench.rows[3], bench.scenarios[0], &lines).is_empty());
}

#[test]
fn a_value_that_diverges_leaves_a_gap_and_the_others_stay() {
    let with = |lambda: &str| {
        format!(
            "scenario = 'task'\nseeds = [2]\n{TINY}optimizer = {{ name = 'sgd', lr = 0.1 }}\n\
             strategy = [{{ name = 'ewc', lambda = {lambda} }}]"
        )
    };
    let all = finished(&bench(&with("[1, 1e38, 10]")).unwrap());
    let [gap] = &all.diverged[..] else { panic!("{:?}", all.diverged) };
    assert_eq!(gap.strategy, "ewc lambda=1e38");
    assert!(gap.reason.contains("seed 2") && gap.reason.contains("context 2"), "{}", gap.reason);
    for (line, lambda) in all.lines.iter().zip(["1", "10"]) {
        assert_eq!(line.accuracy, lines(&with(lambda))[0].accuracy);
    }
    assert_eq!(all.lines.len(), 2);
    let nothing = bench(&with("[1e37, 1e38]")).unwrap();
    let costs = nothing.costs().unwrap();
    let error = nothing.run(&costs, &mut (), &mut ()).unwrap_err();
    assert!(!error.is_bad_input(), "{error}");
}

/// What a key changes.
type Change = fn(&mut Settings);

#[test]
fn every_key_reaches_the_settings() {
    let changed = |text: &str| settings(&format!("strategy = ['er']\n{text}"));
    let usual = changed("");
    let cases: &[(&str, Change)] = &[
        ("scenario = 'domain'", |s| s.scenario = "domain".to_owned()),
        ("seeds = '7..8'", |s| s.seed = 7),
        ("data.contexts = 2", |s| s.contexts = 2),
        ("data.part = 'validation'", |s| s.part = "validation".to_owned()),
        ("network.hidden = []", |s| s.hidden = vec![]),
        ("network.dropout = 0.1", |s| s.dropout = 0.1),
        ("network.init = 'orthogonal'", |s| s.init = "orthogonal".to_owned()),
        ("network.head = 'growing'", |s| s.head = "growing".to_owned()),
        ("training.steps = 7", |s| s.steps_per_context = 7),
        ("training.batch = 0x10", |s| s.batch = 16),
        ("training.reset_optimizer = true", |s| s.reset_optimizer = true),
        ("training.mix = 'sum'", |s| s.mix = "sum".to_owned()),
        ("training.mix = { fixed = 0.25 }", |s| {
            s.mix = "fixed: 0.25 current, 0.75 replay".to_owned();
        }),
        ("training.threads = 3", |_| {}),
        ("optimizer.lr = 1", |s| s.lr = 1.0),
        ("optimizer.beta1 = 0.5", |s| *s.optimizer_numbers.get_mut("beta1").unwrap() = 0.5),
        ("optimizer.beta2 = 0.5", |s| *s.optimizer_numbers.get_mut("beta2").unwrap() = 0.5),
        ("optimizer.eps = 0.5", |s| *s.optimizer_numbers.get_mut("eps").unwrap() = 0.5),
        ("optimizer = { name = 'adamw', weight_decay = 0.5 }", |s| {
            s.optimizer = "adamw".to_owned();
            s.optimizer_numbers.insert("weight_decay".to_owned(), 0.5);
        }),
        ("optimizer = { name = 'sgd', nesterov = true, momentum = 0.5 }", |s| {
            s.optimizer = "sgd".to_owned();
            let numbers = [("momentum", 0.5), ("nesterov", 1.0), ("weight_decay", 0.0)];
            s.optimizer_numbers = numbers.map(|(name, value)| (name.to_owned(), value)).into();
        }),
        ("schedule.name = 'cosine'\ntraining.steps = 9", |s| {
            s.steps_per_context = 9;
            s.schedule = "cosine: warmup 0, steps 9, floor 0".to_owned();
        }),
        ("schedule = { name = 'cosine', warmup = 2, steps = 8, floor = 0.5 }", |s| {
            s.schedule = "cosine: warmup 2, steps 8, floor 0.5".to_owned();
        }),
    ];
    for (text, change) in cases {
        let mut expected = usual.clone();
        change(&mut expected);
        assert_eq!(changed(text), expected, "{text}");
    }
    let padded = changed("data = { protocol = 'permuted', padding = 3 }");
    assert_eq!((padded.protocol.as_str(), padded.pad), ("permuted", 3));
    let preset = settings("preset = 'vdv'\nstrategy = ['si']");
    assert_eq!((preset.preset.as_str(), preset.hyper["si.xi"]), ("vdv", 0.1));
    assert_eq!(bench("data.part = 'validation'\nseeds = 3").unwrap().part, Part::Validation);
    assert_eq!(bench("seeds = 3").unwrap().seeds, [2, 3, 4]);
    assert_eq!(bench("seeds = ' 5 .. 6'").unwrap().seeds, [5, 6]);
}

/// Switched on, each changes what is learnt: it reaches not only the record but the training.
#[test]
fn every_choice_of_training_changes_the_accuracies() {
    let with = |more: &str| {
        let text = format!(
            "scenario = 'class'\nseeds = [2]\nnetwork.hidden = 16\nstrategy = ['er']\n{more}"
        );
        lines(&text)[0].accuracy.clone()
    };
    let usual = with("training.steps = 40");
    for more in [
        "network.dropout = 0.5\ntraining.steps = 40",
        "network.init = 'kaiming-normal'\ntraining.steps = 40",
        "network.head = 'growing'\ntraining.steps = 40",
        "training = { steps = 40, reset_optimizer = true }",
        "training = { steps = 40, mix = { fixed = 0.1 } }",
        "optimizer.beta1 = 0.1\ntraining.steps = 40",
        "optimizer = { name = 'adamw', weight_decay = 10 }\ntraining.steps = 40",
        "schedule.name = 'cosine'\ntraining.steps = 40",
        "data.part = 'validation'\ntraining.steps = 40",
    ] {
        assert_ne!(with(more), usual, "{more}");
    }
}

#[test]
fn the_example_runs() {
    let text = EXAMPLE.replace("\nsteps = 400", "\nsteps = 3").replace("[128, 128]", "[64]");
    assert_ne!(text, EXAMPLE);
    let bench = bench(&text).unwrap();
    let finished = finished(&bench);
    assert!(finished.diverged.is_empty());
    // Every row has five runs in both scenarios, but where one of them does not suit it.
    let cells = 2 * bench.rows.len() - bench.skipped.len();
    assert_eq!(finished.lines.len(), 5 * cells);
    assert!(bench.skipped.iter().all(|skipped| skipped.scenario == Scenario::Class));
    // What it says of itself is true: everything is at its default but what it sweeps.
    assert_eq!(self::bench(EXAMPLE).unwrap().deviations, ["hyper-parameters"]);
}
