//! What comes from outside passes what comes from inside.

use cl_core::{Parts, Penalty, Step};
use cl_tensor::Var;
use continual::prelude::*;
use outside::dataset::stripes;
use outside::tether::Tether;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn experiment() -> Outcome<Experiment> {
    let experiment = Experiment::new(stripes()?).scenario(Scenario::Task).contexts(4);
    Ok(experiment.hidden(&[32]).seeds([2, 3, 4]).steps(60).batch(16))
}

#[test]
fn the_operation_passes_the_suite_of_all_operations() {
    cl_tensor::conformance::check(&outside::huber::cases());
}

#[test]
fn a_data_set_of_ones_own_is_learned() -> Outcome {
    let outcomes = experiment()?.steps(200).joint().run(&Naive)?;
    for outcome in outcomes {
        let last = outcome.accuracy.rows().last().map_or(&[][..], |row| row);
        assert!(last.iter().all(|&accuracy| accuracy > 0.9), "{last:?}");
    }
    Ok(())
}

#[test]
fn the_strategy_holds_on_to_what_plain_training_forgets() -> Outcome {
    let first = |strategy: &dyn Strategy| -> Outcome<f64> {
        let outcomes = experiment()?.run(strategy)?;
        let of_first = outcomes.iter().map(|o| o.accuracy.rows().last().map_or(0.0, |row| row[0]));
        Ok(of_first.sum::<f64>() / outcomes.len() as f64)
    };
    let (plain, tied) = (first(&Naive)?, first(&Tether { lambda: 1e-4 })?);
    assert!(tied > plain + 0.05, "plain {plain}, tied {tied}");
    Ok(())
}

#[test]
fn the_strategy_passes_the_suite_of_all_strategies() {
    cl_core::conformance::Subject::new("tether", || Tether { lambda: 1e-4 })
        .neutral(|| Tether { lambda: 0.0 })
        .refused(|| Tether { lambda: -1.0 })
        .refused(|| Tether { lambda: f64::NAN })
        .kept(|facts| 4 * (facts.layout.parameters() as u64 + 1))
        .assert();
}

/// Adds a row to a column: the shapes do not go together.
struct Wrong;

impl Penalty for Wrong {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let (wrong, line) = (step.theta + step.weight, line!());
        assert_eq!(line, LINE);
        wrong.sum()
    }
}

/// Where [`Wrong`] adds.
const LINE: u32 = 58;

impl Strategy for Wrong {
    fn name(&self) -> String {
        "wrong".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self);
    }
}

#[test]
fn a_misfit_names_the_file_and_line_of_the_formula() -> Outcome {
    let error = experiment()?.run(&Wrong).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains(&format!("tests/outside.rs:{LINE}")), "{error}");
    assert!(error.contains("[16]"), "{error}");
    Ok(())
}

#[test]
fn the_tutorial_shows_what_is_here() {
    let sources = [
        include_str!("../src/dataset.rs"),
        include_str!("../src/huber.rs"),
        include_str!("../src/tether.rs"),
        include_str!("outside.rs"),
    ];
    let tutorial = include_str!("../../../docs/EXTENDING.md");
    let snippets: Vec<&str> = tutorial.split("```rust\n").skip(1).collect();
    assert!(snippets.len() > 5);
    for snippet in snippets.iter().map(|rest| rest.split("```").next().unwrap_or_default()) {
        assert!(sources.iter().any(|source| source.contains(snippet)), "{snippet}");
    }
}
