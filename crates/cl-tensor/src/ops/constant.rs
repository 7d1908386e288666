//! One number, known when the graph is recorded.

use super::operands;
use crate::conformance::Case;
use crate::op::{Kind, Op, Vjp};
use crate::reference::Values;
use crate::types::Type;
use crate::var::Var;

/// A scalar constant. What a user may want to sweep is a slot, not a constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constant(pub f32);

impl Op for Constant {
    fn name(&self) -> &'static str {
        "constant"
    }

    fn attributes(&self) -> Vec<u64> {
        vec![u64::from(self.0.to_bits())]
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [] = operands("constant", inputs)?;
        Ok(Type::f32(&[]))
    }

    fn kind(&self) -> Kind {
        Kind::Constant(self.0)
    }

    fn vjp<'g>(&self, _: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        Vec::new()
    }

    fn reference(&self, _: &[&Values], _: &Type) -> Vec<f64> {
        vec![f64::from(self.0)]
    }
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("alone")
            .without_derivative()
            .formula(|g, _| g.constant(-1.5))
            .expect(&[-1.5])
            .tolerance(0.0),
        Case::new("stretched")
            .without_derivative()
            .formula(|g, _| g.full(&[2, 3], 0.25))
            .expect(&[0.25; 6])
            .tolerance(0.0),
        Case::new("in a product")
            .values(&[3], &[1.0, 2.0, 4.0])
            .formula(|_, x| 0.5 * x[0])
            .expect(&[0.5, 1.0, 2.0]),
        Case::new("in a matrix product")
            .f32(&[3, 5])
            .formula(|g, x| x[0].matmul(g.full(&[5, 2], 3.0))),
    ]
}
