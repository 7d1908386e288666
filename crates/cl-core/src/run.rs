//! The one training loop.

use crate::error::Error;
use crate::learner::Learner;
use cl_metrics::AccuracyMatrix;
use std::time::Instant;

/// Watches a run.
pub trait Observer {
    /// So many more steps were taken by every member.
    fn stepped(&mut self, _steps: u32) {}

    /// A stage is over; the accuracies of every member, `[members][contexts]`.
    fn evaluated(&mut self, _stage: usize, _accuracies: &[Vec<f64>]) {}
}

/// Watches nothing.
impl Observer for () {}

/// What a run gave one member.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The member's seed.
    pub seed: u64,
    /// R and b.
    pub accuracy: AccuracyMatrix,
    /// Wall-clock seconds of training and boundaries, without evaluation, divided by the number of
    /// members.
    pub train_seconds: f64,
}

/// Steps between two reports to the observer.
const REPORT: u32 = 100;

/// Trains a population over its streams: stage by stage, with an evaluation before the first and
/// after each. At the last boundary nothing is consolidated: nothing would use it.
///
/// # Errors
/// A loss or parameter that is not a number (naming context, step, strategy and seed); what a memory
/// or the device refuses.
pub fn run(learner: &mut Learner<'_>, observer: &mut dyn Observer) -> Result<Vec<Outcome>, Error> {
    let before = learner.accuracies(0)?;
    let mut rows: Vec<Vec<Vec<f64>>> = Vec::new();
    let mut seconds = 0.0;
    for stage in 0..learner.stages() {
        let start = Instant::now();
        learner.begin(stage)?;
        let steps = learner.steps(stage);
        let mut at = 0;
        while at < steps {
            let next = steps.min(at + REPORT);
            learner.train(stage, at..next)?;
            observer.stepped(next - at);
            at = next;
        }
        learner.check_theta(stage)?;
        if stage + 1 < learner.stages() {
            learner.consolidate(stage)?;
        }
        seconds += start.elapsed().as_secs_f64();
        let accuracies = learner.accuracies(stage)?;
        observer.evaluated(stage, &accuracies);
        rows.push(accuracies);
    }
    let members = learner.members();
    (0..members)
        .map(|member| {
            let matrix = rows.iter().map(|stage| stage[member].clone()).collect();
            Ok(Outcome {
                seed: learner.members[member].seed,
                accuracy: AccuracyMatrix::from_rows(matrix)?.with_before(before[member].clone())?,
                train_seconds: seconds / members as f64,
            })
        })
        .collect()
}
