//! Greedy sampling and a network trained afresh (Prabhu et al. 2020).

use crate::budget::{Budget, row_size, row_with_context, same};
use crate::range;
use cl_buffers::{Buffer, Greedy, Group, Row, Sweep};
use cl_core::{
    Error, Fill, GradientMap, Length, Member, Needs, Now, Parts, Phase, PhaseContext, Phases,
    Rehearse, Reports, Share, Source, Start, Step, Strategy, from_state, to_state,
};
use cl_nn::{Schedule, Sgd, clip_norm};
use cl_random::{Address, Purpose};
use cl_scenarios::Scenario;
use cl_tensor::Var;
use serde_json::Value;
use std::sync::Arc;

/// GDumb: rows that pass are sampled greedily and nothing is trained; when a context ends, a new network is
/// trained on the sample alone.
///
/// Source: Prabhu, Torr & Dokania 2020, "GDumb: A simple approach that questions our progress in continual
/// learning", algorithm 1: a class holds at most capacity / classes so far; a row of a class below that
/// comes in, in a full memory in place of a random row of the largest class.
///
/// θ ← its initial values, then L = CE over rows of the memory alone, each visited once per pass.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `budget` | 50 per class | ≥ 1 | what the memory may hold |
/// | `passes` | 128 | ≥ 1 | passes over the sample |
/// | `rows` | 16 | ≥ 1 | rows of a step; the last one of a pass has what is left |
/// | `lr` | 0.05 | > 0 | learning rate of SGD with momentum 0.9 and weight decay 1e-6 |
/// | `floor` | 0.01 | in \[0, 1\] | what each cosine goes down to, a fraction of `lr` |
/// | `clip` | 10 | > 0 | largest length of a gradient, a slot |
///
/// Defaults are those of the authors' code on MNIST with 500 rows (drimpossible/GDumb, `main.py`): the
/// first pass has a tenth of `lr`, then cosines of 1, 2, 4, .. passes start again
/// ([`Schedule::Restarts`]). They report the best test accuracy over passes; here it is that after the
/// last one. Their CutMix, used on CIFAR alone, and their random crops are not part of this. The run's
/// optimiser, schedule and steps play no part, but that rows pass for as many steps. A class is an output
/// unit; in task- and domain-incremental streams an output unit within a context, whose number a row then
/// weighs too.
///
/// Slots: `clip`, a scalar. There is no neutral setting. Composition: it owns the phases; a gradient map
/// in front of it sees the gradient before it is clipped. Memory: the rows of the budget. A step does
/// not grow with the number of contexts; every context costs `passes` passes over the memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gdumb {
    /// What the memory may hold.
    pub budget: Budget,
    /// Passes over the sample.
    pub passes: u32,
    /// Rows of a step.
    pub rows: usize,
    /// Learning rate.
    pub lr: f64,
    /// What each cosine goes down to, a fraction of the learning rate.
    pub floor: f64,
    /// Largest length of a gradient.
    pub clip: f64,
}

const NAME: &str = "gdumb";

impl Gdumb {
    /// The memory of one member.
    ///
    /// # Errors
    /// A budget of less than one row for every class.
    pub fn memory(&self, member: &Member<'_>) -> Result<Sample, Error> {
        let (row, by) = match member.stream.scenario() {
            Scenario::Class => (row_size(member), Group::Class),
            Scenario::Task | Scenario::Domain => (row_with_context(member), Group::ClassOfContext),
        };
        let (budget, classes) = (self.budget.bytes_of(member, row), u64::from(member.classes));
        let needed = row.bytes().saturating_mul(classes);
        if budget < needed {
            return Err(Error::Misfit(format!(
                "{NAME}: a budget of {budget} bytes; expected at least {needed}: one row of {} bytes \
                 for each of {classes} classes",
                row.bytes()
            )));
        }
        let buffer = Buffer::new(budget, row, Greedy::sampler(by))?;
        let (positions, sweep) = (Vec::new(), Sweep::new());
        Ok(Sample { buffer, rows: self.rows, positions, sweep })
    }
}

impl Default for Gdumb {
    fn default() -> Self {
        let (budget, clip) = (Budget::PerClass(50), 10.0);
        Self { budget, passes: 128, rows: 16, lr: 0.05, floor: 0.01, clip }
    }
}

