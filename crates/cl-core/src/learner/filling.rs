//! How full memories get, without a step on the device.

use super::Learner;
use super::boundary::Reported;
use super::phase::Running;
use crate::error::Error;
use crate::parts::{At, Over, Source};
use crate::population::MemberState;
use cl_buffers::Row;
use cl_scenarios::StreamKind;
use std::ops::Range;

/// Passes over the rows of a stage without growth. One does not show every row: an incomplete last batch is
/// dropped.
const PASSES: usize = 4;

impl Learner<'_> {
    /// Whether rows of past contexts are kept.
    #[must_use]
    pub fn has_memories(&self) -> bool {
        !self.parts.rehearsals.is_empty()
    }

    /// Rows that memories hold now, of the member that holds most.
    #[must_use]
    pub fn rows_kept(&self) -> usize {
        let rows = |member: &MemberState| -> usize {
            member.memories.iter().map(|memory| memory.it.kept().len()).sum()
        };
        self.members.iter().map(rows).max().unwrap_or(0)
    }

    /// Lets the rows of the whole run pass by its memories and trains nothing: from here on
    /// [`Learner::bytes_kept`] gives what it gives when the run is through. Parts' reports are zeros, one per
    /// row: which rows a memory keeps may depend on them, how many it keeps may not. A detector finds no
    /// boundary.
    ///
    /// For a learner that was just made, and is of no other use afterwards.
    ///
    /// # Errors
    /// What a memory refuses; a head that cannot grow.
    pub fn fill_memories(&mut self) -> Result<(), Error> {
        for stage in 0..self.stages() {
            self.begin(stage)?;
            if !self.has_memories() {
                continue;
            }
            for number in 0..self.phases(stage).len() {
                self.enter(stage, number)?;
                if let Some(running) = self.running.take() {
                    self.pass_by(&running)?;
                }
            }
            let told = self.members[0].stream.visibility().boundaries;
            if self.ends(stage) && told && self.parts.detector.is_none() {
                let rows = self.rows_of_stage(stage);
                self.fill_at_end(&vec![true; rows.len()], &rows)?;
            }
        }
        Ok(())
    }

    /// The steps of a phase, from tick to tick of the clock. Of a sharp stream all rows of a stage come
    /// again and again: where several passes over them leave memories as large as they were, so do the rest.
    fn pass_by(&mut self, running: &Running) -> Result<(), Error> {
        if running.phase.rows == Source::Memory {
            return Ok(());
        }
        let patience = self.patience(running.stage());
        let (mut size, mut since) = (self.peak(), 0);
        let (mut at, steps) = (0, self.phase_steps());
        while at < steps && since < patience {
            let until = self.next_tick(at).min(steps).min(at.saturating_add(patience));
            (at..until).try_for_each(|step| self.rehearse(running, step))?;
            self.tick_by(at..until)?;
            let now = self.peak();
            since = if now > size { 0 } else { since + (until - at) };
            (size, at) = (now, until);
        }
        Ok(())
    }

    /// Steps without growth behind which a stage brings no more.
    fn patience(&self, stage: usize) -> u32 {
        let stream = &*self.members[0].stream;
        if stream.kind() != StreamKind::Sharp {
            return u32::MAX;
        }
        let contexts = &stream.stages()[stage].contexts;
        let rows: usize = contexts.iter().map(|&context| stream.train(context).len()).sum();
        (PASSES * contexts.len() * rows.div_ceil(self.settings.batch)).max(1) as u32
    }

    /// Bytes of all memories of all members, at their peak.
    fn peak(&self) -> u64 {
        let memories = self.members.iter().flat_map(|member| &member.memories);
        memories.map(|memory| memory.it.peak_bytes()).sum()
    }

    fn rehearse(&mut self, running: &Running, step: u32) -> Result<(), Error> {
        for program in 0..running.programs().max(1) {
            let generators = self.generators();
            let mut ended = vec![false; self.members.len()];
            let (settings, told) = (&self.settings, (&*self.name, self.clock));
            let members = self.members.iter_mut().zip(&mut ended);
            let hosts = running.hosts((program, step), members, &generators, settings, told)?;
            for mut host in hosts.into_iter().filter(|host| step < host.length) {
                match running.programs() {
                    0 => host.pass_by(step)?,
                    _ => host.rehearse(step)?,
                }
            }
            for member in self.members.iter_mut().filter(|member| step < member.length) {
                member.taken += 1;
            }
        }
        Ok(())
    }

    fn tick_by(&mut self, steps: Range<u32>) -> Result<(), Error> {
        let ticks = self.ticks(steps);
        if !ticks.contains(&true) {
            return Ok(());
        }
        self.fill_at_end(&ticks, &self.recent_rows())?;
        self.draw_on(&ticks)
    }

    fn fill_at_end(&mut self, acting: &[bool], rows: &[Vec<Row>]) -> Result<(), Error> {
        let mut reported: Vec<Reported> = rows.iter().map(|_| Reported::default()).collect();
        for observed in self.programs.observe.iter().filter(|it| it.at == At::ContextEnd) {
            if observed.over != Over::Context {
                continue;
            }
            let (scope, _) = &self.parts.consolidations[observed.part];
            for (member, reported) in reported.iter_mut().enumerate() {
                let rows = rows[member].clone();
                let (rows, _) = super::boundary::limited(self.now(member), rows, observed.limit);
                reported.zeros(scope, rows, &observed.reports);
            }
        }
        self.let_memories_choose(acting, rows, &reported)?;
        self.count_boundary(acting);
        Ok(())
    }
}
