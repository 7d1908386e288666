//! Values of the graphs around a body.

use crate::graph::{Graph, NodeId};
use crate::op::Kind;
use crate::ops::Import;
use crate::reference::live;
use crate::types::{DType, Type};
use crate::var::Var;
use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::Arc;

/// What a body knows of the graphs around it.
#[derive(Debug, Default)]
pub(crate) struct Enclosing {
    /// Where those graphs lie in memory, outermost first: tells them apart, is never followed.
    graphs: Vec<usize>,
    /// The slots they had declared when the body began.
    pub slots: BTreeMap<String, Type>,
}

/// A value of an enclosing graph that a body reads.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    pub graph: usize,
    pub id: NodeId,
    /// What stands for it in the body.
    pub node: NodeId,
    /// Whether each lane reads its own part.
    pub each: bool,
    /// Per enclosing graph, which of its values this one is made of.
    pub cone: Vec<(usize, Vec<bool>)>,
}

pub(super) fn address(graph: &Graph) -> usize {
    std::ptr::from_ref(graph).addr()
}

impl Graph {
    /// An empty body inside `outer`.
    pub(super) fn inside(outer: &Graph) -> Self {
        let mut graphs = outer.enclosing.graphs.clone();
        graphs.push(address(outer));
        let mut slots = outer.enclosing.slots.clone();
        let recording = outer.recording.borrow();
        slots.extend(recording.slots.iter().map(|slot| (slot.name.clone(), slot.ty.clone())));
        drop(recording);
        Self { enclosing: Enclosing { graphs, slots }, ..Self::default() }
    }

    /// The innermost graph that one of the values belongs to, this one if there is none deeper.
    pub(crate) fn innermost<'g>(&'g self, values: &[Var<'g>]) -> &'g Graph {
        let depth = |graph: &Graph| graph.enclosing.graphs.len();
        values
            .iter()
            .map(|value| value.graph())
            .fold(self, |a, b| if depth(b) > depth(a) { b } else { a })
    }

    /// The value as one of this graph: itself, or imported from a graph around this one. Constants
    /// and views are recorded again: they cost nothing, and a derivative can go through them.
    pub(crate) fn local<'g>(&'g self, value: Var<'g>) -> Option<Var<'g>> {
        let outer = value.graph();
        if std::ptr::eq(outer, self) {
            return Some(value);
        }
        if !self.enclosing.graphs.contains(&address(outer)) {
            return None;
        }
        let node = outer.recording.borrow().nodes[value.id().index()].clone();
        if matches!(node.op.kind(), Kind::Constant(_) | Kind::View) {
            let inputs: Option<Vec<Var<'g>>> =
                node.inputs.iter().map(|&id| self.local(Var::new(outer, id))).collect();
            return Some(self.record_at(node.op, &inputs?, node.at));
        }
        let known = self.captured(address(outer), value.id());
        let id = known.unwrap_or_else(|| {
            let cone = cone(outer, value.id());
            self.capture(outer, value.id(), node.ty, node.at, false, cone)
        });
        Some(Var::new(self, id))
    }

    fn captured(&self, graph: usize, id: NodeId) -> Option<NodeId> {
        let recording = self.recording.borrow();
        let same = |c: &&Capture| c.graph == graph && c.id == id && !c.each;
        recording.captures.iter().find(same).map(|capture| capture.node)
    }

    fn capture(
        &self,
        outer: &Graph,
        id: NodeId,
        ty: Type,
        at: &'static Location<'static>,
        each: bool,
        cone: Vec<(usize, Vec<bool>)>,
    ) -> NodeId {
        let capture = Capture { graph: address(outer), id, node: id, each, cone };
        self.take(capture, ty, at)
    }

    /// Imports what a body inside this one reads of a graph around this one.
    pub(super) fn pass_on(
        &self,
        capture: &Capture,
        ty: Type,
        at: &'static Location<'static>,
    ) -> NodeId {
        let known = self.captured(capture.graph, capture.id);
        known.unwrap_or_else(|| self.take(capture.clone(), ty, at))
    }

    fn take(&self, capture: Capture, ty: Type, at: &'static Location<'static>) -> NodeId {
        let node = self.insert(Arc::new(Import(ty.clone())), Vec::new(), ty, at);
        self.recording.borrow_mut().captures.push(Capture { node, ..capture });
        node
    }

    /// One lane's part of a value `[lanes, ..]` of the graph around this body.
    pub(super) fn cut<'b>(
        &'b self,
        outer: &Graph,
        value: Var<'_>,
        lanes: usize,
        at: &'static Location<'static>,
    ) -> Var<'b> {
        let ty = value.ty();
        let lane = Type { shape: ty.shape.iter().skip(1).copied().collect(), dtype: ty.dtype };
        let fits = ty.shape.first() == Some(&lanes) && ty.dtype != DType::U8;
        match outer.local_id(value).filter(|_| fits) {
            Some(id) => {
                let cone = cone(outer, id);
                Var::new(self, self.capture(outer, id, lane, at, true, cone))
            }
            None => {
                let message = format!(
                    "inner: {ty} over {lanes} lanes: expected floats or indices [{lanes}, ..] of this graph"
                );
                self.fail_at(at, message, lane)
            }
        }
    }

    fn local_id(&self, value: Var<'_>) -> Option<NodeId> {
        self.local(value).map(Var::id)
    }

    /// How a value of an enclosing graph reaches `top` unseen by this body: a derivative by it
    /// would miss that.
    pub(crate) fn unseen_path(&self, top: NodeId, by: Var<'_>) -> Option<String> {
        let (graph, id) = (address(by.graph()), by.id());
        if graph == address(self) {
            return None;
        }
        let recording = self.recording.borrow();
        let used = live(&recording.nodes, &[top.index()]);
        let through = recording.captures.iter().find(|capture| {
            let direct = !capture.each && (capture.graph, capture.id) == (graph, id);
            let reached = capture.cone.iter().any(|(g, of)| *g == graph && of[id.index()]);
            used[capture.node.index()] && reached && !direct
        })?;
        let node = &recording.nodes[through.node.index()];
        Some(format!(
            "grad: {} of the graph around these inner lanes reaches the loss by a {} computed there \
             ({}:{}): record that inside, or take the derivative by the {}",
            by.ty(),
            node.ty,
            node.at.file(),
            node.at.line(),
            if through.each { "lane's part" } else { "computed value" },
        ))
    }
}

/// What a value is made of: of its own graph's values, and of those its graph imported.
fn cone(graph: &Graph, id: NodeId) -> Vec<(usize, Vec<bool>)> {
    let recording = graph.recording.borrow();
    let own = live(&recording.nodes, &[id.index()]);
    let imported = recording.captures.iter().filter(|capture| own[capture.node.index()]);
    let mut cone: Vec<_> = imported.flat_map(|capture| capture.cone.clone()).collect();
    cone.push((address(graph), own));
    cone
}
