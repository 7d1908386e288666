//! What happens at a boundary.

use crate::error::Error;
use crate::model::{Linear, Model};
use crate::parts::Around;
use crate::rehearse::Now;
use crate::slots::SlotStore;
use crate::step::Step;
use cl_nn::{Layout, Theta};
use cl_tensor::{Scope, Var};

/// Acts at a boundary between contexts: Fisher information, anchors, teachers, prototypes.
///
/// ```
/// # use cl_core::{Boundary, Consolidate, Error, Parts, Strategy, Trial};
/// # use cl_nn::{Mlp, Sgd};
/// # use cl_tensor::Var;
/// // Keeps theta as it was when the last context ended.
/// struct Anchor;
///
/// impl Consolidate for Anchor {
///     fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
///         boundary.scope.remember("anchor", theta);
///         theta
///     }
/// }
/// # impl Strategy for Anchor {
/// #     fn name(&self) -> String { "anchor".to_owned() }
/// #     fn parts<'s>(&'s self, parts: &mut Parts<'s>) { parts.consolidate(self); }
/// # }
/// let mut trial = Trial::new(&Anchor, Box::new(Mlp::new(&[1, 2])?), &Sgd::new(0.5), (1, 1), false)?;
/// trial.boundary(&[])?;
/// assert_eq!(trial.parameters("anchor/anchor")?, trial.parameters("theta")?);
/// # Ok::<(), Error>(())
/// ```
pub trait Consolidate {
    /// When it acts.
    fn at(&self) -> At {
        At::ContextEnd
    }

    /// The passes it makes over rows before it consolidates.
    fn passes(&self) -> Vec<Pass> {
        Vec::new()
    }

    /// Records what a pass accumulates from one chunk of rows; padding has weight 0, other rows 1.
    fn observe<'g>(&self, _step: &Step<'_, 'g>, _pass: usize) {}

    /// Records what happens once, when the passes are through: theta -> theta, so that several fold.
    fn consolidate<'g>(&self, _boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        theta
    }

    /// What the host does last, for one member: a Cholesky factor, a choice of rows. It reads and
    /// writes slots of the strategy by name; nothing of `self` changes.
    ///
    /// # Errors
    /// What the slots refuse, or values it cannot work with.
    fn end_context(&self, _now: Now, _slots: &mut SlotStore<'_>) -> Result<(), Error> {
        Ok(())
    }
}

/// When a consolidation acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum At {
    /// When a context ends; the last one only where a read-out uses what is left then.
    #[default]
    ContextEnd,
    /// When the phase of this name ends, in every context.
    PhaseEnd(&'static str),
    /// Before every evaluation; what it writes is read by a read-out, not by training.
    Evaluation,
}

/// Whose rows a pass is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Over {
    /// The training rows of the context that ends.
    #[default]
    Context,
    /// What the rehearsal of this name keeps: `NAME` of the same strategy, or `STRATEGY`, or
    /// `STRATEGY/NAME`. Such passes come after memories have chosen.
    Memory(String),
    /// What all rehearsals of the composition keep.
    Memories,
}

/// A pass over rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    /// Whose rows.
    pub over: Over,
    /// At most this many rows, the first in a random order; `None`: all.
    pub limit: Option<usize>,
    /// Rows of a chunk, the last one padded; `None`: any number, the sum over chunks is what counts.
    /// For what depends on it: the square of a mini-batch's mean gradient.
    pub chunk: Option<usize>,
}

impl Pass {
    /// Rows of a chunk of this pass of `strategy`, where it does not care: `otherwise`.
    pub(crate) fn rows(&self, strategy: &str, otherwise: usize) -> Result<usize, Error> {
        match self.chunk {
            Some(0) => Err(Error::Misfit(format!(
                "{strategy}: a pass in chunks of 0 rows; expected at least 1"
            ))),
            chunk => Ok(chunk.unwrap_or(otherwise)),
        }
    }
}

/// What a part sees of a boundary.
pub struct Boundary<'a, 'g> {
    /// Slots of the strategy that the part belongs to.
    pub scope: Scope<'g>,
    /// Where each parameter lies in theta.
    pub layout: &'a Layout,
    /// The network and the number of contexts: the shapes of what a method keeps.
    pub around: Around<'a>,
    /// The contexts that have ended, this one included. u32 `[1]`.
    pub context: Var<'g>,
    /// The context that ends, counted from 0: its row in per-context tables. u32 `[1]`; `u32::MAX`
    /// where none has ended yet.
    pub index: Var<'g>,
    /// Rows of each of the part's passes, scalars.
    pub examples: Vec<Var<'g>>,
    pub(crate) model: &'a Model,
}

impl<'a, 'g> Boundary<'a, 'g> {
    /// The linear layers of the network, in order, the output layer last.
    #[must_use]
    pub fn layers(&self) -> &'a [Linear] {
        &self.model.layers
    }

    /// Which outputs compete for rows of each context now, `[contexts, outputs]` of 0 and 1; `None`:
    /// all of them for all. [`Step::active_for`](crate::Step::active_for) is the same in a step.
    #[must_use]
    pub fn active(&self) -> Option<Var<'g>> {
        self.model.active(self.scope.graph().iota(self.model.contexts))
    }

    /// Keeps a copy of the network's parameters under `name`, `[theta]`: a teacher, a labeller.
    /// [`Step::frozen`] reads it.
    #[track_caller]
    pub fn freeze(&self, name: &str, theta: Var<'g>) {
        self.scope.remember(name, theta);
    }

    /// Keeps a copy of the parameters that a module has now; [`Step::frozen_module`] reads it.
    #[track_caller]
    pub fn freeze_module(&self, name: &str) {
        let own = self.model.scope_of_module(&self.scope, name);
        own.remember("frozen", self.module(name).flat);
    }

    /// The parameters of a module: `NAME` of the same strategy or `STRATEGY/NAME`.
    #[track_caller]
    #[must_use]
    pub fn module(&self, name: &str) -> Theta<'a, 'g> {
        self.model.module(&self.scope, name)
    }
}
