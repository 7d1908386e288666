//! A strategy by hand: one member, examples given as floats, every step and boundary called. For
//! tests of a method against numbers worked out elsewhere.

use crate::error::Error;
use crate::host::{Ends, row_draw};
use crate::model::{Data, Model, StreamShape};
use crate::parts::{At, Generate, Over, Parts, Trains};
use crate::record::{self, LIVE, LOSS, MemoryRows, Program, THETA, input};
use crate::rehearse::{Now, Share};
use crate::reports::Reports;
use crate::slots::SlotStore;
use crate::strategy::Strategy;
use cl_buffers::Row;
use cl_nn::{Network, Optimizer};
use cl_tensor::{CpuSession, Feeds, Host, Outputs, PlanId, Session};

/// Rows of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `[rows, inputs]`, row-major.
    pub x: Vec<f32>,
    /// The right output unit of each row.
    pub target: Vec<u32>,
    /// The context of each row.
    pub context: Vec<u32>,
    /// Weight of each row in the task loss.
    pub weight: Vec<f32>,
}

impl Batch {
    /// Rows of one context, each with weight 1/rows: the task loss is their mean.
    #[must_use]
    pub fn mean(x: Vec<f32>, target: Vec<u32>, context: u32) -> Self {
        let rows = target.len();
        Self { x, target, context: vec![context; rows], weight: vec![1.0 / rows as f32; rows] }
    }

    /// Its rows, those of weight other than 0 numbered from `first`.
    fn numbered(&self, first: u32) -> Vec<Row> {
        let mut example = first;
        let rows = self.target.iter().zip(&self.context).zip(&self.weight);
        rows.map(|((&label, &context), &weight)| {
            let row = Row { example, label, context };
            example += u32::from(weight != 0.0);
            row
        })
        .collect()
    }

    /// The cells of its rows where a memory keeps those of weight other than 0 from cell `first` on.
    fn cells(&self, first: u32) -> Vec<u32> {
        let rows = self.numbered(first).into_iter().zip(&self.weight);
        rows.map(|(row, &weight)| if weight == 0.0 { u32::MAX } else { row.example }).collect()
    }

    fn feed(&self, group: &str, feeds: &mut Feeds<'_>) -> Result<(), cl_tensor::Error> {
        feeds.f32(&input("x", group), &self.x)?;
        feeds.u32(&input("target", group), &self.target)?;
        feeds.u32(&input("context", group), &self.context)?;
        feeds.f32(&input("weight", group), &self.weight)
    }
}

/// What a rehearsal gives to one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// Rows with a forward pass of their own; `None` where they are part of the batch.
    pub rows: Option<Batch>,
    /// Where each of its rows lies in the memory.
    pub cells: Vec<u32>,
    /// Where each row of the stream will be stored.
    pub stored: Vec<u32>,
}

struct Fed<'a> {
    batch: &'a Batch,
    /// What a pass draws per row, by input.
    draws: &'a [(String, Vec<f32>)],
    replayed: &'a [(&'a str, Replayed)],
    /// Inputs of generated rows' shares and what they are.
    shares: &'a [(String, f32)],
    /// The step and how many the phase has.
    place: (u32, u32),
    /// Where the rows of a pass lie in their memory.
    cells: Option<(&'a str, Vec<u32>)>,
    /// The outputs that are read after the run.
    outputs: &'a [&'a str],
    read: Vec<Vec<f32>>,
}

impl<'a> Fed<'a> {
    /// One run for these rows alone.
    fn rows(batch: &'a Batch, outputs: &'a [&'a str]) -> Self {
        let (replayed, shares, cells, place) = (&[][..], &[][..], None, (0, 1));
        Self { batch, draws: &[], replayed, shares, cells, place, outputs, read: Vec::new() }
    }
}

impl Host for Fed<'_> {
    fn feed(&mut self, _: u32, feeds: &mut Feeds<'_>) -> Result<(), cl_tensor::Error> {
        feeds.f32(LIVE, &[1.0])?;
        self.batch.feed("", feeds)?;
        for (name, replayed) in self.replayed {
            if let Some(rows) = &replayed.rows {
                rows.feed(name, feeds)?;
            }
            feeds.u32(&input("cells", name), &replayed.cells)?;
            feeds.u32(&input("stored", name), &replayed.stored)?;
        }
        for (name, share) in self.shares {
            feeds.f32(name, &[*share])?;
        }
        for (name, numbers) in self.draws {
            feeds.f32(name, numbers)?;
        }
        if let Some((input, cells)) = &self.cells {
            feeds.u32(input, cells)?;
        }
        // Only a training step has these; elsewhere they are not declared.
        let _ = feeds.u32("address", &[0, 0, 0, 0]);
        let (step, steps) = self.place;
        let _ = feeds.f32("progress", &[step as f32 / steps as f32]);
        let _ = feeds.f32("steps", &[steps as f32]);
        let _ = feeds.f32("schedule", &[1.0]);
        Ok(())
    }

