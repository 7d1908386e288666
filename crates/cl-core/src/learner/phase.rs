//! Stages and phases: what is drawn, what is trained, and for how long.

use super::clock::Clock;
use super::{Learner, Settings};
use crate::draw::{Wanted, batch_rows, classes};
use crate::error::Error;
use crate::host::{Rows, Training};
use crate::parts::{At, Generate, Joins, Length, Parts, Phase, PhaseContext, Start, Trains};
use crate::population::MemberState;
use crate::record::{self, THETA};
use cl_scenarios::{Stream, StreamKind};
use cl_tensor::{Graph, Host, PlanId, Scope};
use std::collections::BTreeSet;
use std::ops::Range;

/// The phase under way.
pub(super) struct Running {
    stage: usize,
    pub(super) phase: Phase,
    /// The programs of a step, in order.
    programs: Vec<PlanId>,
    /// Programs that earlier phases of the stage may have run.
    offset: u32,
    /// Rows of the stream.
    pub(super) stream_rows: usize,
}

impl Running {
    /// The stage that it is of.
    pub(super) fn stage(&self) -> usize {
        self.stage
    }

    /// Programs of a step.
    pub(super) fn programs(&self) -> usize {
        self.programs.len()
    }

    /// The members' hosts for one program of a step, from step `first` on.
    pub(super) fn hosts<'a>(
        &self,
        (program, first): (usize, u32),
        members: impl Iterator<Item = (&'a mut MemberState, &'a mut bool)>,
        generators: &'a [(String, &'a dyn Generate)],
        settings: &Settings,
        (strategy, clock): (&'a str, Option<Clock>),
    ) -> Result<Vec<Training<'a>>, Error> {
        // A module's program has no task loss for a detector to see.
        let trains = self.phase.cycle.get(program);
        let network = !matches!(trains, Some(Trains::Module(_)));
        let host = |(member, ended): (&'a mut MemberState, &'a mut bool)| {
            let Some(draw) = &mut member.draw else {
                return Err(Error::Misfit(format!("stage {} was not begun", self.stage)));
            };
            let collects = member.detector.is_some() || clock.is_some_and(|clock| clock.collects);
            Ok(Training {
                seed: member.seed,
                stage: member.boundaries,
                stream_stage: self.stage as u32,
                offset: self.offset + program as u32,
                stride: self.programs.len().max(1) as u32,
                first,
                taken: member.taken,
                length: member.length,
                draw,
                source: self.phase.rows,
                memories: &mut member.memories,
                generators,
                rows: &mut member.rows,
                stream_rows: self.stream_rows,
                drawn: 0,
                mix: settings.mix,
                schedule: self.phase.schedule.unwrap_or(settings.schedule),
                recent: collects.then_some(&mut member.recent),
                detector: member.detector.as_deref_mut().filter(|_| network),
                ended,
                ahead: false,
                strategy,
            })
        };
        members.map(host).collect()
    }
}

/// Steps that the run gives a stage.
pub(super) fn steps(settings: &Settings, stream: &dyn Stream, stage: usize) -> u32 {
    let stage = &stream.stages()[stage];
    if stream.kind() == StreamKind::OnePass {
        let rows: usize = stage.contexts.iter().map(|&context| stream.train(context).len()).sum();
        return rows.div_ceil(settings.batch) as u32;
    }
    settings.steps * stage.length as u32
}

/// The phases of a stage.
pub(super) fn phases(
    parts: &Parts<'_>,
    settings: &Settings,
    (stream, labels): (&dyn Stream, &[u8]),
    stage: usize,
) -> Vec<Phase> {
    let steps = steps(settings, stream, stage);
    match &parts.phases {
        None => vec![Phase::stream("train", steps)],
        Some((_, owner)) => {
            let stages = stream.stages().len();
            let contexts = stream.stages()[stage].contexts.len();
            let classes = classes(stream, labels, stage);
            let (kind, batch) = (stream.kind(), settings.batch);
            owner.phases(PhaseContext { stage, stages, contexts, classes, kind, steps, batch })
        }
    }
}

