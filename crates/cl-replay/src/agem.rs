//! Averaged gradient episodic memory.

use crate::budget::{Budget, row_size};
use crate::episodic::{Eligible, EpisodicMemory, Recall};
use crate::experience::ExperienceReplay;
use crate::range;
use cl_buffers::{ContextBalanced, Group, Reservoir, Ring};
use cl_core::{Error, GradientMap, Member, Needs, Parts, Rehearse, Step, Strategy};
use cl_tensor::Var;

/// A-GEM: no step may raise the loss on the memory, to first order.
///
/// g ← g − min(0, g·r) / (r·r + ε) r, where r = ∇ CE(rows of the memory), a mean over them (Chaudhry,
/// Ranzato, Rohrbach & Elhoseiny 2019, arXiv 1812.00420, eq. 11). Where the memory is empty r = 0 and g
/// stays, to the bit; so it does where g·r ≥ 0.
///
/// | field | default | vdv | avalanche | mammoth | range | what |
/// |---|---|---|---|---|---|---|
/// | `budget` | 100 per class | the same | 256 per context | the same | ≥ 1 | what the memory may hold |
/// | `memory` | [`Episodes::Ring`] | [`Episodes::Exemplars`] | [`Episodes::PerContext`] | [`Episodes::OneBatch`] | | which rows stay |
/// | `rows` | 256 | the batch | 256 | the batch | ≥ 1 | rows that r is the mean over, fewer while there are fewer |
/// | `eps` | 0 | 1e-7 | 0 | 0 | ≥ 0 | ε, a slot |
/// | `constrains` | [`Constrains::Task`] | [`Constrains::Total`] | `Task` | `Task` | | which gradient is g |
///
/// The budget is not one of the paper's: the protocol says how much. Rows of the present context take no
/// part in r, as in the authors' code; [`Episodes::Reservoir`], for streams without boundaries, knows no
/// contexts and draws from all. In task-incremental streams each row is classified by its own head;
/// with `Episodes::Exemplars` past contexts have the same weight, else rows have.
///
/// Slots: `eps`, a scalar. There is no neutral setting: any memory may object to a step. Composition:
/// order matters among gradient maps; under `Constrains::Task` penalties are added behind the projection.
/// Memory: the rows of the budget. A step takes two gradients, that of the stream's rows and r,
/// whatever the number of contexts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agem {
    /// What the memory may hold.
    pub budget: Budget,
    /// Which rows stay.
    pub memory: Episodes,
    /// Rows that the reference gradient is over; `None`: as many as the stream brings.
    pub rows: Option<usize>,
    /// Added to r·r.
    pub eps: f64,
    /// Which gradient is projected.
    pub constrains: Constrains,
}

/// Which rows a memory of past contexts keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Episodes {
    /// The newest of every class of a context (Chaudhry et al. 2019); a uniform draw.
    Ring,
    /// A random choice of every class when its context ends, in shuffled passes: the memory of
    /// [`ExperienceReplay`] (van de Ven et al. 2022).
    Exemplars,
    /// A random choice of every context when it ends, as many drawn of each (Avalanche).
    PerContext,
    /// As many rows as one batch of every context when it ends, whatever the budget; a uniform draw
    /// (mammoth, which keeps one mini-batch of its loader).
    OneBatch,
    /// A uniform sample of all rows that passed: needs no boundaries.
    Reservoir,
}

/// Which gradient is projected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constrains {
    /// That of the task loss; penalties are added afterwards.
    Task,
    /// That of task loss and penalties.
    Total,
}

const NAME: &str = "agem";
const MEMORY: &str = "memory";

impl Agem {
    /// As in the code of van de Ven, Tuytelaars & Tolias 2022: the memory and the batches of experience
    /// replay, ε = 1e-7, the gradient of all that is minimised.
    #[must_use]
    pub fn vdv() -> Self {
        let (memory, constrains) = (Episodes::Exemplars, Constrains::Total);
        Self { memory, rows: None, eps: 1e-7, constrains, ..Self::default() }
    }

    /// The same for streams without boundaries: a reservoir of 1,000 rows in all.
    #[must_use]
    pub fn vdv_task_free() -> Self {
        Self { budget: Budget::Rows(1000), memory: Episodes::Reservoir, ..Self::vdv() }
    }

    /// As in Avalanche: as many rows of every past context, 256 of each kept.
    #[must_use]
    pub fn avalanche() -> Self {
        let (budget, memory) = (Budget::PerContext(256), Episodes::PerContext);
        Self { budget, memory, ..Self::default() }
    }

    /// As in mammoth: of every context one batch is kept.
    #[must_use]
    pub fn mammoth() -> Self {
        Self { memory: Episodes::OneBatch, rows: None, ..Self::default() }
    }

