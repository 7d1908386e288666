//! Every program of a run, recorded and loaded once.

use super::plasticity::Probe;
use super::{CHUNK, Settings, phase};
use crate::draw::batch_rows;
use crate::error::Error;
use crate::model::Model;
use crate::parts::{At, Over, Parts, Phase, Source, Trains};
use crate::population::MemberState;
use crate::record::{self, Hidden, MemoryRows, Program};
use cl_tensor::{PlanId, Session};

/// What tells training programs apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    trains: Trains,
    /// The optimiser of a phase in words; empty for the run's own.
    optimizer: String,
    /// Rows of the stream.
    rows: usize,
    /// Whether they come class by class.
    by_class: bool,
}

/// One pass of one consolidation.
pub(super) struct Observed {
    pub part: usize,
    pub pass: usize,
    pub at: At,
    pub over: Over,
    /// The input that takes the cells of a memory's rows.
    pub cells: Option<String>,
    pub limit: Option<usize>,
    /// Rows of a chunk.
    pub chunk: usize,
    pub plan: PlanId,
    /// Outputs that its part reports.
    pub reports: Vec<String>,
    /// Inputs of what it draws per row.
    pub draws: Vec<String>,
}

pub(super) struct Programs {
    pub train: Vec<(Key, PlanId)>,
    /// How hard penalties pull, by rows of the stream.
    pub pull: Vec<(usize, PlanId)>,
    pub observe: Vec<Observed>,
    pub consolidate: Vec<(At, PlanId)>,
    pub evaluate: PlanId,
    /// Of a run whose plasticity is measured, and whose network has a hidden layer.
    pub probe: Option<Probe>,
    /// What gates let through, with its outputs by layer; recorded when somebody asks.
    pub gates: Option<(PlanId, Vec<String>)>,
}

impl Programs {
    pub(super) fn record(
        session: &mut dyn Session,
        model: &Model,
        parts: &Parts<'_>,
        settings: &Settings,
        member: &MemberState,
        labels: &[u8],
    ) -> Result<Self, Error> {
        let stream = &*member.stream;
        let memories: Vec<MemoryRows> = member.memories.iter().map(|m| m.rows()).collect();
        let mut train: Vec<(Key, PlanId)> = Vec::new();
        let mut pull: Vec<(usize, PlanId)> = Vec::new();
        // In the first stage there is nothing to hold on to.
        let pulled = !parts.penalties.is_empty() && stream.stages().len() > 1;
        for stage in 0..stream.stages().len() {
            for phase in phase::phases(parts, settings, (stream, labels), stage) {
                let rows = batch_rows(stream, labels, settings.batch, phase.rows);
                for &trains in &phase.cycle {
                    let key = key(&phase, trains, rows);
                    if train.iter().any(|(known, _)| *known == key) {
                        continue;
                    }
                    let optimizer_name = optimizer_name(&train, &key);
                    let optimizer = phase.optimizer.as_deref().unwrap_or(&*settings.optimizer);
                    let program = Program {
                        trains,
                        optimizer,
                        optimizer_name: &optimizer_name,
                        stream: rows,
                        per_class: phase.rows_per_class(settings.batch),
                        memories: &memories,
                    };
                    let plan = session.load(record::step(model, parts, &program)?)?;
                    train.push((key, plan));
                    if pulled && trains.network() && !pull.iter().any(|(known, _)| *known == rows) {
                        pull.push((rows, session.load(record::pull(model, parts, &program)?)?));
                    }
                }
            }
        }
        let (mut observe, mut consolidate) = (Vec::new(), Vec::new());
        for (index, (name, part)) in parts.consolidations.iter().enumerate() {
            let at = part.at();
            for (pass, about) in part.passes().into_iter().enumerate() {
                let chunk = about.rows(name, CHUNK)?;
                let memory = parts.memory_of(name, &about.over);
                let cells = memory.map(|name| record::input("cells", name));
                let plan = record::observe(model, parts, (name, *part), (pass, memory), chunk)?;
                let (reports, draws) = (plan.outputs(), record::row_draws(&plan));
                let (over, limit, part, plan) =
                    (about.over, about.limit, index, session.load(plan)?);
                observe.push(Observed {
                    part,
                    pass,
                    at,
                    over,
                    cells,
                    limit,
                    chunk,
                    plan,
                    reports,
                    draws,
                });
            }
            if !consolidate.iter().any(|(known, _)| *known == at) {
                let plan = record::consolidate(model, parts, at)?;
                consolidate.push((at, session.load(plan)?));
            }
        }
        let evaluate = session.load(record::evaluate(model, parts, CHUNK)?)?;
        let mut probe = None;
        if settings.evaluation.plasticity {
            let Hidden { plan, layers, weights } = record::hidden(model, parts, CHUNK)?;
            if layers > 0 {
                probe = Some(Probe { plan: session.load(plan)?, layers, weights });
            }
        }
        Ok(Self { train, pull, observe, consolidate, evaluate, probe, gates: None })
    }

    /// The program of a phase that trains this.
    pub(super) fn train(&self, phase: &Phase, trains: Trains, rows: usize) -> Option<PlanId> {
        let key = key(phase, trains, rows);
        self.train.iter().find(|(known, _)| *known == key).map(|(_, plan)| *plan)
    }

    /// The program of the consolidations at a moment, if there are any.
    pub(super) fn consolidate(&self, at: At) -> Option<PlanId> {
        self.consolidate.iter().find(|(known, _)| *known == at).map(|(_, plan)| *plan)
    }

    /// All programs.
    pub(super) fn plans(&self) -> impl Iterator<Item = PlanId> {
        let train = self.train.iter().map(|(_, plan)| *plan);
        let pull = self.pull.iter().map(|(_, plan)| *plan);
        let observe = self.observe.iter().map(|observed| observed.plan);
        let consolidate = self.consolidate.iter().map(|(_, plan)| *plan);
        let probe = self.probe.iter().map(|probe| probe.plan);
        train.chain(pull).chain(observe).chain(consolidate).chain([self.evaluate]).chain(probe)
    }

    /// The scope of a phase's optimiser, behind that of all optimisers.
    pub(super) fn optimizer_name(&self, phase: &Phase) -> String {
        let described = phase.optimizer.as_ref().map_or(String::new(), |o| o.describe());
        let key =
            Key { trains: Trains::Everything, optimizer: described, rows: 0, by_class: false };
        optimizer_name(&self.train, &key)
    }
}

fn key(phase: &Phase, trains: Trains, rows: usize) -> Key {
    let optimizer = phase.optimizer.as_ref().map_or(String::new(), |o| o.describe());
    Key { trains, optimizer, rows, by_class: phase.rows == Source::StreamByClass }
}

/// The run's own optimiser has no name; those of phases are numbered as they come.
fn optimizer_name(known: &[(Key, PlanId)], key: &Key) -> String {
    if key.optimizer.is_empty() {
        return String::new();
    }
    let mut described: Vec<&str> = Vec::new();
    for name in known.iter().map(|(key, _)| key.optimizer.as_str()).chain([&*key.optimizer]) {
        if !name.is_empty() && !described.contains(&name) {
            described.push(name);
        }
    }
    let number = described.iter().position(|name| *name == key.optimizer).unwrap_or(0);
    format!("phase{}", number + 1)
}