impl<'s> Learner<'s> {
    /// The generators, by the input that holds their share.
    pub(super) fn generators(&self) -> Vec<(String, &'s dyn Generate)> {
        let all = self.parts.generators.iter();
        all.map(|(name, it)| (record::input("share", name), *it)).collect()
    }
}

impl Learner<'_> {
    /// The phases of a stage.
    #[must_use]
    pub fn phases(&self, stage: usize) -> Vec<Phase> {
        let stream = (&*self.members[0].stream, &self.dataset.labels[..]);
        phases(&self.parts, &self.settings, stream, stage)
    }

    /// Prepares a stage: how many outputs there are and which are active.
    pub(crate) fn begin(&mut self, stage: usize) -> Result<(), Error> {
        self.grow_for(stage)?;
        self.write_active(stage)?;
        for member in &mut self.members {
            match &mut member.draw {
                Some(draw) if draw.goes_on() => draw.go_on(stage),
                Some(draw) if draw.stage() != stage => member.draw = None,
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    /// Prepares a phase: which rows are drawn, how long it lasts. Doing so again changes nothing.
    pub(crate) fn enter(&mut self, stage: usize, number: usize) -> Result<(), Error> {
        let mut phases = self.phases(stage);
        let phase = phases.remove(number);
        let stream = &*self.members[0].stream;
        let batch = self.settings.batch;
        let stream_rows = batch_rows(stream, &self.dataset.labels, batch, phase.rows);
        let programs = phase.cycle.iter().map(|&trains| {
            let plan = self.programs.train(&phase, trains, stream_rows);
            plan.ok_or_else(|| {
                Error::Misfit(format!("phase `{}` trains {trains:?}: not recorded", phase.name))
            })
        });
        let programs = programs.collect::<Result<Vec<_>, _>>()?;
        for member in &mut self.members {
            // A run that was restored goes on with the length that its phase began with.
            if self.progress.step == 0 {
                member.length = match phase.length {
                    // Its only phase; members differ in their examples.
                    Length::Steps(_) if member.stream.kind() == StreamKind::OnePass => {
                        steps(&self.settings, &*member.stream, stage)
                    }
                    Length::Steps(steps) => steps,
                    Length::Passes(passes) => passes.saturating_mul(member.steps_per_pass()),
                };
            }
            if let Some(Clock { every, collects: true }) = self.clock {
                let rows = every.min(member.length) as usize * stream_rows;
                member.recent.reserve(rows.saturating_sub(member.recent.len()));
            }
            let joined = member.memories.iter().filter(|memory| memory.joins == Joins::Batch);
            let joined: usize = joined.map(|memory| memory.it.rows()).sum();
            member.rows = Rows::new("", stream_rows + joined);
            for memory in &mut member.memories {
                memory.stored = vec![u32::MAX; stream_rows];
            }
            let wanted = Wanted { source: phase.rows, batch, steps: self.settings.steps };
            if member.draw.as_ref().is_none_or(|draw| !draw.serves(phase.rows)) {
                member.draw = Some(member.drawing(&self.dataset.labels, stage, wanted)?);
            }
        }
        // Addresses of noise differ between phases: each has room for 2^24 programs.
        let offset = (number as u32) << 24;
        self.running = Some(Running { stage, phase, programs, offset, stream_rows });
        Ok(())
    }

    /// What starts afresh with the phase that was entered.
    pub(crate) fn start_afresh(&mut self, number: usize) -> Result<(), Error> {
        let Some(Running { phase, stage, .. }) = &self.running else { return Ok(()) };
        let told = self.settings.reset_optimizer && *stage > 0 && number == 0;
        let mut slots = Vec::new();
        if phase.start != Start::AsItIs {
            slots.extend(self.moments(phase));
        }
        if told {
            let all = || {
                let phases = (0..self.stages()).flat_map(|stage| self.phases(stage));
                phases.flat_map(|phase| self.moments(&phase)).collect::<BTreeSet<String>>()
            };
            slots.extend(self.all_moments.get_or_init(all).iter().cloned());
        }
        if phase.start == Start::Network {
            slots.push(THETA.to_owned());
        }
        // An optimiser that no program of the run needs has no slots.
        let known = self.session.slots();
        slots.retain(|slot| known.contains(slot));
        for slot in slots {
            for member in 0..self.members.len() {
                self.session.reset(&slot, member)?;
            }
        }
        Ok(())
    }

    /// Slots of a phase's optimiser that start afresh with it.
    fn moments(&self, phase: &Phase) -> Vec<String> {
        let name = self.programs.optimizer_name(phase);
        let graph = Graph::new();
        let scope = Scope::new(&graph, record::OPTIMIZER);
        let scope = if name.is_empty() { scope } else { scope.inner(&name) };
        phase.optimizer.as_deref().unwrap_or(&*self.settings.optimizer).reset(&scope)
    }

    /// Steps of the phase under way, of the member that has most.
    pub(crate) fn phase_steps(&self) -> u32 {
        self.members.iter().map(|member| member.length).max().unwrap_or(0)
    }

    /// Takes steps of the phase under way with every member.
    pub(crate) fn train(&mut self, steps: Range<u32>) -> Result<(), Error> {
        let Some(running) = self.running.take() else {
            return Err(Error::Misfit("no phase was entered".to_owned()));
        };
        let taken = self.take_steps(&running, steps);
        self.running = Some(running);
        taken
    }

    /// In one go from tick to tick of the clock.
    fn take_steps(&mut self, running: &Running, steps: Range<u32>) -> Result<(), Error> {
        let mut at = steps.start;
        while at < steps.end {
            let until = self.next_tick(at).min(steps.end);
            self.take_untold(running, at..until)?;
            self.measure_pull(running, &(at..until))?;
            self.tick(at..until)?;
            at = until;
        }
        Ok(())
    }

    fn take_untold(&mut self, running: &Running, steps: Range<u32>) -> Result<(), Error> {
        if running.programs.len() == 1 && self.parts.detector.is_none() {
            return self.run_program(running, 0, steps).map(|_| ());
        }
        for step in steps {
            if running.programs.is_empty() {
                self.run_program(running, 0, step..step + 1)?;
            }
            for program in 0..running.programs.len() {
                let ended = self.run_program(running, program, step..step + 1)?;
                self.end_found(&ended)?;
            }
        }
        Ok(())
    }

    /// Runs one program of the phase; says which members found a boundary.
    fn run_program(
        &mut self,
        running: &Running,
        program: usize,
        steps: Range<u32>,
    ) -> Result<Vec<bool>, Error> {
        let generators = self.generators();
        let mut ended = vec![false; self.members.len()];
        let (settings, told) = (&self.settings, (&*self.name, self.clock));
        let members = self.members.iter_mut().zip(&mut ended);
        let mut hosts =
            running.hosts((program, steps.start), members, &generators, settings, told)?;
        match running.programs.get(program) {
            Some(&plan) => {
                // Where memories read nothing of a step, the next can be fed before it has run.
                let ahead = self.session.plan(plan).outputs() == [record::LOSS];
                hosts.iter_mut().for_each(|host| host.ahead = ahead && host.detector.is_none());
                let mut hosts: Vec<&mut dyn Host> =
                    hosts.iter_mut().map(|host| host as &mut dyn Host).collect();
                self.session.run(plan, steps.clone(), &mut hosts)?;
            }
            None => {
                for host in &mut hosts {
                    let length = host.length;
                    steps.clone().take_while(|&s| s < length).try_for_each(|s| host.pass_by(s))?;
                }
            }
        }
        drop(hosts);
        for member in &mut self.members {
            member.taken += steps.end.min(member.length).saturating_sub(steps.start);
        }
        Ok(ended)
    }

    /// Ends the phase under way: consolidations that wait for it act.
    pub(crate) fn end_phase(&mut self) -> Result<(), Error> {
        let Some(Running { stage, phase, .. }) = self.running.take() else { return Ok(()) };
        let at = At::PhaseEnd(phase.name);
        if self.programs.consolidate(at).is_none() {
            return Ok(());
        }
        let rows = self.rows_of_stage(stage);
        let everyone = vec![true; self.members.len()];
        self.consolidate(at, &everyone, &rows)
    }
}
