//! Element by element.

use super::Var;
use crate::op::Kind;
use crate::ops::{Binary, EqualIndex, Select, ToFloat, Unary};
use crate::types::broadcast;

impl Var<'_> {
    #[track_caller]
    pub(super) fn unary(self, op: Unary) -> Self {
        self.graph.record(op, &[self])
    }

    #[track_caller]
    pub(super) fn binary(self, op: Binary, other: Self) -> Self {
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

    /// The largest whole number that is not above; no derivative.
    #[track_caller]
    #[must_use]
    pub fn floor(self) -> Self {
        self.unary(Unary::Floor)
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
}