    fn collect(&mut self, _: u32, outputs: &Outputs<'_>) -> Result<(), cl_tensor::Error> {
        let read = |name: &&str| outputs.f32(name).map(<[f32]>::to_vec);
        self.read = self.outputs.iter().map(read).collect::<Result<_, _>>()?;
        Ok(())
    }
}

struct Pass {
    at: At,
    part: usize,
    pass: usize,
    over: Over,
    /// The input that takes the cells of a memory's rows.
    cells: Option<String>,
    plan: PlanId,
    /// Inputs of what it draws per row.
    draws: Vec<String>,
    /// Outputs that its part reports.
    reports: Vec<String>,
}

/// One member of one strategy on a small network, stepped by hand.
pub struct Trial<'s> {
    /// The network and its layout.
    pub model: Model,
    /// All slots: theta, moments and those of the methods.
    pub session: CpuSession,
    parts: Parts<'s>,
    step: PlanId,
    observe: Vec<Pass>,
    /// Every moment at which something is consolidated; those of a boundary in order.
    consolidate: Vec<(At, PlanId)>,
    evaluate: PlanId,
    boundaries: u32,
    place: (u32, u32),
}

impl<'s> Trial<'s> {
    /// Records the programs of a strategy for batches of exactly `rows` rows.
    ///
    /// `masked`: whether [`Trial::set_active`] will switch outputs off.
    ///
    /// # Errors
    /// What recording refuses.
    pub fn new(
        strategy: &'s dyn Strategy,
        network: Box<dyn Network>,
        optimizer: &dyn Optimizer,
        shape: (usize, usize),
        masked: bool,
    ) -> Result<Self, Error> {
        Self::with_memories(strategy, network, optimizer, shape, masked, &[])
    }

    /// The same for batches in which so many rows of one class stand together, class by class
    /// ([`Step::rows_per_class`](crate::Step::rows_per_class)).
    ///
    /// # Errors
    /// What recording refuses.
    pub fn by_class(
        strategy: &'s dyn Strategy,
        network: Box<dyn Network>,
        optimizer: &dyn Optimizer,
        (rows, per_class, contexts): (usize, usize, usize),
    ) -> Result<Self, Error> {
        let shape = (rows, Some(per_class), contexts);
        Self::recorded(strategy, network, optimizer, shape, false, &[])
    }

    /// The same with rehearsals, each by its name (`er`, `agem/memory`) with the number of its rows;
    /// those that join the batch are the last of its `rows`. A memory has as many places as rows.
    ///
    /// # Errors
    /// What recording refuses; a rehearsal that the strategy does not have.
    pub fn with_memories(
        strategy: &'s dyn Strategy,
        network: Box<dyn Network>,
        optimizer: &dyn Optimizer,
        (rows, contexts): (usize, usize),
        masked: bool,
        memories: &[(&str, usize)],
    ) -> Result<Self, Error> {
        let shape = (rows, None, contexts);
        Self::recorded(strategy, network, optimizer, shape, masked, memories)
    }

