//! Evaluations on the way: what they see is what is there, and nobody notices that somebody looked.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use continual::core::{Error, Learner, Observer, Outcome, run};
use continual::metrics::ANYTIME_METRICS;
use continual::prelude::*;
use continual::registry::STRATEGIES;
use continual::{Bench, CALIBRATION_ERROR, Line, Request, Strengths};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn lines(strategies: &str, anytime_every: Option<u32>) -> Vec<Line> {
    let request = Request {
        strategy: some(strategies),
        scenario: some("task,class"),
        hidden: some("16"),
        steps: Some(4),
        seeds: Some(1),
        threads: Some(1),
        anytime_every,
        ..Request::default()
    };
    let bench = Bench::new(&request, &Strengths::built_in().unwrap()).unwrap();
    bench.run(&bench.costs().unwrap(), &mut (), &mut ()).unwrap().lines
}

/// Whoever is looked at after every second step ends with the same accuracies as alone.
#[test]
fn a_look_on_the_way_changes_nothing_that_any_strategy_learns() {
    let all: Vec<&str> = STRATEGIES.iter().map(|entry| entry.name).collect();
    let all = all.join(",");
    let (unseen, seen) = std::thread::scope(|scope| {
        let unseen = scope.spawn(|| lines(&all, None));
        let seen = lines(&all, Some(2));
        (unseen.join().unwrap(), seen)
    });
    assert_eq!(unseen.len(), seen.len());
    for (unseen, seen) in unseen.iter().zip(&seen) {
        let name = format!("{}, {}", seen.scenario, seen.strategy);
        assert_eq!(unseen.accuracy, seen.accuracy, "{name}");
        assert_eq!(unseen.penalty_ratio, seen.penalty_ratio, "{name}");
        assert_eq!(unseen.generator_spread, seen.generator_spread, "{name}");
        let known = |metric: &str| {
            seen.metrics.contains_key(metric) || seen.metrics_undefined.contains_key(metric)
        };
        assert!(known(CALIBRATION_ERROR), "{name}");
        match &seen.anytime {
            Some(_) => assert!(ANYTIME_METRICS.iter().all(|metric| known(metric.name)), "{name}"),
            None => assert_eq!(seen.strategy, "joint"),
        }
        assert_ne!(unseen.config_hash, seen.config_hash);
        assert!(unseen.macs < seen.macs || seen.anytime.is_none(), "{name}");
    }
}

fn experiment() -> Experiment {
    Experiment::new(digits()).seeds([2, 3]).hidden(&[16]).steps(7).batch(16)
}

/// 7 steps looked at after every third: at 0, then at 3, 6 and 7 of every context. The digits have fewer test
/// rows of a context than are drawn, so that b and R are seen on the way, and again at the ends of contexts.
#[test]
fn what_is_seen_at_the_ends_of_contexts_is_r_and_at_step_0_b() {
    let outcomes = experiment().anytime_every(3).run(&Naive).unwrap();
    // A read-out too, which knows a context from its end on.
    let exemplars = lines("icarl", Some(2));
    for line in &exemplars {
        let run = line.anytime.clone().unwrap();
        let ends = run.glances().iter().filter(|it| it.step > 0 && it.step % 4 == 0);
        assert_eq!(ends.map(|it| it.accuracy.clone()).collect::<Vec<_>>(), line.accuracy);
        assert!(run.glances().last().unwrap().accuracy[4] > 0.5, "knows the last context");
    }
    for outcome in outcomes {
        let run = outcome.anytime.unwrap();
        let steps: Vec<u64> = run.glances().iter().map(|it| it.step).collect();
        let expected = (0..5).flat_map(|context| [3, 6, 7].map(|step| 7 * context + step));
        assert_eq!(steps, [0].into_iter().chain(expected).collect::<Vec<u64>>());
        assert_eq!(run.glances()[0].accuracy, outcome.accuracy.before().unwrap());
        let ends = run.glances().iter().filter(|it| it.step > 0 && it.step % 7 == 0);
        let ends: Vec<_> = ends.map(|it| it.accuracy.clone()).collect();
        assert_eq!(ends, outcome.accuracy.rows());
        // A network of chance level is as sure as it is right, more or less; one bin holds it all then.
        let calibration = outcome.calibration.unwrap();
        let rows: usize = calibration.bins.iter().map(|bin| bin.count).sum();
        let right: f64 = calibration.bins.iter().map(|it| it.accuracy * it.count as f64).sum();
        let last = outcome.accuracy.rows().last().unwrap();
        let stream = experiment().stream(outcome.seed).unwrap();
        let sizes = (0..5).map(|context| stream.test(context).len());
        let hits: f64 =
            sizes.clone().zip(last).map(|(rows, accuracy)| accuracy * rows as f64).sum();
        assert_eq!(rows, sizes.sum::<usize>());
        assert!((right - hits).abs() < 1e-6, "{right} {hits}");
    }
}

