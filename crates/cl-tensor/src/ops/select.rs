//! A choice per element.

use super::expand::stretched;
use super::operands;
use crate::conformance::Case;
use crate::op::{Kind, Op, Vjp};
use crate::plan::Code;
use crate::reference::Values;
use crate::types::{DType, Type, broadcast};
use crate::var::Var;

/// `yes` where `cond` is not 0, else `no`; the three operands broadcast. No derivative by `cond`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Select;

impl Op for Select {
    fn name(&self) -> &'static str {
        "select"
    }

    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [cond, yes, no] = operands("select", inputs)?;
        if inputs.iter().any(|ty| ty.dtype != DType::F32) {
            return Err(format!("select: {cond} ? {yes} : {no}: expected floats"));
        }
        broadcast(&yes.shape, &no.shape)
            .and_then(|shape| broadcast(&cond.shape, &shape))
            .map(|shape| Type::f32(&shape))
            .ok_or_else(|| format!("select: {cond} ? {yes} : {no}: shapes do not broadcast"))
    }

    fn kind(&self) -> Kind {
        Kind::Pointwise(Code::Select)
    }

    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        let (cond, g) = (call.input(0), call.cotangent());
        let zero = call.graph().constant(0.0);
        let to = |i: usize, part: Var<'g>| part.sum_to(&call.input(i).shape());
        vec![
            None,
            call.wants(1).then(|| to(1, cond.select(g, zero))),
            call.wants(2).then(|| to(2, cond.select(zero, g))),
        ]
    }

    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64> {
        let [cond, yes, no] = [0, 1, 2].map(|i| stretched(inputs[i], &output.shape));
        (0..output.len()).map(|i| if cond[i] != 0.0 { yes[i] } else { no[i] }).collect()
    }
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("by hand")
            .values(&[4], &[1.0, 0.0, -2.0, 0.0])
            .values(&[4], &[10.0, 11.0, 12.0, 13.0])
            .values(&[], &[-1.0])
            .formula(|_, x| x[0].select(x[1], x[2]))
            .expect(&[10.0, -1.0, 12.0, -1.0])
            // A condition of 0 is its own kind of point: a finite step leaves it.
            .without_derivative(),
        Case::new("equal shapes").f32(&[6, 75]).f32(&[6, 75]).f32(&[6, 75]).formula(|g, x| {
            let zero = g.constant(0.0);
            x[0].greater(zero).select(x[1], x[2])
        }),
        Case::new("condition per row").f32(&[6, 1]).f32(&[6, 19]).f32(&[19]).formula(|g, x| {
            let zero = g.constant(0.0);
            x[0].greater(zero).select(x[1], x[2])
        }),
        Case::new("all three stretched").f32(&[3, 1, 1]).f32(&[4, 1]).f32(&[5]).formula(|g, x| {
            let half = g.constant(0.5);
            x[0].greater(half).select(x[1], x[2])
        }),
        Case::new("the branch not taken may be infinite").f32(&[40]).formula(|g, x| {
            let (zero, one) = (g.constant(0.0), g.constant(1.0));
            let denominator = x[0].relu();
            denominator.greater(zero).select(one / denominator.maximum(g.constant(0.1)), zero)
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misfit_names_the_three_operands() {
        let types = [Type::f32(&[3]), Type::f32(&[4]), Type::f32(&[])];
        let message = Select.output(&types.iter().collect::<Vec<_>>()).unwrap_err();
        assert_eq!(message, "select: f32[3] ? f32[4] : f32[]: shapes do not broadcast");
    }
}
