//! Functions of one number, element by element.

use crate::conformance::Case;
use crate::op::{Kind, Op, Vjp};
use crate::plan::Code;
use crate::reference::Values;
use crate::types::{DType, Type};
use crate::var::Var;

/// A function applied to each element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// −x.
    Neg,
    /// |x|.
    Abs,
    /// x².
    Square,
    /// √x.
    Sqrt,
    /// eˣ.
    Exp,
    /// ln x.
    Log,
    /// tanh x.
    Tanh,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// max(x, 0).
    Relu,
    /// −1, 0 or 1.
    Sign,
    /// The largest whole number ≤ x.
    Floor,
    /// x, without its derivative.
    Detach,
}

impl Op for Unary {
    fn name(&self) -> &'static str {
        match self {
            Self::Neg => "neg",
            Self::Abs => "abs",
            Self::Square => "square",
            Self::Sqrt => "sqrt",
            Self::Exp => "exp",
            Self::Log => "log",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Relu => "relu",
            Self::Sign => "sign",
            Self::Floor => "floor",
            Self::Detach => "detach",
        }
    }

    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        match inputs {
            [x] if x.dtype == DType::F32 => Ok((*x).clone()),
            [x] => Err(format!("{}: expected floats, got {x}", self.name())),
            _ => Err(format!("{}: expected 1 operand, got {}", self.name(), inputs.len())),
        }
    }

    fn kind(&self) -> Kind {
        Kind::Pointwise(match self {
            Self::Neg => Code::Neg,
            Self::Abs => Code::Abs,
            Self::Square => Code::Square,
            Self::Sqrt => Code::Sqrt,
            Self::Exp => Code::Exp,
            Self::Log => Code::Log,
            Self::Tanh => Code::Tanh,
            Self::Sigmoid => Code::Sigmoid,
            Self::Relu => Code::Relu,
            Self::Sign => Code::Sign,
            Self::Floor => Code::Floor,
            Self::Detach => Code::Move,
        })
    }

    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        let (x, y, g) = (call.input(0), call.result(), call.cotangent());
        vec![match self {
            Self::Neg => Some(-g),
            Self::Abs => Some(g * x.sign()),
            Self::Square => Some(g * (x * 2.0)),
            Self::Sqrt => Some(g * 0.5 / y),
            Self::Exp => Some(g * y),
            Self::Log => Some(g / x),
            Self::Tanh => Some(g * (1.0 - y.square())),
            Self::Sigmoid => Some(g * (y * (1.0 - y))),
            Self::Relu => {
                let zero = call.graph().constant(0.0);
                Some(y.greater(zero).select(g, zero))
            }
            Self::Sign | Self::Floor | Self::Detach => None,
        }]
    }

    fn reference(&self, inputs: &[&Values], _: &Type) -> Vec<f64> {
        let f: fn(f64) -> f64 = match self {
            Self::Neg => |x| -x,
            Self::Abs => f64::abs,
            Self::Square => |x| x * x,
            Self::Sqrt => f64::sqrt,
            Self::Exp => f64::exp,
            Self::Log => f64::ln,
            Self::Tanh => f64::tanh,
            Self::Sigmoid => |x| 1.0 / (1.0 + (-x).exp()),
            Self::Relu => |x| x.max(0.0),
            Self::Sign => |x| if x == 0.0 { 0.0 } else { x.signum() },
            Self::Floor => f64::floor,
            Self::Detach => |x| x,
        };
        inputs[0].data.iter().map(|&x| f(x)).collect()
    }
}

pub(super) fn cases() -> Vec<Case> {
    let smooth = |op: Unary, low, high| {
        Case::new(op.name()).range(&[5, 130], low, high).formula(move |g, x| g.record(op, x))
    };
    vec![
        smooth(Unary::Neg, -2.0, 2.0),
        smooth(Unary::Abs, -2.0, 2.0),
        smooth(Unary::Square, -2.0, 2.0),
        smooth(Unary::Sqrt, 0.1, 4.0),
        smooth(Unary::Exp, -20.0, 10.0),
        smooth(Unary::Log, 0.01, 50.0),
        smooth(Unary::Tanh, -4.0, 4.0),
        smooth(Unary::Sigmoid, -20.0, 20.0),
        smooth(Unary::Relu, -2.0, 2.0),
        Case::new("sign")
            .values(&[3], &[-1.5, 0.0, 2.0])
            .without_derivative()
            .formula(|_, x| x[0].sign())
            .expect(&[-1.0, 0.0, 1.0]),
        Case::new("floor")
            .values(&[6], &[-1.5, -1.0, -0.0, 0.75, 2.0, 8_388_609.0])
            .without_derivative()
            .formula(|_, x| x[0].floor())
            .expect(&[-2.0, -1.0, -0.0, 0.0, 2.0, 8_388_609.0]),
        Case::new("detach")
            .f32(&[7])
            .without_derivative()
            .formula(|_, x| x[0].detach())
            .tolerance(0.0),
    ]
}
