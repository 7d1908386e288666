//! How hard penalties pull beside the task.

use super::Learner;
use super::phase::Running;
use crate::error::Error;
use crate::host::Training;
use crate::parts::Phase;
use crate::population::MemberState;
use crate::record::{PENALTY_GRADIENT, TASK_GRADIENT};
use cl_tensor::{Feeds, Host, Outputs};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// At most so many batches gradients are measured over.
const BATCHES: u32 = 8;

/// How hard the task and the penalties pulled at theta when a stage of training ended.
///
/// Root mean squares, over 8 fresh batches, of ‖∂ task loss / ∂θ‖, as gradient maps weigh and project
/// it, and ‖∂ Σ penalties / ∂θ‖; Euclidean norms in f64. The batches are drawn as those of the last 8 steps of the
/// stage were, with the rows that come next, those of memories included.
///
/// It is measured behind the last step of every stage after which the run is evaluated, but the first, where nothing has been learned
/// yet, and before anything is consolidated, on a tick of a clock too. A stage begins where most
/// penalties have their anchor, so there their gradient is 0 whatever the strength; where it ends both
/// pulls have found their balance. Where a detector finds a boundary in the very last step, theta is at
/// the anchor again and nothing is measured.
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
    training: Training<'a>,
    /// The step that its first batch is numbered as.
    begin: u32,
    sums: Pull,
    batches: u32,
}

impl<'a> Measured<'a> {
    /// Over the last steps of the member's phase; none of them where it does not act.
    fn new(training: Training<'a>, acts: bool) -> Self {
        let length = if acts { training.length } else { 0 };
        let begin = length.saturating_sub(BATCHES);
        // Nobody remembers these rows.
        let training = Training { length, first: begin, recent: None, detector: None, ..training };
        Self { training, begin, sums: Pull::default(), batches: 0 }
    }

    /// The root mean squares; finite, because a checkpoint holds no infinities.
    fn pull(&self) -> Option<Pull> {
        let root = |sum: f64| (sum / f64::from(self.batches)).sqrt().min(f64::MAX);
        let pull = Pull { task: root(self.sums.task), penalties: root(self.sums.penalties) };
        (self.batches > 0).then_some(pull)
    }
}

impl Host for Measured<'_> {
    fn feed(&mut self, batch: u32, feeds: &mut Feeds<'_>) -> Result<(), cl_tensor::Error> {
        self.training.feed(self.begin + batch, feeds)
    }

    fn collect(&mut self, _: u32, outputs: &Outputs<'_>) -> Result<(), cl_tensor::Error> {
        let squares = |name: &str| -> Result<f64, cl_tensor::Error> {
            Ok(outputs.f32(name)?.iter().map(|&g| f64::from(g).powi(2)).sum())
        };
        self.sums.task += squares(TASK_GRADIENT)?;
        self.sums.penalties += squares(PENALTY_GRADIENT)?;
        self.batches += 1;
        Ok(())
    }

    /// What is measured changes nothing that is fed.
    fn is_ahead(&self) -> bool {
        true
    }
}

impl Learner<'_> {
    /// Measures how hard penalties pull at the members whose last step of the network in a stage was
    /// one of these. Nothing else of the run changes.
    pub(super) fn measure_pull(
        &mut self,
        running: &Running,
        steps: &Range<u32>,
    ) -> Result<(), Error> {
        let stage = self.progress.stage;
        // Behind a boundary that was just found theta is at the anchor.
        let ends = |member: &MemberState| {
            steps.start < member.length && member.length <= steps.end && member.taken > 0
        };
        let acting: Vec<bool> = self.members.iter().map(ends).collect();
        let trains = |phase: &Phase| phase.cycle.iter().any(|it| it.network());
        let evaluation = self.settings.evaluation;
        if stage == 0
            || !evaluation.is_due(stage, self.stages())
            || !acting.contains(&true)
            || self.phases(stage).iter().rposition(trains) != Some(self.progress.phase)
        {
            return Ok(());
        }
        let Some(measured) = self.pulls(running, &acting)? else { return Ok(()) };
        let at = self.progress.rows.len();
        let all = &mut self.progress.pulls;
        all.resize(at + 1, Vec::new());
        all[at].resize(acting.len(), None);
        for (of_member, measured) in all[at].iter_mut().zip(measured) {
            *of_member = measured.or(*of_member);
        }
        Ok(())
    }

    /// Of every member that acts; `None` where there are no penalties.
    fn pulls(
        &mut self,
        running: &Running,
        acting: &[bool],
    ) -> Result<Option<Vec<Option<Pull>>>, Error> {
        let plan = self.programs.pull.iter().find(|(rows, _)| *rows == running.stream_rows);
        let program = running.phase.cycle.iter().position(|it| it.network());
        let (Some(&(_, plan)), Some(program)) = (plan, program) else { return Ok(None) };
        let drawing = self.members.iter().map(|member| {
            let memories = member.memories.iter().map(|memory| memory.it.save());
            let sweeps = member.draw.as_ref().map(|draw| draw.sweeps());
            Ok((sweeps, memories.collect::<Result<Vec<_>, Error>>()?))
        });
        let drawing = drawing.collect::<Result<Vec<_>, Error>>()?;

        let generators = self.generators();
        let mut ended = vec![false; self.members.len()];
        // No clock ticks while it is measured.
        let (settings, told) = (&self.settings, (&*self.name, None));
        let members = self.members.iter_mut().zip(&mut ended);
        let hosts = running.hosts((program, 0), members, &generators, settings, told)?;
        let mut measured: Vec<Measured<'_>> =
            hosts.into_iter().zip(acting).map(|(it, &acts)| Measured::new(it, acts)).collect();
        let mut hosts: Vec<&mut dyn Host> =
            measured.iter_mut().map(|host| host as &mut dyn Host).collect();
        self.session.run(plan, 0..BATCHES, &mut hosts)?;
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
