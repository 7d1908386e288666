//! Whole runs on Split digits, paired by seed with those of the CPU.
//!
//! Last bits differ, and where a run's choices hang on them (which exemplars, which side of a threshold)
//! networks part for good: what has to agree is accuracy, |mean difference| at most a point or three
//! standard errors of the differences.

use crate::gpu;
use continual::{Bench, Line, Request, Strengths};

const SEEDS: usize = 5;

fn lines(scenario: &str, strategies: &str, device: &str) -> Vec<Line> {
    let request = Request {
        scenario: Some(scenario.to_owned()),
        strategy: Some(strategies.to_owned()),
        seeds: Some(SEEDS as u64),
        steps: Some(60),
        hidden: Some("32".to_owned()),
        threads: Some(1),
        device: Some(device.to_owned()),
        ..Request::default()
    };
    let bench = Bench::new(&request, &Strengths::built_in().unwrap()).unwrap();
    bench.run(&bench.costs().unwrap(), &mut (), &mut ()).unwrap().lines
}

/// In points: mean of the differences, and the standard error of that mean.
fn paired(ours: &[Line], theirs: &[Line]) -> (f64, f64) {
    let accuracy = |line: &Line| 100.0 * line.metrics["final_accuracy"];
    let differences: Vec<f64> =
        ours.iter().zip(theirs).map(|(a, b)| accuracy(a) - accuracy(b)).collect();
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

#[test]
fn whole_runs_agree_with_those_of_the_cpu_over_five_seeds() {
    if gpu().is_none() {
        return;
    }
    for (scenario, strategies) in [("class", "none,er,ewc"), ("task", "xdg"), ("domain", "si")] {
        let (gpu, cpu) = (lines(scenario, strategies, "gpu"), lines(scenario, strategies, "cpu"));
        assert_eq!(gpu.len(), SEEDS * strategies.split(',').count());
        for (ours, theirs) in gpu.chunks(SEEDS).zip(cpu.chunks(SEEDS)) {
            let run = (&ours[0].strategy, scenario);
            let seeds = ours.iter().zip(theirs);
            assert!(seeds.into_iter().all(|(a, b)| a.settings == b.settings && a.seed == b.seed));
            let learnt = |line: &Line| {
                let [known, kept] =
                    ["learning_accuracy", "final_accuracy"].map(|it| line.metrics[it]);
                known.max(kept) > 0.5
            };
            assert!(ours.iter().all(learnt), "{run:?}: learns nothing");
            let (mean, error) = paired(ours, theirs);
            assert!(mean.abs() <= f64::max(1.0, 3.0 * error), "{run:?}: {mean} ± {error} points");
        }
    }
}
