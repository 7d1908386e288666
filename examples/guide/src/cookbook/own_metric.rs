//! How do I add a metric of my own?
//!
//! A metric is a name, a formula and a function of the accuracy matrix R. What a matrix does not define is an
//! `Undefined` with the reason, never a 0. Here: the accuracy of the context that fares worst in the end.
use continual::metrics::{METRICS, Metric, Undefined, evaluate_with};
use continual::prelude::*;

const WORST: Metric =
    Metric { name: "worst_final_accuracy", formula: "min_j R[T][j]", source: "own", value: worst };

fn worst(matrix: &AccuracyMatrix) -> Result<f64, Undefined> {
    let last = matrix.require_last_row("worst_final_accuracy")?;
    last.iter().copied().reduce(f64::min).ok_or_else(|| Undefined::new("no contexts"))
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let experiment = Experiment::new(digits()).scenario(Scenario::Task).steps(100).seeds([2]);
    let outcomes = experiment.run(&Si::default())?;
    let metrics: Vec<Metric> = METRICS.iter().copied().chain([WORST]).collect();
    let (values, _) = evaluate_with(&metrics, &outcomes[0].accuracy);
    for name in ["final_accuracy", "worst_final_accuracy"] {
        println!("{name} {:.3}", values[name]);
    }
    assert!(values["worst_final_accuracy"] <= values["final_accuracy"]);
    Ok(())
}
