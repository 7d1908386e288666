//! The last two axes swapped.

use super::operands;
use crate::conformance::Case;
use crate::op::{Kind, Op, Vjp};
use crate::plan::Strided;
use crate::reference::Values;
use crate::types::Type;
use crate::var::Var;

/// `[.., m, n] -> [.., n, m]`; a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transpose;

impl Op for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [x] = operands("transpose", inputs)?;
        let rank = x.shape.len();
        if rank < 2 {
            return Err(format!("transpose: expected 2 axes or more, got {x}"));
        }
        let mut output = x.clone();
        output.shape.swap(rank - 2, rank - 1);
        Ok(output)
    }

    fn kind(&self) -> Kind {
        Kind::View
    }

    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        vec![Some(call.cotangent().t())]
    }

    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64> {
        let rank = output.shape.len();
        let (n, m) = (output.shape[rank - 2], output.shape[rank - 1]);
        let element = |flat: usize| {
            let (matrix, row, column) = (flat / (n * m), flat / m % n, flat % m);
            inputs[0].data[(matrix * m + column) * n + row]
        };
        (0..output.len()).map(element).collect()
    }

    fn view(&self, input: &Strided, _: &Type) -> Option<Strided> {
        let rank = input.shape.len();
        let mut view = input.clone();
        view.shape.swap(rank - 2, rank - 1);
        view.strides.swap(rank - 2, rank - 1);
        Some(view)
    }
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("by hand")
            .values(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
            .formula(|_, x| x[0].t())
            .expect(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]),
        Case::new("batched").f32(&[3, 5, 18]).formula(|_, x| x[0].t()),
        Case::new("one row").f32(&[1, 9]).formula(|_, x| x[0].t().square()),
        Case::new("met by its own original").f32(&[13, 13]).formula(|_, x| x[0] * x[0].t()),
        Case::new("of a slice").f32(&[6, 20]).formula(|_, x| x[0].slice(1, 3..14).t().exp()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_has_nothing_to_swap() {
        let message = Transpose.output(&[&Type::f32(&[4])]).unwrap_err();
        assert_eq!(message, "transpose: expected 2 axes or more, got f32[4]");
    }
}
