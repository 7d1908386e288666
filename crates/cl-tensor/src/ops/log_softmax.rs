//! Logarithm of the softmax.

use super::softmax::{max_and_sum, max_and_sum_wgsl, row_len, rows_of_floats, sum_last};
use crate::conformance::Case;
use crate::cpu::math::log;
use crate::op::{Args, Kind, Op, Out, Vjp};
use crate::reference::Values;
use crate::types::Type;
use crate::var::Var;
use crate::wgsl::Body;

/// xᵢ − ln Σⱼ exp(xⱼ) along the last axis, `[.., n] -> [.., n]`, in nats; the maximum is subtracted
/// first, so nothing overflows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSoftmax;

impl Op for LogSoftmax {
    fn name(&self) -> &'static str {
        "log_softmax"
    }

    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        rows_of_floats("log_softmax", inputs)
    }

    fn kind(&self) -> Kind {
        Kind::Kernel
    }

    /// g − softmax(x) · Σⱼ gⱼ.
    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        let g = call.cotangent();
        vec![Some(g - call.input(0).softmax() * sum_last(g))]
    }

    fn reference(&self, inputs: &[&Values], _: &Type) -> Vec<f64> {
        let n = inputs[0].shape.last().copied().unwrap_or(1);
        let mut out = Vec::with_capacity(inputs[0].data.len());
        for row in inputs[0].data.chunks_exact(n) {
            let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let log_sum = row.iter().map(|x| (x - max).exp()).sum::<f64>().ln();
            out.extend(row.iter().map(|x| x - max - log_sum));
        }
        out
    }

    fn run(&self, args: &Args<'_>, out: Out<'_>) {
        let n = row_len(args.input_type(0));
        for (row, out) in args.f32(0).chunks_exact(n).zip(out.f32().chunks_exact_mut(n)) {
            let (max, sum) = max_and_sum(row);
            let log_sum = log(sum);
            for (out, x) in out.iter_mut().zip(row) {
                *out = x - max - log_sum;
            }
        }
    }

    fn wgsl(&self, inputs: &[&Type], output: &Type) -> Option<Body> {
        let n = row_len(inputs[0]);
        let row = max_and_sum_wgsl(n);
        let text = format!(
            "{row}    let log_sum = log_(sum);
    for (var j = row; j < row + {n}u; j++) {{ put(j, x0(j) - largest - log_sum); }}"
        );
        Some(Body::each(output.len() / n, text))
    }
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        // The softmax of (0, ln 3) is (1/4, 3/4).
        Case::new("by hand")
            .values(&[1, 2], &[0.0, 3.0_f64.ln()])
            .formula(|_, x| x[0].log_softmax())
            .expect(&[0.25_f64.ln(), 0.75_f64.ln()]),
        Case::new("ten classes").range(&[13, 10], -5.0, 5.0).formula(|_, x| x[0].log_softmax()),
        Case::new("long rows").range(&[3, 133], -5.0, 5.0).formula(|_, x| x[0].log_softmax()),
        Case::new("large logits").range(&[4, 16], 1e3, 1.01e3).formula(|_, x| x[0].log_softmax()),
        Case::new("three axes").f32(&[2, 3, 7]).formula(|_, x| x[0].log_softmax()),
        Case::new("one class").f32(&[4, 1]).formula(|_, x| x[0].log_softmax()),
        Case::new("soft targets")
            .f32(&[5, 9])
            .f32(&[5, 9])
            .formula(|_, x| -(x[1].softmax() * x[0].log_softmax()).sum_axis(1)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::softmax::softmax_reference;

    #[test]
    fn the_reference_is_the_logarithm_of_the_softmax() {
        let x = Values { shape: vec![2, 3], data: vec![0.3, -1.0, 2.0, 4.0, 4.5, 5.0] };
        let direct = LogSoftmax.reference(&[&x], &Type::f32(&[2, 3]));
        for (a, b) in direct.iter().zip(softmax_reference(&x)) {
            assert!((a - b.ln()).abs() < 1e-14, "{a} and {}", b.ln());
        }
    }
}
