//! Your first stream: what it shows, what plain training forgets, what replay does about it.

use continual::prelude::*;

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let experiment = Experiment::new(digits()).scenario(Scenario::Class).steps(100).seeds([2]);

    let stream = experiment.stream(2)?;
    for context in 0..stream.contexts() {
        let examples = stream.train(context);
        let mut classes: Vec<u8> =
            examples.iter().map(|&example| digits().labels[example as usize]).collect();
        classes.sort_unstable();
        classes.dedup();
        println!("context {}: classes {classes:?}, {} examples", context + 1, examples.len());
    }

    println!("\nplain training:");
    print_matrix(&experiment.run(&Naive)?[0].accuracy);

    println!("\nwith ten examples of every class kept and replayed:");
    print_matrix(&experiment.run(&ExperienceReplay::per_class(10))?[0].accuracy);

    println!("\nfinal accuracy over five seeds, in percent:");
    let experiment = experiment.seeds(2..=6);
    for strategy in [&Naive as &dyn Strategy, &Si::default(), &ExperienceReplay::per_class(10)] {
        let outcomes = experiment.run(strategy)?;
        let finals: Result<Vec<f64>, _> =
            outcomes.iter().map(|it| final_accuracy(&it.accuracy)).collect();
        let Summary { mean, sem, .. } = Summary::of(&finals?)?;
        let (mean, sem) = (100.0 * mean, 100.0 * sem.unwrap_or(f64::NAN));
        println!("{:5} {mean:.1} ± {sem:.1}", strategy.name());
    }
    Ok(())
}

/// A row for each context that was trained on, a column for each that was tested, in percent.
fn print_matrix(accuracy: &AccuracyMatrix) {
    for (context, row) in accuracy.rows().iter().enumerate() {
        let cells: String = row.iter().map(|it| format!("{:6.1}", 100.0 * it)).collect();
        println!("after context {}:{cells}", context + 1);
    }
}
