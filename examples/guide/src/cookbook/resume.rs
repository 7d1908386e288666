//! How do I go on with a run that was interrupted?
//!
//! Of a command: `continual resume DIR`. In a program: save the learner between two steps, and restore the file into
//! a learner that was made alike. The bits are those of a run that nobody interrupted.
use continual::core::{Checkpoint, Error, Observer};
use continual::prelude::*;
use std::path::PathBuf;

/// Saves after 120 steps and stops.
struct Stops {
    steps: u32,
    file: PathBuf,
}

impl Observer for Stops {
    fn interval(&self) -> u32 {
        40
    }
    fn stepped(&mut self, steps: u32) {
        self.steps += steps;
    }
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        if self.steps < 120 {
            return Ok(());
        }
        learner.save()?.save(&self.file)?;
        let at = learner.progress();
        Err(Error::Interrupted { context: at.stage + 1, step: at.step })
    }
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("run.safetensors");
    let strategy = (Si::default(), ExperienceReplay::per_class(10));
    let experiment = Experiment::new(digits()).scenario(Scenario::Class).steps(100).seeds([2, 3]);

    let mut stops = Stops { steps: 0, file: file.clone() };
    if let Err(stopped) = experiment.run_watched(&strategy, &mut stops) {
        println!("{stopped}");
    }
    let mut learner = experiment.learner(&strategy)?;
    learner.restore(&Checkpoint::load(&file)?)?;
    let resumed = continual::core::run(&mut learner, &mut ())?;

    let whole = experiment.run(&strategy)?;
    for (resumed, whole) in resumed.iter().zip(&whole) {
        assert_eq!(resumed.accuracy, whole.accuracy);
    }
    println!("went on to the same accuracies, bit for bit");
    Ok(())
}
