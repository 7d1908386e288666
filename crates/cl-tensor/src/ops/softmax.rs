//! Softmax over the last axis, and the pass over a row that its relatives share.

use super::operands;
use super::sum::{LANES, sum_row};
use crate::conformance::Case;
use crate::cpu::math::exp;
use crate::cpu::{Loops, on_widest};
use crate::op::{Args, Kind, Op, Out, Vjp};
use crate::reference::Values;
use crate::types::{DType, Type};
use crate::var::Var;
use crate::wgsl::Body;

/// exp(xᵢ) / Σⱼ exp(xⱼ) along the last axis, `[.., n] -> [.., n]`. The row's maximum is subtracted
/// first, so nothing overflows; a class masked by −1e30 gets exactly 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Softmax;

impl Op for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        rows_of_floats("softmax", inputs)
    }

    fn kind(&self) -> Kind {
        Kind::Kernel
    }

    /// s · (g − Σⱼ gⱼ sⱼ).
    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        let (s, g) = (call.result(), call.cotangent());
        vec![Some(s * (g - sum_last(g * s)))]
    }

    fn reference(&self, inputs: &[&Values], _: &Type) -> Vec<f64> {
        softmax_reference(inputs[0])
    }

    fn run(&self, args: &Args<'_>, out: Out<'_>) {
        let n = row_len(args.input_type(0));
        for (row, out) in args.f32(0).chunks_exact(n).zip(out.f32().chunks_exact_mut(n)) {
            let scale = 1.0 / exp_row(row, out);
            for out in out {
                *out *= scale;
            }
        }
    }

    fn wgsl(&self, inputs: &[&Type], output: &Type) -> Option<Body> {
        let n = row_len(inputs[0]);
        let row = max_and_sum_wgsl(n);
        let text = format!(
            "{row}    for (var j = row; j < row + {n}u; j++) {{ put(j, exp_(x0(j) - largest) / sum); }}"
        );
        Some(Body::each(output.len() / n, text))
    }
}

/// WGSL for row `i` of `n` numbers, which starts at `row`: its `largest` and `sum`, Σ exp(x − largest).
pub(super) fn max_and_sum_wgsl(n: usize) -> String {
    format!(
        "    let row = i * {n}u;
    var largest = -infinity();
    for (var j = row; j < row + {n}u; j++) {{
        let x = x0(j);
        if (x > largest) {{ largest = x; }}
    }}
    var sum = 0.0;
    for (var j = row; j < row + {n}u; j++) {{ sum += exp_(x0(j) - largest); }}
"
    )
}

/// The shape rule of functions of rows.
pub(super) fn rows_of_floats(name: &str, inputs: &[&Type]) -> Result<Type, String> {
    let [x] = operands(name, inputs)?;
    if x.dtype != DType::F32 || x.shape.last().is_none_or(|&n| n == 0) {
        return Err(format!("{name}: expected rows of floats that are not empty, got {x}"));
    }
    Ok(x.clone())
}

/// The sum over the last axis, which stays with extent 1.
pub(super) fn sum_last(x: Var<'_>) -> Var<'_> {
    let mut shape = x.shape();
    let last = shape.len() - 1;
    shape[last] = 1;
    x.sum_axis(last).reshape(&shape)
}

pub(super) fn row_len(ty: &Type) -> usize {
    ty.shape.last().copied().unwrap_or(1)
}

/// Softmax in f64, row by row.
pub(super) fn softmax_reference(x: &Values) -> Vec<f64> {
    let n = x.shape.last().copied().unwrap_or(1);
    let mut out = Vec::with_capacity(x.data.len());
    for row in x.data.chunks_exact(n) {
        let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|x| (x - max).exp()).sum();
        out.extend(row.iter().map(|x| (x - max).exp() / sum));
    }
    out
}

/// Elements whose exponentials are kept at hand while they are summed.
const CHUNK: usize = 64;

