//! A class that never arrives: its examples are of the stream's classes, but none is there to train on.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use continual::core::Strategy;
use continual::prelude::*;
use continual::replay::generative::ReplayThroughFeedback;
use continual::replay::{Agem, Gem};
use continual::scenarios::Parts;
use continual::templates::{Icarl, Ranpac, Slda};

/// Digits of which this one has test images only.
const MISSING: u8 = 3;

fn without() -> Dataset {
    let all = digits();
    let others = |part: &[u32]| -> Vec<u32> {
        part.iter().copied().filter(|&row| all.labels[row as usize] != MISSING).collect()
    };
    let (train, validation) = (others(&all.train), others(&all.validation));
    let parts = Parts { train, validation, test: all.test.to_vec() };
    let size = (all.width, all.height);
    let name = "digits without one";
    Dataset::new(name, size, all.classes, all.scale, all.images, all.labels, parts).unwrap()
}

fn strategies(scenario: Scenario) -> Vec<Box<dyn Strategy>> {
    let mut bir = ReplayThroughFeedback::bir(scenario);
    bir.generator.latent = 4;
    vec![
        Box::new(ExperienceReplay::per_class(5)),
        Box::new(Agem::default()),
        Box::new(Gem::default()),
        Box::new(Icarl::per_class(5)),
        Box::new(Ranpac { projections: 60, ..Ranpac::default() }),
        Box::new(bir),
        Box::new(Slda::default()),
    ]
}

/// Everything told is a number. The class's own test rows are all missed; in a task-incremental stream those
/// of the class beside it are found.
#[test]
fn a_class_without_training_rows_costs_its_own_rows_alone() {
    let data = without();
    for scenario in [Scenario::Class, Scenario::Task] {
        for strategy in strategies(scenario) {
            let name = format!("{} in {scenario}", strategy.name());
            let experiment = Experiment::new(data.clone()).scenario(scenario).hidden(&[24]);
            let experiment = experiment.steps(80).seeds([2, 3]);
            for seed in [2, 3] {
                let stream = experiment.stream(seed).unwrap();
                let has = |context: &usize| stream.classes(*context).contains(&MISSING);
                let own = (0..5).find(has).unwrap();
                let rows = stream.train(own);
                assert!(
                    rows.iter().all(|&row| data.labels[row as usize] != MISSING)
                        && !rows.is_empty()
                );
            }
            let outcomes = experiment.run(&*strategy).unwrap();
            for outcome in &outcomes {
                let stream = experiment.stream(outcome.seed).unwrap();
                let last = outcome.accuracy.rows().last().unwrap();
                assert!(last.iter().all(|x| (0.0..=1.0).contains(x)), "{name}: {last:?}");
                let (metrics, _) = evaluate(&outcome.accuracy);
                assert!(metrics.values().all(|value| value.is_finite()), "{name}: {metrics:?}");
                for (context, &found) in last.iter().enumerate() {
                    let test = stream.test(context);
                    let of_missing =
                        test.iter().filter(|&&row| data.labels[row as usize] == MISSING).count();
                    let most = 1.0 - of_missing as f64 / test.len() as f64;
                    assert!(found <= most + 1e-9, "{name}: {found} of at most {most}");
                    if scenario == Scenario::Task && of_missing > 0 {
                        assert!(found > most - 0.05, "{name}: {found} of {most}");
                    }
                }
            }
        }
    }
}

/// Not one row of a whole context: refused by name before anything is trained.
#[test]
fn a_context_without_training_rows_is_refused_by_name() {
    let all = digits();
    let stream = Experiment::new(all.clone()).stream(2).unwrap();
    let gone = stream.classes(3);
    let train = all.train.iter().copied();
    let train = train.filter(|&row| !gone.contains(&all.labels[row as usize])).collect();
    let parts = Parts { train, validation: Vec::new(), test: all.test.to_vec() };
    let size = (all.width, all.height);
    let few =
        Dataset::new("few", size, all.classes, all.scale, all.images, all.labels, parts).unwrap();
    let error = Experiment::new(few).seeds([2]).run(&ExperienceReplay::default()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("context 4") && text.contains("few"), "{text}");
}
