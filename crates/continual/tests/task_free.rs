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
