//! Streams without boundaries in the benchmark: what runs, what is refused, what results say.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use continual::scenarios::{Stream, StreamKind};
use continual::{
    Asked, Bench, CheckpointEvery, Earlier, Error, Experiment, ExperimentFile, Line, Request,
    Strengths, Unfinished, Work,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Digits, one small layer, few steps.
fn tiny(stream: &str, strategy: &str, scenario: &str) -> Request {
    Request {
        stream: some(stream),
        strategy: some(strategy),
        scenario: some(scenario),
        hidden: some("12"),
        steps: (stream != "one-pass").then_some(12),
        update_every: (stream != "sharp").then_some(5),
        seeds: Some(2),
        threads: Some(1),
        ..Request::default()
    }
}

fn bench(request: &Request) -> Result<Bench, Error> {
    Bench::new(request, &Strengths::built_in().unwrap())
}

fn lines(bench: &Bench) -> Vec<Line> {
    bench.run(&bench.costs().unwrap(), &mut (), &mut ()).unwrap().lines
}

fn run(request: &Request) -> Vec<Line> {
    lines(&bench(request).unwrap())
}

#[test]
fn methods_that_need_no_boundaries_run_and_differ_from_plain_training() {
    for (stream, fuzziness) in [("fuzzy", 3), ("random", 0), ("one-pass", 0)] {
        // Strengths that act within these few steps.
        let request = Request {
            set: vec!["si.c=100".to_owned(), "lwf.lambda=1".to_owned()],
            ..tiny(stream, "none,si,lwf,er-reservoir,xdg,xdg+si,separate", "task")
        };
        let all = run(&request);
        assert_eq!(all.len(), 14);
        for line in &all {
            assert_eq!(
                (line.settings.stream.as_str(), line.settings.fuzziness),
                (stream, fuzziness)
            );
            assert_eq!(line.settings.update_every, 5);
            assert_eq!(line.settings.mix, "fixed: 0.5 current, 0.5 replay");
            assert_eq!((line.accuracy.len(), line.accuracy[0].len()), (5, 5));
            assert_eq!(line.conventions["stream.kind"], stream);
            assert!(line.conventions["consolidation"].starts_with("every 5 steps"));
            if line.strategy != "none" {
                let none = all.iter().find(|it| it.strategy == "none" && it.seed == line.seed);
                assert_ne!(line.accuracy, none.unwrap().accuracy, "{stream}: {}", line.strategy);
            }
        }
    }
}

/// The examples of one pass in batches of 32: as many steps as the contexts' sizes say, by seed.
#[test]
fn one_pass_takes_the_steps_of_its_examples_and_quick_does_not_change_them() {
    let all = run(&tiny("one-pass", "none,joint", "class"));
    for line in &all {
        let experiment = Experiment::new(continual::scenarios::digits()).kind(StreamKind::OnePass);
        let stream = experiment.stream(line.seed).unwrap();
        let sizes = (0..5).map(|context| stream.train(context).len());
        let expected: usize = match line.strategy.as_str() {
            "joint" => sizes.sum::<usize>().div_ceil(32),
            _ => sizes.map(|size| size.div_ceil(32)).sum(),
        };
        assert_eq!((line.steps, line.settings.steps_per_context), (expected as u64, 0));
    }
    let quick = Request { quick: true, ..tiny("one-pass", "none,joint", "class") };
    let quick = run(&quick);
    assert!(quick.iter().zip(&all).all(|(a, b)| a.config_hash == b.config_hash));
    assert!(quick.iter().zip(&all).all(|(a, b)| a.accuracy == b.accuracy));
}

/// Without boundaries the code of van de Ven et al. labels each row over the head of one past context.
#[test]
fn the_preset_of_the_reference_is_that_of_its_task_free_code() {
    for (stream, heads) in [("sharp", "the sum over past contexts"), ("random", "that of one past")]
    {
        let request = Request { preset: some("vdv"), ..tiny(stream, "lwf", "task") };
        let line = &run(&request)[0];
        assert!(line.conventions["lwf.heads"].starts_with(heads), "{:?}", line.conventions);
    }
}

/// Without boundaries `er` and `agem` have the reference's reservoir under its preset, and run.
#[test]
fn er_and_agem_follow_the_protocol_of_the_reference() {
    for stream in ["fuzzy", "random", "one-pass"] {
        for scenario in ["class", "task"] {
            let request = Request {
                preset: some("vdv"),
                update_every: Some(1),
                // Enough for two classes to be told apart.
                steps: (stream != "one-pass").then_some(40),
                ..tiny(stream, "none,er,agem", scenario)
            };
            let all = run(&request);
            for strategy in ["er", "agem"] {
                let mut differs = false;
                for line in all.iter().filter(|line| line.strategy == strategy) {
                    let memory = &line.conventions[&format!("{strategy}.memory")];
                    assert!(memory.starts_with("reservoir"), "{memory}");
                    let none = all.iter().find(|it| it.strategy == "none" && it.seed == line.seed);
                    differs |= line.accuracy != none.unwrap().accuracy;
                }
                assert!(differs, "{stream}, {scenario}: {strategy}");
            }
        }
    }
}

/// Class-incremental digits, contexts that pass into each other over 20 steps, no boundaries told.
#[test]
fn er_and_agem_with_a_reservoir_keep_what_plain_training_forgets() {
    let of = |preset: &str, strategy: &str, set: &[&str]| -> Vec<f64> {
        let request = Request {
            preset: some(preset),
            fuzziness: Some(10),
            steps: Some(120),
            hidden: some("32"),
            update_every: None,
            seeds: Some(3),
            set: set.iter().map(|text| (*text).to_owned()).collect(),
            ..tiny("fuzzy", strategy, "class")
        };
        run(&request).iter().map(|line| line.metrics["final_accuracy"]).collect()
    };
    let none = of("vdv", "none", &[]);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    for er in [of("vdv", "er", &[]), of("paper", "er-reservoir", &[])] {
        assert!(er.iter().zip(&none).all(|(er, none)| *er > none + 0.4), "{er:?}, none {none:?}");
    }
    for agem in [of("vdv", "agem", &[]), of("paper", "agem", &["agem.memory=reservoir"])] {
        assert!(mean(&agem) > mean(&none) + 0.05, "{agem:?}, none {none:?}");
    }
}

/// What is set is what is used, or it is refused with the reason.
#[test]
fn what_is_set_without_boundaries_is_obeyed_or_refused() {
    let with = |preset: &str, strategy: &str, set: &str| {
        let set = vec![set.to_owned()];
        bench(&Request { set, preset: some(preset), ..tiny("fuzzy", strategy, "class") })
    };
    let hyper = |bench: &Bench, name: &str| bench.cells[0].variants[0].settings.hyper[name];
    let told = |bench: &Bench, name: &str| -> String {
        let told = bench.cells[0].variants[0].strategy().describe();
        told.into_iter().find(|(known, _)| known == name).unwrap().1
    };
    // The preset's memory is a reservoir there, and results say so.
    let usual = with("vdv", "agem", "agem.eps=0").unwrap();
    assert_eq!(hyper(&usual, "agem.memory"), 4.0);
    let named = with("vdv", "agem", "agem.memory=reservoir").unwrap();
    assert_eq!(told(&named, "agem.memory"), told(&usual, "agem.memory"));
    for memory in ["ring", "exemplars", "per-context", "one-batch"] {
        let error = with("vdv", "agem", &format!("agem.memory={memory}")).err().unwrap();
        assert!(error.is_bad_input());
        let error = error.to_string();
        assert!(error.starts_with("agem needs to be told when a context ends"), "{error}");
        assert!(error.contains("agem.memory=reservoir"), "{error}");
    }
    let usual = with("vdv", "er", "er.rows=0").unwrap();
    assert!(hyper(&usual, "er.mix") == 4.0 && told(&usual, "er.mix").starts_with("fixed: 0.5"));
    assert_eq!(told(&with("vdv", "er", "er.mix=run").unwrap(), "er.mix"), "that of the run");
    for set in [
        "icarl.temperature=3",
        "icarl.budget=shared",
        "icarl.distillation=softmax",
        "icarl.selection=as-released",
    ] {
        let (name, value) = set.split_once('=').unwrap();
        for (preset, strategy) in [("vdv", "icarl"), ("paper", "icarl+si"), ("paper", "all")] {
            let error = with(preset, strategy, set).err().unwrap();
            assert!(error.is_bad_input());
            assert_eq!(
                error.to_string(),
                format!(
                    "{name} `{value}`: expected nothing here: without boundaries it keeps a reservoir of \
                     per_class rows per class in all and has no teacher"
                )
            );
        }
        let sharp = Request { set: vec![set.to_owned()], ..tiny("sharp", "icarl", "class") };
        assert!(bench(&sharp).is_ok());
    }
    assert!(with("vdv", "icarl", "icarl.per_class=3").is_ok());
}

/// What a line says of the generative classifier holds in its stream.
#[test]
fn conventions_of_the_generative_classifier_are_true_without_boundaries() {
    let small = ["generative-classifier.units=4", "generative-classifier.samples=2"];
    for stream in ["sharp", "random"] {
        let set = small.map(str::to_owned).to_vec();
        let line = &run(&Request { set, ..tiny(stream, "generative-classifier", "class") })[0];
        assert_eq!(
            line.conventions["generative-classifier.steps"],
            "the run's / classes of a context, a batch of each class; without boundaries one of each class \
             that has rows in the mini-batch"
        );
    }
}

#[test]
fn joint_is_that_of_the_sharp_stream() {
    let of = |stream| run(&tiny(stream, "joint", "domain"));
    let (sharp, fuzzy) = (of("sharp"), of("fuzzy"));
    assert!(sharp.iter().zip(&fuzzy).all(|(a, b)| a.accuracy == b.accuracy));
    let settings = &fuzzy[0].settings;
    assert_eq!((settings.stream.as_str(), settings.update_every), ("sharp", 0));
}

#[test]
fn who_needs_boundaries_is_refused_by_name_and_left_out_of_all() {
    for strategy in ["ewc", "ewc-online", "er", "si+ewc"] {
        let error = bench(&tiny("fuzzy", strategy, "class")).err().unwrap().to_string();
        assert!(
            error.contains(
                "needs to be told when a context ends; a class-incremental stream of kind `fuzzy`"
            ),
            "{error}"
        );
    }
    // What does, by name.
    for (strategy, ways) in [
        ("er", &["--preset vdv", "er-reservoir"][..]),
        ("agem", &["--preset vdv", "--set agem.memory=reservoir"]),
        ("si+er", &["--preset vdv", "er-reservoir"]),
    ] {
        let error = bench(&tiny("fuzzy", strategy, "class")).err().unwrap().to_string();
        assert!(ways.iter().all(|way| error.contains(way)), "{error}");
    }
    let error = bench(&tiny("fuzzy", "ewc", "class")).err().unwrap().to_string();
    assert!(error.ends_with("does not show it"), "{error}");
    for (strategy, preset, set) in [
        ("er", "vdv", None),
        ("agem", "vdv", None),
        ("er-reservoir", "paper", None),
        ("agem", "paper", Some("agem.memory=reservoir")),
    ] {
        let set = set.into_iter().map(str::to_owned).collect();
        let way = Request { preset: some(preset), set, ..tiny("fuzzy", strategy, "class") };
        assert_eq!(bench(&way).unwrap().cells.len(), 1);
    }
    let error = bench(&tiny("random", "cumulative", "class")).err().unwrap().to_string();
    assert!(error.contains("cumulative needs contexts that come one after the other"), "{error}");
    let all = bench(&tiny("one-pass", "all", "class,task")).unwrap();
    let names: Vec<&str> = all.cells.iter().map(|cell| cell.composition.name.as_str()).collect();
    for name in ["none", "si", "xdg", "er-reservoir", "joint"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(!names.contains(&"ewc") && !names.contains(&"cumulative"));
    // Gates need the context at test time, whatever the stream.
    assert_eq!(names.iter().filter(|name| **name == "xdg").count(), 1);
}

#[test]
fn a_file_says_the_same_as_the_options() {
    let text = "scenario = 'class'\nseeds = 2\nstrategy = ['none', 'si']\nnetwork.hidden = 12\n\
                data = { stream = 'fuzzy', fuzziness = 2 }\n\
                training = { steps = 12, threads = 1, update_every = 5 }\n";
    let request = Request { fuzziness: Some(2), ..tiny("fuzzy", "none,si", "class") };
    let file = ExperimentFile::parse(text, "mine.toml").bench(&Strengths::built_in().unwrap());
    let file = file.unwrap();
    let options = bench(&request).unwrap();
    let settings = |bench: &Bench| -> Vec<_> {
        bench.cells.iter().map(|cell| cell.variants[0].settings.clone()).collect()
    };
    assert_eq!(settings(&file), settings(&options));
    assert_eq!(
        file.deviations,
        ["data.fuzziness", "training.steps", "training.update_every", "network.hidden"]
    );
}

#[test]
fn what_contradicts_the_stream_is_refused_with_its_line() {
    let refusal = |text: &str| {
        let file = ExperimentFile::parse(text, "mine.toml");
        file.bench(&Strengths::built_in().unwrap()).err().unwrap().to_string()
    };
    let cases = [
        ("data.stream = 'fuzy'", "mine.toml:1: stream `fuzy` is unknown: did you mean `fuzzy`?"),
        ("\ndata.fuzziness = 3", "mine.toml:2: data.fuzziness `3`: expected nothing: only stream"),
        (
            "data = { stream = 'fuzzy', fuzziness = 300 }",
            "data.fuzziness `300`: expected 0 to 200: half of the 400 steps",
        ),
        (
            "training.update_every = 3",
            "training.update_every `3`: expected nothing: stream `sharp`",
        ),
        ("data.stream = 'random'\ntraining.update_every = 0", "mine.toml:2: training.update_every"),
        ("data.stream = 'one-pass'\ntraining.steps = 3", "mine.toml:2: training.steps `3`"),
        (
            "data.stream = 'random'\ntraining.reset_optimizer = true",
            "expected false: stream `random`",
        ),
        ("data.stream = 'random'\nnetwork.head = 'growing'", "expected full: stream `random`"),
        ("data.stream = 'random'\ntraining.mix = 'by-context'", "{ fixed = X }: stream `random`"),
        ("data.stream = 'one-pass'\nschedule.name = 'cosine'", "`schedule.steps` too"),
    ];
    for (text, expected) in cases {
        let message = refusal(text);
        assert!(message.contains(expected), "{message:?} should say {expected:?}");
    }
}

/// Stops a benchmark at its first checkpoint and goes on with it from its folder.
#[test]
fn a_stopped_benchmark_goes_on_to_the_same_lines() {
    for stream in ["fuzzy", "one-pass"] {
        let request = tiny(stream, "none,si+er-reservoir", "class");
        let whole = run(&request);
        let folder = tempfile::tempdir().unwrap();
        let asked = Asked::Request(request.clone());
        let first = bench(&request).unwrap();
        let every: CheckpointEvery = "7steps".parse().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let mut work = Work::begin(folder.path(), &asked, &first, every, Earlier::Refuse)
            .unwrap()
            .stopping(Arc::clone(&stop));
        stop.store(true, Ordering::Relaxed);
        let stopped = first.run(&first.costs().unwrap(), &mut (), &mut work);
        assert!(stopped.err().unwrap().is_interruption());
        drop(work);
        let unfinished = Unfinished::open(folder.path()).unwrap();
        let again = unfinished.asked().bench(&Strengths::built_in().unwrap()).unwrap();
        let mut work = unfinished.work(&again, every).unwrap();
        let resumed = again.run(&again.costs().unwrap(), &mut (), &mut work).unwrap().lines;
        assert_eq!(resumed.len(), whole.len());
        for (a, b) in resumed.iter().zip(&whole) {
            assert_eq!((&a.config_hash, &a.accuracy), (&b.config_hash, &b.accuracy));
        }
    }
}
