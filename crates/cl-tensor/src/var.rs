//! A recorded value and what can be done with it.

mod operators;
mod pointwise;
mod rows;
mod shape;

use crate::graph::{Graph, NodeId};
use crate::types::Type;
use std::fmt;

/// A recorded value: a copyable name for a node of its graph.
#[derive(Clone, Copy)]
pub struct Var<'g> {
    graph: &'g Graph,
    id: NodeId,
}

impl<'g> Var<'g> {
    pub(crate) fn new(graph: &'g Graph, id: NodeId) -> Self {
        Self { graph, id }
    }

    /// The graph this value is recorded in.
    #[must_use]
    pub fn graph(self) -> &'g Graph {
        self.graph
    }

    /// Its number in the graph.
    #[must_use]
    pub fn id(self) -> NodeId {
        self.id
    }

    /// Its shape and element type.
    #[must_use]
    pub fn ty(self) -> Type {
        self.graph.recording.borrow().nodes[self.id.index()].ty.clone()
    }

    /// Its shape.
    #[must_use]
    pub fn shape(self) -> Vec<usize> {
        self.ty().shape
    }

    /// Its number of elements.
    #[must_use]
    pub fn len(self) -> usize {
        self.ty().len()
    }

    /// Whether it has no elements.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Var<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recording = self.graph.recording.borrow();
        let node = &recording.nodes[self.id.index()];
        write!(f, "%{} = {}: {}", self.id.0, node.op.name(), node.ty)
    }
}