    /// The memory of one member.
    ///
    /// # Errors
    /// A budget of less than one row for every class.
    pub fn memory(&self, member: &Member<'_>) -> Result<Box<dyn Rehearse>, Error> {
        let rows = self.rows.unwrap_or(member.batch);
        let size = (row_size(member), 0);
        let budget = self.budget.bytes(member);
        let contexts = member.stream.contexts();
        let past = Recall { from: Eligible::Past, ..Recall::uniform(NAME, rows) };
        Ok(match self.memory {
            Episodes::Exemplars => {
                let er = ExperienceReplay { budget: self.budget, ..ExperienceReplay::default() };
                Box::new(er.exemplars(member, rows)?)
            }
            Episodes::Ring => {
                let ring = Ring::new(Group::ClassOfContext, member.classes);
                Box::new(EpisodicMemory::new(member, budget, size, ring, past)?)
            }
            Episodes::PerContext => {
                let balanced = Recall { balance: Group::Context, ..past };
                let policy = ContextBalanced::new(contexts as u32);
                Box::new(EpisodicMemory::new(member, budget, size, policy, balanced)?)
            }
            Episodes::OneBatch => {
                let batches = Budget::Rows(contexts * member.batch).bytes(member);
                let policy = ContextBalanced::new(contexts as u32);
                let budget = budget.min(batches);
                Box::new(EpisodicMemory::new(member, budget, size, policy, past)?)
            }
            Episodes::Reservoir => {
                let all = Recall::uniform(NAME, rows);
                Box::new(EpisodicMemory::new(member, budget, size, Reservoir::new(), all)?)
            }
        })
    }

    fn project<'g>(&self, step: &Step<'_, 'g>, g: Var<'g>) -> Var<'g> {
        let r = step.graph().grad(step.loss_of(MEMORY), step.theta);
        project_one(g, r, step.scope.hyper("eps", self.eps as f32))
    }
}

/// g − min(0, g·r) / (r·r + ε) r: the nearest to g that has no negative product with r, both `[theta]`; g
/// itself where r = 0. ε a scalar.
#[track_caller]
#[must_use]
pub fn project_one<'g>(g: Var<'g>, r: Var<'g>, eps: Var<'g>) -> Var<'g> {
    let zero = g.graph().constant(0.0);
    let norm = r.square().sum() + eps;
    // Where r = 0 the 0/0 is not taken.
    let scale = norm.greater(zero).select((g * r).sum().minimum(zero) / norm, zero);
    g - scale * r
}

impl Default for Agem {
    fn default() -> Self {
        let (budget, memory) = (Budget::PerClass(100), Episodes::Ring);
        Self { budget, memory, rows: Some(256), eps: 0.0, constrains: Constrains::Task }
    }
}

impl GradientMap for Agem {
    fn task<'g>(&self, step: &Step<'_, 'g>, gradient: Var<'g>) -> Var<'g> {
        match self.constrains {
            Constrains::Task => self.project(step, gradient),
            Constrains::Total => gradient,
        }
    }

    fn total<'g>(&self, step: &Step<'_, 'g>, gradient: Var<'g>) -> Var<'g> {
        match self.constrains {
            Constrains::Task => gradient,
            Constrains::Total => self.project(step, gradient),
        }
    }
}

impl Strategy for Agem {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.rehearse_apart(MEMORY, |member| self.memory(member)).gradient_map(self);
    }

    fn needs(&self) -> Needs {
        Needs { boundaries: self.memory != Episodes::Reservoir, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let memory = match self.memory {
            Episodes::Ring => "the newest of every class of a context, drawn uniformly",
            Episodes::Exemplars => {
                "class-balanced, chosen at the end of a context, shuffled passes"
            }
            Episodes::PerContext => {
                "chosen at the end of a context, as many drawn of every context"
            }
            Episodes::OneBatch => "one batch of every context, drawn uniformly",
            Episodes::Reservoir => "reservoir, algorithm R, drawn uniformly",
        };
        let constrains = match self.constrains {
            Constrains::Task => "the task's gradient; penalties are added afterwards",
            Constrains::Total => "the gradient of task and penalties",
        };
        let rows =
            self.rows.map_or_else(|| "as many as the stream's".to_owned(), |n| n.to_string());
        [
            ("budget", self.budget.to_string()),
            ("memory", memory.to_owned()),
            ("rows", rows),
            ("eps", self.eps.to_string()),
            ("constrains", constrains.to_owned()),
        ]
        .map(|(name, value)| (format!("{NAME}.{name}"), value))
        .into()
    }

    fn check(&self) -> Result<(), Error> {
        self.budget.check(NAME)?;
        range::at_least_1(NAME, "rows", self.rows.unwrap_or(1))?;
        range::at_least_0(NAME, "eps", self.eps)
    }
}
