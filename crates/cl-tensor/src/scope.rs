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

    /// A numeric hyper-parameter: a scalar slot, so that members of a population may differ in it.
    #[track_caller]
    pub fn hyper(&self, name: &str, value: f32) -> Var<'g> {
        self.slot(name, &[], Init::Constant(value))
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
