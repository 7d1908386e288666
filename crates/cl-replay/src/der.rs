//! Dark experience replay.

use crate::budget::{Budget, row_size};
use crate::episodic::{EpisodicMemory, Offer, Recall};
use crate::range;
use cl_buffers::{Reservoir, RowSize};
use cl_core::{Error, Member, Parts, Penalty, Step, Strategy};
use cl_nn::losses::weighted_sum;
use cl_tensor::{Init, Var};
use std::ops::Range;

/// DER: rows are kept with what the network said of them when they passed, and it is held to that.
///
/// L = CE(current rows) + α · mean over replayed rows of D(z, z′), z′ the logits that were stored with the
/// row and D = ‖z − z′‖² ([`Distance::Norm`]; Buzzega, Boschini, Porrello, Abati & Calderara 2020, "Dark
/// experience for general continual learning", arXiv 2004.07211, eq. 6) or its mean over outputs, which is
/// 1/outputs of it ([`Distance::Mean`], the authors' code).
///
/// | field | default | mammoth | range | what |
/// |---|---|---|---|---|
/// | `budget` | 100 per class | the same | ≥ 1 | what rows and their logits may take |
/// | `rows` | as the stream's | the same | ≥ 1 | rows of a draw |
/// | `alpha` | 0.1 | 1 | ≥ 0 | α, a slot |
/// | `distance` | `Norm` | `Mean` | | D |
///
/// α is that of the authors' runs on sequential MNIST with 500 rows, 1 in their code (there are ten
/// outputs, so 0.1 for the norm). Their step replays 128 rows beside 10 of the stream.
///
/// The memory is a reservoir over all rows that pass; it needs no boundaries. A step first draws without
/// replacement, then puts rows of the stream into the reservoir with the logits that this step's forward
/// pass gives them, before the step is taken: z′ is of the network that saw the row, dropout included.
/// The term is a penalty on rows apart: the run's mix plays no part, and gradient maps of a composition
/// see the task gradient without it.
///
/// Slots: `alpha`, a scalar; `logits`, `[capacity, outputs]`, kept. Neutral setting: `alpha` = 0. Memory:
/// a row weighs its bytes, its label and 4 bytes for each output; rows and logits together stay within the
/// budget. A step takes one forward pass and one gradient over the replayed rows beside those over the
/// stream's: as many products as a plain step of all these rows. It does not grow with the number of
/// contexts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Der {
    /// What rows and their logits may take.
    pub budget: Budget,
    /// Rows of a draw; `None`: as many as the stream brings.
    pub rows: Option<usize>,
    /// α: strength of the stored logits.
    pub alpha: f64,
    /// How far logits are from those that were stored.
    pub distance: Distance,
}

/// How far logits are from those that were stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    /// Σ over outputs of (z − z′)².
    Norm,
    /// The mean over outputs of (z − z′)².
    Mean,
}

/// The memory's name within the strategy.
pub(crate) const MEMORY: &str = "memory";

impl Der {
    /// As in mammoth, by the authors: the mean over outputs, α = 1.
    #[must_use]
    pub fn mammoth() -> Self {
        Self { alpha: 1.0, distance: Distance::Mean, ..Self::default() }
    }

    /// Bytes of one row with its logits; of these the logits'.
    pub(crate) fn row_size(member: &Member<'_>) -> (RowSize, u64) {
        let outputs = member.stream.outputs() as u32;
        let row = row_size(member);
        (row.with_logits(outputs), row.with_logits(outputs).bytes() - row.bytes())
    }

    /// The memory of one member, for this many draws at every step.
    ///
    /// # Errors
    /// A budget of less than one row, with its logits, for every class.
    pub(crate) fn memory(
        &self,
        name: &'static str,
        member: &Member<'_>,
        draws: usize,
    ) -> Result<EpisodicMemory<Reservoir>, Error> {
        let size = Self::row_size(member);
        let budget = self.budget.bytes_of(member, size.0);
        let rows = self.rows.unwrap_or(member.batch);
        let recall = Recall { draws, offer: Offer::WithinStep, ..Recall::uniform(name, rows) };
        EpisodicMemory::new(member, budget, size, Reservoir::new(), recall)
    }

    /// α · D over these rows of the memory; stores the logits of rows that pass.
    pub(crate) fn distillation<'g>(&self, step: &Step<'_, 'g>, rows: Range<usize>) -> Var<'g> {
        let outputs = step.forward.logits.shape()[1];
        let stored = step.scope.kept("logits", &[step.capacity(MEMORY), outputs], Init::Zeros);
        let now = step.forward.logits.slice(0, step.stream_rows());
        step.scope.assign_rows("logits", step.stored(MEMORY), now);

        let memory = step.rows(MEMORY);
        let then = stored.gather(step.cells(MEMORY).slice(0, rows.clone()));
        let square = (memory.forward.logits.slice(0, rows.clone()) - then).square();
        let distance = match self.distance {
            Distance::Norm => square.sum_axis(1),
            Distance::Mean => square.mean_axis(1),
        };
        let alpha = step.scope.hyper("alpha", self.alpha as f32);
        alpha * weighted_sum(distance, memory.weight.slice(0, rows))
    }

    /// What is told of it under a strategy's name.
    pub(crate) fn told(&self) -> Vec<(&'static str, String)> {
        let distance = match self.distance {
            Distance::Norm => "squared norm",
            Distance::Mean => "mean over outputs of squares",
        };
        let rows =
            self.rows.map_or_else(|| "as many as the stream's".to_owned(), |n| n.to_string());
        let memory = "reservoir of rows and of their logits when they passed";
        vec![
            ("budget", self.budget.to_string()),
            ("memory", memory.to_owned()),
            ("rows", rows),
            ("alpha", self.alpha.to_string()),
            ("distance", distance.to_owned()),
        ]
    }

    pub(crate) fn check_as(&self, name: &'static str) -> Result<(), Error> {
        self.budget.check(name)?;
        range::at_least_1(name, "rows", self.rows.unwrap_or(1))?;
        range::at_least_0(name, "alpha", self.alpha)
    }
}

impl Default for Der {
    fn default() -> Self {
        let (budget, distance) = (Budget::PerClass(100), Distance::Norm);
        Self { budget, rows: None, alpha: 0.1, distance }
    }
}

impl Penalty for Der {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        self.distillation(step, 0..step.rows(MEMORY).weight.len())
    }
}

const NAME: &str = "der";

impl Strategy for Der {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self);
        parts.rehearse_apart(MEMORY, |member| Ok(Box::new(self.memory(NAME, member, 1)?)));
    }

    fn describe(&self) -> Vec<(String, String)> {
        let told = self.told().into_iter();
        told.map(|(name, value)| (format!("{NAME}.{name}"), value)).collect()
    }

    fn check(&self) -> Result<(), Error> {
        self.check_as(NAME)
    }
}
