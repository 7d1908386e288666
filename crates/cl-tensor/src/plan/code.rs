//! The instructions of pointwise programs.

/// One pointwise instruction on registers of floats (or, where said, of indices as bits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// a.
    Move,
    /// −a.
    Neg,
    /// |a|.
    Abs,
    /// a².
    Square,
    /// √a.
    Sqrt,
    /// eᵃ.
    Exp,
    /// ln a.
    Log,
    /// tanh a.
    Tanh,
    /// 1 / (1 + e⁻ᵃ).
    Sigmoid,
    /// max(a, 0).
    Relu,
    /// −1, 0 or 1.
    Sign,
    /// The largest whole number ≤ a.
    Floor,
    /// The index a as a float.
    ToFloat,
    /// a + b.
    Add,
    /// a − b.
    Sub,
    /// a · b.
    Mul,
    /// a / b.
    Div,
    /// The larger.
    Max,
    /// The smaller.
    Min,
    /// 1 where a > b, else 0.
    Greater,
    /// 1 where a = b, else 0.
    Equal,
    /// 1 where the indices a and b agree, else 0.
    EqualIndex,
    /// b where a ≠ 0, else c.
    Select,
    /// a · b + c, rounded after the product and after the sum.
    MulAdd,
}

impl Code {
    /// Number of operands.
    #[must_use]
    pub fn arity(self) -> usize {
        match self {
            Self::Move
            | Self::Neg
            | Self::Abs
            | Self::Square
            | Self::Sqrt
            | Self::Exp
            | Self::Log
            | Self::Tanh
            | Self::Sigmoid
            | Self::Relu
            | Self::Sign
            | Self::Floor
            | Self::ToFloat => 1,
            Self::Select | Self::MulAdd => 3,
            _ => 2,
        }
    }
}
