//! How hard penalties pull beside the task.

use super::Learner;
use super::phase::Running;
use crate::error::Error;
use crate::host::Training;
use crate::record::{PENALTY_GRADIENT, TASK_GRADIENT};
use cl_tensor::{Feeds, Host, Outputs, Session};
use serde::{Deserialize, Serialize};

/// Batches over which gradients are measured.
const BATCHES: u32 = 8;

/// How hard the task and the penalties pulled at theta when a stage of training ended.
///
/// Root mean squares, over 8 fresh batches, of ‖∂ task loss / ∂θ‖ and ‖∂ Σ penalties / ∂θ‖, before
/// any gradient map; Euclidean norms in f64. The batches are those that the next 8 steps would see,
/// rows of memories included.
///
/// It is measured behind the last step of every stage but the first, where nothing has been learned
/// yet, and before anything is consolidated. A stage begins where most penalties have their anchor, so
/// there their gradient is 0 whatever the strength; where it ends both pulls have found their balance.
/// Where boundaries are set or found within a stage and one of them falls on its very end, theta is at
/// the anchor again and the penalties' gradient is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pull {
    /// Of the task loss, nats.
    pub task: f64,
    /// Of the sum of all penalties, nats.
    pub penalties: f64,
}

impl Pull {
    /// penalties / task; `None` where the task's gradient is 0.
    #[must_use]
    pub fn ratio(self) -> Option<f64> {
        (self.task > 0.0).then(|| (self.penalties / self.task).min(f64::MAX))
    }
}

/// A member's sums of squares over the batches.
struct Measured<'a> {
    step: Training<'a>,
    sums: Pull,
}

impl Measured<'_> {
    /// The root mean squares; finite, because a checkpoint holds no infinities.
    fn pull(&self) -> Pull {
        let root = |sum: f64| (sum / f64::from(BATCHES)).sqrt().min(f64::MAX);
        Pull { task: root(self.sums.task), penalties: root(self.sums.penalties) }
    }
}

impl Host for Measured<'_> {
    fn feed(&mut self, step: u32, feeds: &mut Feeds<'_>) -> Result<(), cl_tensor::Error> {
        self.step.feed(step, feeds)
    }

    fn collect(&mut self, _: u32, outputs: &Outputs<'_>) -> Result<(), cl_tensor::Error> {
        let squares = |name: &str| -> Result<f64, cl_tensor::Error> {
            Ok(outputs.f32(name)?.iter().map(|&g| f64::from(g).powi(2)).sum())
        };
        self.sums.task += squares(TASK_GRADIENT)?;
        self.sums.penalties += squares(PENALTY_GRADIENT)?;
        Ok(())
    }
}

impl Learner<'_> {
    /// Measures how hard penalties pull, behind the last phase of a stage that trains the network.
    /// Nothing else of the run changes.
    pub(crate) fn measure_pull(&mut self, stage: usize, phase: usize) -> Result<(), Error> {
        let phases = self.phases(stage);
        let last = phases.iter().rposition(|phase| phase.cycle.iter().any(|it| it.network()));
        let Some(running) = self.running.take_if(|_| stage > 0 && last == Some(phase)) else {
            return Ok(());
        };
        let pulls = self.pulls(&running);
        self.running = Some(running);
        if let Some(pulls) = pulls? {
            self.progress.pulls.resize(stage, Vec::new());
            self.progress.pulls.push(pulls);
        }
        Ok(())
    }

    /// Of every member; `None` where there are no penalties.
    fn pulls(&mut self, running: &Running) -> Result<Option<Vec<Pull>>, Error> {
        let plan = self.programs.pull.iter().find(|(rows, _)| *rows == running.stream_rows);
        let program = running.phase.cycle.iter().position(|it| it.network());
        let (Some(&(_, plan)), Some(program)) = (plan, program) else { return Ok(None) };
        let drawing = self.members.iter().map(|member| {
            let memories = member.memories.iter().map(|memory| memory.it.save());
            let sweeps = member.draw.as_ref().map(|draw| draw.sweeps());
            Ok((sweeps, memories.collect::<Result<Vec<_>, Error>>()?))
        });
        let drawing = drawing.collect::<Result<Vec<_>, Error>>()?;

        let steps = self.phase_steps()..self.phase_steps() + BATCHES;
        let generators = self.generators();
        let mut ended = vec![false; self.members.len()];
        // No clock ticks while it is measured.
        let (settings, told) = (&self.settings, (&*self.name, None));
        let members = self.members.iter_mut().zip(&mut ended);
        let hosts = running.hosts((program, steps.start), members, &generators, settings, told)?;
        // Members whose phase was shorter take part, and nobody remembers these rows.
        let measured = hosts.into_iter().map(|step| Measured {
            step: Training { length: steps.end, recent: None, detector: None, ..step },
            sums: Pull::default(),
        });
        let mut measured: Vec<Measured<'_>> = measured.collect();
        let mut hosts: Vec<&mut dyn Host> =
            measured.iter_mut().map(|host| host as &mut dyn Host).collect();
        self.session.run(plan, steps, &mut hosts)?;
        let pulls = measured.iter().map(Measured::pull).collect();

        drop(measured);
        for (member, (sweeps, memories)) in self.members.iter_mut().zip(drawing) {
            if let (Some(draw), Some(sweeps)) = (&mut member.draw, sweeps) {
                draw.resume(&sweeps);
            }
            for (memory, state) in member.memories.iter_mut().zip(memories) {
                memory.it.restore(&state)?;
            }
        }
        Ok(Some(pulls))
    }
}
