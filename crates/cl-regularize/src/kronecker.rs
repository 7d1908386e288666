//! Kronecker factors of the Fisher information of linear layers, measured when a context ends.

use crate::fisher::Divisor;
use crate::range::expect;
use cl_core::{Boundary, Error, Linear, Pass, Step};
use cl_tensor::{Init, Scope, Var};

/// Under which labels the derivatives of the factor G are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FactorLabels {
    /// All active labels y, each with its probability p(y|x): the expectation itself.
    #[default]
    Exact,
    /// The label of the example: the empirical Fisher information.
    True,
}

/// The Kronecker-factored Fisher information of each linear layer over the rows of a context:
///
/// A = 1/N Σ_x a aᵀ,  G = 1/N Σ_x Σ_y p(y|x) δ δᵀ,  F ≈ A ⊗ G
///
/// a is the layer's input with a trailing 1, `[in + 1]`; δ the derivative of −log p(y|x) at the
/// layer's pre-activation, `[out]` (Martens & Grosse 2015, arXiv 1503.05671; labels as in Ritter,
/// Botev & Barber 2018). A is `[in + 1, in + 1]`, G `[out, out]`. The product is the exact block of [W; b] for
/// one example, or where a and δ are independent.
///
/// Where a gate acts before the bias is added, W of a unit sees the gated derivative and b the whole
/// one, which no product of two factors holds: δ is then the one of the bias, so the weights of a
/// gated unit count as if its gate were open. Gates behind the bias are exact.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `rows` | all | at least 1 | at most this many rows of the context, drawn at random |
/// | `divisor` | `N` | | N or N − 1 |
/// | `labels` | `Exact` | | expectation over active labels, or the true label |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KroneckerFisher {
    /// At most this many rows of the context.
    pub rows: Option<usize>,
    /// By what the sums over rows are divided.
    pub divisor: Divisor,
    /// Under which labels derivatives are taken.
    pub labels: FactorLabels,
}

/// The two factors of a layer.
#[derive(Clone, Copy)]
pub(crate) struct Factors<'g> {
    /// A, `[in + 1, in + 1]`, symmetric to the bit.
    pub(crate) a: Var<'g>,
    /// G, `[out, out]`, symmetric to the bit.
    pub(crate) g: Var<'g>,
}

/// `[rows, in]` with a trailing 1, `[rows, in + 1]`.
pub(crate) fn with_one(input: Var<'_>) -> Var<'_> {
    let graph = input.graph();
    let rows = input.shape().first().copied().unwrap_or(1);
    graph.concat(&[input, graph.full(&[rows, 1], 1.0)], 1)
}

/// Σ_rows weight · v vᵀ of `[rows, n]`, weights ≥ 0: `[n, n]`.
pub(crate) fn outer<'g>(weight: Var<'g>, v: Var<'g>) -> Var<'g> {
    // One operand on both sides: the sum is symmetric to the bit.
    let scaled = v * weight.sqrt().column();
    scaled.t().matmul(scaled)
}

impl KroneckerFisher {
    /// The pass over the rows that it needs.
    #[must_use]
    pub fn pass(self) -> Pass {
        Pass { limit: self.rows, ..Pass::default() }
    }

    /// Records what one chunk of rows adds to the sums.
    pub fn observe<'g>(self, step: &Step<'_, 'g>) {
        let layers = &step.forward.layers;
        for layer in layers {
            let sum = outer(step.weight, with_one(layer.input));
            step.scope.accumulate(&format!("{}/sum_a", layer.weight), sum);
        }
        let pre_activations: Vec<_> = layers.iter().map(|layer| layer.pre_activation).collect();
        let with_label = |loss: Var<'g>, weight: Var<'g>| {
            let deltas = step.graph().grads(loss.sum(), &pre_activations);
            deltas.into_iter().map(|delta| outer(weight, delta)).collect::<Vec<_>>()
        };
        let sums = match self.labels {
            FactorLabels::True => with_label(step.cross_entropy(step.target), step.weight),
            FactorLabels::Exact => {
                let logits = step.active_logits();
                let classes = logits.shape().last().copied().unwrap_or(0);
                let (p, log_p) = (logits.softmax(), logits.log_softmax());
                // An inactive class has p = 0 and finite derivatives, so it adds nothing.
                let of_classes =
                    (0..classes).map(|y| with_label(-column(log_p, y), step.weight * column(p, y)));
                let added = of_classes.reduce(|sums, more| {
                    sums.into_iter().zip(more).map(|(sum, more)| sum + more).collect()
                });
                added.unwrap_or_default()
            }
        };
        for (layer, sum) in layers.iter().zip(sums) {
            step.scope.accumulate(&format!("{}/sum_g", layer.weight), sum);
        }
    }

    /// Records the end of the pass over `examples` rows: the factors of a layer, and sums that are 0
    /// again.
    pub(crate) fn take<'g>(
        self,
        boundary: &Boundary<'_, 'g>,
        layer: &Linear,
        examples: Var<'g>,
    ) -> Factors<'g> {
        let count = match self.divisor {
            Divisor::NMinusOne => examples - 1.0,
            // `check` refuses batches.
            Divisor::N | Divisor::WholeBatches(_) => examples,
        };
        let count = count.maximum(examples.graph().constant(1.0));
        let [a, g] = sizes(&layer.weight.shape);
        let take = |name: &str, n| {
            boundary.scope.take(&format!("{}/{name}", layer.weight.name), &[n, n]) / count
        };
        Factors { a: take("sum_a", a), g: take("sum_g", g) }
    }

    /// The conventions, for results.
    #[must_use]
    pub fn describe(self) -> String {
        let labels = match self.labels {
            FactorLabels::Exact => "exact expectation over active labels",
            FactorLabels::True => "true labels",
        };
        let rows = self.rows.map_or("all rows".to_owned(), |rows| format!("at most {rows} rows"));
        let divisor = match self.divisor {
            Divisor::NMinusOne => "N - 1",
            Divisor::N | Divisor::WholeBatches(_) => "N",
        };
        format!("Kronecker factors per linear layer, {labels}, {rows}, divided by {divisor}")
    }

    pub(crate) fn check(self, strategy: &'static str) -> Result<(), Error> {
        let at_least_one = "at least 1, or none for all rows";
        expect(self.rows != Some(0), strategy, "fisher rows", 0.0, at_least_one)?;
        match self.divisor {
            Divisor::N | Divisor::NMinusOne => Ok(()),
            Divisor::WholeBatches(batch) => {
                let expected = "N or N - 1: factors are not measured in batches";
                expect(false, strategy, "fisher divisor, batches of", batch as f64, expected)
            }
        }
    }
}

