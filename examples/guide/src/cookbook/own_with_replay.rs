//! How does a strategy of my own go with replay?
//!
//! As any other: in a tuple. [`Settle`](TUTORIAL.md#your-first-strategy) is the tutorial's; it shrinks steps, replay adds
//! rows, and neither knows of the other.
use crate::tutorial::first_strategy::Settle;
use continual::prelude::*;

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let (settle, replay) = (Settle { k: 100.0 }, ExperienceReplay::per_class(10));
    let both = (Settle { k: 100.0 }, replay);
    let experiment = Experiment::new(digits()).scenario(Scenario::Class).steps(50).seeds([2, 3]);
    for strategy in [&Naive as &dyn Strategy, &settle, &replay, &both] {
        let outcomes = experiment.run(strategy)?;
        let finals: Result<Vec<f64>, _> =
            outcomes.iter().map(|it| final_accuracy(&it.accuracy)).collect();
        println!("{:10} {:.1} %", strategy.name(), 100.0 * Summary::of(&finals?)?.mean);
    }
    Ok(())
}
