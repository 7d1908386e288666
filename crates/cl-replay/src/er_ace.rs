//! Experience replay with asymmetric cross-entropy.

use crate::budget::{Budget, row_size, row_with_context};
use crate::episodic::{EpisodicMemory, Recall};
use crate::range;
use cl_buffers::{Admit, Evict, Greedy, Group, Reservoir};
use cl_core::{
    Criterion, Error, Member, Mix, Needs, Parts, Rehearse, Step, Strategy, Taken, Track,
};
use cl_nn::losses;
use cl_scenarios::Scenario;
use cl_tensor::{Init, Var};

/// ER-ACE: classes that are new push away only each other, not those that are remembered.
///
/// L = CE(current rows, over some classes) + CE(replayed rows, over all), both means (Caccia, Aljundi,
/// Asadi, Tuytelaars, Pineau & Belilovsky 2022, "New insights on reducing abrupt representation change in
/// online continual learning", arXiv 2104.05025, eq. 4). Which classes compete for current rows is
/// [`Competitors`].
///
/// | field | default | avalanche | mammoth | range | what |
/// |---|---|---|---|---|---|
/// | `budget` | 100 per class | the same | the same | ≥ 1 | what the memory may hold |
/// | `memory` | [`Balance::Classes`] | `Classes` | [`Balance::Reservoir`] | | which rows stay |
/// | `rows` | as the stream's | the same | the same | ≥ 1 | replayed rows of a step |
/// | `competitors` | [`Competitors::PresentAndUnseen`] | [`Competitors::Present`] | [`Competitors::UntilTheLast`] | | classes that compete for current rows |
/// | `begins` | [`Begins::AtOnce`] | `AtOnce` | [`Begins::SecondContext`] | | when masks and replay begin |
/// | `mix` | [`Mix::Sum`] | `Fixed(0.5)` | `Sum` | | weights of the two means; `None`: the run's |
///
/// The authors' code is pclucas14/AML: `PresentAndUnseen` keeps the classes of the batch, the largest one
/// seen and those above it, which stay negatives; its memory makes room by the oldest row of the largest
/// class. Their batches have 10 rows and as many replayed. Rows are drawn uniformly without replacement
/// and offered after the step; it needs no boundaries but for [`Begins::SecondContext`]. mammoth's
/// cosine head is not part of this.
///
/// It is the criterion of the composition and has a mix of its own, unless it says `None`. Classes that
/// the stream switches off (task-incremental heads) stay off.
///
/// Slots: but under `Present`, `seen`, `[outputs]`, 1 for classes that came, kept. There is no neutral setting: what competes and what is replayed is structure.
/// Memory: the rows of the budget. A step takes no other forward pass and no other gradient than that over
/// the batch, of which replayed rows are a part. It does not grow with the number of contexts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErAce {
    /// What the memory may hold.
    pub budget: Budget,
    /// Which rows stay.
    pub memory: Balance,
    /// Replayed rows of a step; `None`: as many as the stream brings.
    pub rows: Option<usize>,
    /// Which classes compete for current rows.
    pub competitors: Competitors,
    /// When masks and replay begin.
    pub begins: Begins,
    /// How stream and replay are weighed; `None`: as the run says.
    pub mix: Option<Mix>,
}

/// Which rows a memory that fills online keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// Every row comes in; the oldest of the largest class makes room. In a domain-incremental stream
    /// that tells boundaries a class is an output unit within a context, whose number a row then weighs
    /// too; without boundaries the oldest contexts are lost there: take the reservoir.
    Classes,
    /// A uniform sample of all rows that passed.
    Reservoir,
}

/// Which classes compete for rows of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Competitors {
    /// Those of the batch's current rows (the paper's equation).
    Present,
    /// Those, the largest class that came so far, and every class above it (the authors' code).
    PresentAndUnseen,
    /// The same while the largest that came is not the last class of all, then those of the batch
    /// (mammoth's code).
    UntilTheLast,
}

/// When masks and replay begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// At the first step.
    AtOnce,
    /// When the first context has ended; until then it is plain training.
    SecondContext,
}

const NAME: &str = "er-ace";

impl ErAce {
    /// As in Avalanche: the classes of the batch compete, the two means count half each.
    #[must_use]
    pub fn avalanche() -> Self {
        let mix = Some(Mix::Fixed(0.5));
        Self { competitors: Competitors::Present, mix, ..Self::default() }
    }

    /// As in mammoth: a reservoir; plain training in the first context.
    #[must_use]
    pub fn mammoth() -> Self {
        Self {
            memory: Balance::Reservoir,
            competitors: Competitors::UntilTheLast,
            begins: Begins::SecondContext,
            ..Self::default()
        }
    }

