//! The end of a context: memories choose what stays, passes look at rows, methods consolidate.

use super::programs::Observed;
use super::{CHUNK, Learner, Settings};
use crate::draw::{Wanted, rows_of};
use crate::error::Error;
use crate::host::{Chunks, Ends};
use crate::parts::{At, Over, find};
use crate::record;
use crate::rehearse::Now;
use crate::reports::Reports;
use crate::slots::SlotStore;
use cl_buffers::Row;
use cl_random::{Address, Purpose};
use cl_tensor::{Host, PlanId, Session};

/// What passes reported about one member.
#[derive(Default)]
pub(super) struct Reported {
    passes: Vec<PassReport>,
}

/// What one pass reported.
struct PassReport {
    /// The strategy of the part that made it.
    scope: String,
    rows: Vec<Row>,
    /// Outputs by name.
    outputs: Vec<(String, Vec<f32>)>,
}

impl Reported {
    /// Zeros for a pass over these rows, one per row and output.
    pub(super) fn zeros(&mut self, scope: &str, rows: Vec<Row>, outputs: &[String]) {
        let outputs = outputs.iter().map(|name| (name.clone(), vec![0.0; rows.len()])).collect();
        self.passes.push(PassReport { scope: scope.to_owned(), rows, outputs });
    }

    fn get(&self, name: &str) -> Option<&[f32]> {
        let mut all = self.passes.iter().flat_map(|pass| &pass.outputs);
        all.find(|(known, _)| known == name).map(|(_, values)| &values[..])
    }

    fn rows<'a>(&'a self, scope: &str, context: &'a [Row]) -> &'a [Row] {
        let mut own = self.passes.iter().filter(|pass| pass.scope == scope);
        own.find(|pass| !pass.outputs.is_empty()).map_or(context, |pass| &pass.rows)
    }
}

