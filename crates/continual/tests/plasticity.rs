//! How much networks can still learn: the numbers of a run against slow loops over its parameters, and nobody notices
//! that somebody asked.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use continual::core::{Error, Learner, Observer, Outcome, run};
use continual::metrics::PLASTICITY_METRICS;
use continual::nn::{Adam, ParamValues};
use continual::prelude::*;
use continual::registry::STRATEGIES;
use continual::scenarios::Dataset;
use continual::{Bench, Line, Request, Strengths};

const HIDDEN: [usize; 2] = [32, 24];

/// Steps so long that units die.
fn experiment() -> Experiment {
    let adam = Adam { lr: 0.01, ..Adam::default() };
    let experiment = Experiment::new(digits()).scenario(Scenario::Domain).seeds([2, 3]);
    experiment.hidden(&HIDDEN).steps(12).batch(16).optimizer(adam)
}

/// The activations of each hidden layer for these examples, `[layer][example][unit]`, in f64.
fn activations(data: &Dataset, rows: &[u32], theta: &[ParamValues]) -> Vec<Vec<Vec<f64>>> {
    let values = |name: &str| &theta.iter().find(|it| it.name == name).unwrap().floats;
    let mut layers = Vec::new();
    let mut inputs: Vec<Vec<f64>> = Vec::new();
    for &row in rows {
        let pixels = &data.images[row as usize * data.features()..][..data.features()];
        inputs.push(pixels.iter().map(|&it| f64::from(it) * f64::from(data.scale)).collect());
    }
    for (layer, units) in HIDDEN.into_iter().enumerate() {
        let (weight, bias) =
            (values(&format!("w{}", layer + 1)), values(&format!("b{}", layer + 1)));
        let unit = |input: &[f64], unit: usize| {
            let terms =
                input.iter().enumerate().map(|(i, x)| x * f64::from(weight[i * units + unit]));
            (terms.sum::<f64>() + f64::from(bias[unit])).max(0.0)
        };
        inputs = inputs.iter().map(|it| (0..units).map(|u| unit(it, u)).collect()).collect();
        layers.push(inputs.clone());
    }
    layers
}

