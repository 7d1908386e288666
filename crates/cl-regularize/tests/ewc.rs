//! EWC with separate terms against published code and explicit sums, and faults that it catches.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{Batch, Boundary, Consolidate, Parts, Pass, Penalty, Step, Strategy};
use cl_nn::{Sgd, losses};
use cl_regularize::{Divisor, Ewc, Fisher};
use cl_tensor::{Init, Session, Var};
use common::{
    Method, Valued, Watched, close, floats, golden, labels, number, read, slot_is, trial, write,
};

/// The Fisher information, the merged quadratic of two contexts, its value and its gradient.
fn check(method: &dyn Method) -> Result<(), String> {
    fisher_is_exact(method)?;
    penalty_is(method, number(&golden("ewc_penalty")["inputs"]["lambda"]))
}

fn fisher_is_exact(method: &dyn Method) -> Result<(), String> {
    let file = golden("ewc_fisher");
    let mut fisher = trial(method, &Sgd::new(0.1), 8, false);
    write(&mut fisher, "theta", &file["inputs"]["params"]);
    let target = labels(&file["inputs"]["labels"]["class_all_outputs"]);
    fisher.boundary(&[Batch::mean(floats(&file["inputs"]["x"]), target, 0)]).unwrap();
    let want = &file["expected"]["class_all_outputs"]["all"]["exact_divided_by_N"];
    slot_is(&fisher, "ewc/precision", want, 1e-5)?;
    slot_is(&fisher, "ewc/mean", &file["inputs"]["params"], 1e-6)
}

/// The merged quadratic, its value and gradient at this strength.
fn penalty_is(method: &dyn Method, strength: f64) -> Result<(), String> {
    let file = golden("ewc_penalty");
    let (inputs, expected) = (&file["inputs"], &file["expected"]);
    let batch = Batch::mean(floats(&inputs["x"]), labels(&inputs["y"]), 0);
    let valued = Valued(method);
    let watched = Watched(&valued);
    let mut merged = trial(&watched, &Sgd::new(0.1), 8, false);
    merged.session.write("ewc/lambda", 0, &[strength as f32]).unwrap();
    for (fisher, anchor) in [("fisher_1", "anchor_1"), ("fisher_2", "anchor_2")] {
        write(&mut merged, "ewc/fisher_sum", &inputs[fisher]);
        write(&mut merged, "theta", &inputs[anchor]);
        merged.boundary(&[]).unwrap(); // no rows: the sum is divided by 1
    }
    slot_is(&merged, "ewc/precision", &expected["merged_precision"], 1e-6)?;
    slot_is(&merged, "ewc/mean", &expected["merged_mean"], 2e-6)?;
    let constant = number(&expected["merged_constant"]);
    close("constant", &read(&merged, "ewc/constant"), &[constant], 1e-5)?;

    write(&mut merged, "theta", &inputs["params"]);
    let task = merged.step(&batch).unwrap();
    let value = read(&merged, "ewc/value")[0];
    close("penalty", &[value], &[number(&expected["separate_penalty"])], 1e-5)?;
    let total = number(&expected["total_loss_ce_plus_separate"]);
    close("total loss", &[task + value], &[total], 1e-5)?;
    slot_is(&merged, "probe/total", &expected["total_grad_ce_plus_separate"], 1e-5)
}

#[test]
fn fisher_penalty_and_gradient_are_those_of_the_reference() {
    check(&Ewc::default()).unwrap();
}

#[test]
fn the_divisor_of_the_vdv_preset_is_another_convention() {
    assert_eq!(Ewc::vdv(1e9).fisher.divisor, Divisor::NMinusOne);
    assert!(check(&Ewc::vdv(400.0)).is_err());
}

/// λ without ½ is half the λ with it; F and θ* are given.
#[test]
fn avalanches_lambda_is_twice_as_strong() {
    let lambda = number(&golden("ewc_penalty")["inputs"]["lambda"]);
    let half = |method: Ewc| Ewc { fisher: Fisher::default(), ..method };
    penalty_is(&half(Ewc::avalanche(1.0, 4)), lambda / 2.0).unwrap();
    assert!(penalty_is(&half(Ewc::avalanche(1.0, 4)), lambda).is_err());
    assert!(penalty_is(&Ewc::default(), lambda / 2.0).is_err());
    let said = Ewc::avalanche(3.0, 4).describe();
    assert_eq!(said[0], ("ewc.lambda".to_owned(), "3".to_owned()));
    assert_eq!(said[1].1, "lambda, without 1/2, one term per context");
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    NegatedPenalty,
    MissingHalf,
    NoConstant,
    AnchorAtZero,
    TrueLabelFisher,
    BatchMeanFisher,
}

struct Mutant(Ewc, Fault);

