//! Indices: compared, counted out, turned into floats.

use super::expand::stretched;
use super::operands;
use crate::conformance::Case;
use crate::graph::Graph;
use crate::op::{Args, Kind, Op, Out, Vjp};
use crate::plan::Code;
use crate::reference::Values;
use crate::types::{DType, Type, broadcast};
use crate::var::Var;
use crate::wgsl::Body;

/// 1 where two indices agree, else 0, as a float; shapes broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EqualIndex;

impl Op for EqualIndex {
    fn name(&self) -> &'static str {
        "equal_index"
    }

    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [a, b] = operands("equal_index", inputs)?;
        if a.dtype != DType::U32 || b.dtype != DType::U32 {
            return Err(format!("equal_index: {a} and {b}: expected indices"));
        }
        match broadcast(&a.shape, &b.shape) {
            Some(shape) => Ok(Type::f32(&shape)),
            None => Err(format!("equal_index: {a} and {b}: shapes do not broadcast")),
        }
    }

    fn kind(&self) -> Kind {
        Kind::Pointwise(Code::EqualIndex)
    }

    fn vjp<'g>(&self, _: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        vec![None, None]
    }

    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64> {
        let a = stretched(inputs[0], &output.shape);
        let b = stretched(inputs[1], &output.shape);
        a.iter().zip(&b).map(|(a, b)| if a == b { 1.0 } else { 0.0 }).collect()
    }
}

/// Indices as floats; exact below 2^24.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToFloat;

impl Op for ToFloat {
    fn name(&self) -> &'static str {
        "to_float"
    }

    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        match operands("to_float", inputs)? {
            [x] if x.dtype == DType::U32 => Ok(Type::f32(&x.shape)),
            [x] => Err(format!("to_float: expected indices, got {x}")),
        }
    }

    fn kind(&self) -> Kind {
        Kind::Pointwise(Code::ToFloat)
    }

    fn vjp<'g>(&self, _: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        vec![None]
    }

    fn reference(&self, inputs: &[&Values], _: &Type) -> Vec<f64> {
        inputs[0].data.clone()
    }
}

/// The indices 0, 1, .. `len` − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Iota {
    /// How many.
    pub len: usize,
}

impl Op for Iota {
    fn name(&self) -> &'static str {
        "iota"
    }

    fn attributes(&self) -> Vec<u64> {
        vec![self.len as u64]
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [] = operands("iota", inputs)?;
        Ok(Type::u32(&[self.len]))
    }

    fn kind(&self) -> Kind {
        Kind::Kernel
    }

    fn vjp<'g>(&self, _: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        Vec::new()
    }

    fn reference(&self, _: &[&Values], output: &Type) -> Vec<f64> {
        (0..output.len()).map(|i| i as f64).collect()
    }

    fn run(&self, _: &Args<'_>, out: Out<'_>) {
        for (i, out) in out.u32().iter_mut().enumerate() {
            *out = i as u32;
        }
    }

    fn wgsl(&self, _: &[&Type], output: &Type) -> Option<Body> {
        Some(Body::each(output.len(), "    put(i, i);"))
    }
}

impl Graph {
    /// The indices 0, 1, .. `len` − 1 as `[len]`.
    #[track_caller]
    pub fn iota(&self, len: usize) -> Var<'_> {
        self.record(Iota { len }, &[])
    }
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("one-hot by hand")
            .indices(&[2, 1], &[2, 0])
            .without_derivative()
            .formula(|g, x| x[0].equal_index(g.iota(3)))
            .expect(&[0.0, 0.0, 1.0, 1.0, 0.0, 0.0])
            .tolerance(0.0),
        Case::new("one-hot rows, one of them out of range")
            .indices(&[3], &[2, 0, 3])
            .without_derivative()
            .formula(|_, x| x[0].one_hot(3))
            .expect(&[0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
            .tolerance(0.0),
        Case::new("large indices differ by their last bit")
            .indices(&[2], &[0xffff_fffe, 0x7fc0_0001])
            .indices(&[2], &[0xffff_ffff, 0x7fc0_0001])
            .without_derivative()
            .formula(|_, x| x[0].equal_index(x[1]))
            .expect(&[0.0, 1.0])
            .tolerance(0.0),
        Case::new("equal in three axes")
            .below(&[3, 1, 37], 4)
            .below(&[5, 1], 4)
            .without_derivative()
            .formula(|_, x| x[0].equal_index(x[1]))
            .tolerance(0.0),
        Case::new("to float by hand")
            .indices(&[3], &[0, 7, 16_777_216])
            .without_derivative()
            .formula(|_, x| x[0].to_float())
            .expect(&[0.0, 7.0, 16_777_216.0])
            .tolerance(0.0),
        Case::new("to float, in a chain")
            .below(&[9, 21], 1000)
            .f32(&[21])
            .formula(|_, x| x[0].to_float() * x[1]),
        Case::new("iota as it is")
            .without_derivative()
            .formula(|g, _| g.iota(4))
            .expect(&[0.0, 1.0, 2.0, 3.0])
            .tolerance(0.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_not_indices() {
        let message = EqualIndex.output(&[&Type::u32(&[3]), &Type::f32(&[3])]).unwrap_err();
        assert_eq!(message, "equal_index: u32[3] and f32[3]: expected indices");
        let message = ToFloat.output(&[&Type::f32(&[3])]).unwrap_err();
        assert_eq!(message, "to_float: expected indices, got f32[3]");
    }
}
