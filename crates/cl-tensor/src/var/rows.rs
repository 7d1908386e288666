//! Row by row: choices, losses, and rows of tables.

use super::Var;
use crate::ops::{
    ArgMax, CrossEntropy, Gather, GatherColumns, GatherDecode, LogSoftmax, Nnqp, ScatterAdd,
    Softmax, TopK,
};

impl Var<'_> {
    /// Index of the largest element of each row `[.., n] -> [..]`; the first one at a tie.
    #[track_caller]
    #[must_use]
    pub fn argmax(self) -> Self {
        self.graph.record(ArgMax, &[self])
    }

    /// Indices of the k largest elements, `[n] -> [k]`, largest first: the smaller index first at a
    /// tie, NaN last; no derivative. k is from 1 to n.
    #[track_caller]
    #[must_use]
    pub fn top_k(self, k: usize) -> Self {
        self.graph.record(TopK { k }, &[self])
    }

    /// The v ≥ lower that minimises ½ vᵀP v + qᵀv, P being self: P `[n, n]` positive definite, q and
    /// lower `[n]` -> `[n]`, n at most 64; no derivative ([`Nnqp`]).
    #[track_caller]
    #[must_use]
    pub fn nnqp(self, q: Self, lower: Self) -> Self {
        self.graph.record(Nnqp, &[self, q, lower])
    }

    /// The largest element of each row, `[rows, n] -> [rows]`.
    #[track_caller]
    #[must_use]
    pub fn max_row(self) -> Self {
        let rows = self.shape().first().copied().unwrap_or(1);
        self.gather_columns(self.argmax().reshape(&[rows, 1])).reshape(&[rows])
    }

    /// 1 in the column that a row's index names, else 0: u32 `[rows] -> [rows, n]`; a row of zeros
    /// where the index is out of range.
    #[track_caller]
    #[must_use]
    pub fn one_hot(self, n: usize) -> Self {
        self.column().equal_index(self.graph.iota(n))
    }

    /// Rows of length 1, x / √(Σ x² + 1e-20), `[rows, n] -> [rows, n]`: the guard leaves a row of
    /// zeros what it is and is lost in the sum where a row is longer than 1e-6.
    #[track_caller]
    #[must_use]
    pub fn unit_rows(self) -> Self {
        self / (self.square().sum_axis(1) + 1e-20).sqrt().column()
    }

    /// Squared distances between rows, ‖a‖² + ‖b‖² − 2 a·b: `[m, d]`, `[n, d] -> [m, n]`.
    #[track_caller]
    #[must_use]
    pub fn square_distances(self, other: Self) -> Self {
        let length = |rows: Self| rows.square().sum_axis(1);
        length(self).column() + length(other) - 2.0 * self.matmul(other.t())
    }

    /// Softmax over the last axis.
    #[track_caller]
    #[must_use]
    pub fn softmax(self) -> Self {
        self.graph.record(Softmax, &[self])
    }

    /// Logarithm of the softmax over the last axis, in nats.
    #[track_caller]
    #[must_use]
    pub fn log_softmax(self) -> Self {
        self.graph.record(LogSoftmax, &[self])
    }

    /// −log softmax(self)\[row, target\[row\]\]: `[rows, classes]`, `[rows]` -> `[rows]`, in nats.
    #[track_caller]
    #[must_use]
    pub fn cross_entropy(self, target: Self) -> Self {
        self.graph.record(CrossEntropy, &[self, target])
    }

    /// Rows of a table: `[n, ..]`, `[r]` -> `[r, ..]`; an index out of range gives a row of zeros.
    #[track_caller]
    #[must_use]
    pub fn gather(self, index: Self) -> Self {
        self.graph.record(Gather, &[self, index])
    }

    /// Rows added up into a table of `n` rows: the adjoint of [`Var::gather`].
    #[track_caller]
    #[must_use]
    pub fn scatter_add(self, index: Self, n: usize) -> Self {
        self.graph.record(ScatterAdd { rows: n }, &[self, index])
    }

    /// Per row, the columns asked for: `[r, d]`, `[r, k]` -> `[r, k]`; out of range gives 0.
    #[track_caller]
    #[must_use]
    pub fn gather_columns(self, index: Self) -> Self {
        self.graph.record(GatherColumns, &[self, index])
    }

    /// Rows of resident bytes as floats, `byte * scale`: `[n, f]`, `[r]` -> `[r, f]`.
    #[track_caller]
    #[must_use]
    pub fn gather_decode(self, index: Self, scale: f32) -> Self {
        self.graph.record(GatherDecode { scale }, &[self, index])
    }
}
