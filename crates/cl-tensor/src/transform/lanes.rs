//! Per-example gradients by inner lanes: lane i is the backward pass of row i.

use super::uses::Rest;
use super::{Size, Transform};
use crate::graph::{Graph, NodeId};
use crate::inner::{Across, Inner};
use crate::ops::Import;
use crate::reference::live;
use crate::types::Type;
use crate::var::Var;
use std::collections::HashMap;
use std::panic::Location;
use std::sync::Arc;

impl Graph {
    pub(super) fn report(&self, transform: Transform) {
        self.recording.borrow_mut().transforms.push(transform);
    }

    /// Σ_r w\[r\] size(∂ℓ\[r\]/∂θ) for each range, flat.
    pub(super) fn lane_sizes<'g>(
        &'g self,
        size: Size,
        loss: Var<'g>,
        weight: Var<'g>,
        rest: &[Rest],
        at: &'static Location<'static>,
    ) -> Vec<Var<'g>> {
        self.per_row(loss, weight, rest, at, |gradient, weight| {
            (weight * size.of(gradient)).sum_inner()
        })
    }

    /// ∂ℓ\[r\]/∂θ for each range, `[rows, len]`.
    pub(super) fn example_gradients<'g>(
        &'g self,
        loss: Var<'g>,
        rest: &[Rest],
        at: &'static Location<'static>,
    ) -> Vec<Var<'g>> {
        let ones = self.full(&[loss.len()], 1.0);
        self.per_row(loss, ones, rest, at, |gradient, _| gradient.stacked())
    }

    /// One lane per row: the vector-Jacobian product of the unit vector of that row. It is recorded
    /// once with a placeholder for the cotangent; what depends on the placeholder becomes the body,
    /// all else stays outside and is computed once for all rows.
    fn per_row<'g>(
        &'g self,
        loss: Var<'g>,
        weight: Var<'g>,
        rest: &[Rest],
        at: &'static Location<'static>,
        leave: impl for<'b> Fn(Var<'b>, Var<'b>) -> Across<'b>,
    ) -> Vec<Var<'g>> {
        if rest.is_empty() {
            return Vec::new();
        }
        let rows = loss.len();
        let ty = Type::f32(&[rows]);
        let cotangent =
            Var::new(self, self.insert(Arc::new(Import(ty.clone())), Vec::new(), ty, at));
        let parameters: Vec<Var<'g>> = rest
            .iter()
            .flat_map(|range| range.slices.iter().map(|&(_, value)| Var::new(self, value)))
            .collect();
        let gradients = self.pullback(loss, cotangent, &parameters);
        self.inner_at(rows, &[self.iota(rows), weight], at, |inner, each| {
            let unit = inner.iota(rows).equal_index(each[0]);
            let mut own = inner.transplant(self, &gradients, cotangent.id(), unit).into_iter();
            let vector = |range: &Rest| {
                range
                    .slices
                    .iter()
                    .zip(&mut own)
                    .map(|(&(start, _), gradient)| {
                        let (len, offset) = (range.range.len(), start - range.range.start);
                        if gradient.len() == len {
                            gradient.reshape(&[len])
                        } else {
                            inner.assemble(len, &[(offset, gradient)])
                        }
                    })
                    .reduce(|sum, part| sum + part)
                    .expect("a range has slices")
            };
            let vectors: Vec<Var<'_>> = rest.iter().map(vector).collect();
            vectors.into_iter().map(|vector| leave(vector, each[1])).collect()
        })
    }
}

impl<'g> Inner<'g> {
    /// Records in this body what lies between a placeholder of the outer graph and `tops`, with a
    /// value of the body in the place of the placeholder.
    fn transplant<'b>(
        &'b self,
        outer: &'b Graph,
        tops: &[Var<'b>],
        placeholder: NodeId,
        value: Var<'b>,
    ) -> Vec<Var<'b>> {
        let nodes = outer.recording.borrow().nodes.clone();
        let roots: Vec<usize> = tops.iter().map(|top| top.id().index()).collect();
        let needed = live(&nodes, &roots);
        let mut moved: HashMap<usize, Var<'b>> = HashMap::from([(placeholder.index(), value)]);
        for (index, node) in nodes.iter().enumerate().skip(placeholder.index() + 1) {
            let depends = node.inputs.iter().any(|input| moved.contains_key(&input.index()));
            if !needed[index] || !depends {
                continue;
            }
            let own = |id: &NodeId| {
                moved.get(&id.index()).copied().unwrap_or_else(|| Var::new(outer, *id))
            };
            let inputs: Vec<Var<'b>> = node.inputs.iter().map(own).collect();
            moved.insert(index, self.record_at(node.op.clone(), &inputs, node.at));
        }
        tops.iter().map(|top| moved.get(&top.id().index()).copied().unwrap_or(*top)).collect()
    }
}
