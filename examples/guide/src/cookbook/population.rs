//! How do I train many seeds and many strengths at once?
//!
//! Seeds are members of one population; a member may also have its own value of a numeric hyper-parameter. Members
//! share one plan and the images, and each has the bits of a run by itself. (By name: `--set si.c=0.1,1,10`.)
use continual::prelude::*;

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let strengths = [0.1, 1.0, 10.0];
    // The same seed three times: only the strength differs.
    let experiment = Experiment::new(digits()).scenario(Scenario::Task).steps(100).seeds([2; 3]);
    let si = Si::default();
    let mut learner = experiment.learner(&si)?;
    for (member, &c) in strengths.iter().enumerate() {
        learner.set_hyper("si/c", member, c)?;
    }
    let together = continual::core::run(&mut learner, &mut ())?;
    for (outcome, c) in together.iter().zip(strengths) {
        println!("c = {c:<4} {:.1} %", 100.0 * final_accuracy(&outcome.accuracy)?);
    }
    let alone = experiment.clone().seeds([2]).run(&si)?; // c = 1, by itself
    assert_eq!(alone[0].accuracy, together[1].accuracy);
    Ok(())
}
