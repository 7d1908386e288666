//! An operation: shape rule, derivative, CPU kernel, f64 reference and cases, in one place.

use cl_tensor::conformance::Case;
use cl_tensor::{Args, DType, Kind, Op, Out, Type, Values, Var, Vjp};

/// x²/2 where |x| ≤ 1, else |x| − 1/2 (Huber 1964): a square that outliers do not dominate.
#[derive(Debug)]
pub struct Huber;

/// Records [`Huber`]; a misfit names the caller's line.
#[track_caller]
pub fn huber(x: Var<'_>) -> Var<'_> {
    x.graph().record(Huber, &[x])
}

impl Op for Huber {
    fn name(&self) -> &'static str {
        "huber"
    }
    fn attributes(&self) -> Vec<u64> {
        Vec::new()
    }
    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        match inputs {
            [x] if x.dtype == DType::F32 => Ok((*x).clone()),
            _ => Err(format!("huber: {inputs:?}: expected one tensor of floats")),
        }
    }
    fn kind(&self) -> Kind {
        Kind::Kernel
    }
    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        vec![Some(call.cotangent() * call.input(0).clamp(-1.0, 1.0))]
    }
    fn reference(&self, inputs: &[&Values], _: &Type) -> Vec<f64> {
        let huber = |x: &f64| if x.abs() <= 1.0 { x * x / 2.0 } else { x.abs() - 0.5 };
        inputs[0].data.iter().map(huber).collect()
    }
    fn run(&self, args: &Args<'_>, out: Out<'_>) {
        for (out, x) in out.f32().iter_mut().zip(args.f32(0)) {
            let near = x.abs().min(1.0);
            *out = near * (x.abs() - 0.5 * near);
        }
    }
}

/// Cases for the suite that every operation passes.
pub fn cases() -> Vec<(&'static str, Vec<Case>)> {
    let case = |name| Case::new(name).formula(|_, x| huber(x[0]));
    let by_hand = case("by hand").values(&[4], &[-3.0, -0.5, 0.0, 2.0]);
    vec![("huber", vec![by_hand.expect(&[2.5, 0.125, 0.0, 1.5]), case("many").f32(&[5, 131])])]
}
