//! Experience replay, by default from a class-balanced memory.

use crate::budget::{self, Budget, row_size};
use crate::episodic::{EpisodicMemory, Recall};
use crate::range;
use cl_buffers::{Buffer, ClassBalanced, Reservoir, Row, Sweep};
use cl_core::{
    Error, Fill, Member, Mix, Needs, Now, Parts, Rehearse, Reports, Share, Strategy, from_state,
    to_state,
};
use cl_random::{Address, Purpose};
use cl_scenarios::Scenario;
use serde_json::Value;
use std::collections::BTreeSet;

/// Experience replay: a few examples of every class are kept and trained on again.
///
/// L = w · CE(current rows) + (1 − w) · CE(replayed rows), both means; w follows the [`Mix`], by default
/// that of the run: 1/t in the t-th context (van de Ven, Tuytelaars & Tolias 2022,
/// "Three types of incremental learning", Methods, "ER"; doi:10.1038/s42256-022-00568-3). In a task-incremental stream the second
/// mean is that over past contexts of the mean over each one's replayed rows.
///
/// When a context ends, the same number of its examples is chosen of every class, uniformly at random
/// without replacement, and kept for good. Every step replays as many rows as the stream brings, in
/// shuffled passes over the memory of which an incomplete last batch is dropped. In a
/// task-incremental stream the rows of a step are divided among the past contexts, counts differing
/// by at most one, each context with passes of its own and the same total weight; it is then at least
/// one row each. A memory, or a context's part of it, smaller than its share of rows is replayed
/// whole.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `budget` | 100 per class | ≥ 1 | what the memory may hold |
/// | `memory` | [`Store::Exemplars`] | | which rows stay, and how they are drawn |
/// | `rows` | as the stream's | ≥ 1 | replayed rows of a step |
/// | `mix` | the run's | | w: 1/t, a fixed fraction, the share of rows, or a sum ([`Mix`]) |
///
/// The default is that of van de Ven et al. 2022 for split MNIST. Their code gives each past context
/// ⌈batch / (t − 1)⌉ rows; here the rows add up to the batch. There is no neutral setting: a memory of
/// nothing is refused. Under `Mix::Fixed(1.0)` replayed rows have weight 0.
///
/// [`ExperienceReplay::vdv_task_free`] is their protocol for streams without boundaries: a reservoir of
/// 1,000 rows in all, whatever their classes; a fresh draw without replacement at every step; w = 1/2.
///
/// A stream that brings contexts back (joint, cumulative) leaves the memory as it is for those it
/// knows.
///
/// Cells ([`Step::cells`](cl_core::Step::cells)): a row's cell is its position in the memory,
/// 0 .. rows kept, and stays its own: rows of a later context lie behind those of earlier ones,
/// within a context class behind class. A slot that keeps something per row has the memory's
/// capacity as its first axis. No row of a step is stored
/// ([`Step::stored`](cl_core::Step::stored) is nowhere): rows are chosen when their context ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExperienceReplay {
    /// What the memory may hold.
    pub budget: Budget,
    /// Which rows stay.
    pub memory: Store,
    /// Replayed rows of a step; `None`: as many as the stream brings.
    pub rows: Option<usize>,
    /// How stream and replay are weighed; `None`: as the run says.
    pub mix: Option<Mix>,
}

/// Which rows a memory keeps, and how a step draws from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// The same number of every class, chosen when a context ends; shuffled passes.
    Exemplars,
    /// A uniform sample of all rows that passed; a fresh draw without replacement. Needs no boundaries.
    Reservoir,
}

impl ExperienceReplay {
    /// With so many exemplars of every class.
    #[must_use]
    pub fn per_class(exemplars: usize) -> Self {
        let (memory, rows, mix) = (Store::Exemplars, None, None);
        Self { budget: Budget::PerClass(exemplars), memory, rows, mix }
    }

    /// As in the code of van de Ven, Tuytelaars & Tolias 2022 for streams without boundaries: a
    /// reservoir of 1,000 rows in all that every step fills, stream and replay weighed alike.
    #[must_use]
    pub fn vdv_task_free() -> Self {
        let (budget, memory, mix) = (Budget::Rows(1000), Store::Reservoir, Some(Mix::Fixed(0.5)));
        Self { budget, memory, mix, ..Self::default() }
    }

    /// The class-balanced memory of one member.
    ///
    /// # Errors
    /// A budget of less than one row for every class.
    pub fn memory(&self, member: &Member<'_>) -> Result<Exemplars, Error> {
        self.exemplars(member, self.rows.unwrap_or(member.batch))
    }

    /// The same that gives so many rows to every step.
    pub(crate) fn exemplars(&self, member: &Member<'_>, rows: usize) -> Result<Exemplars, Error> {
        let policy = ClassBalanced::new(member.classes);
        let buffer = Buffer::new(self.budget.bytes(member), row_size(member), policy)?;
        let (groups_are, rows) = match member.stream.scenario() {
            // Every past context gets at least one row of every batch.
            Scenario::Task => {
                (Groups::Contexts, rows.max(member.stream.contexts().saturating_sub(1)))
            }
            Scenario::Domain | Scenario::Class => (Groups::Whole, rows),
        };
        Ok(Exemplars { buffer, groups_are, groups: Vec::new(), drawn: vec![0; rows] })
    }
}

impl Default for ExperienceReplay {
    fn default() -> Self {
        Self::per_class(100)
    }
}