/// Eigenvalues of a symmetric matrix by Jacobi's rotations.
fn eigenvalues(mut a: Vec<Vec<f64>>) -> Vec<f64> {
    let n = a.len();
    for (p, q) in (0..60).flat_map(|_| (0..n).flat_map(move |p| (p + 1..n).map(move |q| (p, q)))) {
        if a[p][q].abs() < 1e-300 {
            continue;
        }
        let angle = 0.5 * (2.0 * a[p][q]).atan2(a[q][q] - a[p][p]);
        let (s, c) = angle.sin_cos();
        for row in &mut a {
            (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
        }
        let (before, from) = a.split_at_mut(q);
        for (x, y) in before[p].iter_mut().zip(&mut from[0]) {
            (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
        }
    }
    (0..n).map(|k| a[k][k]).collect()
}

#[test]
fn the_numbers_are_those_of_slow_loops_over_the_parameters() {
    let experiment = experiment().plasticity();
    let mut learner = experiment.learner(&Naive).unwrap();
    let outcomes = run(&mut learner, &mut ()).unwrap();
    for (member, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.plasticity.len(), 5);
        let measured = outcome.plasticity[4].unwrap();
        let stream = experiment.stream(outcome.seed).unwrap();
        let rows: Vec<u32> = (0..5).flat_map(|context| stream.test(context).to_vec()).collect();
        assert!((0..5).all(|context| stream.test(context).len() <= 400), "all rows are asked");
        let theta = learner.network_values(member).unwrap();
        let layers = activations(&digits(), &rows, &theta);

        let asleep = |layer: &[Vec<f64>], unit: usize| {
            let awake = layer.iter().filter(|of| of[unit] > 0.0).count();
            (awake as f64) < 0.01 * rows.len() as f64
        };
        let dormant = layers.iter().zip(HIDDEN);
        let dormant = dormant.flat_map(|(layer, units)| (0..units).map(|u| asleep(layer, u)));
        let dormant = dormant.filter(|&asleep| asleep).count();
        assert!(dormant > 0, "long steps put units to sleep");
        assert!((measured.dormant_units - dormant as f64 / 56.0).abs() < 1e-12, "{measured:?}");

        let last = &layers[1];
        let product = |i: usize, j: usize| last.iter().map(|of| of[i] * of[j]).sum::<f64>();
        let gram = (0..24).map(|i| (0..24).map(|j| product(i, j)).collect()).collect();
        let sigma: Vec<f64> = eigenvalues(gram).iter().map(|it| it.max(0.0).sqrt()).collect();
        let sum: f64 = sigma.iter().sum();
        let shares = sigma.iter().map(|it| it / sum).filter(|&share| share > 1e-12);
        let rank = shares.map(|share| -share * share.ln()).sum::<f64>().exp();
        assert!(rank > 1.2, "more than one direction: {rank}");
        assert!(
            (measured.effective_rank.unwrap() - rank).abs() < 1e-4 * rank,
            "{measured:?} {rank}"
        );

        let weights = theta.iter().filter(|it| it.name.starts_with('w'));
        let weights: Vec<f64> =
            weights.flat_map(|it| it.floats.iter().map(|&w| f64::from(w).abs())).collect();
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        assert!((measured.weight_magnitude - mean).abs() < 1e-9, "{measured:?} {mean}");
    }
}

fn lines(strategies: &str, plasticity: bool) -> Vec<Line> {
    let request = Request {
        strategy: Some(strategies.to_owned()),
        scenario: Some("task".to_owned()),
        hidden: Some("16".to_owned()),
        steps: Some(4),
        seeds: Some(1),
        threads: Some(1),
        plasticity,
        ..Request::default()
    };
    let bench = Bench::new(&request, &Strengths::built_in().unwrap()).unwrap();
    bench.run(&bench.costs().unwrap(), &mut (), &mut ()).unwrap().lines
}

#[test]
fn every_strategy_can_be_asked_and_learns_the_same() {
    let all: Vec<&str> = STRATEGIES.iter().map(|entry| entry.name).collect();
    let all = all.join(",");
    let (alone, asked) = std::thread::scope(|scope| {
        let alone = scope.spawn(|| lines(&all, false));
        let asked = lines(&all, true);
        (alone.join().unwrap(), asked)
    });
    assert_eq!(alone.len(), asked.len());
    for (alone, asked) in alone.iter().zip(&asked) {
        let name = format!("{}, {}", asked.scenario, asked.strategy);
        assert_eq!(alone.accuracy, asked.accuracy, "{name}");
        assert_eq!(alone.penalty_ratio, asked.penalty_ratio, "{name}");
        assert!(alone.plasticity.is_empty(), "{name}");
        let shown = asked.plasticity.iter().all(Option::is_some);
        // Networks of their own, each for a context, have no trace of their layers.
        assert_eq!(shown, asked.strategy != "separate", "{name}");
        assert_eq!(alone.macs < asked.macs, shown, "{name}");
        assert_eq!(asked.plasticity.len(), asked.accuracy.len(), "{name}");
        let known = |metric: &str| {
            asked.metrics.contains_key(metric) || asked.metrics_undefined.contains_key(metric)
        };
        assert!(PLASTICITY_METRICS.iter().all(|metric| known(metric.name)), "{name}");
        assert!(asked.conventions.contains_key("plasticity"));
        assert_ne!(alone.config_hash, asked.config_hash);
    }
}

#[test]
fn a_network_without_a_hidden_layer_has_reasons() {
    let outcomes = experiment().hidden(&[]).plasticity().run(&Naive).unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.plasticity == [None; 5]));
}

/// Stops once after so many stages.
struct StopAfter(usize);

impl Observer for StopAfter {
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        let progress = learner.progress();
        match (progress.stage, progress.step) == (self.0, 0) {
            true => Err(Error::Interrupted { context: progress.stage + 1, step: 0 }),
            false => Ok(()),
        }
    }
}

#[test]
fn a_run_that_is_resumed_has_measured_the_same() {
    let of = |outcomes: Vec<Outcome>| -> Vec<_> {
        outcomes.into_iter().map(|outcome| (outcome.plasticity, outcome.accuracy)).collect()
    };
    let experiment = experiment().plasticity();
    let whole = of(experiment.run(&Naive).unwrap());
    let mut stopped = experiment.learner(&Naive).unwrap();
    run(&mut stopped, &mut StopAfter(2)).unwrap_err();
    let saved = stopped.save().unwrap();
    let mut resumed = experiment.learner(&Naive).unwrap();
    resumed.restore(&saved).unwrap();
    assert_eq!(of(run(&mut resumed, &mut ()).unwrap()), whole);
    // Of a run that is not asked it is another.
    let mut other = self::experiment().learner(&Naive).unwrap();
    assert!(other.restore(&saved).unwrap_err().to_string().contains("plasticity"));
}
