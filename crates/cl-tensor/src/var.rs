//! A recorded value and what can be done with it.

use crate::graph::{Graph, NodeId};
use crate::op::Kind;
use crate::ops::{
    ArgMax, Binary, CrossEntropy, EqualIndex, Expand, Gather, GatherColumns, GatherDecode,
    LogSoftmax, MatMul, Nnqp, Reshape, ScatterAdd, Select, Slice, Softmax, Sum, ToFloat, TopK,
    Transpose, Unary,
};
use crate::types::{Type, broadcast};
use std::fmt;
use std::ops::{Add, Div, Mul, Neg, Range, Sub};

/// A recorded value: a copyable name for a node of its graph.
#[derive(Clone, Copy)]
pub struct Var<'g> {
    graph: &'g Graph,
    id: NodeId,
}

impl<'g> Var<'g> {
    pub(crate) fn new(graph: &'g Graph, id: NodeId) -> Self {
        Self { graph, id }
    }

    /// The graph this value is recorded in.
    #[must_use]
    pub fn graph(self) -> &'g Graph {
        self.graph
    }

    /// Its number in the graph.
    #[must_use]
    pub fn id(self) -> NodeId {
        self.id
    }

    /// Its shape and element type.
    #[must_use]
    pub fn ty(self) -> Type {
        self.graph.recording.borrow().nodes[self.id.index()].ty.clone()
    }

    /// Its shape.
    #[must_use]
    pub fn shape(self) -> Vec<usize> {
        self.ty().shape
    }

    /// Its number of elements.
    #[must_use]
    pub fn len(self) -> usize {
        self.ty().len()
    }

    /// Whether it has no elements.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    #[track_caller]
    fn unary(self, op: Unary) -> Self {
        self.graph.record(op, &[self])
    }

    #[track_caller]
    fn binary(self, op: Binary, other: Self) -> Self {
        let neutral = match op {
            Binary::Mul => Some(1.0),
            Binary::Add => Some(0.0),
            _ => None,
        };
        // Derivatives are full of factors 1; they would cost a pass.
        if neutral.is_some() {
            for (value, constant) in [(self, other), (other, self)] {
                let stays = broadcast(&value.shape(), &constant.shape()) == Some(value.shape());
                if stays && constant.number() == neutral {
                    return value;
                }
            }
        }
        self.graph.record(op, &[self, other])
    }

    /// The number that this constant, stretched or not, is made of.
    fn number(self) -> Option<f32> {
        let recording = self.graph.recording.borrow();
        let mut node = &recording.nodes[self.id.index()];
        while matches!(node.op.kind(), Kind::View) && node.inputs.len() == 1 {
            node = &recording.nodes[node.inputs[0].index()];
        }
        match node.op.kind() {
            Kind::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// x².
    #[track_caller]
    #[must_use]
    pub fn square(self) -> Self {
        self.unary(Unary::Square)
    }

    /// √x.
    #[track_caller]
    #[must_use]
    pub fn sqrt(self) -> Self {
        self.unary(Unary::Sqrt)
    }

    /// eˣ.
    #[track_caller]
    #[must_use]
    pub fn exp(self) -> Self {
        self.unary(Unary::Exp)
    }

    /// ln x.
    #[track_caller]
    #[must_use]
    pub fn log(self) -> Self {
        self.unary(Unary::Log)
    }

    /// tanh x.
    #[track_caller]
    #[must_use]
    pub fn tanh(self) -> Self {
        self.unary(Unary::Tanh)
    }

    /// 1 / (1 + e⁻ˣ).
    #[track_caller]
    #[must_use]
    pub fn sigmoid(self) -> Self {
        self.unary(Unary::Sigmoid)
    }

    /// max(x, 0); its derivative at 0 is 0.
    #[track_caller]
    #[must_use]
    pub fn relu(self) -> Self {
        self.unary(Unary::Relu)
    }

    /// |x|; its derivative at 0 is 0.
    #[track_caller]
    #[must_use]
    pub fn abs(self) -> Self {
        self.unary(Unary::Abs)
    }

    /// −1, 0 or 1; no derivative.
    #[track_caller]
    #[must_use]
    pub fn sign(self) -> Self {
        self.unary(Unary::Sign)
    }

    /// The larger of the two; at a tie the derivative goes to `self`.
    #[track_caller]
    #[must_use]
    pub fn maximum(self, other: Self) -> Self {
        self.binary(Binary::Max, other)
    }

    /// The smaller of the two; at a tie the derivative goes to `self`.
    #[track_caller]
    #[must_use]
    pub fn minimum(self, other: Self) -> Self {
        self.binary(Binary::Min, other)
    }

    /// 1 where self > other, else 0; no derivative.
    #[track_caller]
    #[must_use]
    pub fn greater(self, other: Self) -> Self {
        self.binary(Binary::Greater, other)
    }

    /// 1 where self = other, else 0; no derivative.
    #[track_caller]
    #[must_use]
    pub fn equal(self, other: Self) -> Self {
        self.binary(Binary::Equal, other)
    }

    /// 1 where two indices agree, else 0.
    #[track_caller]
    #[must_use]
    pub fn equal_index(self, other: Self) -> Self {
        self.graph.record(EqualIndex, &[self, other])
    }

    /// Indices as floats.
    #[track_caller]
    #[must_use]
    pub fn to_float(self) -> Self {
        self.graph.record(ToFloat, &[self])
    }

    /// `yes` where self is not 0, else `no`.
    #[track_caller]
    #[must_use]
    pub fn select(self, yes: Self, no: Self) -> Self {
        self.graph.record(Select, &[self, yes, no])
    }

    /// Self inside `[low, high]`.
    #[track_caller]
    #[must_use]
    pub fn clamp(self, low: f32, high: f32) -> Self {
        self.maximum(self.graph.constant(low)).minimum(self.graph.constant(high))
    }

    /// The same value without its derivative.
    #[track_caller]
    #[must_use]
    pub fn detach(self) -> Self {
        self.unary(Unary::Detach)
    }

    /// `[.., m, k] x [.., k, n] -> [.., m, n]`; ranks 2 and 3, a missing batch axis is shared.
    #[track_caller]
    #[must_use]
    pub fn matmul(self, other: Self) -> Self {
        self.graph.record(MatMul, &[self, other])
    }

    /// The last two axes swapped; a view.
    #[track_caller]
    #[must_use]
    pub fn t(self) -> Self {
        self.graph.record(Transpose, &[self])
    }

    /// The same elements in another shape; a view.
    #[track_caller]
    #[must_use]
    pub fn reshape(self, shape: &[usize]) -> Self {
        if self.shape() == shape {
            return self;
        }
        self.graph.record(Reshape(shape.to_vec()), &[self])
    }

    /// Stretched to a larger shape by the broadcasting rule; a view.
    #[track_caller]
    #[must_use]
    pub fn expand(self, shape: &[usize]) -> Self {
        if self.shape() == shape {
            return self;
        }
        self.graph.record(Expand(shape.to_vec()), &[self])
    }

    /// The elements `range` along `axis`; a view.
    #[track_caller]
    #[must_use]
    pub fn slice(self, axis: usize, range: Range<usize>) -> Self {
        if self.shape().get(axis) == Some(&range.len()) && range.start == 0 {
            return self;
        }
        self.graph.record(Slice { axis, start: range.start, len: range.len() }, &[self])
    }

    /// Sum of all elements: a scalar.
    #[track_caller]
    #[must_use]
    pub fn sum(self) -> Self {
        let shape = self.shape();
        self.graph.record(Sum { start: 0, end: shape.len() }, &[self])
    }

    /// Sum over one axis, which disappears.
    #[track_caller]
    #[must_use]
    pub fn sum_axis(self, axis: usize) -> Self {
        self.graph.record(Sum { start: axis, end: axis + 1 }, &[self])
    }

    /// Mean of all elements: a scalar.
    #[track_caller]
    #[must_use]
    pub fn mean(self) -> Self {
        self.sum() * (1.0 / self.len() as f32)
    }

    /// Mean over one axis, which disappears.
    #[track_caller]
    #[must_use]
    pub fn mean_axis(self, axis: usize) -> Self {
        let extent = self.shape().get(axis).copied().unwrap_or(1);
        self.sum_axis(axis) * (1.0 / extent as f32)
    }

    /// Undoes broadcasting: sums over the axes along which `shape` was stretched to this one.
    #[track_caller]
    #[must_use]
    pub fn sum_to(self, shape: &[usize]) -> Self {
        let own = self.shape();
        let Some(added) = own.len().checked_sub(shape.len()) else {
            let message = format!("sum_to: {} to {shape:?}: expected a smaller shape", self.ty());
            return self.graph.fail(message, self.ty());
        };
        let mut out = self;
        if added > 0 {
            out = self.graph.record(Sum { start: 0, end: added }, &[out]);
        }
        for axis in (0..shape.len()).rev() {
            if shape[axis] == 1 && own[added + axis] != 1 {
                out = out.sum_axis(axis);
            }
        }
        out.reshape(shape)
    }

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

impl fmt::Debug for Var<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recording = self.graph.recording.borrow();
        let node = &recording.nodes[self.id.index()];
        write!(f, "%{} = {}: {}", self.id.0, node.op.name(), node.ty)
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $op:expr) => {
        impl<'g> $trait for Var<'g> {
            type Output = Var<'g>;
            #[track_caller]
            fn $method(self, other: Var<'g>) -> Var<'g> {
                self.binary($op, other)
            }
        }
        impl<'g> $trait<f32> for Var<'g> {
            type Output = Var<'g>;
            #[track_caller]
            fn $method(self, other: f32) -> Var<'g> {
                self.binary($op, self.graph.constant(other))
            }
        }
        impl<'g> $trait<Var<'g>> for f32 {
            type Output = Var<'g>;
            #[track_caller]
            fn $method(self, other: Var<'g>) -> Var<'g> {
                other.graph.constant(self).binary($op, other)
            }
        }
    };
}
// The macro is what lets `2.0 * x`, `x * 2.0` and `x * y` read alike: twelve impls otherwise.
operator!(Add, add, Binary::Add);
operator!(Sub, sub, Binary::Sub);
operator!(Mul, mul, Binary::Mul);
operator!(Div, div, Binary::Div);

impl<'g> Neg for Var<'g> {
    type Output = Var<'g>;
    #[track_caller]
    fn neg(self) -> Var<'g> {
        self.unary(Unary::Neg)
    }
}
