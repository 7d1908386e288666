//! What per-example gradients add up to, without one gradient per example where there is a closed
//! form, and by inner lanes where there is none.

mod lanes;
mod route;
mod uses;

pub use route::{Route, Transform};

use crate::graph::Graph;
use crate::types::Type;
use crate::var::Var;
use std::panic::Location;
use uses::{Closed, Role};

/// What is summed over rows.
#[derive(Clone, Copy, Debug)]
enum Size {
    Square,
    Abs,
}

impl Size {
    fn of(self, x: Var<'_>) -> Var<'_> {
        match self {
            Self::Square => x.square(),
            Self::Abs => x.abs(),
        }
    }
}

impl Graph {
    /// Σ_k Σ_r w_k\[r\] (∂ℓ_k\[r\]/∂θ)² for several per-row losses ℓ_k `[rows]` with weights w_k
    /// `[rows]`: the squares of **per-example** gradients, summed. θ is a vector, the result has its
    /// shape.
    ///
    /// For a weight used once per example, the gradient of row r is aᵣ ⊗ δᵣ, so its square summed
    /// over rows is `(a²)ᵀ (Σ_k w_k δ_k²)`: one product however many losses there are (Goodfellow
    /// 2015, arXiv 1510.01799, for the factorisation); for a bias it is Σ_r Σ_k w_k δ_k². This
    /// takes rows that do not influence each other.
    ///
    /// A parameter that is used otherwise (twice, transposed, scaled) is differentiated row by row
    /// in inner lanes: `rows` backward passes of what lies between the losses and that parameter.
    /// [`crate::Plan::transforms`] says which went which way.
    ///
    /// # Errors
    /// Losses and weights that are not all floats `[rows]`, and a θ that is no vector, are reported
    /// when the graph is compiled.
    #[track_caller]
    pub fn grad_square_rows<'g>(
        &'g self,
        losses: &[(Var<'g>, Var<'g>)],
        theta: Var<'g>,
    ) -> Var<'g> {
        self.sizes("grad_square_rows", Size::Square, losses, theta, Location::caller())
    }

    /// Σ_k Σ_r w_k\[r\] |∂ℓ_k\[r\]/∂θ|: the absolute values of per-example gradients, summed, as the
    /// importance of MAS (Aljundi et al. 2018, arXiv 1711.09601, eq. 2) takes them.
    ///
    /// In closed form `|a|ᵀ (Σ_k w_k |δ_k|)` for a weight and Σ_r Σ_k w_k |δ_k| for a bias; else, and
    /// in all else, as [`Graph::grad_square_rows`].
    ///
    /// # Errors
    /// As [`Graph::grad_square_rows`].
    #[track_caller]
    pub fn grad_abs_rows<'g>(&'g self, losses: &[(Var<'g>, Var<'g>)], theta: Var<'g>) -> Var<'g> {
        self.sizes("grad_abs_rows", Size::Abs, losses, theta, Location::caller())
    }

    /// ∂ℓ\[i\]/∂θ · ∂ℓ\[j\]/∂θ for a per-row loss ℓ `[rows]`: the inner products of per-example
    /// gradients over all of θ, `[rows, rows]`.
    ///
    /// A layer with weight and bias adds `(δᵢ · δⱼ)(aᵢ · aⱼ + 1)`, two products of `[rows, units]`
    /// with themselves instead of gradients of the size of θ; else as [`Graph::grad_square_rows`],
    /// with `rows` gradients of the parameters concerned in memory.
    ///
    /// # Errors
    /// As [`Graph::grad_square_rows`].
    #[track_caller]
    pub fn grad_gram_rows<'g>(&'g self, loss: Var<'g>, theta: Var<'g>) -> Var<'g> {
        let (name, at) = ("grad_gram_rows", Location::caller());
        let (graph, loss, theta) = match self.operands(name, &[loss], theta) {
            Ok((graph, losses, theta)) => (graph, losses[0], theta),
            Err(message) => return self.fail_at(at, message, loss.ty()),
        };
        let rows = loss.len();
        let uses = graph.uses(&[loss], rows, theta);
        graph.report(Transform::new(name, at, &uses));
        let nodes: Vec<Var<'g>> = uses.closed.iter().map(|c| Var::new(graph, c.node)).collect();
        let deltas = graph.pullback(loss.sum(), graph.constant(1.0), &nodes);
        let closed = uses.closed.iter().zip(deltas).map(|(site, delta)| {
            let products = delta.matmul(delta.t());
            match site.role {
                Role::Weight { input } => {
                    let a = Var::new(graph, input);
                    products * a.matmul(a.t())
                }
                Role::Bias => products,
            }
        });
        let lanes = graph
            .example_gradients(loss, &uses.rest, at)
            .into_iter()
            .map(|gradients| gradients.matmul(gradients.t()));
        let sum = closed.chain(lanes).reduce(|sum, gram| sum + gram);
        sum.unwrap_or_else(|| graph.full(&[rows, rows], 0.0))
    }

    fn sizes<'g>(
        &'g self,
        name: &'static str,
        size: Size,
        losses: &[(Var<'g>, Var<'g>)],
        theta: Var<'g>,
        at: &'static Location<'static>,
    ) -> Var<'g> {
        let values: Vec<Var<'g>> =
            losses.iter().flat_map(|&(loss, weight)| [loss, weight]).collect();
        let (graph, values, theta) = match self.operands(name, &values, theta) {
            Ok(operands) => operands,
            Err(message) => return self.fail_at(at, message, theta.ty()),
        };
        let losses: Vec<(Var<'g>, Var<'g>)> =
            values.chunks(2).map(|pair| (pair[0], pair[1])).collect();
        let rows = losses.first().map_or(0, |(loss, _)| loss.len());
        let roots: Vec<Var<'g>> = losses.iter().map(|&(loss, _)| loss).collect();
        let uses = graph.uses(&roots, rows, theta);
        graph.report(Transform::new(name, at, &uses));
        let mut pieces = graph.closed_sizes(size, &losses, &uses.closed);
        for (k, &(loss, weight)) in losses.iter().enumerate() {
            for (i, part) in
                graph.lane_sizes(size, loss, weight, &uses.rest, at).into_iter().enumerate()
            {
                match k {
                    0 => pieces.push((uses.rest[i].range.start, part)),
                    _ => pieces[uses.closed.len() + i].1 = pieces[uses.closed.len() + i].1 + part,
                }
            }
        }
        graph.assemble(theta.len(), &pieces)
    }

    /// Where each parameter with a closed form starts, and its sum over rows and losses, flat.
    fn closed_sizes<'g>(
        &'g self,
        size: Size,
        losses: &[(Var<'g>, Var<'g>)],
        closed: &[Closed],
    ) -> Vec<(usize, Var<'g>)> {
        let nodes: Vec<Var<'g>> = closed.iter().map(|c| Var::new(self, c.node)).collect();
        let mut sums: Vec<Option<Var<'g>>> = vec![None; closed.len()];
        for &(loss, weight) in losses {
            let weight = weight.reshape(&[weight.len(), 1]);
            for (sum, delta) in sums.iter_mut().zip(self.grads(loss.sum(), &nodes)) {
                let term = weight * size.of(delta);
                *sum = Some(sum.map_or(term, |sum| sum + term));
            }
        }
        let piece = |(site, sum): (&Closed, Option<Var<'g>>)| {
            let sum = sum?;
            let piece = match site.role {
                Role::Weight { input } => size.of(Var::new(self, input)).t().matmul(sum),
                Role::Bias => sum.sum_axis(0),
            };
            Some((site.range.start, piece.reshape(&[piece.len()])))
        };
        closed.iter().zip(sums).filter_map(piece).collect()
    }

    /// The graph that a transform is recorded in, and its operands as values of that graph.
    fn operands<'g>(
        &'g self,
        name: &str,
        rows: &[Var<'g>],
        theta: Var<'g>,
    ) -> Result<(&'g Graph, Vec<Var<'g>>, Var<'g>), String> {
        let expected = rows.first().map(|first| Type::f32(&[first.len()]));
        if let Some(misfit) =
            rows.iter().map(|value| value.ty()).find(|ty| Some(ty) != expected.as_ref())
        {
            return Err(format!(
                "{name}: losses and weights of {misfit}: expected {}, one number per row",
                expected.unwrap_or_else(|| Type::f32(&[0]))
            ));
        }
        if theta.ty() != Type::f32(&[theta.len()]) {
            return Err(format!("{name}: theta is {}, expected a vector of floats", theta.ty()));
        }
        let graph = self.innermost(&[rows, &[theta]].concat());
        let local: Option<Vec<Var<'g>>> = rows.iter().map(|&value| graph.local(value)).collect();
        match (local, graph.local(theta)) {
            (Some(rows), Some(theta)) => Ok((graph, rows, theta)),
            _ => Err(format!("{name}: an operand belongs to another graph")),
        }
    }
}
