//! Where the largest element of a row is.

use super::operands;
use crate::conformance::Case;
use crate::op::{Args, Kind, Op, Out, Vjp};
use crate::reference::Values;
use crate::types::{DType, Type};
use crate::var::Var;
use crate::wgsl::Body;

/// Index of the largest element along the last axis, `[.., n] -> [..]`: the first at a tie; NaN
/// counts as smaller than any number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgMax;

impl Op for ArgMax {
    fn name(&self) -> &'static str {
        "argmax"
    }

    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [x] = operands("argmax", inputs)?;
        match x.shape.split_last() {
            Some((&n, rows)) if n > 0 && x.dtype == DType::F32 => Ok(Type::u32(rows)),
            _ => Err(format!("argmax: expected rows of floats that are not empty, got {x}")),
        }
    }

    fn kind(&self) -> Kind {
        Kind::Kernel
    }

    fn vjp<'g>(&self, _: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        vec![None]
    }

    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64> {
        let n = inputs[0].data.len() / output.len().max(1);
        let first_largest = |row: &[f64]| {
            // `f64::max` returns the number where one side is NaN.
            let largest = row.iter().copied().fold(f64::NAN, f64::max);
            row.iter().position(|&x| x == largest).unwrap_or(0) as f64
        };
        inputs[0].data.chunks_exact(n.max(1)).map(first_largest).collect()
    }

    fn run(&self, args: &Args<'_>, out: Out<'_>) {
        let n = args.input_type(0).shape.last().copied().unwrap_or(1);
        for (out, row) in out.u32().iter_mut().zip(args.f32(0).chunks_exact(n)) {
            *out = first_largest(row) as u32;
        }
    }

    fn wgsl(&self, inputs: &[&Type], output: &Type) -> Option<Body> {
        let n = inputs[0].shape.last().copied().unwrap_or(1);
        let text = format!(
            "    let row = i * {n}u;
    var best = 0u;
    var largest = x0(row);
    for (var j = 1u; j < {n}u; j++) {{
        let x = x0(row + j);
        if (x > largest || (is_nan(largest) && !is_nan(x))) {{
            best = j;
            largest = x;
        }}
    }}
    put(i, best);"
        );
        Some(Body::each(output.len(), text))
    }
}

fn first_largest(row: &[f32]) -> usize {
    let mut best = 0;
    for (i, &x) in row.iter().enumerate() {
        if x > row[best] || (row[best].is_nan() && !x.is_nan()) {
            best = i;
        }
    }
    best
}

pub(super) fn cases() -> Vec<Case> {
    let argmax = |name: &str| Case::new(name).without_derivative().tolerance(0.0);
    let nan = f64::NAN;
    let infinity = f64::INFINITY;
    vec![
        argmax("ties and signs by hand")
            .values(&[3, 3], &[1.0, 3.0, 3.0, -1.0, -2.0, -1.0, 0.0, -0.0, 0.0])
            .formula(|_, x| x[0].argmax())
            .expect(&[1.0, 0.0, 0.0]),
        argmax("NaN is smaller than anything")
            .values(&[3, 3], &[nan, -infinity, nan, 1.0, nan, 2.0, nan, nan, nan])
            .formula(|_, x| x[0].argmax())
            .expect(&[1.0, 2.0, 0.0]),
        argmax("long rows").f32(&[9, 131]).formula(|_, x| x[0].argmax()),
        argmax("three axes").f32(&[3, 4, 17]).formula(|_, x| x[0].argmax()),
        argmax("a vector").f32(&[21]).formula(|_, x| x[0].argmax()),
        argmax("one column").f32(&[4, 1]).formula(|_, x| x[0].argmax()),
        Case::new("the largest of each row").f32(&[6, 11]).formula(|_, x| x[0].max_row()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_largest_of_nothing() {
        let message = ArgMax.output(&[&Type::f32(&[3, 0])]).unwrap_err();
        assert_eq!(message, "argmax: expected rows of floats that are not empty, got f32[3, 0]");
        assert!(ArgMax.output(&[&Type::f32(&[])]).is_err());
        assert!(ArgMax.output(&[&Type::u32(&[3])]).is_err());
    }
}
