//! Forgetting, and what replay does about it.
use continual::prelude::*;

fn main() -> Result<(), continual::Error> {
    // Handwritten digits, five contexts of two classes; at test time all ten classes compete.
    let experiment = Experiment::new(digits()).scenario(Scenario::Class).seeds(2..=4);

    let replay = ExperienceReplay::per_class(10);
    let both = (Si::default(), replay); // strategies compose as tuples
    for strategy in [&Naive as &dyn Strategy, &replay, &both] {
        let outcomes = experiment.run(strategy)?; // three seeds as one population
        let finals: Result<Vec<f64>, _> =
            outcomes.iter().map(|outcome| final_accuracy(&outcome.accuracy)).collect();
        println!("{:6} {:.1} %", strategy.name(), 100.0 * Summary::of(&finals?)?.mean);
    }
    Ok(())
}