/// The largest number of a row; NaN is passed over (it comes back through the exponentials).
#[inline(always)]
fn max_of(row: &[f32]) -> f32 {
    let larger = |max: f32, x: f32| if x > max { x } else { max };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (whole, rest) = row.as_chunks::<LANES>();
    for x in whole {
        for (lane, x) in lanes.iter_mut().zip(x) {
            *lane = larger(*lane, *x);
        }
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |max, &x| larger(max, x))
}

/// exp(x − max), element by element.
#[inline(always)]
fn exp_into(row: &[f32], max: f32, out: &mut [f32]) {
    for (out, x) in out.iter_mut().zip(row) {
        *out = exp(x - max);
    }
}

/// Writes exp(x − max) and returns their sum.
pub(super) fn exp_row(row: &[f32], out: &mut [f32]) -> f32 {
    let mut sum = 0.0;
    on_widest(ExpRow { row, out, sum: &mut sum });
    sum
}

struct ExpRow<'a> {
    row: &'a [f32],
    out: &'a mut [f32],
    sum: &'a mut f32,
}

impl Loops for ExpRow<'_> {
    #[inline(always)]
    fn run(self) {
        exp_into(self.row, max_of(self.row), self.out);
        *self.sum = sum_row(self.out);
    }
}

/// The maximum of a row and Σ exp(x − max).
pub(super) fn max_and_sum(row: &[f32]) -> (f32, f32) {
    let mut found = (0.0, 0.0);
    on_widest(MaxAndSum { row, found: &mut found });
    found
}

struct MaxAndSum<'a> {
    row: &'a [f32],
    found: &'a mut (f32, f32),
}

impl Loops for MaxAndSum<'_> {
    #[inline(always)]
    fn run(self) {
        let max = max_of(self.row);
        let mut sum = 0.0;
        for x in self.row.chunks(CHUNK) {
            let mut scratch = [0.0; CHUNK];
            let scratch = &mut scratch[..x.len()];
            exp_into(x, max, scratch);
            sum += sum_row(scratch);
        }
        *self.found = (max, sum);
    }
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        // exp(0) : exp(ln 3) = 1 : 3.
        Case::new("by hand")
            .values(&[1, 2], &[0.0, 3.0_f64.ln()])
            .formula(|_, x| x[0].softmax())
            .expect(&[0.25, 0.75]),
        Case::new("masked classes are exactly 0")
            .values(&[2, 3], &[5.0, -1e30, 5.0, -1e30, 7.0, -1e30])
            .formula(|_, x| x[0].softmax())
            .expect(&[0.5, 0.0, 0.5, 0.0, 1.0, 0.0])
            .tolerance(0.0),
        Case::new("ten classes").range(&[13, 10], -5.0, 5.0).formula(|_, x| x[0].softmax()),
        Case::new("long rows").range(&[3, 133], -5.0, 5.0).formula(|_, x| x[0].softmax()),
        Case::new("large logits").range(&[4, 16], 1e4, 1.0001e4).formula(|_, x| x[0].softmax()),
        Case::new("three axes").f32(&[2, 3, 7]).formula(|_, x| x[0].softmax()),
        Case::new("a vector").f32(&[5]).formula(|_, x| x[0].softmax()),
        Case::new("one class").f32(&[4, 1]).formula(|_, x| x[0].softmax()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nan_makes_the_whole_row_nan() {
        let mut out = [0.0; 3];
        assert!(exp_row(&[1.0, f32::NAN, 2.0], &mut out).is_nan());
        assert!(max_and_sum(&[f32::NAN, 1.0]).1.is_nan());
    }

    #[test]
    fn a_scalar_has_no_rows() {
        let message = Softmax.output(&[&Type::f32(&[])]).unwrap_err();
        assert_eq!(message, "softmax: expected rows of floats that are not empty, got f32[]");
        assert!(Softmax.output(&[&Type::u32(&[3])]).is_err());
    }
}
