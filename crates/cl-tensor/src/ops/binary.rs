//! Functions of two numbers, element by element, with broadcasting.

use super::expand::stretched;
use super::operands;
use crate::conformance::Case;
use crate::op::{Kind, Op, Vjp};
use crate::plan::Code;
use crate::reference::Values;
use crate::types::{DType, Type, broadcast};
use crate::var::Var;

/// A function applied to each pair of elements; shapes broadcast from the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// a + b.
    Add,
    /// a − b.
    Sub,
    /// a · b.
    Mul,
    /// a / b.
    Div,
    /// The larger; at a tie the derivative goes to a.
    Max,
    /// The smaller; at a tie the derivative goes to a.
    Min,
    /// 1 where a > b, else 0; no derivative.
    Greater,
    /// 1 where a = b, else 0; no derivative.
    Equal,
}

impl Op for Binary {
    fn name(&self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::Max => "max",
            Self::Min => "min",
            Self::Greater => "greater",
            Self::Equal => "equal",
        }
    }

    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let name = self.name();
        let [a, b] = operands(name, inputs)?;
        if a.dtype != DType::F32 || b.dtype != DType::F32 {
            return Err(format!("{name}: {a} and {b}: expected floats"));
        }
        match broadcast(&a.shape, &b.shape) {
            Some(shape) => Ok(Type::f32(&shape)),
            None => Err(format!("{name}: {a} and {b}: shapes do not broadcast")),
        }
    }

    fn kind(&self) -> Kind {
        Kind::Pointwise(match self {
            Self::Add => Code::Add,
            Self::Sub => Code::Sub,
            Self::Mul => Code::Mul,
            Self::Div => Code::Div,
            Self::Max => Code::Max,
            Self::Min => Code::Min,
            Self::Greater => Code::Greater,
            Self::Equal => Code::Equal,
        })
    }

    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        if matches!(self, Self::Greater | Self::Equal) {
            return vec![None, None];
        }
        let (a, b, y, g) = (call.input(0), call.input(1), call.result(), call.cotangent());
        let zero = call.graph().constant(0.0);
        let first = || match self {
            Self::Add | Self::Sub => g,
            Self::Mul => g * b,
            Self::Div => g / b,
            Self::Max => b.greater(a).select(zero, g),
            _ => a.greater(b).select(zero, g),
        };
        let second = || match self {
            Self::Add => g,
            Self::Sub => -g,
            Self::Mul => g * a,
            Self::Div => -(g * y / b),
            Self::Max => b.greater(a).select(g, zero),
            _ => a.greater(b).select(g, zero),
        };
        vec![
            call.wants(0).then(|| first().sum_to(&a.shape())),
            call.wants(1).then(|| second().sum_to(&b.shape())),
        ]
    }

    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64> {
        let f: fn(f64, f64) -> f64 = match self {
            Self::Add => |a, b| a + b,
            Self::Sub => |a, b| a - b,
            Self::Mul => |a, b| a * b,
            Self::Div => |a, b| a / b,
            Self::Max => |a, b| if b > a { b } else { a },
            Self::Min => |a, b| if a > b { b } else { a },
            Self::Greater => |a, b| f64::from(u8::from(a > b)),
            Self::Equal => |a, b| f64::from(u8::from(a == b)),
        };
        let a = stretched(inputs[0], &output.shape);
        let b = stretched(inputs[1], &output.shape);
        a.into_iter().zip(b).map(|(a, b)| f(a, b)).collect()
    }
}

pub(super) fn cases() -> Vec<Case> {
    let all = [
        Binary::Add,
        Binary::Sub,
        Binary::Mul,
        Binary::Div,
        Binary::Max,
        Binary::Min,
        Binary::Greater,
        Binary::Equal,
    ];
    let mut cases = Vec::new();
    for op in all {
        let case = |shape: &str, a: &[usize], b: &[usize]| {
            // Divisors keep away from 0, where neither side of the comparison means anything.
            let low = if op == Binary::Div { 0.5 } else { -2.0 };
            Case::new(&format!("{} {shape}", op.name()))
                .f32(a)
                .range(b, low, 2.5)
                .formula(move |g, x| g.record(op, x))
        };
        cases.push(case("of equal shapes", &[7, 130], &[7, 130]));
        cases.push(case("with a row", &[5, 33], &[33]));
        cases.push(case("with a column on the left", &[5, 1], &[5, 33]));
        cases.push(case("of two stretched operands", &[2, 1, 17], &[3, 1]));
        cases.push(case("with a scalar", &[], &[1, 3]));
    }
    let by_hand = |op: Binary, expected: &[f64]| {
        Case::new(&format!("{} by hand", op.name()))
            .values(&[2, 2], &[1.0, -2.0, 3.0, 8.0])
            .values(&[2], &[1.0, 4.0])
            .formula(move |g, x| g.record(op, x))
            .expect(expected)
    };
    cases.extend([
        by_hand(Binary::Add, &[2.0, 2.0, 4.0, 12.0]),
        by_hand(Binary::Sub, &[0.0, -6.0, 2.0, 4.0]),
        by_hand(Binary::Mul, &[1.0, -8.0, 3.0, 32.0]),
        by_hand(Binary::Div, &[1.0, -0.5, 3.0, 2.0]),
        // 1 meets 1: finite differences mean nothing at a tie, the two cases at the end do.
        by_hand(Binary::Max, &[1.0, 4.0, 3.0, 8.0]).without_derivative(),
        by_hand(Binary::Min, &[1.0, -2.0, 1.0, 4.0]).without_derivative(),
        by_hand(Binary::Greater, &[0.0, 0.0, 1.0, 1.0]).without_derivative(),
        by_hand(Binary::Equal, &[1.0, 0.0, 0.0, 0.0]).without_derivative(),
        Case::new("max gives a tie's derivative to the first operand")
            .values(&[3], &[1.0, 2.0, 5.0])
            .values(&[3], &[1.0, 3.0, 4.0])
            .without_derivative()
            .formula(|g, x| g.grad(x[0].maximum(x[1]).sum(), x[0]))
            .expect(&[1.0, 0.0, 1.0]),
        Case::new("min gives a tie's derivative to the first operand")
            .values(&[3], &[1.0, 2.0, 5.0])
            .values(&[3], &[1.0, 3.0, 4.0])
            .without_derivative()
            .formula(|g, x| g.grad(x[0].minimum(x[1]).sum(), x[1]))
            .expect(&[0.0, 0.0, 1.0]),
    ]);
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misfit_names_both_operands() {
        let message = Binary::Add.output(&[&Type::f32(&[3, 4]), &Type::f32(&[5])]).unwrap_err();
        assert_eq!(message, "add: f32[3, 4] and f32[5]: shapes do not broadcast");
        let message = Binary::Mul.output(&[&Type::f32(&[3]), &Type::u32(&[3])]).unwrap_err();
        assert_eq!(message, "mul: f32[3] and u32[3]: expected floats");
        let message = Binary::Mul.output(&[&Type::f32(&[3])]).unwrap_err();
        assert_eq!(message, "mul: expected 2 operands, got 1");
    }
}
