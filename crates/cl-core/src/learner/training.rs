//! Which programs train, and how often.

use super::Learner;
use crate::parts::{Length, Trains};
use cl_tensor::{Plan, PlanId};

/// A program that trains.
#[derive(Clone, Debug)]
pub struct TrainingProgram<'l> {
    /// Names of the phases that run it, in the order in which they come.
    pub phases: Vec<&'static str>,
    /// What it trains.
    pub trains: Trains,
    /// Rows of the stream per step.
    pub rows: usize,
    /// How often a run runs it, over all contexts, as far as that is known before.
    pub runs: u64,
    /// Passes over memories, over all contexts: a run for every batch that a memory then holds.
    pub passes: u64,
    /// The program.
    pub plan: &'l Plan,
}

impl Learner<'_> {
    /// Every program that trains, in the order of its first run, with what the first member would run.
    #[must_use]
    pub fn training_programs(&self) -> Vec<TrainingProgram<'_>> {
        let stream = &*self.members[0].stream;
        let mut programs: Vec<(PlanId, TrainingProgram<'_>)> = Vec::new();
        for stage in 0..self.stages() {
            for phase in self.phases(stage) {
                let batch = self.settings.batch;
                let rows = crate::draw::batch_rows(stream, self.labels(), batch, phase.rows);
                for &trains in &phase.cycle {
                    let Some(id) = self.programs.train(&phase, trains, rows) else { continue };
                    let known = programs.iter().position(|(known, _)| *known == id);
                    let at = known.unwrap_or_else(|| {
                        let plan = self.session.plan(id);
                        let (phases, runs, passes) = (Vec::new(), 0, 0);
                        let new = TrainingProgram { phases, trains, rows, runs, passes, plan };
                        programs.push((id, new));
                        programs.len() - 1
                    });
                    let program = &mut programs[at].1;
                    if !program.phases.contains(&phase.name) {
                        program.phases.push(phase.name);
                    }
                    match phase.length {
                        Length::Steps(steps) => program.runs += u64::from(steps),
                        Length::Passes(passes) => program.passes += u64::from(passes),
                    }
                }
            }
        }
        programs.into_iter().map(|(_, program)| program).collect()
    }
}
