//! Reverse-mode differentiation, from graph to graph.

use crate::graph::{Graph, NodeId};
use crate::op::{Kind, Vjp};
use crate::types::Type;
use crate::var::Var;
use std::collections::BTreeMap;
use std::panic::Location;

impl Graph {
    /// ∂loss/∂wrt, of the shape of `wrt`; `loss` is a scalar. Zero where there is no dependence.
    #[track_caller]
    pub fn grad<'g>(&'g self, loss: Var<'g>, wrt: Var<'g>) -> Var<'g> {
        self.grads(loss, &[wrt])[0]
    }

    /// ∂loss/∂w for several values in one backward pass.
    #[track_caller]
    pub fn grads<'g>(&'g self, loss: Var<'g>, wrt: &[Var<'g>]) -> Vec<Var<'g>> {
        if !loss.shape().is_empty() {
            let poison =
                self.fail(format!("grad: the loss is {}, not a scalar", loss.ty()), loss.ty());
            return vec![poison; wrt.len()];
        }
        self.pullback(loss, self.constant(1.0), wrt)
    }

    /// The vector-Jacobian product `cotangentᵀ · ∂value/∂w` for several values w.
    #[track_caller]
    pub fn pullback<'g>(
        &'g self,
        value: Var<'g>,
        cotangent: Var<'g>,
        wrt: &[Var<'g>],
    ) -> Vec<Var<'g>> {
        let at = Location::caller();
        let operands = [&[value, cotangent], wrt].concat();
        let graph = self.innermost(&operands);
        let local: Option<Vec<Var<'g>>> = operands.iter().map(|&v| graph.local(v)).collect();
        let Some(local) = local else {
            let message = "grad: a value belongs to another graph".to_owned();
            return vec![graph.fail_at(at, message, value.ty()); wrt.len()];
        };
        if let Some(message) = wrt.iter().find_map(|&w| graph.unseen_path(local[0].id(), w)) {
            return vec![graph.fail_at(at, message, value.ty()); wrt.len()];
        }
        graph.pull(local[0], local[1], &local[2..], at)
    }

    /// [`Graph::pullback`] among values of this graph.
    fn pull<'g>(
        &'g self,
        value: Var<'g>,
        cotangent: Var<'g>,
        wrt: &[Var<'g>],
        at: &'static Location<'static>,
    ) -> Vec<Var<'g>> {
        let top = value.id().index();
        let leads = self.leads_to(top, wrt);
        let mut contributions: Vec<Vec<Var<'g>>> = vec![Vec::new(); top + 1];
        contributions[top].push(cotangent);
        let mut found: BTreeMap<usize, Var<'g>> = BTreeMap::new();
        for index in (0..=top).rev() {
            if contributions[index].is_empty() || !leads[index] {
                continue;
            }
            // Consumers come last first; adding in record order keeps sums independent of how the
            // backward pass walks.
            contributions[index].reverse();
            let total = self.accumulate(&contributions[index]);
            if wrt.iter().any(|w| w.id().index() == index) {
                found.insert(index, total);
            }
            let (op, inputs) = {
                let recording = self.recording.borrow();
                let node = &recording.nodes[index];
                (node.op.clone(), node.inputs.clone())
            };
            if inputs.is_empty() {
                continue;
            }
            let wanted: Vec<bool> = inputs.iter().map(|id| leads[id.index()]).collect();
            if !wanted.contains(&true) {
                continue;
            }
            let node = NodeId(index as u32);
            let inputs_of_op = inputs.clone();
            let call =
                Vjp { graph: self, node, inputs: inputs_of_op, cotangent: total, wanted, at };
            for (position, part) in op.vjp(&call).into_iter().enumerate() {
                let input = inputs[position].index();
                if let Some(part) = part.filter(|_| leads[input]) {
                    contributions[input].push(part);
                }
            }
        }
        wrt.iter()
            .map(|w| {
                found.get(&w.id().index()).copied().unwrap_or_else(|| self.full(&w.shape(), 0.0))
            })
            .collect()
    }

    /// Which values up to `top` depend on one of `wrt`.
    fn leads_to(&self, top: usize, wrt: &[Var<'_>]) -> Vec<bool> {
        let recording = self.recording.borrow();
        let mut leads = vec![false; top + 1];
        for w in wrt {
            if let Some(flag) = leads.get_mut(w.id().index()) {
                *flag = true;
            }
        }
        for index in 0..=top {
            if recording.nodes[index].inputs.iter().any(|input| leads[input.index()]) {
                leads[index] = true;
            }
        }
        leads
    }

    /// Sums contributions. Gradients of parameter ranges (pieces of one flat vector) are gathered
    /// into one vector, so that each can be computed where it belongs.
    fn accumulate<'g>(&'g self, contributions: &[Var<'g>]) -> Var<'g> {
        let mut pieces: BTreeMap<(usize, usize), Var<'g>> = BTreeMap::new();
        let mut rest: Option<Var<'g>> = None;
        let mut assembled: Option<Type> = None;
        for &part in contributions {
            let (kind, inputs, ty) = {
                let recording = self.recording.borrow();
                let node = &recording.nodes[part.id().index()];
                (node.op.kind(), node.inputs.clone(), node.ty.clone())
            };
            match kind {
                Kind::Assemble(offsets) => {
                    for (offset, id) in offsets.into_iter().zip(inputs) {
                        let piece = Var::new(self, id);
                        let piece = piece.reshape(&[piece.len()]);
                        pieces
                            .entry((offset, piece.len()))
                            .and_modify(|sum| *sum = *sum + piece)
                            .or_insert(piece);
                    }
                    assembled = Some(ty);
                }
                _ => rest = Some(rest.map_or(part, |sum| sum + part)),
            }
        }
        let Some(ty) = assembled else {
            return rest.expect("a value is accumulated only when something was contributed");
        };
        // Ranges that overlap without being equal cannot share one vector.
        let mut vectors: Vec<Vec<(usize, Var<'g>)>> = vec![Vec::new()];
        let mut end = 0;
        for ((offset, len), piece) in pieces {
            if offset < end {
                vectors.push(vec![(offset, piece)]);
            } else {
                vectors[0].push((offset, piece));
                end = offset + len;
            }
        }
        let flat = vectors
            .into_iter()
            .map(|pieces| self.assemble(ty.len(), &pieces))
            .reduce(|sum, vector| sum + vector)
            .expect("at least one vector");
        rest.map_or(flat, |rest| flat + rest)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Graph, Init, ReferenceSession};

    #[test]
    fn third_derivative_of_a_cube_is_six() {
        let graph = Graph::new();
        let x = graph.slot("x", &[], Init::Constant(2.0));
        let y = x * x * x;
        let d1 = graph.grad(y, x);
        let d2 = graph.grad(d1, x);
        let d3 = graph.grad(d2, x);
        for (name, value) in [("d1", d1), ("d2", d2), ("d3", d3)] {
            graph.output(name, value);
        }
        let out = ReferenceSession::new(0).run(&graph, &[]).unwrap();
        assert_eq!(out["d1"].data, [12.0]);
        assert_eq!(out["d2"].data, [12.0]);
        assert_eq!(out["d3"].data, [6.0]);
    }

    #[test]
    fn ranges_of_one_vector_get_one_flat_gradient() {
        let graph = Graph::new();
        let theta = graph.slot("theta", &[8], Init::Constant(1.0));
        let (a, b) = (theta.slice(0, 0..3), theta.slice(0, 4..6));
        let loss = a.square().sum() + (b * 3.0).sum() + (a * 5.0).sum();
        graph.output("gradient", graph.grad(loss, theta));
        let out = ReferenceSession::new(0).run(&graph, &[]).unwrap();
        assert_eq!(out["gradient"].data, [7.0, 7.0, 7.0, 0.0, 3.0, 3.0, 0.0, 0.0]);
    }

    #[test]
    fn no_dependence_is_zero() {
        let graph = Graph::new();
        let x = graph.slot("x", &[2], Init::Zeros);
        let y = graph.slot("y", &[3], Init::Zeros);
        let gradient = graph.grad(x.sum(), y);
        assert_eq!(gradient.shape(), [3]);
        graph.output("gradient", gradient);
        let out = ReferenceSession::new(0).run(&graph, &[]).unwrap();
        assert_eq!(out["gradient"].data, [0.0; 3]);
    }
}
