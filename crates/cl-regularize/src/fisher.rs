//! The diagonal of the Fisher information, measured when a context ends.

use crate::range::expect;
use cl_core::{Boundary, Error, Pass, Step};
use cl_nn::losses;
use cl_tensor::{Init, Scope, Var};

/// Which gradients of −log p(y|x) are squared; the names are those of van de Ven, arXiv 2502.11756.
///
/// All but the last take gradients **per example**.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Estimate {
    /// EXACT: the expectation over all active labels, Σ_c p(c|x) (∂ −log p(c|x))². No label is
    /// drawn and none is read; as many backward passes as there are outputs.
    #[default]
    Exact,
    /// SAMPLE: one label per example, drawn from p(y|x). The draw has the address (seed, boundary,
    /// example, context), so it is the same whatever the chunks.
    Sample,
    /// The likeliest active label.
    Predicted,
    /// EMPIRICAL: the true label.
    True,
    /// The true label, each square weighted by its probability: p(y|x) (∂ −log p(y|x))², one term of
    /// the exact sum, as in mammoth's `ewc_on`.
    TrueByProbability,
    /// BATCHED(b): the square of the **mean** gradient of b consecutive rows with true labels,
    /// averaged over batches, as in Avalanche. **It depends on b**: near an optimum, where gradients
    /// cancel, it is about 1/b of the others. The last batch may be smaller and counts in full.
    Batched(usize),
}

/// By what the sum of squares is divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Divisor {
    /// The number of terms, the mean as it is defined: N rows, or the number of batches.
    #[default]
    N,
    /// One less, the last index counted from 0: what the code of van de Ven et al. 2022 divides by.
    NMinusOne,
    /// Batches of this size times their size, N rounded up: what mammoth's `ewc_on` divides by.
    WholeBatches(usize),
}

/// The diagonal Fisher information of the rows of a context; by default exact in the labels:
///
/// F = 1/N Σ_x Σ_c p(c|x) (∂ −log p(c|x) / ∂θ)²
///
/// over the active classes c, with per-example gradients (Kirkpatrick et al. 2017 after Pascanu &
/// Bengio 2014). [`Estimate`] lists what else the field measures. The rows come in chunks; but for
/// rounding, F does not depend on their size, `Batched` apart.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `estimate` | `Exact` | batches of at least 1 | which gradients are squared |
/// | `rows` | all | at least 1 | at most this many rows of the context, drawn at random |
/// | `divisor` | `N` | `WholeBatches` of at least 1, not with `Batched` | N, N − 1 or whole batches |
///
/// Van de Ven's code divides by N − 1 where it takes all rows ([`Divisor::NMinusOne`]); its
/// `fisher_n = n` takes n + 1 rows and divides by n + 1: `rows: Some(n + 1)` with [`Divisor::N`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fisher {
    /// Which gradients are squared.
    pub estimate: Estimate,
    /// At most this many rows of the context.
    pub rows: Option<usize>,
    /// By what the sum is divided.
    pub divisor: Divisor,
}

/// Σ over what was seen so far; 0 outside of a boundary.
const SUM: &str = "fisher_sum";
/// About as many rows as pay in one chunk.
const CHUNK: usize = 128;
/// Batches seen so far, where they count; 0 outside of a boundary.
const BATCHES: &str = "fisher_batches";

impl Fisher {
    /// As Avalanche measures it: mini-batches of the size that is trained with.
    pub(crate) fn avalanche(batch: usize) -> Self {
        Self { estimate: Estimate::Batched(batch), ..Self::default() }
    }

    /// The size of the batches that are counted.
    fn batch(self) -> Option<usize> {
        match (self.estimate, self.divisor) {
            (Estimate::Batched(batch), _) | (_, Divisor::WholeBatches(batch)) => Some(batch),
            _ => None,
        }
    }

    /// The pass over the rows that it needs.
    #[must_use]
    pub fn pass(self) -> Pass {
        let chunk = match (self.estimate, self.divisor) {
            (Estimate::Batched(batch), _) => Some(batch),
            // Batches are only counted: several fit one chunk.
            (_, Divisor::WholeBatches(batch)) if batch > 0 => Some((CHUNK / batch).max(1) * batch),
            (_, Divisor::WholeBatches(batch)) => Some(batch),
            _ => None,
        };
        Pass { limit: self.rows, chunk, ..Pass::default() }
    }

    /// Records what one chunk of rows adds to the sum.
    pub fn observe(self, step: &Step<'_, '_>) {
        let squares = match self.estimate {
            Estimate::Exact => expectation(step),
            Estimate::Sample => of_label(step, drawn_label(step)),
            Estimate::Predicted => of_label(step, step.active_logits().argmax()),
            Estimate::True => of_label(step, step.target),
            Estimate::TrueByProbability => {
                let rows = step.cross_entropy(step.target);
                let probability = (-rows).exp();
                step.graph().grad_square_rows(&[(rows, step.weight * probability)], step.theta)
            }
            Estimate::Batched(_) => {
                let rows = step.cross_entropy(step.target);
                let mean = losses::weighted_mean(rows, step.weight);
                step.graph().grad(mean, step.theta).square()
            }
        };
        step.scope.assign(SUM, sum(&step.scope, step.layout.len()) + squares);
        if let Some(batch) = self.batch().filter(|&batch| batch > 0) {
            // Rows stand in front of the padding, so a batch counts if its first row does.
            let first = step.weight.reshape(&[step.weight.len() / batch, batch]).slice(1, 0..1);
            step.scope.accumulate(BATCHES, first.sum());
        }
    }

