//! Which of two strategies is better?
//!
//! Train both on the same seeds and compare seed by seed: the difference is far less noisy than the two means.
//! With 5 seeds an exact test cannot go below p = 2/2⁵ = 0.0625; with 6 it can be significant at 5 %.
use continual::metrics::Paired;
use continual::prelude::*;

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let experiment = Experiment::new(digits()).scenario(Scenario::Class).seeds(2..=7).steps(50);
    let finals = |strategy: &dyn Strategy| -> Result<Vec<f64>, Box<dyn std::error::Error>> {
        let outcomes = experiment.run(strategy)?;
        let finals: Result<_, _> = outcomes.iter().map(|it| final_accuracy(&it.accuracy)).collect();
        Ok(finals?)
    };
    let (er, si) = (finals(&ExperienceReplay::per_class(10))?, finals(&Si::default())?);
    for (name, values) in [("er", &er), ("si", &si)] {
        let Summary { mean, sem, .. } = Summary::of(values)?;
        println!("{name}: {:.1} ± {:.1} %", 100.0 * mean, 100.0 * sem.unwrap_or(f64::NAN));
    }
    let paired = Paired::of(&er, &si)?;
    println!("er - si: {:.1} points, p = {:.3}", 100.0 * paired.difference.mean, paired.p);
    assert!(paired.p < 0.05);
    Ok(())
}
