//! How well is every context known, after every context?
//!
//! Row i of the accuracy matrix is measured when context i ends, column j on the test rows of context j. Here on
//! rotated digits, whose classes stay: accuracy on angles that were not trained on yet is not 0.
use continual::prelude::*;

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let experiment = Experiment::new(digits())
        .protocol(Protocol::Rotated)
        .scenario(Scenario::Domain)
        .contexts(4)
        .steps(150)
        .seeds([2]);
    let outcomes = experiment.run(&Ewc::default())?;
    for (context, row) in outcomes[0].accuracy.rows().iter().enumerate() {
        let cells: String =
            row.iter().map(|accuracy| format!("{:6.1}", 100.0 * accuracy)).collect();
        println!("after context {}:{cells}", context + 1);
    }
    Ok(())
}