impl<'g> Factors<'g> {
    /// What is kept of a layer with this weight `[in, out]`; zeros before the first boundary.
    pub(crate) fn kept(scope: &Scope<'g>, weight: &str, shape: &[usize]) -> Self {
        let [a, g] = sizes(shape);
        let kept = |name: &str, n| scope.kept(&format!("{weight}/{name}"), &[n, n], Init::Zeros);
        Self { a: kept("a", a), g: kept("g", g) }
    }

    /// Keeps the factors of the layer with this weight.
    pub(crate) fn keep(self, scope: &Scope<'g>, weight: &str) {
        scope.assign(&format!("{weight}/a"), self.a);
        scope.assign(&format!("{weight}/g"), self.g);
    }

    /// A ⊗ G + A₁ ⊗ G₁ as one product, the traces matched: (A + A₁/π) ⊗ (G + π G₁) with
    /// π = √(tr G tr A₁ / (tr G₁ tr A)). Where one of the pairs has no positive trace it is the other.
    pub(crate) fn plus(self, more: Self) -> Self {
        let zero = self.a.graph().constant(0.0);
        let [a, g, a1, g1] = [self.a, self.g, more.a, more.g].map(trace);
        // Two ratios: the product of two small traces would be 0.
        let pi = ((g / g1) * (a1 / a)).sqrt();
        let (old, new) = (a.minimum(g).greater(zero), a1.minimum(g1).greater(zero));
        let choose = |sum: Var<'g>, first, second| old.select(new.select(sum, first), second);
        Self {
            a: choose(self.a + more.a / pi, self.a, more.a),
            g: choose(self.g + pi * more.g, self.g, more.g),
        }
    }
}

/// Rows of A and of G for a weight `[in, out]`.
fn sizes(weight: &[usize]) -> [usize; 2] {
    let extent = |axis: usize| weight.get(axis).copied().unwrap_or(0);
    [extent(0) + 1, extent(1)]
}

fn trace(matrix: Var<'_>) -> Var<'_> {
    let n = matrix.shape().first().copied().unwrap_or(0);
    (matrix * matrix.graph().iota(n).one_hot(n)).sum()
}

/// Column y of `[rows, classes]`, `[rows]`.
fn column(of: Var<'_>, y: usize) -> Var<'_> {
    let rows = of.shape().first().copied().unwrap_or(1);
    of.slice(1, y..y + 1).reshape(&[rows])
}
