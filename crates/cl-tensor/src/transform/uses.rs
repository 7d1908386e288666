//! Where the ranges of θ act.

use crate::graph::{Graph, Node, NodeId};
use crate::op::Kind;
use crate::reference::live;
use crate::var::Var;
use std::ops::Range;

/// A parameter with a closed form.
pub(super) struct Closed {
    pub range: Range<usize>,
    pub role: Role,
    /// The value whose per-row derivative reaches the parameter.
    pub node: NodeId,
}

#[derive(Clone, Copy)]
pub(super) enum Role {
    /// `input [rows, in] x weight [in, out]`.
    Weight { input: NodeId },
    /// Added to `[rows, out]`.
    Bias,
}

/// A range of θ without a closed form.
pub(super) struct Rest {
    pub range: Range<usize>,
    /// The slices of θ that cover the range: first element, and the value.
    pub slices: Vec<(usize, NodeId)>,
}

#[derive(Default)]
pub(super) struct Uses {
    pub closed: Vec<Closed>,
    pub rest: Vec<Rest>,
}

impl Graph {
    /// Finds where θ acts in the losses, of `rows` elements each.
    pub(super) fn uses(&self, losses: &[Var<'_>], rows: usize, theta: Var<'_>) -> Uses {
        let recording = self.recording.borrow();
        let roots: Vec<usize> = losses.iter().map(|loss| loss.id().index()).collect();
        let search = Search::new(&recording.nodes, &roots, rows, theta.id());
        let readers = &search.readers[theta.id().index()];
        if readers.is_empty() && !roots.contains(&theta.id().index()) {
            return Uses::default();
        }
        let is_slice = |n: &&usize| recording.nodes[**n].op.name() == "slice";
        let mut slices: Vec<(usize, NodeId)> = readers
            .iter()
            .filter(is_slice)
            .map(|&n| (recording.nodes[n].op.attributes()[1] as usize, NodeId(n as u32)))
            .collect();
        slices.sort_unstable();
        if slices.len() < readers.len() || roots.contains(&theta.id().index()) {
            // Used whole: its gradient cannot be told apart by slices, unless there are none.
            if !slices.is_empty() {
                let rest = Rest { range: 0..theta.len(), slices: vec![(0, theta.id())] };
                return Uses { closed: Vec::new(), rest: vec![rest] };
            }
            slices = vec![(0, theta.id())];
        }
        let mut uses = Uses::default();
        for group in clusters(slices, &recording.nodes) {
            match group.slices[..] {
                [(_, value)] => match search.closed_form(value) {
                    Some((role, node)) => {
                        uses.closed.push(Closed { range: group.range, role, node });
                    }
                    None => uses.rest.push(group),
                },
                _ => uses.rest.push(group),
            }
        }
        uses
    }
}

/// Slices that overlap share one range.
fn clusters(slices: Vec<(usize, NodeId)>, nodes: &[Node]) -> Vec<Rest> {
    let mut groups: Vec<Rest> = Vec::new();
    for (start, value) in slices {
        let end = start + nodes[value.index()].ty.len();
        match groups.last_mut() {
            Some(group) if start < group.range.end => {
                group.range.end = group.range.end.max(end);
                group.slices.push((start, value));
            }
            _ => groups.push(Rest { range: start..end, slices: vec![(start, value)] }),
        }
    }
    groups
}

struct Search<'a> {
    nodes: &'a [Node],
    roots: &'a [usize],
    rows: usize,
    theta: NodeId,
    /// Per value, what reads it on the way to the losses.
    readers: Vec<Vec<usize>>,
}

impl<'a> Search<'a> {
    fn new(nodes: &'a [Node], roots: &'a [usize], rows: usize, theta: NodeId) -> Self {
        let live = live(nodes, roots);
        let mut readers: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
        for (n, node) in nodes.iter().enumerate().filter(|(n, _)| live[*n]) {
            for input in &node.inputs {
                let known = &mut readers[input.index()];
                if known.last() != Some(&n) {
                    known.push(n);
                }
            }
        }
        Self { nodes, roots, rows, theta, readers }
    }

    /// The one place where a parameter is the weight of a product over rows, or added to its rows.
    fn closed_form(&self, mut value: NodeId) -> Option<(Role, NodeId)> {
        let mut next = &self.readers[value.index()];
        while let [only] = next[..]
            && self.nodes[only].op.name() == "reshape"
            && !self.roots.contains(&value.index())
        {
            value = NodeId(only as u32);
            next = &self.readers[value.index()];
        }
        let [site] = next[..] else { return None };
        if self.roots.contains(&value.index()) {
            return None;
        }
        let node = &self.nodes[site];
        let other = node.inputs.iter().copied().find(|&id| id != value)?;
        let over_rows = node.ty.shape.len() == 2 && node.ty.shape[0] == self.rows;
        if !over_rows || !self.depends_on_data(other) {
            return None;
        }
        let node_id = NodeId(site as u32);
        match node.op.name() {
            "matmul" if node.inputs[1] == value => Some((Role::Weight { input: other }, node_id)),
            "add" if self.nodes[value.index()].ty.shape.len() == 1 => Some((Role::Bias, node_id)),
            _ => None,
        }
    }

    /// Whether something other than θ is in it: a product of two parameters has no rows, whatever
    /// its extent.
    fn depends_on_data(&self, value: NodeId) -> bool {
        let cone = live(self.nodes, &[value.index()]);
        self.nodes.iter().enumerate().any(|(n, node)| {
            cone[n] && n != self.theta.index() && matches!(node.op.kind(), Kind::Source)
        })
    }
}
