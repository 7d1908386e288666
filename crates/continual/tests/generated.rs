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

/// A learning rate at which the generator's outputs saturate: whatever the noise, one image.
#[test]
fn a_generator_that_makes_one_image_is_told_with_context_and_measure() {
    let bad = bench("dgr-gan", &["dgr-gan.lr=10", "dgr-gan.units=8"]);
    let lines = run(&bad);
    assert_eq!(lines[0].generator_spread, [Some(0.0); 4]);
    assert_eq!(
        told(&bad, &lines),
        [
            "dgr-gan in class: the generator collapsed in context 1: the spread of its rows is 0.0e0 of the \
          data's (expected at least 0.05)"
        ]
    );
    assert!(lines[0].metrics["final_accuracy"].is_finite());
}

/// Digits, 5 contexts of 2: of 1,000 samples after each context at least 3 % are of every class seen, by a
/// classifier trained on real images, and nothing is told.
#[test]
fn a_gan_on_digits_makes_every_class_that_it_saw() {
    let some = |text: &str| Some(text.to_owned());
    let request = Request {
        strategy: some("dgr-gan"),
        scenario: some("class"),
        set: ["dgr-gan.units=64", "dgr-gan.lr=1e-3"].map(str::to_owned).to_vec(),
        hidden: some("32"),
        seeds: Some(1),
        ..Request::default()
    };
    let bench = Bench::new(&request, &Strengths::built_in().unwrap()).unwrap();
    let lines = run(&bench);
    let shares = &lines[0].generator_shares;
    assert_eq!(shares.iter().map(|shares| shares.len()).collect::<Vec<_>>(), [2, 4, 6, 8, 10]);
    for (context, shares) in shares.iter().enumerate() {
        assert!(shares.values().all(|&share| share >= 0.03), "context {}: {shares:?}", context + 1);
    }
    assert_eq!(told(&bench, &lines), Vec::<String>::new());
    let final_accuracy = lines[0].metrics["final_accuracy"];
    assert!(final_accuracy > 0.8, "{final_accuracy}: what it makes is worth replaying");
}

#[test]
fn the_first_context_of_any_run_decides() {
    let bench = bench("rtf", &["rtf.latent=2"]);
    let mut lines = run(&bench);
    assert_eq!(lines[0].generator_spread.len(), 4);
    lines[0].generator_shares.clear();
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

/// After context i the classes of contexts 1 to i have shares, at most all of the 1,000 samples.
#[test]
fn every_generator_has_shares_of_the_classes_seen_so_far() {
    let small = ["dgr.units=8", "dgr-gan.units=8", "dgr-gan.critic_steps=1"];
    let bench = bench("dgr,dgr-gan,rtf,bir", &small);
    let lines = run(&bench);
    assert_eq!(lines.len(), 4);
    for line in &lines {
        let classes: Vec<usize> = line.generator_shares.iter().map(|shares| shares.len()).collect();
        assert_eq!(classes, [2, 4, 6, 8, 10], "{}", line.strategy);
        for shares in &line.generator_shares {
            let sum: f64 = shares.values().sum();
            assert!((0.0..=1.0 + 1e-9).contains(&sum), "{}: {sum}", line.strategy);
            let counts = shares.values().map(|share| share * 1000.0);
            assert!(counts.into_iter().all(|count| (count - count.round()).abs() < 1e-9));
        }
        let text = serde_json::to_string(line).unwrap();
        assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), *line);
    }
}

/// 3 % of ten classes; where more than ten were seen the same part of what each would have.
#[test]
fn a_class_that_is_hardly_made_is_told_with_its_share() {
    let bench = bench("rtf", &["rtf.latent=2"]);
    let mut lines = run(&bench);
    lines[0].generator_spread = vec![Some(1.0); 4];
    let mut with = |shares: &[&[(usize, f64)]]| {
        let shares = shares.iter().map(|shares| shares.iter().copied().collect());
        lines[0].generator_shares = shares.collect();
        told(&bench, &lines)
    };
    let fair = [(4, 0.5), (7, 0.5)];
    assert_eq!(with(&[&fair, &[(1, 0.31), (4, 0.63), (6, 0.03), (7, 0.03)]]), Vec::<String>::new());
    let begin = "rtf in class: the generator collapsed in context";
    let end = "by a classifier trained on real images";
    assert_eq!(
        with(&[&fair, &[(1, 0.9), (4, 0.05), (6, 0.029), (7, 0.021)], &[(4, 0.0)]]),
        [format!(
            "{begin} 2: 2.1 % of 1000 samples are of class 7 (expected at least 3.0 %), {end}"
        )]
    );
    let twenty = |least: f64| (0..20).map(|class| (class, least)).collect::<Vec<_>>();
    assert_eq!(with(&[&twenty(0.015)]), Vec::<String>::new());
    assert_eq!(
        with(&[&twenty(0.014)]),
        [format!(
            "{begin} 1: 1.4 % of 1000 samples are of class 0 (expected at least 1.5 %), {end}"
        )]
    );
}

/// What is plainer comes first where both show in the same context.
#[test]
fn rows_without_spread_are_told_before_their_classes() {
    let bench = bench("rtf", &["rtf.latent=2"]);
    let mut lines = run(&bench);
    lines[0].generator_shares = vec![[(1, 0.0)].into_iter().collect(); 2];
    lines[0].generator_spread = vec![Some(0.01), None];
    assert!(told(&bench, &lines)[0].contains("in context 1: the spread of its rows is 1.0e-2"));
    lines[0].generator_spread = vec![Some(1.0), None];
    assert!(told(&bench, &lines)[0].contains("in context 1: 0.0 % of 1000 samples"));
}

#[cfg(feature = "pictures")]
#[test]
fn a_picture_of_each_generator_lies_beside_the_results() {
    use continual::{Asked, CheckpointEvery, Earlier, Work};
    let bench = bench("dgr,dgr-gan,er", &["dgr.units=8", "dgr.latent=2", "dgr-gan.units=8"]);
    let folder = tempfile::tempdir().unwrap();
    let asked = Asked::Request(Request::default());
    let every = CheckpointEvery::default();
    let mut work = Work::begin(folder.path(), &asked, &bench, every, Earlier::Refuse).unwrap();
    let finished = bench.run(&bench.costs().unwrap(), &mut (), &mut work).unwrap();
    work.finish(&finished.diverged).unwrap();
    let mut names: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".png") || name.ends_with(".jsonl"))
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["generated-1-dgr-class.png", "generated-2-dgr-gan-class.png", "results.jsonl"]
    );
}