    fn recorded(
        strategy: &'s dyn Strategy,
        network: Box<dyn Network>,
        optimizer: &dyn Optimizer,
        (rows, per_class, contexts): (usize, Option<usize>, usize),
        masked: bool,
        memories: &[(&str, usize)],
    ) -> Result<Self, Error> {
        strategy.check()?;
        let parts = Parts::of(strategy);
        parts.check()?;
        let outputs = network.outputs();
        let (classes_per_context, competing) = (outputs, outputs);
        let shape = StreamShape { contexts, masked, classes_per_context, competing };
        let model = Model::new(network, &parts, Data::Fed, shape)?;
        let memories = memories
            .iter()
            .map(|&(name, rows)| {
                let found = parts.rehearsals.iter().find(|(known, _)| known == name);
                let (_, part) =
                    found.ok_or_else(|| Error::Misfit(format!("trial: no rehearsal `{name}`")))?;
                Ok(MemoryRows { name: name.to_owned(), rows, joins: part.joins, capacity: rows })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let joined = memories.iter().filter(|memory| memory.joins == crate::parts::Joins::Batch);
        let program = Program {
            trains: Trains::Everything,
            optimizer,
            optimizer_name: "",
            stream: rows - joined.map(|memory| memory.rows).sum::<usize>(),
            per_class,
            memories: &memories,
        };
        let mut session = CpuSession::new(&[0], 1)?;
        let step = session.load(record::step(&model, &parts, &program)?)?;
        let mut observe = Vec::new();
        for (part, (name, it)) in parts.consolidations.iter().enumerate() {
            for (pass, about) in it.passes().into_iter().enumerate() {
                let rows = about.rows(name, rows)?;
                let memory = parts.memory_of(name, &about.over);
                let cells = memory.map(|name| input("cells", name));
                let plan = record::observe(&model, &parts, (name, *it), (pass, memory), rows)?;
                let (draws, reports) = (record::row_draws(&plan), plan.outputs());
                let (plan, over) = (session.load(plan)?, about.over);
                observe.push(Pass { at: it.at(), part, pass, over, cells, plan, draws, reports });
            }
        }
        let mut moments: Vec<At> = Vec::new();
        for (_, it) in &parts.consolidations {
            if !moments.contains(&it.at()) {
                moments.push(it.at());
            }
        }
        moments.sort_by_key(|at| *at == At::ContextEnd);
        let mut consolidate = Vec::new();
        for at in moments {
            consolidate.push((at, session.load(record::consolidate(&model, &parts, at)?)?));
        }
        let evaluate = session.load(record::evaluate(&model, &parts, rows)?)?;
        let (boundaries, place) = (0, (0, 1));
        Ok(Self { model, session, parts, step, observe, consolidate, evaluate, boundaries, place })
    }

    /// Sets which outputs compete per context, `[contexts][outputs]`.
    ///
    /// # Errors
    /// A trial that was not made `masked`.
    pub fn set_active(&mut self, active: &[Vec<bool>]) -> Result<(), Error> {
        let table: Vec<f32> =
            active.iter().flatten().map(|&active| f32::from(u8::from(active))).collect();
        Ok(self.session.write(record::ACTIVE, 0, &table)?)
    }

    /// Writes a parameter, in the network's own shape and row-major order.
    ///
    /// # Errors
    /// An unknown parameter or a wrong length.
    pub fn set_parameter(&mut self, name: &str, values: &[f32]) -> Result<(), Error> {
        let mut theta = self.session.read(THETA, 0)?;
        let range = self
            .model
            .layout
            .range(name)
            .ok_or_else(|| Error::Misfit(format!("no parameter `{name}`")))?;
        if range.floats().len() != values.len() {
            return Err(Error::Misfit(format!(
                "parameter `{name}` has {} values, got {}",
                range.floats().len(),
                values.len()
            )));
        }
        theta[range.floats()].copy_from_slice(values);
        Ok(self.session.write(THETA, 0, &theta)?)
    }

    /// Reads a theta-sized slot as named parameters, in order.
    ///
    /// # Errors
    /// An unknown slot.
    pub fn parameters(&self, slot: &str) -> Result<Vec<(String, Vec<f32>)>, Error> {
        let flat = self.session.read(slot, 0)?;
        let ranges = self.model.layout.ranges().iter();
        Ok(ranges.map(|range| (range.name.clone(), flat[range.floats()].to_vec())).collect())
    }

    /// Every further step is step `step`, counted from 0, of a phase of `steps`; the first of one
    /// unless said.
    pub fn set_place(&mut self, step: u32, steps: u32) {
        self.place = (step, steps);
    }

    /// Takes one step; returns the task loss before it, in nats.
    ///
    /// # Errors
    /// What the device refuses.
    pub fn step(&mut self, batch: &Batch) -> Result<f32, Error> {
        self.step_with(batch, &[])
    }

    /// Takes one step in which rehearsals take part, each by its name. Generated rows count with the
    /// share that their generator asks for.
    ///
    /// # Errors
    /// What the device refuses.
    pub fn step_with(
        &mut self,
        batch: &Batch,
        replayed: &[(&str, Replayed)],
    ) -> Result<f32, Error> {
        let now = self.now();
        let share = |it: &dyn Generate| match it.share(now) {
            Share::Empty => 0.0,
            Share::Joined(share) => share,
        };
        let generators = self.parts.generators.iter();
        let shares: Vec<(String, f32)> =
            generators.map(|(name, it)| (input("share", name), share(*it))).collect();
        let place = self.place;
        let mut host = Fed { replayed, shares: &shares, place, ..Fed::rows(batch, &[LOSS]) };
        self.session.run(self.step, 0..1, &mut [&mut host])?;
        Ok(host.read[0][0])
    }

    /// Ends the phases of a context and then the context, whose training rows are these, in chunks of
    /// the recorded number of rows, or of those that the pass asks for; rows of weight 0 are padding.
    ///
    /// # Errors
    /// What the device refuses.
    pub fn boundary(&mut self, chunks: &[Batch]) -> Result<(), Error> {
        self.boundary_with(chunks, &[])
    }

    /// The same, with the rows that memories keep: passes over any memory see those.
    ///
    /// # Errors
    /// What the device refuses.
    pub fn boundary_with(&mut self, chunks: &[Batch], kept: &[Batch]) -> Result<(), Error> {
        let moments = self.consolidate.iter().map(|(at, _)| *at);
        for at in moments.filter(|at| *at != At::Evaluation).collect::<Vec<_>>() {
            self.consolidate(at, chunks, kept)?;
        }
        self.boundaries += 1;
        Ok(())
    }

    /// The scores of these rows, `[rows, outputs]`, in an evaluation before which passes over any
    /// memory see `kept`.
    ///
    /// # Errors
    /// What the device refuses.
    pub fn scores(&mut self, rows: &Batch, kept: &[Batch]) -> Result<Vec<f32>, Error> {
        self.consolidate(At::Evaluation, &[], kept)?;
        let mut host = Fed::rows(rows, &["scores"]);
        self.session.run(self.evaluate, 0..1, &mut [&mut host])?;
        Ok(host.read.swap_remove(0))
    }

    fn now(&self) -> Now {
        Now { seed: 0, stage: self.boundaries, step: 0 }
    }

    fn consolidate(&mut self, at: At, chunks: &[Batch], kept: &[Batch]) -> Result<(), Error> {
        let present = |weight: &f32| f32::from(u8::from(*weight != 0.0));
        let context = self.boundaries + 1;
        let mut ends = Ends { live: 1.0, context, examples: Vec::new() };
        let now = self.now();
        let mut reported: Vec<(String, Vec<f32>)> = Vec::new();
        for it in self.observe.iter().filter(|it| it.at == at) {
            let Pass { part, pass, over, cells, plan, draws, reports, .. } = it;
            let names: Vec<&str> = reports.iter().map(String::as_str).collect();
            let first = reported.len();
            reported.extend(reports.iter().map(|name| (name.clone(), Vec::new())));
            let chunks = if *over == Over::Context { chunks } else { kept };
            let rows: f32 = chunks.iter().flat_map(|chunk| &chunk.weight).map(present).sum();
            ends.examples.push((record::examples_input(*part, *pass), rows));
            let mut seen = 0;
            for chunk in chunks {
                let weight: Vec<f32> = chunk.weight.iter().map(present).collect();
                let batch = &Batch { weight, ..chunk.clone() };
                let rows = batch.numbered(seen);
                let cells = cells.as_deref().map(|input| (input, batch.cells(seen)));
                seen += batch.weight.iter().filter(|weight| **weight != 0.0).count() as u32;
                let draw = |input: &String| {
                    let numbers = rows.iter().map(|row| row_draw(input, now, *row)).collect();
                    (input.clone(), numbers)
                };
                let draws: Vec<(String, Vec<f32>)> = draws.iter().map(draw).collect();
                let mut host = Fed { draws: &draws, cells, ..Fed::rows(batch, &names) };
                self.session.run(*plan, 0..1, &mut [&mut host])?;
                for ((_, all), values) in reported[first..].iter_mut().zip(host.read) {
                    let rows = values.chunks(values.len() / batch.weight.len()).zip(&batch.weight);
                    let present = rows.filter(|(_, weight)| **weight != 0.0);
                    all.extend(present.flat_map(|(values, _)| values));
                }
            }
        }
        for (_, plan) in self.consolidate.iter().filter(|(known, _)| *known == at) {
            self.session.run(*plan, 0..1, &mut [&mut ends])?;
        }
        for (scope, part) in self.parts.consolidations.iter().filter(|(_, part)| part.at() == at) {
            let read = |name: &str| {
                let found = reported.iter().find(|(known, _)| known == name);
                found.map(|(_, values)| &values[..])
            };
            let reports = Reports::new(&[], scope, &read);
            let (session, model) = (&mut self.session, &self.model);
            part.end_context(now, &mut SlotStore { session, model, scope, member: 0, reports })?;
        }
        Ok(())
    }
}