impl Phases for Gdumb {
    fn phases(&self, context: PhaseContext) -> Vec<Phase> {
        let sample = Phase { cycle: Vec::new(), ..Phase::stream("sample", context.steps) };
        let (passes, floor) = (self.passes, self.floor);
        let sgd = Sgd { lr: self.lr, momentum: 0.9, nesterov: false, weight_decay: 1e-6 };
        let fit = Phase {
            rows: Source::Memory,
            length: Length::Passes(passes),
            optimizer: Some(Arc::new(sgd)),
            schedule: Some(Schedule::Restarts { passes, warmup: 0.1, growth: 2, floor }),
            start: Start::Network,
            ..Phase::stream("fit", 0)
        };
        vec![sample, fit]
    }
}

impl GradientMap for Gdumb {
    fn total<'g>(&self, step: &Step<'_, 'g>, gradient: Var<'g>) -> Var<'g> {
        clip_norm(gradient, step.scope.hyper("clip", self.clip as f32))
    }
}

impl Strategy for Gdumb {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.phases(self).gradient_map(self);
        parts.rehearse(|member| Ok(Box::new(self.memory(member)?)));
    }

    fn needs(&self) -> Needs {
        Needs { boundaries: true, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let training = "a new network per context, on the sample alone; SGD, momentum 0.9, weight \
                        decay 1e-6, cosines with restarts; accuracy after the last pass";
        [
            ("budget", self.budget.to_string()),
            ("memory", "greedy: a random row of the largest class makes room".to_owned()),
            ("training", training.to_owned()),
            ("passes", self.passes.to_string()),
            ("rows", self.rows.to_string()),
            ("lr", self.lr.to_string()),
            ("floor", self.floor.to_string()),
            ("clip", self.clip.to_string()),
        ]
        .map(|(name, value)| (format!("{NAME}.{name}"), value))
        .into()
    }

    fn check(&self) -> Result<(), Error> {
        self.budget.check(NAME)?;
        range::at_least_1(NAME, "passes", self.passes as usize)?;
        range::at_least_1(NAME, "rows", self.rows)?;
        range::above_0(NAME, "lr", self.lr)?;
        range::above_0(NAME, "clip", self.clip)?;
        if (0.0..=1.0).contains(&self.floor) {
            return Ok(());
        }
        let (name, value, expected) = ("floor", self.floor, "a fraction in [0, 1]");
        Err(Error::HyperParameter { strategy: NAME, name, value, expected })
    }
}

/// The sample of one member, and how far passes over it are.
#[derive(Clone, Debug)]
pub struct Sample {
    buffer: Buffer<Greedy>,
    rows: usize,
    /// 0, 1, ..
    positions: Vec<u32>,
    sweep: Sweep,
}

impl Sample {
    /// The rows kept.
    #[must_use]
    pub fn buffer(&self) -> &Buffer<Greedy> {
        &self.buffer
    }
}

impl Rehearse for Sample {
    fn rows(&self) -> usize {
        self.rows
    }

    fn fill(&mut self, now: Now, _: &[Row], fill: &mut Fill<'_>) -> Result<Share, Error> {
        let address = Address::new(now.seed, Purpose::named(NAME)).context(now.stage);
        let count = self.sweep.fill_to_end_of_pass(&self.positions, address, fill.cells);
        for (row, &cell) in fill.rows.iter_mut().zip(&fill.cells[..count]) {
            *row = self.buffer.rows()[cell as usize];
        }
        fill.weights[..count].fill(1.0 / count as f32);
        Ok(if count == 0 { Share::Empty } else { Share::Joined(1.0) })
    }

    fn store(&mut self, now: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
        self.buffer.offer(rows, Address::new(now.seed, Purpose::STORE))?;
        self.positions.extend(self.positions.len() as u32..self.buffer.len() as u32);
        Ok(())
    }

    fn kept(&self) -> &[Row] {
        self.buffer.rows()
    }

    fn peak_bytes(&self) -> u64 {
        self.buffer.peak_bytes()
    }

    fn save(&self) -> Result<Value, Error> {
        to_state(NAME, &(&self.buffer, &self.sweep))
    }

    fn restore(&mut self, state: &Value) -> Result<(), Error> {
        let (buffer, sweep): (Buffer<Greedy>, Sweep) = from_state(NAME, state)?;
        self.buffer = same(&self.buffer, buffer)?;
        (self.positions, self.sweep) = (self.buffer.positions(), sweep);
        Ok(())
    }
}
