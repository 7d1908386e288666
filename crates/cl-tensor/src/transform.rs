//! Sums over rows of per-example derivatives, in closed form.

use crate::graph::{Graph, NodeId};
use crate::var::Var;

/// A range of the flat parameter vector and the one place that uses it.
struct Use {
    offset: usize,
    role: Role,
    /// The value whose per-row derivative reaches the parameter.
    node: NodeId,
}

enum Role {
    /// `input [rows, in] x weight [in, out]`.
    Weight { input: NodeId },
    /// Added to `[rows, out]`.
    Bias,
}

impl Graph {
    /// Σ_k Σ_r w_k\[r\] (∂ℓ_k\[r\]/∂θ)² for several per-row losses ℓ_k `[rows]` with weights w_k
    /// `[rows]`: the squares of **per-example** gradients, summed.
    ///
    /// For a weight used once per example, the gradient of row r is aᵣ ⊗ δᵣ, so its square summed
    /// over rows is `(a²)ᵀ (Σ_k w_k δ_k²)`: one product however many losses there are (Goodfellow
    /// 2015, arXiv 1510.01799, for the factorisation). Rows must not influence each other.
    ///
    /// A parameter that is used otherwise (shared, transposed, scaled) is an error that names it.
    #[track_caller]
    pub fn grad_square_rows<'g>(
        &'g self,
        losses: &[(Var<'g>, Var<'g>)],
        theta: Var<'g>,
    ) -> Var<'g> {
        let uses = match self.uses(losses, theta) {
            Ok(uses) => uses,
            Err(message) => return self.fail(message, theta.ty()),
        };
        let nodes: Vec<Var<'g>> = uses.iter().map(|u| Var::new(self, u.node)).collect();
        let mut squares: Vec<Option<Var<'g>>> = vec![None; uses.len()];
        for &(loss, weight) in losses {
            let rows = weight.len();
            for (sum, delta) in squares.iter_mut().zip(self.grads(loss.sum(), &nodes)) {
                let term = weight.reshape(&[rows, 1]) * delta.square();
                *sum = Some(sum.map_or(term, |sum| sum + term));
            }
        }
        let pieces: Vec<(usize, Var<'g>)> = uses
            .iter()
            .zip(squares)
            .filter_map(|(site, square)| {
                let square = square?;
                let piece = match site.role {
                    Role::Weight { input } => Var::new(self, input).square().t().matmul(square),
                    Role::Bias => square.sum_axis(0),
                };
                Some((site.offset, piece.reshape(&[piece.len()])))
            })
            .collect();
        self.assemble(theta.len(), &pieces)
    }

    /// Finds where each range of θ acts in the losses.
    fn uses(&self, losses: &[(Var<'_>, Var<'_>)], theta: Var<'_>) -> Result<Vec<Use>, String> {
        let recording = self.recording.borrow();
        let nodes = &recording.nodes;
        let roots: Vec<usize> = losses.iter().map(|(loss, _)| loss.id().index()).collect();
        let live = crate::reference::live(nodes, &roots);
        let readers = |of: NodeId| -> Vec<usize> {
            (0..nodes.len()).filter(|&n| live[n] && nodes[n].inputs.contains(&of)).collect()
        };
        let rows = losses.first().map_or(0, |(_, weight)| weight.len());
        let mut uses = Vec::new();
        for slice in readers(theta.id()) {
            let attributes = nodes[slice].op.attributes();
            if nodes[slice].op.name() != "slice" {
                return Err(format!(
                    "grad_square_rows: theta is used whole by `{}`; no closed form",
                    nodes[slice].op.name()
                ));
            }
            let offset = attributes[1] as usize;
            let mut value = NodeId(slice as u32);
            let mut next = readers(value);
            while let [only] = next[..]
                && nodes[only].op.name() == "reshape"
            {
                value = NodeId(only as u32);
                next = readers(value);
            }
            let what = format!(
                "the parameter at offset {offset} (shape {:?})",
                nodes[value.index()].ty.shape
            );
            let [site] = next[..] else {
                return Err(format!(
                    "grad_square_rows: {what} is used {} times; a closed form needs one use",
                    next.len()
                ));
            };
            let node = &nodes[site];
            let other = node.inputs.iter().copied().find(|&id| id != value);
            let role = match (node.op.name(), other) {
                ("matmul", Some(input))
                    if node.inputs[1] == value
                        && node.ty.shape.len() == 2
                        && node.ty.shape[0] == rows =>
                {
                    Role::Weight { input }
                }
                ("add", Some(_))
                    if nodes[value.index()].ty.shape.len() == 1
                        && node.ty.shape.len() == 2
                        && node.ty.shape[0] == rows =>
                {
                    Role::Bias
                }
                (name, _) => {
                    return Err(format!(
                        "grad_square_rows: {what} is used by `{name}`; no closed form"
                    ));
                }
            };
            uses.push(Use { offset, role, node: NodeId(site as u32) });
        }
        Ok(uses)
    }
}
