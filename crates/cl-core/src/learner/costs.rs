//! What a run costs.

use super::clock::Clock;
use super::{CHUNK, Learner};
use crate::evaluate::Evaluation;
use crate::parts::{At, Length, Over};
use crate::population::MemberState;
use cl_tensor::{Cost, PlanId};
use std::collections::BTreeMap;

/// What a run costs one member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// One training step of the first phase that trains: all programs of its cycle.
    pub step: Cost,
    /// Multiply-accumulates of the whole run: steps, boundaries and evaluations. Phases and passes
    /// over memories count with what memories hold now: nothing, before the run.
    pub macs: u64,
    /// Those of `macs` that boundaries take: passes over contexts and memories.
    pub boundary_macs: u64,
    /// Those of `macs` that evaluations take.
    pub evaluation_macs: u64,
    /// Bytes that all methods keep between contexts: slots declared so and buffers, at their peak so far
    /// ([`Learner::fill_memories`]).
    pub bytes_kept: u64,
}

impl Learner<'_> {
    /// Bytes kept between contexts: slots that methods declared so (padding of theta-sized ones is
    /// not counted) and the peak of every buffer, of the member that holds most.
    #[must_use]
    pub fn bytes_kept(&self) -> u64 {
        let buffers = |member: &MemberState| -> u64 {
            member.memories.iter().map(|memory| memory.it.peak_bytes()).sum()
        };
        let slots: u64 = self.kept_slots().values().sum();
        slots + self.members.iter().map(buffers).max().unwrap_or(0)
    }

    /// Bytes of the networks that strategies bring along beside the run's own, 4 for each parameter: modules
    /// (generators, critics), what gates and weight views add to theta, and what a
    /// [`Backbone`](crate::Backbone) has more than the network in whose place it is. A module that is
    /// declared as kept is counted with the slots, not here.
    #[must_use]
    pub fn network_bytes(&self) -> u64 {
        let kept = self.kept_slots();
        let modules = self.model.modules.iter().filter(|(name, _)| !kept.contains_key(name));
        let modules: usize = modules.map(|(_, layout)| layout.parameters()).sum();
        let theta = self.model.layout.parameters().saturating_sub(self.model.run_parameters);
        4 * (modules + theta) as u64
    }

    /// Bytes of each slot that is kept, without the padding of those of theta's or of a module's size.
    pub(crate) fn kept_slots(&self) -> BTreeMap<String, u64> {
        let mut slots = BTreeMap::new();
        for plan in self.programs.plans() {
            slots.extend(self.session.plan(plan).kept_slots());
        }
        for (slot, bytes) in &mut slots {
            let layout = self.model.layout_of(slot);
            let (floats, parameters) = (layout.len(), layout.parameters());
            // A slot of a plan is a slot of the session.
            let shape = self.session.slot_type(slot).map(|ty| ty.shape).unwrap_or_default();
            if shape.last() == Some(&floats) {
                *bytes = *bytes / floats as u64 * parameters as u64;
            }
        }
        slots
    }

    /// What the run costs one member, worked out from its programs.
    #[must_use]
    pub fn costs(&self) -> Costs {
        let cost = |plan: PlanId| self.session.plan(plan).cost();
        let member = &self.members[0];
        let batch = self.settings.batch;
        let stream = &*member.stream;
        let evaluation = self.settings.evaluation;
        let (mut training, mut boundaries, mut evaluated, mut first) = (0, 0, 0, None);
        // At step 0 and at the end of every stage, and after every so many steps of a phase.
        let mut glances = self.glances_every().map_or(0, |_| self.stages() as u64 + 1);
        for stage in 0..self.stages() {
            let contexts = &stream.stages()[stage].contexts;
            let rows: usize = contexts.iter().map(|&c| stream.train(c).len()).sum();
            let phases = self.phases(stage);
            let last = phases.len();
            for (number, phase) in phases.into_iter().enumerate() {
                let steps = match phase.length {
                    Length::Steps(steps) => steps,
                    Length::Passes(passes) => passes.saturating_mul(member.steps_per_pass()),
                };
                let before_end = if number + 1 == last { steps.saturating_sub(1) } else { steps };
                glances += self.glances_every().map_or(0, |every| u64::from(before_end / every));
                let drawn = crate::draw::batch_rows(stream, self.labels(), batch, phase.rows);
                let programs = phase.cycle.iter();
                let programs =
                    programs.filter_map(|&trains| self.programs.train(&phase, trains, drawn));
                if let Some(step) = programs.map(cost).reduce(both) {
                    training += u64::from(steps) * step.macs;
                    first.get_or_insert(step);
                }
                boundaries += self.pass_macs(At::PhaseEnd(phase.name), rows);
            }
            if self.ends(stage) && self.clock.is_none() {
                boundaries += self.pass_macs(At::ContextEnd, rows);
            }
            if evaluation.is_due(stage, self.stages()) {
                evaluated += self.pass_macs(At::Evaluation, rows);
            }
        }
        if let Some(Clock { every, .. }) = self.clock {
            let steps: u64 =
                (0..self.stages()).map(|stage| u64::from(self.steps_of(0, stage))).sum();
            let ticks = steps / u64::from(every);
            let rows = (every as usize).saturating_mul(batch);
            boundaries += ticks * self.pass_macs(At::ContextEnd, if ticks > 0 { rows } else { 0 });
        }
        let contexts = &stream.stages()[0].contexts;
        let rows = contexts.iter().map(|&c| stream.train(c).len()).sum();
        evaluated += self.pass_macs(At::Evaluation, rows);
        let evaluate = cost(self.programs.evaluate).macs;
        let chunks = |most: usize| {
            let rows = self.tracked().into_iter().map(|c| stream.test(c).len().min(most));
            rows.sum::<usize>().div_ceil(CHUNK) as u64
        };
        // Before training, and at the end to see how sure the network is of its answers.
        let beside = if self.reads_out() { 1 } else { 2 };
        let after_stages = evaluation.done(self.stages(), self.stages()) as u64;
        if self.reads_out() {
            evaluated += glances * self.pass_macs(At::Evaluation, rows);
        }
        evaluated += (after_stages + beside) * chunks(usize::MAX) * evaluate;
        evaluated += glances * chunks(Evaluation::GLANCED) * evaluate;
        if let Some(probe) = &self.programs.probe {
            let each = evaluation.probed_of_each(self.model().contexts);
            evaluated += after_stages * chunks(each) * cost(probe.plan).macs;
        }
        Costs {
            step: first.unwrap_or_default(),
            macs: training + boundaries + evaluated,
            boundary_macs: boundaries,
            evaluation_macs: evaluated,
            bytes_kept: self.bytes_kept(),
        }
    }

    /// Multiply-accumulates of the passes at a moment, over a context of `rows` rows.
    fn pass_macs(&self, at: At, rows: usize) -> u64 {
        let kept = || self.members[0].memories.iter().map(|m| m.it.kept().len()).sum();
        let passes = self.programs.observe.iter().filter(|observed| observed.at == at);
        passes
            .map(|observed| {
                let rows = if observed.over == Over::Context { rows } else { kept() };
                let rows = observed.limit.map_or(rows, |limit| rows.min(limit));
                rows.div_ceil(observed.chunk) as u64 * self.session.plan(observed.plan).cost().macs
            })
            .sum()
    }
}

/// Two programs, one after the other.
fn both(one: Cost, other: Cost) -> Cost {
    Cost {
        macs: one.macs + other.macs,
        bytes: one.bytes + other.bytes,
        kernels: one.kernels + other.kernels,
        copies: one.copies + other.copies,
        dispatches: one.dispatches.zip(other.dispatches).map(|(one, other)| one + other),
    }
}