impl Learner<'_> {
    /// Training rows of a stage, per member.
    pub(super) fn rows_of_stage(&self, stage: usize) -> Vec<Vec<Row>> {
        let rows = |member: &crate::population::MemberState| {
            let contexts = &member.stream.stages()[stage].contexts;
            contexts.iter().flat_map(|&c| rows_of(&*member.stream, self.labels(), c)).collect()
        };
        self.members.iter().map(rows).collect()
    }

    /// Whether anything would use what is consolidated when this stage ends: the next stage, or a
    /// read-out.
    pub(crate) fn ends(&self, stage: usize) -> bool {
        stage + 1 < self.stages() || self.parts.readout.is_some()
    }

    /// Ends a context that everybody is told of, if the stream tells and no detector looks.
    pub(crate) fn end_context(&mut self, stage: usize) -> Result<(), Error> {
        let told = self.members[0].stream.visibility().boundaries;
        if !told || self.parts.detector.is_some() {
            return Ok(());
        }
        let rows = self.rows_of_stage(stage);
        self.consolidate(At::ContextEnd, &vec![true; rows.len()], &rows)
    }

    /// Ends a context for those members that found a boundary, or whose clock says so.
    pub(super) fn end_found(&mut self, ended: &[bool]) -> Result<(), Error> {
        if !ended.contains(&true) {
            return Ok(());
        }
        self.consolidate(At::ContextEnd, ended, &self.recent_rows())?;
        self.draw_on(ended)
    }

    /// Rows of the stream since the last boundary, each once, per member.
    pub(super) fn recent_rows(&self) -> Vec<Vec<Row>> {
        let recent = |member: &crate::population::MemberState| {
            let mut rows = member.recent.clone();
            rows.sort_unstable_by_key(|row| (row.context, row.example));
            rows.dedup();
            rows
        };
        self.members.iter().map(recent).collect()
    }

    /// Goes on drawing in the members whose boundary was found.
    pub(super) fn draw_on(&mut self, ended: &[bool]) -> Result<(), Error> {
        // Memories may add other rows to the draw from here on; its passes go on.
        let (labels, Settings { batch, steps, .. }) = (&self.dataset.labels, &self.settings);
        for (member, _) in self.members.iter_mut().zip(ended).filter(|(_, ended)| **ended) {
            if let Some(draw) = &member.draw
                && (draw.joined() || member.adds_rows())
            {
                let wanted = Wanted { source: draw.source(), batch: *batch, steps: *steps };
                let mut next = member.drawing(labels, draw.stage(), wanted)?;
                next.resume(&draw.sweeps());
                member.draw = Some(next);
            }
        }
        Ok(())
    }

    /// Consolidates at a moment those members that act; their rows of the context are `rows`.
    pub(crate) fn consolidate(
        &mut self,
        at: At,
        acting: &[bool],
        rows: &[Vec<Row>],
    ) -> Result<(), Error> {
        let mut examples: Vec<Vec<(String, f32)>> = vec![Vec::new(); rows.len()];
        let mut reported: Vec<Reported> = rows.iter().map(|_| Reported::default()).collect();
        let here = |observed: &Observed, memory: bool| {
            observed.at == at && (observed.over != Over::Context) == memory
        };
        for memory in [false, true] {
            for pass in 0..self.programs.observe.len() {
                if here(&self.programs.observe[pass], memory) {
                    self.observe(pass, acting, rows, &mut examples, &mut reported)?;
                }
            }
            if !memory && at == At::ContextEnd {
                self.let_memories_choose(acting, rows, &reported)?;
            }
        }
        if let Some(plan) = self.programs.consolidate(at) {
            self.run_consolidation(plan, at, acting, examples)?;
        }
        self.let_hosts_end(at, acting, &reported)?;
        if at == At::ContextEnd {
            self.count_boundary(acting);
        }
        Ok(())
    }

    /// One more boundary for the members that act.
    pub(super) fn count_boundary(&mut self, acting: &[bool]) {
        for (member, _) in self.members.iter_mut().zip(acting).filter(|(_, acting)| **acting) {
            (member.boundaries, member.taken) = (member.boundaries + 1, 0);
            member.recent.clear();
        }
    }

    pub(super) fn now(&self, member: usize) -> Now {
        let member = &self.members[member];
        Now { seed: member.seed, stage: member.boundaries, step: 0 }
    }

    /// Makes one pass with every member that acts.
    fn observe(
        &mut self,
        pass: usize,
        acting: &[bool],
        rows: &[Vec<Row>],
        examples: &mut [Vec<(String, f32)>],
        reported: &mut [Reported],
    ) -> Result<(), Error> {
        let observed = &self.programs.observe[pass];
        let (scope, _) = &self.parts.consolidations[observed.part];
        let mut chosen: Vec<(Vec<Row>, Vec<u32>)> = Vec::with_capacity(rows.len());
        for (index, member) in self.members.iter().enumerate() {
            let rows = match &observed.over {
                _ if !acting[index] => Vec::new(),
                Over::Context => rows[index].clone(),
                Over::Memories => {
                    member.memories.iter().flat_map(|m| m.it.kept()).copied().collect()
                }
                Over::Memory(name) => {
                    let known = member.memories.iter().map(|memory| memory.name.as_str());
                    let found = find(scope, name, known).map(|at| &member.memories[at]);
                    let found = found.ok_or_else(|| {
                        Error::Misfit(format!(
                            "{scope}: a pass over memory `{name}`: there is none"
                        ))
                    });
                    found?.it.kept().to_vec()
                }
            };
            let (rows, cells) = limited(self.now(index), rows, observed.limit);
            let name = record::examples_input(observed.part, observed.pass);
            examples[index].push((name, rows.len() as f32));
            chosen.push((rows, cells));
        }
        let mut hosts: Vec<Chunks<'_>> = Vec::with_capacity(chosen.len());
        for (member, (rows, cells)) in chosen.iter().enumerate() {
            let chunks = self.chunks(rows, observed.chunk).at(observed.cells.as_deref(), cells);
            let chunks = chunks.drawing(self.now(member), &observed.draws);
            hosts.push(chunks.reading(observed.reports.iter().cloned()));
        }
        run_chunks(&mut *self.session, observed.plan, &mut hosts)?;
        let read: Vec<_> = hosts.into_iter().map(|host| host.read).collect();
        for ((reported, (rows, _)), outputs) in reported.iter_mut().zip(chosen).zip(read) {
            reported.passes.push(PassReport { scope: scope.clone(), rows, outputs });
        }
        Ok(())
    }

    /// Rows in chunks; of one context each where weights are viewed per context or the network is told
    /// one.
    pub(super) fn chunks<'a>(&self, rows: &'a [Row], size: usize) -> Chunks<'a> {
        if self.parts.views.is_empty() && !self.model.one_context {
            Chunks::new(rows, size)
        } else {
            Chunks::by_context(rows, size)
        }
    }

    pub(super) fn let_memories_choose(
        &mut self,
        acting: &[bool],
        rows: &[Vec<Row>],
        reported: &[Reported],
    ) -> Result<(), Error> {
        for index in (0..rows.len()).filter(|&index| acting[index]) {
            let now = self.now(index);
            for memory in &mut self.members[index].memories {
                let read = |name: &str| reported[index].get(name);
                let seen = reported[index].rows(&memory.scope, &rows[index]);
                let reports = Reports::new(seen, &memory.scope, &read);
                memory.it.end_context(now, &rows[index], &reports)?;
            }
        }
        Ok(())
    }

    fn run_consolidation(
        &mut self,
        plan: PlanId,
        at: At,
        acting: &[bool],
        examples: Vec<Vec<(String, f32)>>,
    ) -> Result<(), Error> {
        let context = |member: &crate::population::MemberState| match at {
            At::Evaluation => self.progress.stage as u32,
            At::ContextEnd | At::PhaseEnd(_) => member.boundaries + 1,
        };
        let mut hosts: Vec<Ends> = self
            .members
            .iter()
            .zip(acting)
            .zip(examples)
            .map(|((member, acting), examples)| Ends {
                live: f32::from(u8::from(*acting)),
                context: context(member),
                examples,
            })
            .collect();
        let mut hosts: Vec<&mut dyn Host> = hosts.iter_mut().map(|h| h as &mut dyn Host).collect();
        Ok(self.session.run(plan, 0..1, &mut hosts)?)
    }

    /// The host's part of each consolidation.
    fn let_hosts_end(
        &mut self,
        at: At,
        acting: &[bool],
        reported: &[Reported],
    ) -> Result<(), Error> {
        for index in (0..acting.len()).filter(|&index| acting[index]) {
            let (now, member) = (self.now(index), index);
            for (scope, part) in &self.parts.consolidations {
                if part.at() == at {
                    let read = |name: &str| reported[index].get(name);
                    let (session, model) = (&mut *self.session, &self.model);
                    let reports = Reports::new(&[], scope, &read);
                    let mut slots = SlotStore { session, model, scope, member, reports };
                    part.end_context(now, &mut slots)?;
                }
            }
        }
        Ok(())
    }

    /// Which of each member's rows are classified correctly after `stage`.
    pub(crate) fn hits(&mut self, stage: usize, rows: &[Vec<Row>]) -> Result<Vec<Vec<f32>>, Error> {
        self.prepare_evaluation(stage)?;
        self.seen_hits(stage, rows)
    }

    /// Prepares a read-out for [`seen_hits`](Self::seen_hits), and whatever else waits for an evaluation.
    pub(crate) fn prepare_evaluation(&mut self, stage: usize) -> Result<(), Error> {
        self.write_active(stage)?;
        if self.programs.consolidate(At::Evaluation).is_some() {
            let of_stage = self.rows_of_stage(stage);
            self.consolidate(At::Evaluation, &vec![true; self.members.len()], &of_stage)?;
        }
        Ok(())
    }

    /// As [`hits`](Self::hits), without anybody who waits for an evaluation.
    pub(crate) fn seen_hits(
        &mut self,
        stage: usize,
        rows: &[Vec<Row>],
    ) -> Result<Vec<Vec<f32>>, Error> {
        Ok(self.test(stage, rows, ["hit"])?.into_iter().map(|[hits]| hits).collect())
    }

    /// As [`seen_hits`](Self::seen_hits), and the scores of all outputs, `[rows, outputs]`.
    pub(crate) fn scores(
        &mut self,
        stage: usize,
        rows: &[Vec<Row>],
    ) -> Result<Vec<[Vec<f32>; 2]>, Error> {
        self.test(stage, rows, ["hit", "scores"])
    }

    /// Whether a part classifies in place of the network's own outputs.
    pub(crate) fn reads_out(&self) -> bool {
        self.parts.readout.is_some()
    }

    /// These outputs of the program that evaluates, for each member's rows.
    fn test<const N: usize>(
        &mut self,
        stage: usize,
        rows: &[Vec<Row>],
        outputs: [&str; N],
    ) -> Result<Vec<[Vec<f32>; N]>, Error> {
        self.write_active(stage)?;
        let names = || outputs.map(str::to_owned);
        let mut hosts: Vec<Chunks<'_>> =
            rows.iter().map(|rows| self.chunks(rows, CHUNK).reading(names())).collect();
        run_chunks(&mut *self.session, self.programs.evaluate, &mut hosts)?;
        let values = |host: Chunks<'_>| {
            let mut read = host.read.into_iter().map(|(_, values)| values);
            std::array::from_fn(|_| read.next().unwrap_or_default())
        };
        Ok(hosts.into_iter().map(values).collect())
    }
}

pub(super) fn run_chunks(
    session: &mut dyn Session,
    plan: PlanId,
    hosts: &mut [Chunks<'_>],
) -> Result<(), Error> {
    let chunks = hosts.iter().map(|host| host.len()).max().unwrap_or(0) as u32;
    let mut hosts: Vec<&mut dyn Host> = hosts.iter_mut().map(|h| h as &mut dyn Host).collect();
    Ok(session.run(plan, 0..chunks, &mut hosts)?)
}

/// The first `limit` rows in a random order, each with its place among all.
pub(super) fn limited(now: Now, rows: Vec<Row>, limit: Option<usize>) -> (Vec<Row>, Vec<u32>) {
    let mut places: Vec<u32> = (0..rows.len() as u32).collect();
    let Some(limit) = limit.filter(|&limit| limit < rows.len()) else { return (rows, places) };
    let purpose = Purpose::named("observe");
    Address::new(now.seed, purpose).context(now.stage).rng().shuffle(&mut places);
    places.truncate(limit);
    (places.iter().map(|&place| rows[place as usize]).collect(), places)
}
