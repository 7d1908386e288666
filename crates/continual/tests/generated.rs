//! What generators made is shown, and a generator that collapsed is told with the measure.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use continual::{Bench, Line, Request, Strengths};

fn bench(strategy: &str, set: &[&str]) -> Bench {
    let some = |text: &str| Some(text.to_owned());
    let request = Request {
        strategy: some(strategy),
        scenario: some("class"),
        set: set.iter().map(|&set| set.to_owned()).collect(),
        hidden: some("16"),
        steps: Some(20),
        seeds: Some(1),
        threads: Some(1),
        ..Request::default()
    };
    Bench::new(&request, &Strengths::built_in().unwrap()).unwrap()
}

fn run(bench: &Bench) -> Vec<Line> {
    let costs = bench.costs().unwrap();
    bench.run(&costs, &mut (), &mut ()).unwrap().lines
}

fn told(bench: &Bench, lines: &[Line]) -> Vec<String> {
    bench.collapsed(lines).iter().map(ToString::to_string).collect()
}

/// A learning rate at which every number overflows; the run goes on.
#[test]
fn a_generator_that_collapses_is_told_and_the_others_are_not() {
    let small = ["dgr.units=8", "dgr.latent=2"];
    let bad = bench("dgr", &[small[0], small[1], "dgr.lr=1e30"]);
    let lines = run(&bad);
    let told = told(&bad, &lines);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("dgr in class: the generator collapsed in context 1: "),
        "{told:?}"
    );
    assert!(lines[0].metrics["final_accuracy"].is_finite());

    let plain = bench("none,er", &[]);
    let lines = run(&plain);
    assert!(lines.iter().all(|line| line.generator_spread.is_empty()));
    assert_eq!(self::told(&plain, &lines), Vec::<String>::new());
}

#[test]
fn the_first_context_of_any_run_decides() {
    let bench = bench("rtf", &["rtf.latent=2"]);
    let mut lines = run(&bench);
    assert_eq!(lines[0].generator_spread.len(), 4);
    let mut with = |spreads: &[Option<f64>]| {
        lines[0].generator_spread = spreads.to_vec();
        told(&bench, &lines)
    };
    assert_eq!(with(&[Some(0.5), Some(1.2), Some(0.06)]), Vec::<String>::new());
    let begin = "rtf in class: the generator collapsed in context";
    assert_eq!(
        with(&[Some(0.5), Some(1.23e-3), None]),
        [format!(
            "{begin} 2: the spread of its rows is 1.2e-3 of the data's (expected at least 0.05)"
        )]
    );
    assert_eq!(
        with(&[None, Some(0.0)]),
        [format!("{begin} 1: its rows are no numbers, nothing was replayed")]
    );
}

#[cfg(feature = "pictures")]
#[test]
fn a_picture_of_each_generator_lies_beside_the_results() {
    use continual::{Asked, CheckpointEvery, Earlier, Work};
    let bench = bench("dgr,er", &["dgr.units=8", "dgr.latent=2"]);
    let folder = tempfile::tempdir().unwrap();
    let asked = Asked::Request(Request::default());
    let every = CheckpointEvery::default();
    let mut work = Work::begin(folder.path(), &asked, &bench, every, Earlier::Refuse).unwrap();
    bench.run(&bench.costs().unwrap(), &mut (), &mut work).unwrap();
    work.finish().unwrap();
    let mut names: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".png") || name.ends_with(".jsonl"))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["generated-1-dgr-class.png", "results.jsonl"]);
}
