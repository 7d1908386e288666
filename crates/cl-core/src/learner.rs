//! A population of members that learn the same way: programs, slots and hosts.

use crate::draw::{Draw, batch_rows, rows_of};
use crate::error::Error;
use crate::host::{Chunks, MAX_REHEARSALS, Numbers, Training};
use crate::model::{ACTIVE, Data, IMAGES, Model, TAP_INDEX, TAP_WEIGHT};
use crate::parts::Parts;
use crate::population::{MemberState, data_of, masked, members, same_structure};
use crate::record::{self, THETA};
use crate::rehearse::{Mix, Now};
use crate::strategy::Strategy;
use cl_buffers::Row;
use cl_nn::{Network, Optimizer, Schedule};
use cl_random::{Address, Purpose};
use cl_scenarios::{Dataset, Stream};
use cl_tensor::{Cost, CpuSession, Graph, Host, PlanId, Resident, Scope, Session};
use std::ops::Range;

/// How a population is trained.
#[derive(Debug)]
pub struct Settings {
    /// Steps per context; a stage of length k takes k times as many.
    pub steps: u32,
    /// Rows of the stream per step.
    pub batch: usize,
    /// The optimiser.
    pub optimizer: Box<dyn Optimizer>,
    /// Its learning rate over the steps of a stage.
    pub schedule: Schedule,
    /// Whether the optimiser starts afresh in every context.
    pub reset_optimizer: bool,
    /// How stream and replay are weighed.
    pub mix: Mix,
    /// Threads of the CPU session.
    pub threads: usize,
}

/// Rows per chunk of a boundary's pass or of an evaluation.
const CHUNK: usize = 128;

/// What a run costs one member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// One training step.
    pub step: Cost,
    /// Multiply-accumulates of the whole run: steps, boundaries and evaluations.
    pub macs: u64,
    /// Bytes that all methods keep between contexts: slots declared so and buffers, at their peak.
    pub bytes_kept: u64,
}

struct Passes {
    part: usize,
    pass: usize,
    limit: Option<usize>,
    plan: PlanId,
}

/// A population in training. Made once, stepped by [`crate::run`].
pub struct Learner<'s> {
    strategy: &'s dyn Strategy,
    name: String,
    settings: Settings,
    pub(crate) model: Model,
    pub(crate) session: CpuSession,
    pub(crate) members: Vec<MemberState>,
    labels: std::sync::Arc<[u8]>,
    stream_rows: usize,
    step: PlanId,
    observe: Vec<Passes>,
    consolidate: Option<PlanId>,
    evaluate: PlanId,
}

impl<'s> Learner<'s> {
    /// Records every program of the run and prepares a member for each (seed, stream).
    ///
    /// # Errors
    /// A method that needs what a stream does not show, a hyper-parameter out of range, streams of
    /// different structure, data that does not fit the network.
    pub fn new(
        strategy: &'s dyn Strategy,
        dataset: &Dataset,
        population: Vec<(u64, Box<dyn Stream>)>,
        network: Box<dyn Network>,
        settings: Settings,
    ) -> Result<Self, Error> {
        let seeds: Vec<u64> = population.iter().map(|(seed, _)| *seed).collect();
        let Some((_, stream)) = population.first() else {
            return Err(Error::Misfit("a population needs at least one member".to_owned()));
        };
        for (_, other) in &population {
            strategy.check_on(&**other)?;
            same_structure(&**stream, &**other)?;
        }
        if settings.batch == 0 || settings.steps == 0 {
            return Err(Error::Misfit(format!(
                "{} steps of {} rows: both must be at least 1",
                settings.steps, settings.batch
            )));
        }
        if network.outputs() != stream.outputs() {
            return Err(Error::Misfit(format!(
                "the network has {} outputs, the stream {}",
                network.outputs(),
                stream.outputs()
            )));
        }
        let data = data_of(dataset, &**stream);
        let model = Model::new(network, data, stream.contexts(), masked(&**stream))?;
        let parts = Parts::of(strategy);
        if parts.rehearsals.len() > MAX_REHEARSALS {
            return Err(Error::Misfit(format!(
                "{} rehearsals in one composition; at most {MAX_REHEARSALS} fit",
                parts.rehearsals.len()
            )));
        }
        let stream_rows = batch_rows(&**stream, settings.batch);
        let members = members(&parts, dataset, population, &settings, stream_rows)?;
        let rows = members[0].rows.rows.len();

        let mut session = CpuSession::new(&seeds, settings.threads)?;
        session.set_resident(IMAGES, Resident::Bytes(dataset.images.clone()))?;
        let step = session.load(record::step(&model, &parts, &*settings.optimizer, rows)?)?;
        let mut observe = Vec::new();
        for (part, (name, it)) in parts.consolidations.iter().enumerate() {
            for (pass, about) in it.passes().into_iter().enumerate() {
                let plan = record::observe(&model, &parts, (name, *it), pass, CHUNK)?;
                let plan = session.load(plan)?;
                observe.push(Passes { part, pass, limit: about.limit, plan });
            }
        }
        let consolidate = match parts.consolidations.is_empty() {
            true => None,
            false => Some(session.load(record::consolidate(&model, &parts)?)?),
        };
        let evaluate = session.load(record::evaluate(&model, &parts, CHUNK)?)?;
        drop(parts);
        let mut learner = Self {
            strategy,
            name: strategy.name(),
            settings,
            model,
            session,
            members,
            labels: dataset.labels.clone(),
            stream_rows,
            step,
            observe,
            consolidate,
            evaluate,
        };
        learner.write_transforms(dataset)?;
        Ok(learner)
    }