impl Strategy for ExperienceReplay {
    fn name(&self) -> String {
        "er".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.rehearse(|member| match self.memory {
            Store::Exemplars => Ok(Box::new(self.memory(member)?)),
            Store::Reservoir => {
                let rows = self.rows.unwrap_or(member.batch);
                let (budget, size) = (self.budget.bytes(member), (row_size(member), 0));
                let recall = Recall::uniform("er", rows);
                let policy = Reservoir::new();
                Ok(Box::new(EpisodicMemory::new(member, budget, size, policy, recall)?))
            }
        });
        if let Some(mix) = self.mix {
            parts.mix(mix);
        }
    }

    fn needs(&self) -> Needs {
        Needs { boundaries: self.memory == Store::Exemplars, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let (memory, passes) = match self.memory {
            Store::Exemplars => (
                "class-balanced, chosen at random at the end of a context",
                "shuffled passes; task: equal shares of contexts",
            ),
            Store::Reservoir => (
                "reservoir, algorithm R, rows offered after each step",
                "drawn without replacement from all",
            ),
        };
        let replay = match self.rows {
            None => format!("as many rows as the stream's, {passes}"),
            Some(rows) => format!("{rows} rows, {passes}"),
        };
        vec![
            ("er.budget".to_owned(), self.budget.to_string()),
            ("er.memory".to_owned(), memory.to_owned()),
            ("er.replay".to_owned(), replay),
            ("er.mix".to_owned(), range::describe_mix(self.mix)),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        self.budget.check("er")?;
        range::at_least_1("er", "rows", self.rows.unwrap_or(1))?;
        range::mix("er", self.mix)
    }
}

/// What rows are replayed in passes of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Groups {
    Whole,
    Contexts,
}

#[derive(Clone, Debug)]
struct Group {
    positions: Vec<u32>,
    sweep: Sweep,
}

/// The class-balanced memory of one member and what is replayed next.
#[derive(Clone, Debug)]
pub struct Exemplars {
    buffer: Buffer<ClassBalanced>,
    groups_are: Groups,
    groups: Vec<Group>,
    drawn: Vec<u32>,
}

impl Exemplars {
    /// The rows kept.
    #[must_use]
    pub fn buffer(&self) -> &Buffer<ClassBalanced> {
        &self.buffer
    }

    /// Divides what is kept into the groups that are replayed, each at the start of its passes.
    fn group(&mut self) {
        let groups: Vec<Vec<u32>> = match self.groups_are {
            Groups::Whole => vec![self.buffer.positions()],
            Groups::Contexts => self
                .contexts()
                .into_iter()
                .map(|context| self.buffer.positions_of_context(context))
                .collect(),
        };
        self.groups = groups
            .into_iter()
            .filter(|positions| !positions.is_empty())
            .map(|positions| Group { positions, sweep: Sweep::new() })
            .collect();
    }

    fn contexts(&self) -> BTreeSet<u32> {
        self.buffer.rows().iter().map(|row| row.context).collect()
    }
}

impl Rehearse for Exemplars {
    fn rows(&self) -> usize {
        self.drawn.len()
    }

    fn fill(&mut self, now: Now, _: &[Row], fill: &mut Fill<'_>) -> Result<Share, Error> {
        let groups = self.groups.len();
        if groups == 0 {
            return Ok(Share::Empty);
        }
        let address = Address::new(now.seed, Purpose::REPLAY).context(now.stage);
        let mut used = 0;
        for (ordinal, group) in self.groups.iter_mut().enumerate() {
            let share =
                self.drawn.len() / groups + usize::from(ordinal < self.drawn.len() % groups);
            let drawn = &mut self.drawn[..share];
            let address = address.ordinal(ordinal as u32);
            let count = group.sweep.fill_within_pass(&group.positions, address, drawn);
            for &position in &drawn[..count] {
                fill.rows[used] = self.buffer.rows()[position as usize];
                fill.cells[used] = position;
                fill.weights[used] = 1.0 / (groups * count) as f32;
                used += 1;
            }
        }
        Ok(Share::Joined(1.0))
    }

    fn end_context(&mut self, now: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
        let known = self.contexts();
        let new: Vec<Row> =
            rows.iter().filter(|row| !known.contains(&row.context)).copied().collect();
        self.buffer.offer(&new, Address::new(now.seed, Purpose::STORE))?;
        self.group();
        Ok(())
    }

    fn kept(&self) -> &[Row] {
        self.buffer.rows()
    }

    fn peak_bytes(&self) -> u64 {
        self.buffer.peak_bytes()
    }

    fn save(&self) -> Result<Value, Error> {
        let sweeps: Vec<&Sweep> = self.groups.iter().map(|group| &group.sweep).collect();
        to_state("er", &(&self.buffer, sweeps))
    }

    fn restore(&mut self, state: &Value) -> Result<(), Error> {
        let (buffer, sweeps): (Buffer<ClassBalanced>, Vec<Sweep>) = from_state("er", state)?;
        self.buffer = budget::same(&self.buffer, buffer)?;
        self.group();
        if sweeps.len() != self.groups.len() {
            let (saved, own) = (sweeps.len(), self.groups.len());
            let reason = format!("passes over {saved} groups of rows, expected {own}");
            return Err(Error::state("er", reason));
        }
        for (group, sweep) in self.groups.iter_mut().zip(sweeps) {
            group.sweep = sweep;
        }
        Ok(())
    }
}
