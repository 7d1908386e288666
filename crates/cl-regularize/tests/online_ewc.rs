//! Online EWC against published code, and faults that it catches.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{Batch, Boundary, Consolidate, Parts, Pass, Penalty, Step, Strategy};
use cl_nn::Sgd;
use cl_regularize::{Discount, Divisor, Factor, Fisher, OnlineEwc};
use cl_tensor::{Session, Var};
use common::{
    Method, Valued, Watched, close, floats, golden, labels, number, read, slot_is, trial, write,
};

const F: &str = "ewc-online/fisher";
const ANCHOR: &str = "ewc-online/anchor";

/// The recursion over two contexts, the penalty's value and gradient.
fn check(method: &dyn Method, recursion: &str) -> Result<(), String> {
    check_at(method, recursion, number(&golden("ewc_penalty")["inputs"]["lambda"]))
}

/// The same at another strength.
fn check_at(method: &dyn Method, recursion: &str, strength: f64) -> Result<(), String> {
    let file = golden("ewc_penalty");
    let (inputs, expected) = (&file["inputs"], &file["expected"]);
    let gamma = number(&inputs["gamma"]) as f32;

    let mut measured = trial(method, &Sgd::new(0.1), 6, false);
    measured.session.write("ewc-online/gamma", 0, &[gamma]).unwrap();
    for anchor in ["anchor_1", "anchor_2"] {
        write(&mut measured, "theta", &inputs[anchor]);
        let x = floats(&inputs[format!("online_x_at_{anchor}")]);
        measured.boundary(&[Batch::mean(x, vec![0; 6], 0)]).unwrap();
    }
    slot_is(&measured, F, &expected[recursion], 1e-5)?;

    let batch = Batch::mean(floats(&inputs["x"]), labels(&inputs["y"]), 0);
    let valued = Valued(method);
    let watched = Watched(&valued);
    let mut trial = trial(&watched, &Sgd::new(0.1), 8, false);
    trial.session.write("ewc-online/lambda", 0, &[strength as f32]).unwrap();
    trial.session.write("ewc-online/gamma", 0, &[gamma]).unwrap();
    for (fisher, anchor) in [("fisher_1", "anchor_1"), ("fisher_2", "anchor_2")] {
        write(&mut trial, "ewc-online/fisher_sum", &inputs[fisher]);
        write(&mut trial, "theta", &inputs[anchor]);
        trial.boundary(&[]).unwrap(); // no rows: the sum is divided by 1
    }
    slot_is(&trial, F, &expected["online_accumulated_fisher"], 1e-6)?;
    slot_is(&trial, ANCHOR, &inputs["anchor_2"], 0.0)?;

    write(&mut trial, "theta", &inputs["params"]);
    trial.step(&batch).unwrap();
    let value = number(&expected["online_penalty"]);
    close("penalty", &read(&trial, "ewc-online/value"), &[value], 1e-5)?;
    let task = trial.parameters("probe/task").unwrap();
    let penalty = common::tensors(&expected["online_penalty_grad"]);
    for (((name, got), (_, task)), (_, want)) in
        trial.parameters("probe/total").unwrap().iter().zip(&task).zip(penalty)
    {
        let want: Vec<f64> = want.iter().zip(task).map(|(p, &t)| p + f64::from(t)).collect();
        close(&format!("gradient {name}"), got, &want, 1e-5)?;
    }
    Ok(())
}

const EXACT: &str = "online_recursion_fisher_exact";

#[test]
fn recursion_penalty_and_gradient_are_those_of_the_reference() {
    check(&OnlineEwc::default(), EXACT).unwrap();
    check(&OnlineEwc::vdv(48.0, 0.9), "online_recursion_fisher_vdv").unwrap();
}

#[test]
fn neither_avalanche_nor_mammoth_has_a_half_or_gamma_in_the_loss() {
    let inputs = &golden("ewc_penalty")["inputs"];
    let (lambda, gamma) = (number(&inputs["lambda"]), number(&inputs["gamma"]));
    for preset in [OnlineEwc::avalanche(1.0, 0.9, 4), OnlineEwc::mammoth(1.0, 0.9, 4)] {
        assert_eq!((preset.factor, preset.discount), (Factor::One, Discount::Recursion));
        let exact = OnlineEwc { fisher: Fisher::default(), ..preset };
        check_at(&exact, EXACT, lambda / 2.0 * gamma).unwrap();
        for other in [lambda, lambda * gamma, lambda / 2.0] {
            assert!(check_at(&exact, EXACT, other).is_err(), "at {other}");
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    NegatedPenalty,
    MissingHalf,
    NoGammaInTheLoss,
    AnchorAtZero,
    AnchorStays,
}

struct Mutant(OnlineEwc, Fault);

impl Penalty for Mutant {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let loss = self.0.loss(step);
        match self.1 {
            Fault::NegatedPenalty => -loss,
            Fault::MissingHalf => loss * 2.0,
            Fault::NoGammaInTheLoss => loss / step.scope.hyper("gamma", 1.0),
            _ => loss,
        }
    }
}

impl Consolidate for Mutant {
    fn passes(&self) -> Vec<Pass> {
        self.0.passes()
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, pass: usize) {
        self.0.observe(step, pass);
    }
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let zeros = theta * 0.0;
        let anchor = boundary.scope.slot("anchor", &zeros.shape(), cl_tensor::Init::Zeros);
        let fisher = boundary.scope.slot("fisher", &zeros.shape(), cl_tensor::Init::Zeros);
        let seen = match self.1 {
            Fault::AnchorAtZero => zeros,
            // The first anchor for ever.
            Fault::AnchorStays => fisher.greater(zeros).select(anchor, theta),
            _ => theta,
        };
        self.0.consolidate(boundary, seen);
        theta
    }
}

impl Strategy for Mutant {
    fn name(&self) -> String {
        self.0.name()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).consolidate(self);
    }
}

#[test]
fn the_reference_catches_each_fault() {
    for fault in [
        Fault::NegatedPenalty,
        Fault::MissingHalf,
        Fault::NoGammaInTheLoss,
        Fault::AnchorAtZero,
        Fault::AnchorStays,
    ] {
        let caught = check(&Mutant(OnlineEwc::default(), fault), EXACT);
        assert!(caught.is_err(), "{fault:?} passes");
    }
    let fisher = Fisher { divisor: Divisor::NMinusOne, ..Fisher::default() };
    let caught = check(&OnlineEwc { fisher, ..OnlineEwc::default() }, EXACT);
    assert!(caught.is_err(), "N - 1 passes");
}

#[test]
fn hyper_parameters_out_of_range_are_refused_and_named() {
    let message = |method: OnlineEwc| method.check().unwrap_err().to_string();
    assert_eq!(
        message(OnlineEwc { gamma: 1.5, ..OnlineEwc::default() }),
        "ewc-online: gamma = 1.5; expected a number in [0, 1]"
    );
    assert_eq!(
        message(OnlineEwc { lambda: -2.0, ..OnlineEwc::default() }),
        "ewc-online: lambda = -2; expected a finite number of at least 0"
    );
}