    /// The strategy's name, compositions joined with `+`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The strategy.
    #[must_use]
    pub fn strategy(&self) -> &'s dyn Strategy {
        self.strategy
    }

    /// How it is trained.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The network on its stream.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The slots of all members.
    pub fn session(&mut self) -> &mut dyn Session {
        &mut self.session
    }

    /// Number of members.
    #[must_use]
    pub fn members(&self) -> usize {
        self.members.len()
    }

    /// A member's stream.
    #[must_use]
    pub fn stream(&self, member: usize) -> &dyn Stream {
        &*self.members[member].stream
    }

    /// Number of stages of the streams.
    #[must_use]
    pub fn stages(&self) -> usize {
        self.members[0].stream.stages().len()
    }

    /// Steps of a stage.
    #[must_use]
    pub fn steps(&self, stage: usize) -> u32 {
        self.settings.steps * self.members[0].stream.stages()[stage].length as u32
    }

    /// Gives a member its own value of a hyper-parameter, by the name of its slot
    /// (`ewc/lambda`): a sweep is a population.
    ///
    /// # Errors
    /// A slot that does not exist or is not a scalar.
    pub fn set_hyper(&mut self, slot: &str, member: usize, value: f32) -> Result<(), Error> {
        Ok(self.session.write(slot, member, &[value])?)
    }

    /// Prepares a stage: what is active, which rows are drawn, a fresh optimiser where asked for.
    pub(crate) fn begin(&mut self, stage: usize) -> Result<(), Error> {
        self.write_active(stage)?;
        for member in &mut self.members {
            let draw = Draw::new(&*member.stream, &self.labels, stage, self.settings.batch);
            member.draw = Some(draw);
        }
        if self.settings.reset_optimizer && stage > 0 {
            let graph = Graph::new();
            for slot in self.settings.optimizer.reset(&Scope::new(&graph, record::OPTIMIZER)) {
                for member in 0..self.members.len() {
                    let zeros = vec![0.0; self.session.read(&slot, member)?.len()];
                    self.session.write(&slot, member, &zeros)?;
                }
            }
        }
        Ok(())
    }

    /// Takes steps of a stage with every member.
    pub(crate) fn train(&mut self, stage: usize, steps: Range<u32>) -> Result<(), Error> {
        let mut hosts: Vec<Training<'_>> = Vec::with_capacity(self.members.len());
        for member in &mut self.members {
            let Some(draw) = &mut member.draw else {
                return Err(Error::Misfit(format!("stage {stage} was not begun")));
            };
            hosts.push(Training {
                seed: member.seed,
                stage: stage as u32,
                draw,
                rehearsals: &mut member.rehearsals,
                rows: &mut member.rows,
                stream_rows: self.stream_rows,
                drawn: 0,
                mix: self.settings.mix,
                schedule: self.settings.schedule,
                strategy: &self.name,
            });
        }
        let mut hosts: Vec<&mut dyn Host> = hosts.iter_mut().map(|h| h as &mut dyn Host).collect();
        Ok(self.session.run(self.step, steps, &mut hosts)?)
    }

    /// Ends a context: memories choose what stays, passes look at its rows, methods consolidate.
    pub(crate) fn consolidate(&mut self, stage: usize) -> Result<(), Error> {
        let rows: Vec<Vec<Row>> =
            self.members.iter().map(|member| self.rows_of_stage(member, stage)).collect();
        for (member, rows) in self.members.iter_mut().zip(&rows) {
            let now = Now { seed: member.seed, stage: stage as u32, step: 0 };
            for rehearsal in &mut member.rehearsals {
                rehearsal.end_context(now, rows)?;
            }
        }
        let Some(consolidate) = self.consolidate else { return Ok(()) };
        let mut numbers: Vec<Numbers> = rows.iter().map(|_| Numbers(Vec::new())).collect();
        for pass in &self.observe {
            let chosen: Vec<Vec<Row>> = self
                .members
                .iter()
                .zip(&rows)
                .map(|(member, rows)| limited(member.seed, stage, rows, pass.limit))
                .collect();
            for (Numbers(numbers), rows) in numbers.iter_mut().zip(&chosen) {
                numbers.push((record::examples_input(pass.part, pass.pass), rows.len() as f32));
            }
            let mut hosts: Vec<Chunks<'_>> =
                chosen.iter().map(|rows| Chunks::new(rows, CHUNK)).collect();
            run_chunks(&mut self.session, pass.plan, &mut hosts)?;
        }
        let mut hosts: Vec<&mut dyn Host> =
            numbers.iter_mut().map(|n| n as &mut dyn Host).collect();
        Ok(self.session.run(consolidate, 0..1, &mut hosts)?)
    }

    fn rows_of_stage(&self, member: &MemberState, stage: usize) -> Vec<Row> {
        let contexts = &member.stream.stages()[stage].contexts;
        contexts.iter().flat_map(|&c| rows_of(&*member.stream, &self.labels, c)).collect()
    }

    /// Which of each member's rows are classified correctly after `stage`.
    pub(crate) fn hits(&mut self, stage: usize, rows: &[Vec<Row>]) -> Result<Vec<Vec<f32>>, Error> {
        self.write_active(stage)?;
        let mut hosts: Vec<Chunks<'_>> =
            rows.iter().map(|rows| Chunks::new(rows, CHUNK).evaluating()).collect();
        run_chunks(&mut self.session, self.evaluate, &mut hosts)?;
        Ok(hosts.into_iter().map(|host| host.hits.unwrap_or_default()).collect())
    }

    /// The labels of the data set, by example.
    pub(crate) fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// Whether a member's parameters are all numbers.
    pub(crate) fn check_theta(&self, stage: usize) -> Result<(), Error> {
        for (index, member) in self.members.iter().enumerate() {
            let theta = self.session.read(THETA, index)?;
            if let Some(loss) = theta.into_iter().find(|value| !value.is_finite()) {
                return Err(Error::Diverged {
                    strategy: self.name.clone(),
                    seed: member.seed,
                    loss,
                    context: stage + 1,
                    step: self.steps(stage),
                });
            }
        }
        Ok(())
    }

    fn write_active(&mut self, stage: usize) -> Result<(), Error> {
        if !self.model.masked {
            return Ok(());
        }
        for (index, member) in self.members.iter().enumerate() {
            let table: Vec<f32> = (0..self.model.contexts)
                .flat_map(|context| member.stream.active(stage, context))
                .map(|active| f32::from(u8::from(active)))
                .collect();
            self.session.write(ACTIVE, index, &table)?;
        }
        Ok(())
    }

    fn write_transforms(&mut self, dataset: &Dataset) -> Result<(), Error> {
        let Data::Resident { taps, .. } = self.model.data else { return Ok(()) };
        if taps == 0 {
            return Ok(());
        }
        for (index, member) in self.members.iter().enumerate() {
            let (mut indices, mut weights) = (Vec::new(), Vec::new());
            for context in 0..self.model.contexts {
                let transform = member.stream.transform(context);
                let table = transform.taps(dataset.width, dataset.height).pad_to(taps);
                // A tap of weight 0 reads nothing: an index out of range gives 0.
                indices.extend(
                    table
                        .index
                        .iter()
                        .zip(&table.weight)
                        .map(|(&i, &w)| f32::from_bits(if w == 0.0 { u32::MAX } else { i })),
                );
                weights.extend_from_slice(&table.weight);
            }
            self.session.write(TAP_INDEX, index, &indices)?;
            if taps > 1 {
                self.session.write(TAP_WEIGHT, index, &weights)?;
            }
        }
        Ok(())
    }

    /// Bytes kept between contexts: slots that methods declared so (padding of theta-sized ones is
    /// not counted) and the peak of every buffer, of the member that holds most.
    #[must_use]
    pub fn bytes_kept(&self) -> u64 {
        let layout = &self.model.layout;
        let mut slots = std::collections::BTreeMap::new();
        let plans = [Some(self.step), self.consolidate].into_iter().flatten();
        for plan in plans.chain(self.observe.iter().map(|pass| pass.plan)) {
            slots.extend(self.session.plan(plan).kept_slots());
        }
        let flat = 4 * layout.len() as u64;
        let slots: u64 = slots
            .values()
            .map(|&bytes| if bytes == flat { 4 * layout.parameters() as u64 } else { bytes })
            .sum();
        let buffers = |member: &MemberState| -> u64 {
            member.rehearsals.iter().map(|rehearsal| rehearsal.peak_bytes()).sum()
        };
        slots + self.members.iter().map(buffers).max().unwrap_or(0)
    }

    /// What the run costs one member, worked out from its programs.
    #[must_use]
    pub fn costs(&self) -> Costs {
        let macs = |plan: PlanId| self.session.plan(plan).cost().macs;
        let member = &self.members[0];
        let mut total = 0;
        let mut tests = 0;
        for context in 0..self.model.contexts {
            tests += member.stream.test(context).len();
        }
        let evaluation = tests.div_ceil(CHUNK) as u64 * macs(self.evaluate);
        for stage in 0..self.stages() {
            total += u64::from(self.steps(stage)) * macs(self.step);
            if stage + 1 < self.stages() {
                let contexts = &member.stream.stages()[stage].contexts;
                let rows: usize = contexts.iter().map(|&c| member.stream.train(c).len()).sum();
                for pass in &self.observe {
                    let rows = pass.limit.map_or(rows, |limit| rows.min(limit));
                    total += rows.div_ceil(CHUNK) as u64 * macs(pass.plan);
                }
            }
        }
        Costs {
            step: self.session.plan(self.step).cost(),
            macs: total + (self.stages() as u64 + 1) * evaluation,
            bytes_kept: self.bytes_kept(),
        }
    }
}

fn run_chunks(
    session: &mut CpuSession,
    plan: PlanId,
    hosts: &mut [Chunks<'_>],
) -> Result<(), Error> {
    let longest = hosts.iter().map(|host| host.all.len()).max().unwrap_or(0);
    let chunks = longest.div_ceil(CHUNK) as u32;
    let mut hosts: Vec<&mut dyn Host> = hosts.iter_mut().map(|h| h as &mut dyn Host).collect();
    Ok(session.run(plan, 0..chunks, &mut hosts)?)
}

/// The first `limit` rows in a random order.
fn limited(seed: u64, stage: usize, rows: &[Row], limit: Option<usize>) -> Vec<Row> {
    let mut rows = rows.to_vec();
    if let Some(limit) = limit.filter(|&limit| limit < rows.len()) {
        let purpose = Purpose::named("observe");
        Address::new(seed, purpose).context(stage as u32).rng().shuffle(&mut rows);
        rows.truncate(limit);
    }
    rows
}