impl Penalty for Mutant {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let loss = self.0.loss(step);
        match self.1 {
            Fault::NegatedPenalty => -loss,
            Fault::MissingHalf => loss * 2.0,
            Fault::NoConstant => {
                let lambda = step.scope.hyper("lambda", 0.0);
                loss - 0.5 * lambda * step.scope.slot("constant", &[], Init::Zeros)
            }
            _ => loss,
        }
    }
}

impl Consolidate for Mutant {
    fn passes(&self) -> Vec<Pass> {
        self.0.passes()
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, pass: usize) {
        let rows = step.cross_entropy(step.target);
        let squares = match self.1 {
            Fault::TrueLabelFisher => {
                step.graph().grad_square_rows(&[(rows, step.weight)], step.theta)
            }
            Fault::BatchMeanFisher => {
                let mean = losses::weighted_mean(rows, step.weight);
                step.graph().grad(mean, step.theta).square() * step.weight.sum()
            }
            _ => return self.0.observe(step, pass),
        };
        let sum = step.scope.slot("fisher_sum", &[step.layout.len()], Init::Zeros);
        step.scope.assign("fisher_sum", sum + squares);
    }
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let seen = if matches!(self.1, Fault::AnchorAtZero) { theta * 0.0 } else { theta };
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
        Fault::NoConstant,
        Fault::AnchorAtZero,
        Fault::TrueLabelFisher,
        Fault::BatchMeanFisher,
    ] {
        let caught = check(&Mutant(Ewc::default(), fault));
        assert!(caught.is_err(), "{fault:?} passes");
    }
    let fisher = Fisher { divisor: Divisor::NMinusOne, ..Fisher::default() };
    assert!(check(&Ewc { fisher, ..Ewc::default() }).is_err(), "N - 1 passes");
}

/// Fixed numbers in [−1, 1).
fn noise(len: usize, seed: f64) -> Vec<f64> {
    (0..len)
        .map(|i| ((i as f64 + 1.0) * 12.9898 + seed * 78.233).sin() * 43_758.545_3)
        .map(|x| 2.0 * (x - x.floor()) - 1.0)
        .collect()
}

#[test]
fn one_quadratic_in_constant_memory_is_the_sum_of_four_penalties_at_any_strength() {
    let wide = |values: &[f32]| values.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
    let narrow = |values: &[f64]| values.iter().map(|&x| x as f32).collect::<Vec<f32>>();
    // Contexts may end far from each other or close by, as they do where λ is large.
    for (lambda, spread) in [(30.0, 1.0), (1e5, 1e-2), (1e9, 1.0), (1e9, 1e-3)] {
        let method = Ewc { lambda, ..Ewc::default() };
        let valued = Valued(&method);
        let watched = Watched(&valued);
        let mut trial = trial(&watched, &Sgd::new(0.1), 4, false);
        let len = trial.model.layout.len();
        let place = |seed: f64| {
            let near = noise(len, 10.0).into_iter().zip(noise(len, seed));
            narrow(&near.map(|(at, by)| at + spread * by).collect::<Vec<f64>>())
        };
        let mut contexts = Vec::new();
        for k in 0..4 {
            // Half of the entries are 0, at other places in every context; some are 0 in all.
            let fisher: Vec<f64> = noise(len, f64::from(k)).iter().map(|x| x.max(0.0)).collect();
            let (fisher, anchor) = (narrow(&fisher), place(11.0 + f64::from(k)));
            trial.session.write("ewc/fisher_sum", 0, &fisher).unwrap();
            trial.session.write("theta", 0, &anchor).unwrap();
            trial.boundary(&[]).unwrap();
            contexts.push((wide(&fisher), wide(&anchor)));
        }
        let theta = place(20.0);
        trial.session.write("theta", 0, &theta).unwrap();
        trial.step(&common::some_batch(4, 5)).unwrap();

        let theta = wide(&theta);
        let (mut value, mut gradient) = (0.0, wide(&read(&trial, "probe/task")));
        for (fisher, anchor) in &contexts {
            for i in 0..len {
                let distance = theta[i] - anchor[i];
                value += lambda / 2.0 * fisher[i] * distance * distance;
                gradient[i] += lambda * fisher[i] * distance;
            }
        }
        // The mean is a 32-bit number near 1, so a distance is known to about 1e-7.
        let tolerance = 1e-6 + 5e-7 / spread;
        let what = format!("λ = {lambda}, contexts {spread} apart");
        close(&what, &read(&trial, "ewc/value"), &[value], tolerance).unwrap();
        close(&what, &read(&trial, "probe/total"), &gradient, tolerance).unwrap();
    }
}

#[test]
fn hyper_parameters_out_of_range_are_refused_and_named() {
    for lambda in [-1.0, f64::NAN, f64::INFINITY, 1e39] {
        let message = Ewc { lambda, ..Ewc::default() }.check().unwrap_err().to_string();
        assert_eq!(
            message,
            format!("ewc: lambda = {lambda}; expected a finite number of at least 0")
        );
    }
}
