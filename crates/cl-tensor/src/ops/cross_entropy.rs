//! Softmax and cross-entropy in one pass over each row.

use super::operands;
use super::softmax::{exp_row, max_and_sum, max_and_sum_wgsl, softmax_reference, sum_last};
use crate::conformance::Case;
use crate::cpu::math::log;
use crate::op::{Args, Kind, Op, Out, Vjp};
use crate::reference::Values;
use crate::types::{DType, Type};
use crate::var::Var;
use crate::wgsl::Body;

/// −ln softmax(logits\[r\])\[target\[r\]\]: logits `[rows, classes]`, target `[rows]` -> `[rows]`, in
/// nats. A target that is no class gives NaN, so that it cannot go unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrossEntropy;

impl Op for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [logits, target] = operands("cross_entropy", inputs)?;
        rows_and_targets("cross_entropy", logits, target)?;
        Ok(Type::f32(&target.shape))
    }

    fn kind(&self) -> Kind {
        Kind::Kernel
    }

    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        let inputs = [call.input(0), call.input(1), call.cotangent()];
        vec![Some(call.graph().record(CrossEntropyGrad, &inputs)), None]
    }

    fn reference(&self, inputs: &[&Values], _: &Type) -> Vec<f64> {
        let classes = inputs[0].shape[1];
        let rows = inputs[0].data.chunks_exact(classes).zip(&inputs[1].data);
        rows.map(|(row, &target)| {
            let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let log_sum = max + row.iter().map(|x| (x - max).exp()).sum::<f64>().ln();
            row.get(target as usize).map_or(f64::NAN, |x| log_sum - x)
        })
        .collect()
    }

    fn run(&self, args: &Args<'_>, out: Out<'_>) {
        let classes = args.input_type(0).shape[1];
        let rows = args.f32(0).chunks_exact(classes).zip(args.u32(1));
        for (out, (row, &target)) in out.f32().iter_mut().zip(rows) {
            let (max, sum) = max_and_sum(row);
            *out = row.get(target as usize).map_or(f32::NAN, |x| log(sum) - (x - max));
        }
    }

    fn wgsl(&self, inputs: &[&Type], _: &Type) -> Option<Body> {
        let classes = inputs[0].shape[1];
        let row = max_and_sum_wgsl(classes);
        let text = format!(
            "{row}    let target_ = x1(i);
    var loss = nan();
    if (target_ < {classes}u) {{ loss = log_(sum) - (x0(row + target_) - largest); }}
    put(i, loss);"
        );
        Some(Body::each(inputs[0].shape[0], text))
    }
}

/// The derivative of [`CrossEntropy`] by the logits, times g: g\[r\] · (softmax(logits\[r\]) −
/// onehot(target\[r\])); logits `[rows, classes]`, target `[rows]`, g `[rows]` -> `[rows, classes]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrossEntropyGrad;

impl Op for CrossEntropyGrad {
    fn name(&self) -> &'static str {
        "cross_entropy_grad"
    }

    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [logits, target, g] = operands("cross_entropy_grad", inputs)?;
        rows_and_targets("cross_entropy_grad", logits, target)?;
        if g.dtype != DType::F32 || g.shape != target.shape {
            return Err(format!(
                "cross_entropy_grad: logits {logits}, cotangent {g}: expected one float per row"
            ));
        }
        Ok(logits.clone())
    }

    fn kind(&self) -> Kind {
        Kind::Kernel
    }

    /// With s = softmax(logits) and cotangent G: by the logits g · s · (G − Σⱼ Gⱼ sⱼ), by g
    /// Σⱼ Gⱼ (sⱼ − onehotⱼ).
    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        let (logits, target, g) = (call.input(0), call.input(1), call.input(2));
        let cotangent = call.cotangent();
        let (rows, classes) = (logits.shape()[0], logits.shape()[1]);
        let s = logits.softmax();
        let by_logits = || g.reshape(&[rows, 1]) * (s * (cotangent - sum_last(cotangent * s)));
        let by_g = || {
            let onehot = target.reshape(&[rows, 1]).equal_index(call.graph().iota(classes));
            (cotangent * (s - onehot)).sum_axis(1)
        };
        vec![call.wants(0).then(by_logits), None, call.wants(2).then(by_g)]
    }

    fn reference(&self, inputs: &[&Values], _: &Type) -> Vec<f64> {
        let classes = inputs[0].shape[1];
        let softmax = softmax_reference(inputs[0]);
        let element = |(flat, s): (usize, f64)| {
            let (row, class) = (flat / classes, flat % classes);
            let (target, g) = (inputs[1].data[row] as usize, inputs[2].data[row]);
            if target >= classes {
                return f64::NAN;
            }
            g * (s - if class == target { 1.0 } else { 0.0 })
        };
        softmax.into_iter().enumerate().map(element).collect()
    }

    fn run(&self, args: &Args<'_>, out: Out<'_>) {
        let classes = args.input_type(0).shape[1];
        let rows = args.f32(0).chunks_exact(classes).zip(args.u32(1)).zip(args.f32(2));
        for (out, ((row, &target), &g)) in out.f32().chunks_exact_mut(classes).zip(rows) {
            let scale = 1.0 / exp_row(row, out);
            for out in out.iter_mut() {
                *out *= scale;
            }
            match out.get_mut(target as usize) {
                Some(out) => *out -= 1.0,
                None => out.fill(f32::NAN),
            }
            for out in out {
                *out *= g;
            }
        }
    }

    fn wgsl(&self, inputs: &[&Type], _: &Type) -> Option<Body> {
        let classes = inputs[0].shape[1];
        let row = max_and_sum_wgsl(classes);
        let text = format!(
            "{row}    let target_ = x1(i);
    let g = x2(i);
    for (var j = 0u; j < {classes}u; j++) {{
        var d = exp_(x0(row + j) - largest) / sum;
        if (j == target_) {{ d -= 1.0; }}
        if (target_ >= {classes}u) {{ d = nan(); }}
        put(row + j, d * g);
    }}"
        );
        Some(Body::each(inputs[0].shape[0], text))
    }
}

