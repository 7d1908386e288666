//! The diagonal of the Fisher information, measured when a context ends.

use crate::range::expect;
use cl_core::{Boundary, Error, Pass, Step};
use cl_tensor::{Init, Scope, Var};

/// By what the sum over N rows is divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Divisor {
    /// N: the mean, as it is defined.
    #[default]
    N,
    /// N − 1, the last index counted from 0: what the code of van de Ven et al. 2022 divides by.
    NMinusOne,
}

/// The diagonal Fisher information of the rows of a context, exact in the labels:
///
/// F = 1/N Σ_x Σ_c p(c|x) (∂ −log p(c|x) / ∂θ)²
///
/// over the active classes c, with **per-example** gradients (Kirkpatrick et al. 2017 after Pascanu
/// & Bengio 2014; the expectation over labels is the EXACT variant of van de Ven, arXiv 2502.11756).
/// No label is drawn and none is read. The rows come in chunks; but for rounding, F does not
/// depend on their size.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `rows` | all | at least 1 | at most this many rows of the context, drawn at random |
/// | `divisor` | `N` | | N or N − 1 |
///
/// The `fisher_n = n` of van de Ven's code is `rows: Some(n + 1)` with [`Divisor::NMinusOne`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fisher {
    /// At most this many rows of the context.
    pub rows: Option<usize>,
    /// By what the sum over rows is divided.
    pub divisor: Divisor,
}

/// Σ over the rows seen so far; 0 outside of a boundary.
const SUM: &str = "fisher_sum";

impl Fisher {
    /// The pass over the rows that it needs.
    #[must_use]
    pub fn pass(self) -> Pass {
        Pass { limit: self.rows, ..Pass::default() }
    }

    /// Records what one chunk of rows adds to the sum.
    pub fn observe(self, step: &Step<'_, '_>) {
        let classes = step.forward.logits.shape().last().copied().unwrap_or(0);
        let logits = step.active_logits();
        let (p, log_p) = (logits.softmax(), logits.log_softmax());
        // An inactive class has p = 0 and finite derivatives, so it adds nothing.
        let labels: Vec<_> =
            (0..classes).map(|c| (-column(log_p, c), step.weight * column(p, c))).collect();
        let squares = step.graph().grad_square_rows(&labels, step.theta);
        step.scope.assign(SUM, sum(&step.scope, step.layout.len()) + squares);
    }

    /// Records the end of the pass over `examples` rows: F, `[theta]`, and a sum that is 0 again.
    #[must_use]
    pub fn take<'g>(self, boundary: &Boundary<'_, 'g>, examples: Var<'g>) -> Var<'g> {
        let sum = sum(&boundary.scope, boundary.layout.len());
        boundary.scope.assign(SUM, sum.graph().full(&sum.shape(), 0.0));
        let count = match self.divisor {
            Divisor::N => examples,
            Divisor::NMinusOne => examples - 1.0,
        };
        sum / count.maximum(sum.graph().constant(1.0))
    }

    /// The conventions, for results.
    #[must_use]
    pub fn describe(self) -> String {
        let rows = self.rows.map_or("all rows".to_owned(), |rows| format!("at most {rows} rows"));
        let divisor = match self.divisor {
            Divisor::N => "N",
            Divisor::NMinusOne => "N - 1",
        };
        format!("exact expectation over active labels, per example, {rows}, divided by {divisor}")
    }

    pub(crate) fn check(self, strategy: &'static str) -> Result<(), Error> {
        let at_least_one = "at least 1, or none for all rows";
        expect(self.rows != Some(0), strategy, "fisher rows", 0.0, at_least_one)
    }
}

/// Column c of `[rows, classes]`, `[rows]`.
fn column(of: Var<'_>, c: usize) -> Var<'_> {
    let rows = of.shape().first().copied().unwrap_or(1);
    of.slice(1, c..c + 1).reshape(&[rows])
}

fn sum<'g>(scope: &Scope<'g>, len: usize) -> Var<'g> {
    scope.slot(SUM, &[len], Init::Zeros)
}
