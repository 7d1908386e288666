//! How do I see results while it trains?
//!
//! An observer is told of every evaluation, with the accuracies of all members. (Commands do the same: `continual
//! bench` keeps finished runs in `results.jsonl.partial`, one line each: a copy of it under the
//! name `results.jsonl`, in a folder of its own, is what `continual report` reads.)
use continual::core::Observer;
use continual::prelude::*;

struct Printed {
    steps: u32,
}

impl Observer for Printed {
    fn stepped(&mut self, steps: u32) {
        self.steps += steps;
    }
    fn evaluated(&mut self, stage: usize, accuracies: &[Vec<f64>]) {
        let so_far = &accuracies[0][..=stage];
        let mean = so_far.iter().sum::<f64>() / so_far.len() as f64;
        println!("step {}, {} contexts: {:.1} %", self.steps, stage + 1, 100.0 * mean);
    }
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let experiment = Experiment::new(digits()).scenario(Scenario::Class).steps(100).seeds([2]);
    let mut printed = Printed { steps: 0 };
    experiment.run_watched(&ExperienceReplay::per_class(10), &mut printed)?;
    assert_eq!(printed.steps, 5 * 100);
    Ok(())
}
