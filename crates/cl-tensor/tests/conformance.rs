//! Every operation of this crate passes the suite, and the suite catches operations that are wrong.

use cl_tensor::conformance::{Case, check};
use cl_tensor::{Args, Kind, Op, Out, Type, Values, Var, Vjp};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn every_operation_passes() {
    check(&cl_tensor::ops::cases());
}

/// What is wrong with [`Cube`].
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    Kernel,
    Derivative,
    SecondDerivative,
}

/// x³, by someone else's crate.
#[derive(Clone, Copy, Debug)]
struct Cube(Flaw);

impl Op for Cube {
    fn name(&self) -> &'static str {
        "cube"
    }
    fn attributes(&self) -> Vec<u64> {
        vec![self.0 as u64]
    }
    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        Ok(inputs[0].clone())
    }
    fn kind(&self) -> Kind {
        Kind::Kernel
    }
    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        let (x, g) = (call.input(0), call.cotangent());
        vec![Some(match self.0 {
            Flaw::Derivative => g * x.square() * 2.9,
            Flaw::SecondDerivative => g * x.square().detach() * 3.0,
            _ => g * x.square() * 3.0,
        })]
    }
    fn reference(&self, inputs: &[&Values], _: &Type) -> Vec<f64> {
        inputs[0].data.iter().map(|x| x.powi(3)).collect()
    }
    fn run(&self, args: &Args<'_>, out: Out<'_>) {
        let slip = if self.0 == Flaw::Kernel { 1e-3 } else { 0.0 };
        for (out, x) in out.f32().iter_mut().zip(args.f32(0)) {
            *out = x * x * x + slip;
        }
    }
}

fn verdict(case: Case) -> Result<(), String> {
    let list = [("cube", vec![case])];
    catch_unwind(AssertUnwindSafe(|| check(&list)))
        .map_err(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default())
}

fn cube(flaw: Flaw) -> Case {
    Case::new("a vector").f32(&[7]).formula(move |g, x| g.record(Cube(flaw), x))
}

#[test]
fn an_operation_of_another_crate_passes() {
    assert_eq!(verdict(cube(Flaw::None)), Ok(()));
    let by_hand = Case::new("by hand")
        .values(&[2], &[2.0, -1.0])
        .formula(|g, x| g.record(Cube(Flaw::None), x));
    assert_eq!(verdict(by_hand.clone().expect(&[8.0, -1.0])), Ok(()));
    let message = verdict(by_hand.expect(&[8.0, 1.0])).unwrap_err();
    assert!(message.contains("cube, case `by hand`: reference, by hand: element 1"), "{message}");
}

#[test]
fn a_wrong_kernel_is_caught() {
    let message = verdict(cube(Flaw::Kernel)).unwrap_err();
    assert!(message.contains("cube, case `a vector`: cpu, value: element 0"), "{message}");
}

#[test]
fn a_wrong_derivative_is_caught() {
    let message = verdict(cube(Flaw::Derivative)).unwrap_err();
    assert!(message.contains("cube, case `a vector`: loss by input 0: the recorded"), "{message}");
}

#[test]
fn a_derivative_that_cannot_be_differentiated_is_caught() {
    let message = verdict(cube(Flaw::SecondDerivative)).unwrap_err();
    assert!(message.contains("cube, case `a vector`: size by input 0: the recorded"), "{message}");
}

#[test]
fn an_operation_without_cases_fails() {
    let panic = catch_unwind(|| check(&[("cube", Vec::new())])).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().contains("cube: no cases"));
}

#[test]
fn a_formula_that_does_not_fit_is_named() {
    let case = Case::new("misfit").f32(&[3]).f32(&[4]).formula(|_, x| x[0] + x[1]);
    let message = verdict(case).unwrap_err();
    assert!(message.contains("add: f32[3] and f32[4]: shapes do not broadcast"), "{message}");
}