    /// Records the end of the pass over `examples` rows: F, `[theta]`, and a sum that is 0 again.
    #[must_use]
    pub fn take<'g>(self, boundary: &Boundary<'_, 'g>, examples: Var<'g>) -> Var<'g> {
        let scope = &boundary.scope;
        let sum = sum(scope, boundary.layout.len());
        scope.assign(SUM, sum.graph().full(&sum.shape(), 0.0));
        let batches = self.batch().map(|_| scope.take(BATCHES, &[]));
        let terms = match (self.estimate, batches) {
            (Estimate::Batched(_), Some(batches)) => batches,
            _ => examples,
        };
        let count = match (self.divisor, batches) {
            (Divisor::WholeBatches(batch), Some(batches)) => batches * batch as f32,
            (Divisor::NMinusOne, _) => terms - 1.0,
            _ => terms,
        };
        sum / count.maximum(sum.graph().constant(1.0))
    }

    /// The conventions, for results.
    #[must_use]
    pub fn describe(self) -> String {
        let estimate = match self.estimate {
            Estimate::Exact => "exact expectation over active labels, per example".to_owned(),
            Estimate::Sample => "one label drawn per example, per example".to_owned(),
            Estimate::Predicted => "predicted label, per example".to_owned(),
            Estimate::True => "true label, per example".to_owned(),
            Estimate::TrueByProbability => {
                "true label times its probability, per example".to_owned()
            }
            Estimate::Batched(batch) => {
                format!("true label, square of the mean gradient of batches of {batch}")
            }
        };
        let rows = self.rows.map_or("all rows".to_owned(), |rows| format!("at most {rows} rows"));
        let batched = matches!(self.estimate, Estimate::Batched(_));
        let divisor = match self.divisor {
            Divisor::N if batched => "the number of batches".to_owned(),
            Divisor::NMinusOne if batched => "the number of batches - 1".to_owned(),
            Divisor::N => "N".to_owned(),
            Divisor::NMinusOne => "N - 1".to_owned(),
            Divisor::WholeBatches(batch) => format!("N rounded up to batches of {batch}"),
        };
        format!("{estimate}, {rows}, divided by {divisor}")
    }

    pub(crate) fn check(self, strategy: &'static str) -> Result<(), Error> {
        let at_least_one = "at least 1, or none for all rows";
        expect(self.rows != Some(0), strategy, "fisher rows", 0.0, at_least_one)?;
        expect(self.batch() != Some(0), strategy, "fisher batch", 0.0, "at least 1")?;
        match (self.estimate, self.divisor) {
            (Estimate::Batched(_), Divisor::WholeBatches(batch)) => {
                let expected = "N or N - 1 for batches: there is one term per batch";
                expect(false, strategy, "fisher divisor: whole batches", batch as f64, expected)
            }
            _ => Ok(()),
        }
    }
}

/// Σ_x Σ_c p(c|x) (∂ −log p(c|x))².
fn expectation<'g>(step: &Step<'_, 'g>) -> Var<'g> {
    let classes = step.forward.logits.shape().last().copied().unwrap_or(0);
    let logits = step.active_logits();
    let (p, log_p) = (logits.softmax(), logits.log_softmax());
    // An inactive class has p = 0 and finite derivatives, so it adds nothing.
    let labels: Vec<_> =
        (0..classes).map(|c| (-column(log_p, c), step.weight * column(p, c))).collect();
    step.graph().grad_square_rows(&labels, step.theta)
}

/// Σ_x (∂ −log p(label|x))².
fn of_label<'g>(step: &Step<'_, 'g>, label: Var<'g>) -> Var<'g> {
    step.graph().grad_square_rows(&[(step.cross_entropy(label), step.weight)], step.theta)
}

/// A label per row drawn from p(y|x), u32 `[rows]`: the first c with p(0) + .. + p(c) > u.
fn drawn_label<'g>(step: &Step<'_, 'g>) -> Var<'g> {
    let p = step.active_logits().softmax();
    let classes = p.shape().last().copied().unwrap_or(0);
    let mut below = step.graph().full(&step.weight.shape(), 0.0);
    let mut up_to = Vec::with_capacity(classes);
    for c in 0..classes {
        below = below + column(p, c);
        up_to.push(below.column());
    }
    // Rounding leaves the last sum near 1. u is below 1, so u times that sum is below the sum: some
    // class is always drawn, and never one of p = 0, whose sum is that of the class before it.
    let u = (step.uniform_rows("label") * below).column();
    step.graph().concat(&up_to, 1).greater(u).argmax()
}

/// Column c of `[rows, classes]`, `[rows]`.
fn column(of: Var<'_>, c: usize) -> Var<'_> {
    let rows = of.shape().first().copied().unwrap_or(1);
    of.slice(1, c..c + 1).reshape(&[rows])
}

fn sum<'g>(scope: &Scope<'g>, len: usize) -> Var<'g> {
    scope.slot(SUM, &[len], Init::Zeros)
}
