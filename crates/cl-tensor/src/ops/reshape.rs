//! The same elements under another shape.

use super::operands;
use crate::conformance::Case;
use crate::op::{Kind, Op, Vjp};
use crate::plan::Strided;
use crate::reference::Values;
use crate::types::{Type, row_major};
use crate::var::Var;

/// The same elements in row-major order under this shape. A view of contiguous memory, and of any
/// memory where only axes of extent 1 come or go; otherwise the plan copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reshape(pub Vec<usize>);

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn attributes(&self) -> Vec<u64> {
        self.0.iter().map(|&extent| extent as u64).collect()
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [x] = operands("reshape", inputs)?;
        let output = Type { shape: self.0.clone(), dtype: x.dtype };
        if output.len() != x.len() {
            let (from, to) = (x.len(), output.len());
            return Err(format!("reshape: {x} to {:?}: {from} elements, expected {to}", self.0));
        }
        Ok(output)
    }

    fn kind(&self) -> Kind {
        Kind::View
    }

    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        vec![Some(call.cotangent().reshape(&call.input(0).shape()))]
    }

    fn reference(&self, inputs: &[&Values], _: &Type) -> Vec<f64> {
        inputs[0].data.clone()
    }

    fn view(&self, input: &Strided, output: &Type) -> Option<Strided> {
        let shape = output.shape.clone();
        if input.is_contiguous() {
            return Some(Strided { offset: input.offset, strides: row_major(&shape), shape });
        }
        let mut kept = (0..input.shape.len()).rev().filter(|&axis| input.shape[axis] != 1);
        let mut strides = vec![0; shape.len()];
        // An axis of extent 1 gets the stride that an outer neighbour of its right side would have.
        let mut run = 1;
        for axis in (0..shape.len()).rev() {
            strides[axis] = run;
            if shape[axis] != 1 {
                let from = kept.next().filter(|&from| input.shape[from] == shape[axis])?;
                strides[axis] = input.strides[from];
                run = strides[axis] * shape[axis];
            }
        }
        Some(Strided { offset: input.offset, shape, strides })
    }
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("by hand")
            .values(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
            .formula(|_, x| x[0].reshape(&[3, 2]) * x[0].reshape(&[3, 2]))
            .expect(&[1.0, 4.0, 9.0, 16.0, 25.0, 36.0]),
        Case::new("to a row").f32(&[3, 35]).formula(|_, x| x[0].reshape(&[105])),
        Case::new("to three axes").f32(&[12]).formula(|_, x| x[0].reshape(&[2, 3, 2])),
        Case::new("to a scalar").f32(&[1, 1]).formula(|_, x| x[0].reshape(&[])),
        Case::new("of a transposed value: a copy")
            .f32(&[4, 7])
            .formula(|_, x| x[0].t().reshape(&[4, 7])),
        Case::new("of a transposed value: an axis of 1")
            .f32(&[4, 7])
            .formula(|_, x| x[0].t().reshape(&[7, 1, 4, 1]).square()),
        Case::new("of a stretched value")
            .f32(&[5])
            .formula(|_, x| x[0].expand(&[3, 5]).reshape(&[15])),
        Case::new("of columns of a matrix")
            .f32(&[6, 9])
            .formula(|_, x| x[0].slice(1, 2..5).reshape(&[6, 1, 3]).square()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misfit_names_both_shapes() {
        let message = Reshape(vec![5]).output(&[&Type::f32(&[3, 4])]).unwrap_err();
        assert_eq!(message, "reshape: f32[3, 4] to [5]: 12 elements, expected 5");
    }

    #[test]
    fn axes_of_one_come_and_go_without_a_copy() {
        let transposed = Strided { offset: 3, shape: vec![7, 1, 4], strides: vec![1, 1, 7] };
        let view = |shape: &[usize]| Reshape(shape.to_vec()).view(&transposed, &Type::f32(shape));
        let strided = |shape: &[usize], strides: &[usize]| {
            Some(Strided { offset: 3, shape: shape.to_vec(), strides: strides.to_vec() })
        };
        assert_eq!(view(&[7, 4]), strided(&[7, 4], &[1, 7]));
        assert_eq!(view(&[1, 7, 4, 1]), strided(&[1, 7, 4, 1], &[7, 1, 7, 1]));
        assert_eq!(view(&[4, 7]), None);
        assert_eq!(view(&[28]), None);
    }
}
