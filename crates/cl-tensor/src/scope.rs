//! Names under which the slots of one part of a program stand.

use crate::graph::{Graph, Init};
use crate::var::Var;

/// A prefix for slot names, so that two instances of one method do not collide.
#[derive(Clone, Debug)]
pub struct Scope<'g> {
    graph: &'g Graph,
    prefix: String,
}

impl<'g> Scope<'g> {
    /// The scope `prefix` of a graph.
    #[must_use]
    pub fn new(graph: &'g Graph, prefix: &str) -> Self {
        Self { graph, prefix: prefix.to_owned() }
    }

    /// A scope inside this one.
    #[must_use]
    pub fn inner(&self, name: &str) -> Self {
        Self { graph: self.graph, prefix: self.name(name) }
    }

    /// The graph.
    #[must_use]
    pub fn graph(&self) -> &'g Graph {
        self.graph
    }

    /// The name of the scope itself.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The full name of a slot of this scope.
    #[must_use]
    pub fn name(&self, slot: &str) -> String {
        format!("{}/{slot}", self.prefix)
    }

    /// A slot: state that survives the step.
    #[track_caller]
    pub fn slot(&self, name: &str, shape: &[usize], init: Init) -> Var<'g> {
        self.graph.slot(&self.name(name), shape, init)
    }

    /// A slot that the method keeps between contexts: it counts as memory of the method.
    #[track_caller]
    pub fn kept(&self, name: &str, shape: &[usize], init: Init) -> Var<'g> {
        self.graph.keep(&self.name(name));
        self.slot(name, shape, init)
    }

    /// A slot of indices.
    #[track_caller]
    pub fn slot_u32(&self, name: &str, shape: &[usize], init: Init) -> Var<'g> {
        self.graph.slot_u32(&self.name(name), shape, init)
    }

    /// A slot of indices that the method keeps between contexts: it counts as memory of the method.
    #[track_caller]
    pub fn kept_u32(&self, name: &str, shape: &[usize], init: Init) -> Var<'g> {
        self.graph.keep(&self.name(name));
        self.slot_u32(name, shape, init)
    }

    /// A numeric hyper-parameter: a scalar slot, so that members of a population may differ in it.
    #[track_caller]
    pub fn hyper(&self, name: &str, value: f32) -> Var<'g> {
        self.slot(name, &[], Init::Constant(value))
    }

    /// Adds a value to a sum over runs: a slot of its shape that starts at 0.
    #[track_caller]
    pub fn accumulate(&self, name: &str, value: Var<'g>) {
        let sum = self.slot(name, &value.shape(), Init::Zeros);
        self.assign(name, sum + value);
    }

    /// What was accumulated so far, of this shape; the sum starts again at 0.
    #[track_caller]
    pub fn take(&self, name: &str, shape: &[usize]) -> Var<'g> {
        self.slot(name, shape, Init::Zeros);
        self.assign(name, self.graph.full(shape, 0.0));
        self.slot(name, shape, Init::Zeros)
    }

    /// Writes a value into a slot of its shape that the method keeps between contexts and that starts
    /// at 0: [`Scope::kept`] reads it.
    #[track_caller]
    pub fn remember(&self, name: &str, value: Var<'g>) {
        self.kept(name, &value.shape(), Init::Zeros);
        self.assign(name, value);
    }

    /// Writes a slot of this scope when the run ends.
    #[track_caller]
    pub fn assign(&self, name: &str, value: Var<'g>) {
        self.graph.assign(&self.name(name), value);
    }

    /// Writes rows of a slot of this scope when the run ends: [`Graph::assign_rows`].
    #[track_caller]
    pub fn assign_rows(&self, name: &str, index: Var<'g>, rows: Var<'g>) {
        self.graph.assign_rows(&self.name(name), index, rows);
    }
}
