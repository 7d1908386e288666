//! Tensors laid side by side.

use crate::conformance::Case;
use crate::graph::Graph;
use crate::op::{Args, Kind, Op, Out, Vjp};
use crate::reference::Values;
use crate::types::{DType, Type};
use crate::var::Var;
use crate::wgsl::Body;

/// Operands of one type laid behind each other along `axis`; the other axes agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concat {
    /// The axis along which extents add up.
    pub axis: usize,
}

impl Op for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn attributes(&self) -> Vec<u64> {
        vec![self.axis as u64]
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let axis = self.axis;
        let Some((first, others)) = inputs.split_first() else {
            return Err("concat: expected 1 operand or more, got 0".to_owned());
        };
        if axis >= first.shape.len() || first.dtype == DType::U8 {
            return Err(format!("concat: {first} along axis {axis}: expected f32 or u32 with it"));
        }
        let mut output = (*first).clone();
        for ty in others {
            let mut expected = (*first).clone();
            if let Some(&extent) = ty.shape.get(axis) {
                expected.shape[axis] = extent;
                output.shape[axis] += extent;
            }
            if **ty != expected {
                return Err(format!(
                    "concat: {first} and {ty} along axis {axis}: types or other axes differ"
                ));
            }
        }
        Ok(output)
    }

    fn kind(&self) -> Kind {
        Kind::Kernel
    }

    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        let extents = (0..call.inputs.len()).map(|i| call.input(i).shape()[self.axis]);
        let mut start = 0;
        extents
            .enumerate()
            .map(|(i, extent)| {
                let range = start..start + extent;
                start = range.end;
                call.wants(i).then(|| call.cotangent().slice(self.axis, range))
            })
            .collect()
    }

    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64> {
        let inner: usize = output.shape[self.axis + 1..].iter().product();
        let extent = output.shape[self.axis];
        let element = |flat: usize| {
            let (outer, mut at, rest) =
                (flat / inner / extent, flat / inner % extent, flat % inner);
            let mut part = 0;
            while at >= inputs[part].shape[self.axis] {
                at -= inputs[part].shape[self.axis];
                part += 1;
            }
            inputs[part].data[(outer * inputs[part].shape[self.axis] + at) * inner + rest]
        };
        (0..output.len()).map(element).collect()
    }

    fn run(&self, args: &Args<'_>, out: Out<'_>) {
        let out = out.f32();
        let run = |ty: &Type| ty.shape[self.axis..].iter().product::<usize>();
        let whole = run(args.output_type());
        let mut start = 0;
        for i in 0..args.inputs() {
            let (part, len) = (args.f32(i), run(args.input_type(i)));
            if len == 0 {
                continue;
            }
            for (to, from) in out.chunks_exact_mut(whole).zip(part.chunks_exact(len)) {
                to[start..start + len].copy_from_slice(from);
            }
            start += len;
        }
    }

    fn wgsl(&self, inputs: &[&Type], output: &Type) -> Option<Body> {
        let run = |ty: &Type| ty.shape[self.axis..].iter().product::<usize>();
        let whole = run(output);
        let mut text = format!("    let row = i / {whole}u;\n    var at = i % {whole}u;\n");
        for (part, ty) in inputs.iter().enumerate() {
            let len = run(ty);
            text += &format!(
                "    if (at < {len}u) {{ put(i, x{part}(row * {len}u + at)); return; }}\n    at -= {len}u;\n"
            );
        }
        Some(Body::each(output.len(), text))
    }
}

impl Graph {
    /// The parts laid behind each other along `axis`.
    #[track_caller]
    pub fn concat<'g>(&'g self, parts: &[Var<'g>], axis: usize) -> Var<'g> {
        match parts {
            [only] => *only,
            _ => self.record(Concat { axis }, parts),
        }
    }
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("rows by hand")
            .values(&[1, 2], &[1.0, 2.0])
            .values(&[2, 2], &[3.0, 4.0, 5.0, 6.0])
            .formula(|g, x| g.concat(x, 0))
            .expect(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        Case::new("columns by hand")
            .values(&[2, 1], &[1.0, 2.0])
            .values(&[2, 2], &[3.0, 4.0, 5.0, 6.0])
            .formula(|g, x| g.concat(x, 1))
            .expect(&[1.0, 3.0, 4.0, 2.0, 5.0, 6.0]),
        Case::new("three parts, middle axis")
            .f32(&[3, 2, 7])
            .f32(&[3, 1, 7])
            .f32(&[3, 4, 7])
            .formula(|g, x| g.concat(x, 1)),
        Case::new("vectors").f32(&[33]).f32(&[1]).formula(|g, x| g.concat(x, 0).exp()),
        Case::new("one part twice")
            .f32(&[5, 3])
            .formula(|g, x| g.concat(&[x[0], x[0].square(), x[0]], 1)),
        Case::new("of views")
            .f32(&[4, 6])
            .f32(&[6])
            .formula(|g, x| g.concat(&[x[0].t(), x[1].reshape(&[6, 1]), x[1].reshape(&[6, 1])], 1)),
        Case::new("indices")
            .below(&[5], u32::MAX)
            .below(&[2], u32::MAX)
            .without_derivative()
            .formula(|g, x| g.concat(x, 0))
            .tolerance(0.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_that_do_not_line_up_are_named() {
        let concat = Concat { axis: 1 };
        let message = concat.output(&[&Type::f32(&[2, 3]), &Type::f32(&[4, 3])]).unwrap_err();
        assert_eq!(
            message,
            "concat: f32[2, 3] and f32[4, 3] along axis 1: types or other axes differ"
        );
        assert!(concat.output(&[&Type::f32(&[2, 3]), &Type::u32(&[2, 3])]).is_err());
        assert!(concat.output(&[&Type::f32(&[2, 3]), &Type::f32(&[2])]).is_err());
        assert!(concat.output(&[&Type::f32(&[2])]).is_err());
        assert!(concat.output(&[]).is_err());
    }
}