    /// The memory of one member.
    ///
    /// # Errors
    /// A budget of less than one row for every class.
    pub fn memory(&self, member: &Member<'_>) -> Result<Box<dyn Rehearse>, Error> {
        let rows = self.rows.unwrap_or(member.batch);
        // Contexts that share their output units have classes of their own, where contexts are told.
        let told = !member.stream.kind().is_task_free();
        let shared = member.stream.scenario() == Scenario::Domain && told;
        let (row, by) = match self.memory {
            Balance::Classes if shared => (row_with_context(member), Group::ClassOfContext),
            Balance::Classes | Balance::Reservoir => (row_size(member), Group::Class),
        };
        let (budget, size) = (self.budget.bytes_of(member, row), (row, 0));
        let first_stage = match self.begins {
            Begins::AtOnce => 0,
            Begins::SecondContext => 1,
        };
        let recall = Recall { first_stage, ..Recall::uniform(NAME, rows) };
        Ok(match self.memory {
            Balance::Classes => {
                let greedy = Greedy::new(by, Admit::All, Evict::Oldest);
                Box::new(EpisodicMemory::new(member, budget, size, greedy, recall)?)
            }
            Balance::Reservoir => {
                Box::new(EpisodicMemory::new(member, budget, size, Reservoir::new(), recall)?)
            }
        })
    }
}

impl Default for ErAce {
    fn default() -> Self {
        Self {
            budget: Budget::PerClass(100),
            memory: Balance::Classes,
            rows: None,
            competitors: Competitors::PresentAndUnseen,
            begins: Begins::AtOnce,
            mix: Some(Mix::Sum),
        }
    }
}

/// 1 for classes of the batch's current rows, `[outputs]`.
fn present<'g>(step: &Step<'_, 'g>) -> Var<'g> {
    let outputs = step.forward.logits.shape()[1];
    let counts = step.is_current() * step.weight.sign();
    (step.target.one_hot(outputs) * counts.column()).sum_axis(0).sign()
}

/// 1 for classes that came, those of this batch included, `[outputs]`.
fn seen<'g>(step: &Step<'_, 'g>) -> Var<'g> {
    let present = present(step);
    step.scope.kept("seen", &present.shape(), Init::Zeros).maximum(present)
}

/// 1 for the largest class that came and those above it, `[outputs]`.
fn unseen<'g>(step: &Step<'_, 'g>) -> Var<'g> {
    let seen = seen(step);
    let number = step.graph().iota(seen.len()).to_float() + 1.0;
    let largest = (seen * number).reshape(&[1, seen.len()]).max_row();
    1.0 - largest.greater(number)
}

impl ErAce {
    /// 1 for classes that compete for current rows, `[1, outputs]`.
    fn competitors<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let present = present(step);
        let outputs = present.len();
        let row = |value: Var<'g>| value.reshape(&[1, outputs]);
        let own = match self.competitors {
            Competitors::Present => present,
            Competitors::PresentAndUnseen => present.maximum(self::unseen(step)),
            Competitors::UntilTheLast => {
                let last = seen(step).slice(0, outputs - 1..outputs);
                present.maximum(self::unseen(step) * (1.0 - last))
            }
        };
        match (self.begins, step.rows_of(NAME)) {
            (Begins::SecondContext, Some(replayed)) => {
                let replays = step.weight.slice(0, replayed).sum();
                row(replays.select(own, step.graph().full(&[outputs], 1.0)))
            }
            (Begins::AtOnce, _) | (Begins::SecondContext, None) => row(own),
        }
    }
}

impl Criterion for ErAce {
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        if step.stream_rows().is_empty() {
            return step.cross_entropy(step.target);
        }
        let current = step.is_current().column();
        let competing = current * self.competitors(step) + (1.0 - current);
        let competing = step.active.map_or(competing, |active| active * competing);
        losses::cross_entropy(step.forward.logits, step.target, Some(competing))
    }
}

impl Track for ErAce {
    fn update<'g>(&self, step: &Step<'_, 'g>, _: &Taken<'g>) {
        if self.competitors != Competitors::Present {
            step.scope.assign("seen", seen(step));
        }
    }
}

impl Strategy for ErAce {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.criterion(self).track(self).rehearse(|member| self.memory(member));
        if let Some(mix) = self.mix {
            parts.mix(mix);
        }
    }

    fn needs(&self) -> Needs {
        Needs { boundaries: self.begins == Begins::SecondContext, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let memory = match self.memory {
            Balance::Classes => "the oldest row of the largest class makes room",
            Balance::Reservoir => "reservoir, algorithm R",
        };
        let competitors = match self.competitors {
            Competitors::Present => "current rows: classes of the batch",
            Competitors::PresentAndUnseen => {
                "current rows: classes of the batch, the largest that came and those above it"
            }
            Competitors::UntilTheLast => {
                "current rows: classes of the batch, and until the last class came the largest that \
                 came and those above it"
            }
        };
        let begins = match self.begins {
            Begins::AtOnce => "at the first step",
            Begins::SecondContext => "in the second context",
        };
        let rows =
            self.rows.map_or_else(|| "as many as the stream's".to_owned(), |n| n.to_string());
        [
            ("budget", self.budget.to_string()),
            ("memory", memory.to_owned()),
            ("rows", rows),
            ("competitors", competitors.to_owned()),
            ("begins", begins.to_owned()),
            ("mix", range::describe_mix(self.mix)),
        ]
        .map(|(name, value)| (format!("{NAME}.{name}"), value))
        .into()
    }

    fn check(&self) -> Result<(), Error> {
        self.budget.check(NAME)?;
        range::at_least_1(NAME, "rows", self.rows.unwrap_or(1))?;
        range::mix(NAME, self.mix)
    }
}