/// Stops once at so many steps of the run.
struct StopAt(u64);

impl Observer for StopAt {
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        let progress = learner.progress();
        match progress.taken == self.0 {
            true => Err(Error::Interrupted { context: progress.stage + 1, step: progress.step }),
            false => Ok(()),
        }
    }

    fn interval(&self) -> u32 {
        2
    }
}

#[test]
fn a_run_that_is_resumed_between_two_looks_has_seen_the_same() {
    let seen = |outcomes: Vec<Outcome>| {
        let of = |outcome: Outcome| (outcome.anytime, outcome.calibration, outcome.accuracy);
        outcomes.into_iter().map(of).collect::<Vec<_>>()
    };
    let experiment = experiment().anytime_every(3);
    let whole = seen(experiment.run(&Naive).unwrap());
    for steps in [2, 3, 5, 7, 12] {
        let mut stopped = experiment.learner(&Naive).unwrap();
        run(&mut stopped, &mut StopAt(steps)).unwrap_err();
        let mut resumed = experiment.learner(&Naive).unwrap();
        resumed.restore(&stopped.save().unwrap()).unwrap();
        assert_eq!(seen(run(&mut resumed, &mut ()).unwrap()), whole, "after {steps} steps");
    }
}

/// 5 contexts of 7 steps; evaluated before, after each context and once for the calibration; looked at 16 times.
#[test]
fn multiply_accumulates_are_told_by_what_they_are_for() {
    let costs = |experiment: Experiment| experiment.learner(&Naive).unwrap().costs();
    let (alone, seen) = (costs(experiment()), costs(experiment().anytime_every(3)));
    assert_eq!(alone.boundary_macs, 0);
    assert_eq!(alone.macs, 5 * 7 * alone.step.macs + alone.evaluation_macs);
    let once = alone.evaluation_macs / 7;
    // Test rows go through the network in chunks, the last one padded.
    let tests: usize = (0..5).map(|it| experiment().stream(2).unwrap().test(it).len()).sum();
    let row = 64 * 16 + 16 * 10;
    assert!((tests * row..2 * tests * row).contains(&(once as usize)), "{once} for {tests} rows");
    assert_eq!(seen.evaluation_macs, (7 + 16) * once);
    assert_eq!(seen.macs - alone.macs, 16 * once);
    let ewc = experiment().learner(&Ewc::default()).unwrap().costs();
    let (step, boundaries) = (ewc.step.macs, ewc.boundary_macs);
    assert!(boundaries > 0);
    assert_eq!(ewc.macs, 5 * 7 * step + boundaries + ewc.evaluation_macs);
}

#[test]
fn what_cannot_be_looked_at_is_refused() {
    let request = Request { anytime_every: Some(0), ..Request::default() };
    let error = Bench::new(&request, &Strengths::built_in().unwrap()).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "--anytime-every `0`: expected 1 to 4294967295");
    let long = Experiment::new(digits()).protocol(Protocol::Permuted).scenario(Scenario::Domain);
    let long = long.contexts(51).anytime_every(10);
    let error = long.learner(&Naive).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("accuracies on the way of 51 contexts every 10 steps"), "{error}");
}