fn rows_and_targets(name: &str, logits: &Type, target: &Type) -> Result<(), String> {
    let fits = logits.shape.len() == 2
        && logits.shape[1] > 0
        && logits.dtype == DType::F32
        && target.dtype == DType::U32
        && target.shape == logits.shape[..1];
    if fits {
        return Ok(());
    }
    Err(format!(
        "{name}: logits {logits}, target {target}: expected f32[rows, classes] and u32[rows]"
    ))
}

pub(super) fn cases() -> Vec<Case> {
    let quarter = [0.0, 3.0_f64.ln()];
    vec![
        // The softmax of (0, ln 3) is (1/4, 3/4).
        Case::new("by hand")
            .values(&[2, 2], &[quarter, quarter].concat())
            .indices(&[2], &[0, 1])
            .formula(|_, x| x[0].cross_entropy(x[1]))
            .expect(&[4.0_f64.ln(), (4.0_f64 / 3.0).ln()]),
        Case::new("derivative by hand")
            .values(&[2, 2], &[quarter, quarter].concat())
            .indices(&[2], &[0, 1])
            .values(&[2], &[1.0, -8.0])
            .formula(|g, x| g.record(CrossEntropyGrad, x))
            .expect(&[-0.75, 0.75, -2.0, 2.0]),
        Case::new("a target that is no class gives NaN")
            .values(&[2, 2], &[quarter, quarter].concat())
            .indices(&[2], &[2, 1])
            .without_derivative()
            .formula(|_, x| x[0].cross_entropy(x[1]))
            .expect(&[f64::NAN, (4.0_f64 / 3.0).ln()]),
        Case::new("so does its derivative")
            .values(&[2, 2], &[quarter, quarter].concat())
            .indices(&[2], &[1, u32::MAX])
            .values(&[2], &[4.0, 0.0])
            .without_derivative()
            .formula(|g, x| g.record(CrossEntropyGrad, x))
            .expect(&[1.0, -1.0, f64::NAN, f64::NAN]),
        Case::new("ten classes")
            .range(&[33, 10], -4.0, 4.0)
            .below(&[33], 10)
            .formula(|_, x| x[0].cross_entropy(x[1])),
        Case::new("many classes")
            .range(&[3, 150], -4.0, 4.0)
            .below(&[3], 150)
            .formula(|_, x| x[0].cross_entropy(x[1])),
        Case::new("one row, one class")
            .f32(&[1, 1])
            .below(&[1], 1)
            .formula(|_, x| x[0].cross_entropy(x[1])),
        Case::new("masked classes")
            .values(&[2, 3], &[1.0, 2.0, -1e30, 0.5, -1e30, 0.25])
            .indices(&[2], &[0, 2])
            .formula(|_, x| x[0].cross_entropy(x[1])),
        Case::new("weighted rows")
            .f32(&[9, 5])
            .below(&[9], 5)
            .f32(&[9])
            .formula(|_, x| x[0].cross_entropy(x[1]) * x[2]),
        Case::new("derivative of ten classes")
            .range(&[7, 10], -4.0, 4.0)
            .below(&[7], 10)
            .f32(&[7])
            .formula(|g, x| g.record(CrossEntropyGrad, x)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_one_index_per_row() {
        let logits = Type::f32(&[4, 3]);
        let message = CrossEntropy.output(&[&logits, &Type::f32(&[4])]).unwrap_err();
        assert_eq!(
            message,
            "cross_entropy: logits f32[4, 3], target f32[4]: expected f32[rows, classes] and \
             u32[rows]"
        );
        assert!(CrossEntropy.output(&[&logits, &Type::u32(&[3])]).is_err());
        assert!(CrossEntropy.output(&[&logits, &Type::u32(&[4])]).is_ok());
    }
}
