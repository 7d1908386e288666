//! How much is forgotten, and does earlier learning help later learning?
//!
//! The literature uses one word for several formulas, so each has its own name here: `continual list` prints them
//! with their sources. Forward transfer needs accuracies from before training, which a run measures.
use continual::prelude::*;

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let experiment = Experiment::new(digits()).scenario(Scenario::Task).steps(100).seeds([2]);
    for strategy in [&Naive as &dyn Strategy, &Si { c: 10.0, ..Si::default() }] {
        let outcomes = experiment.run(strategy)?;
        let (values, undefined) = evaluate(&outcomes[0].accuracy);
        println!("{}:", strategy.name());
        for name in ["forgetting_chaudhry", "bwt_gem", "fwt_gem", "learning_accuracy"] {
            println!("  {name:20} {:+.3}", values[name]);
        }
        assert!(undefined.is_empty(), "{undefined:?}");
    }
    Ok(())
}
