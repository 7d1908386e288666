//! The parts: where a method acts.

use crate::rehearse::{Member, Rehearse};
use crate::step::Step;
use crate::strategy::Strategy;
use cl_nn::{Layout, Site};
use cl_tensor::{Scope, Var};

/// Acts on the loss.
pub trait Penalty {
    /// A scalar in nats, added to the task loss.
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g>;
}

/// Acts after each step.
pub trait Track {
    /// Records what is remembered of the step that was taken.
    fn update<'g>(&self, step: &Step<'_, 'g>, taken: &Taken<'g>);
}

/// The step that was taken, all `[theta]`.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'g> {
    /// Gradient of the task loss alone.
    pub task_gradient: Var<'g>,
    /// Gradient of task loss and penalties.
    pub total_gradient: Var<'g>,
    /// What the optimiser added to theta.
    pub delta: Var<'g>,
}

/// Acts inside the network.
pub trait Gate {
    /// The gated activations, `[rows, units]`; the same value where the gate does not act at this
    /// site.
    fn apply<'g>(&self, at: &GateSite<'_, 'g>, h: Var<'g>) -> Var<'g>;
}

/// One place in the network for one batch.
pub struct GateSite<'a, 'g> {
    /// Layer, point in the layer, units, raw input and mode.
    pub site: &'a Site<'g>,
    /// The context of each row, u32 `[rows]`.
    pub context: Var<'g>,
    /// Number of contexts of the stream.
    pub contexts: usize,
    /// Slots of the strategy that the gate belongs to.
    pub scope: Scope<'g>,
}

/// Acts at a boundary between contexts.
pub trait Consolidate {
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
}

/// A pass over the training rows of the context that ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    /// At most this many rows, the first in a random order; `None`: all.
    pub limit: Option<usize>,
}

/// What a part sees of a boundary.
pub struct Boundary<'a, 'g> {
    /// Slots of the strategy that the part belongs to.
    pub scope: Scope<'g>,
    /// Where each parameter lies in theta.
    pub layout: &'a Layout,
    /// Rows of each of the part's passes, scalars.
    pub examples: Vec<Var<'g>>,
}

pub(crate) type Factory<'s> =
    Box<dyn Fn(&Member<'_>) -> Result<Box<dyn Rehearse>, crate::Error> + 's>;

/// The parts of a composition, each under the name of the strategy it came with.
#[derive(Default)]
pub struct Parts<'s> {
    pub(crate) penalties: Vec<(String, &'s dyn Penalty)>,
    pub(crate) tracks: Vec<(String, &'s dyn Track)>,
    pub(crate) gates: Vec<(String, &'s dyn Gate)>,
    pub(crate) consolidations: Vec<(String, &'s dyn Consolidate)>,
    pub(crate) rehearsals: Vec<(String, Factory<'s>)>,
    /// Names of the strategies that have parts so far.
    names: Vec<String>,
    current: Origin,
}

/// The strategy that hands over its parts.
#[derive(Default)]
struct Origin {
    name: String,
    /// Its scope, given with its first part: a composition has none of its own.
    scope: Option<String>,
}

impl<'s> Parts<'s> {
    /// The parts of a strategy.
    #[must_use]
    pub fn of(strategy: &'s dyn Strategy) -> Self {
        let mut parts = Self::default();
        parts.strategy(strategy);
        parts
    }

    /// Adds the parts of a strategy under a name of their own: a second instance does not collide.
    pub fn strategy(&mut self, strategy: &'s dyn Strategy) {
        let origin = Origin { name: strategy.name(), scope: None };
        let outer = std::mem::replace(&mut self.current, origin);
        strategy.parts(self);
        self.current = outer;
    }

    fn scope(&mut self) -> String {
        let Origin { name, scope } = &mut self.current;
        scope
            .get_or_insert_with(|| {
                let same = self.names.iter().filter(|known| *known == name).count();
                self.names.push(name.clone());
                if same == 0 { name.clone() } else { format!("{name}#{}", same + 1) }
            })
            .clone()
    }

    /// Adds a penalty.
    pub fn penalty(&mut self, part: &'s dyn Penalty) -> &mut Self {
        let scope = self.scope();
        self.penalties.push((scope, part));
        self
    }

    /// Adds a track.
    pub fn track(&mut self, part: &'s dyn Track) -> &mut Self {
        let scope = self.scope();
        self.tracks.push((scope, part));
        self
    }

    /// Adds a gate.
    pub fn gate(&mut self, part: &'s dyn Gate) -> &mut Self {
        let scope = self.scope();
        self.gates.push((scope, part));
        self
    }

    /// Adds a consolidation.
    pub fn consolidate(&mut self, part: &'s dyn Consolidate) -> &mut Self {
        let scope = self.scope();
        self.consolidations.push((scope, part));
        self
    }

    /// Adds a rehearsal: a function that makes one for each member.
    pub fn rehearse(
        &mut self,
        make: impl Fn(&Member<'_>) -> Result<Box<dyn Rehearse>, crate::Error> + 's,
    ) -> &mut Self {
        let scope = self.scope();
        self.rehearsals.push((scope, Box::new(make)));
        self
    }
}
