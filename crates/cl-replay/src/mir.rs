//! Maximally interfered retrieval.

use crate::budget::{Budget, row_with_context};
use crate::episodic::{Eligible, EpisodicMemory, Recall};
use crate::range;
use cl_buffers::Reservoir;
use cl_core::{Error, Generate, Member, Mix, Needs, Parts, RecordedRows, Step, Strategy, Targets};
use cl_nn::losses;
use cl_tensor::{Init, Var};

/// MIR: of some rows of the memory those are replayed that the coming step would harm most.
///
/// θ′ = θ − η ∇ CE(current rows); a candidate's score is CE(θ′; x) − CE(θ; x) ([`Score::Now`], MI-1) or
/// CE(θ′; x) − min(CE(θ; x), CE*) with CE* that of stored logits ([`Score::Best`], MI-2). The highest
/// scores join the step, L = CE(current rows) + CE(chosen rows), both means (Aljundi, Caccia, Belilovsky,
/// Caccia, Lin, Charlin & Tuytelaars 2019, "Online continual learning with maximal interfered retrieval",
/// arXiv 1908.04742, section 3.1).
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `budget` | 50 per class | ≥ 1 | what rows, and stored logits, may take |
/// | `candidates` | 50 | ≥ `chosen` | rows that are scored, drawn uniformly without replacement |
/// | `chosen` | 10 | ≥ 1 | rows that are replayed |
/// | `virtual_lr` | 0.1 | ≥ 0 | η, a slot: plain descent whatever the optimiser |
/// | `score` | [`Score::Now`] | | what harm is measured against |
/// | `mix` | [`Mix::Sum`] | | weights of the two means; `None`: the run's |
///
/// The numbers are those of the authors' MNIST runs (batches of 10; their virtual step has the learning
/// rate of training, and 50 rows per class is the middle of their three budgets). The memory is a
/// reservoir over all rows that pass; candidates are of contexts that have ended, as in the authors' code
/// (`mir.py`), so it needs boundaries, and a row weighs the number of its context too. The first context
/// is plain training.
///
/// Stored logits start at 0; where a candidate's cross-entropy is below that of what is stored, its present
/// logits are stored in its place. A row that replaces another finds the other's, as in that code.
///
/// Slots: `virtual_lr`, a scalar; under `Score::Best` `logits`, `[capacity, outputs]`, kept. There is no
/// neutral setting: whatever is chosen counts. Memory: the rows of the budget, with their logits where
/// those are stored. A step takes two gradients (that of the current rows serves the virtual step too) and
/// two forward passes of the candidates, whatever the number of contexts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mir {
    /// What rows and stored logits may take.
    pub budget: Budget,
    /// Rows that are scored at every step.
    pub candidates: usize,
    /// Rows that are replayed.
    pub chosen: usize,
    /// η: how far the virtual step goes.
    pub virtual_lr: f64,
    /// What harm is measured against.
    pub score: Score,
    /// How stream and replay are weighed; `None`: as the run says.
    pub mix: Option<Mix>,
}

/// What the loss after the virtual step is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Score {
    /// The loss before it.
    Now,
    /// The lower of that and the loss of the logits that are stored with the row.
    Best,
}

const NAME: &str = "mir";
const CANDIDATES: &str = "candidates";

impl Mir {
    /// The memory of one member.
    ///
    /// # Errors
    /// A budget of less than one row for every class.
    pub fn memory(&self, member: &Member<'_>) -> Result<EpisodicMemory<Reservoir>, Error> {
        let row = row_with_context(member);
        let size = match self.score {
            Score::Now => row,
            Score::Best => row.with_logits(member.stream.outputs() as u32),
        };
        let beside = size.bytes() - row.bytes();
        let recall = Recall { from: Eligible::Past, ..Recall::uniform(NAME, self.candidates) };
        let budget = self.budget.bytes_of(member, size);
        EpisodicMemory::new(member, budget, (size, beside), Reservoir::new(), recall)
    }

    /// What the loss after the virtual step is compared with, `[candidates]`.
    fn before<'g>(&self, step: &Step<'_, 'g>, all: &Step<'_, 'g>) -> Var<'g> {
        let now = losses::cross_entropy(all.forward.logits, all.target, all.active);
        if self.score == Score::Now {
            return now;
        }
        let outputs = all.forward.logits.shape()[1];
        let stored = step.scope.kept("logits", &[step.capacity(CANDIDATES), outputs], Init::Zeros);
        let cells = step.cells(CANDIDATES);
        let then = stored.gather(cells);
        let best = losses::cross_entropy(then, all.target, all.active);
        let lower = best.greater(now).column().expand(&then.shape());
        step.scope.assign_rows("logits", cells, lower.select(all.forward.logits, then));
        now.minimum(best)
    }
}

impl Default for Mir {
    fn default() -> Self {
        Self {
            budget: Budget::PerClass(50),
            candidates: 50,
            chosen: 10,
            virtual_lr: 0.1,
            score: Score::Now,
            mix: Some(Mix::Sum),
        }
    }
}

impl Generate for Mir {
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> RecordedRows<'g> {
        let all = step.rows(CANDIDATES);
        let eta = step.scope.hyper("virtual_lr", self.virtual_lr as f32);
        let ahead = step.theta - eta * step.task_gradient();
        let after = all.forward_with(ahead).logits;
        let score = losses::cross_entropy(after, all.target, all.active) - self.before(step, &all);
        let nobody = step.graph().full(&[self.candidates], -1e30);
        let chosen = all.weight.select(score, nobody).top_k(self.chosen);
        let present = all.weight.gather(chosen).sign();
        RecordedRows {
            x: all.x.gather(chosen),
            targets: Targets::Units(all.target.gather(chosen)),
            weight: present / present.sum().maximum(step.graph().constant(1.0)),
            context: all.context.gather(chosen),
            active: all.active.map(|active| active.gather(chosen)),
        }
    }
}

impl Strategy for Mir {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.generate(self);
        parts.rehearse_apart(CANDIDATES, |member| Ok(Box::new(self.memory(member)?)));
        if let Some(mix) = self.mix {
            parts.mix(mix);
        }
    }

    fn needs(&self) -> Needs {
        Needs { boundaries: true, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let score = match self.score {
            Score::Now => "loss after a virtual step - loss before",
            Score::Best => "loss after a virtual step - the lower of before and of stored logits",
        };
        [
            ("budget", self.budget.to_string()),
            ("memory", "reservoir, algorithm R; candidates of contexts that have ended".to_owned()),
            ("candidates", self.candidates.to_string()),
            ("chosen", self.chosen.to_string()),
            ("virtual_lr", self.virtual_lr.to_string()),
            ("score", score.to_owned()),
            ("mix", range::describe_mix(self.mix)),
        ]
        .map(|(name, value)| (format!("{NAME}.{name}"), value))
        .into()
    }

    fn check(&self) -> Result<(), Error> {
        self.budget.check(NAME)?;
        range::at_least_1(NAME, "chosen", self.chosen)?;
        if self.candidates < self.chosen {
            let (name, value) = ("candidates", self.candidates as f64);
            let expected = "at least as many as are chosen";
            return Err(Error::HyperParameter { strategy: NAME, name, value, expected });
        }
        range::at_least_0(NAME, "virtual_lr", self.virtual_lr)?;
        range::mix(NAME, self.mix)
    }
}
