//! Stretching by the broadcasting rule.

use super::operands;
use crate::conformance::Case;
use crate::op::{Kind, Op, Vjp};
use crate::plan::Strided;
use crate::reference::Values;
use crate::types::{Type, broadcast};
use crate::var::Var;

/// Stretched to this shape: axes are aligned from the right, missing axes and axes of extent 1
/// repeat. A view with strides of 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expand(pub Vec<usize>);

impl Op for Expand {
    fn name(&self) -> &'static str {
        "expand"
    }

    fn attributes(&self) -> Vec<u64> {
        self.0.iter().map(|&extent| extent as u64).collect()
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [x] = operands("expand", inputs)?;
        if broadcast(&x.shape, &self.0).as_deref() != Some(&self.0) {
            return Err(format!("expand: {x} does not stretch to {:?}", self.0));
        }
        Ok(Type { shape: self.0.clone(), dtype: x.dtype })
    }

    fn kind(&self) -> Kind {
        Kind::View
    }

    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        vec![Some(call.cotangent().sum_to(&call.input(0).shape()))]
    }

    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64> {
        stretched(inputs[0], &output.shape)
    }

    fn view(&self, input: &Strided, output: &Type) -> Option<Strided> {
        Some(input.expanded(&output.shape))
    }
}

/// The elements of `value` repeated to fill `shape`, for references.
pub(super) fn stretched(value: &Values, shape: &[usize]) -> Vec<f64> {
    let missing = shape.len() - value.shape.len();
    let element = |flat: usize| {
        let (mut rest, mut at, mut stride) = (flat, 0, 1);
        for axis in (missing..shape.len()).rev() {
            let extent = value.shape[axis - missing];
            if extent != 1 {
                at += rest % shape[axis] * stride;
            }
            rest /= shape[axis];
            stride *= extent;
        }
        value.data[at]
    };
    (0..shape.iter().product()).map(element).collect()
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("row and column by hand")
            .values(&[2, 1], &[1.0, 2.0])
            .formula(|_, x| x[0].expand(&[2, 2, 3]))
            .expect(&[1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0]),
        Case::new("scalar").f32(&[]).formula(|_, x| x[0].expand(&[3, 5])),
        Case::new("row").f32(&[37]).formula(|_, x| x[0].expand(&[5, 37])),
        Case::new("inner axis").f32(&[4, 1, 3]).formula(|_, x| x[0].expand(&[4, 6, 3])),
        Case::new("one row to one row").f32(&[3]).formula(|_, x| x[0].expand(&[1, 3])),
        Case::new("indices")
            .below(&[5, 1], 9)
            .without_derivative()
            .formula(|_, x| x[0].expand(&[5, 3]))
            .tolerance(0.0),
        Case::new("of a transposed value, multiplied")
            .f32(&[1, 6])
            .f32(&[6, 4])
            .formula(|_, x| x[0].t().expand(&[6, 4]).matmul(x[1].t())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_missing_axes_and_axes_of_one_stretch() {
        let message = Expand(vec![2, 4]).output(&[&Type::f32(&[3])]).unwrap_err();
        assert_eq!(message, "expand: f32[3] does not stretch to [2, 4]");
        assert!(Expand(vec![1]).output(&[&Type::f32(&[3])]).is_err());
        assert!(Expand(vec![3]).output(&[&Type::f32(&[1, 3])]).is_err());
    }
}
