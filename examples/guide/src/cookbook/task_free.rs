//! How do I train on a stream without boundaries?
//!
//! Contexts fade into each other and nobody says where. Methods that need to be told are refused with the reason;
//! the others consolidate after every so many steps.
use continual::prelude::*;

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let experiment = Experiment::new(digits())
        .scenario(Scenario::Class)
        .steps(100)
        .kind(StreamKind::Fuzzy { fuzziness: 25 })
        .update_every(50)
        .seeds([2, 3]);
    let reservoir = ReservoirReplay::default();
    for strategy in [&Naive as &dyn Strategy, &Si::default(), &reservoir] {
        let outcomes = experiment.run(strategy)?;
        let finals: Result<Vec<f64>, _> =
            outcomes.iter().map(|it| final_accuracy(&it.accuracy)).collect();
        println!("{:13} {:.1} %", strategy.name(), 100.0 * Summary::of(&finals?)?.mean);
    }
    let refused = experiment.run(&Ewc::default()).map(|_| ());
    println!("ewc: {}", refused.expect_err("EWC needs boundaries"));
    Ok(())
}
