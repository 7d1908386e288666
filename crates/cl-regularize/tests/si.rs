//! Synaptic intelligence against published code in both conventions, and faults that it catches.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{Batch, Boundary, Consolidate, Parts, Penalty, Step, Strategy, Taken, Track, Trial};
use cl_nn::{Adam, Sgd};
use cl_regularize::{Floor, PathGradient, Si};
use cl_tensor::{Init, Session, Var};
use common::{Watched, close, floats, golden, labels, number, read, slot_is, trial, write};
use serde_json::Value;

const AUTHORS: &str = "authors";
const VDV: &str = "vdv";

/// With the strength and damping of the golden file.
fn si(gradient: PathGradient, floor: Floor) -> Si {
    Si { c: 40.0, xi: 0.1, gradient, floor, ..Si::default() }
}

fn batches(inputs: &Value, context: usize) -> Vec<Batch> {
    let x = inputs[format!("x_context{context}")].as_array().unwrap();
    let y = inputs[format!("y_context{context}")].as_array().unwrap();
    x.iter().zip(y).map(|(x, y)| Batch::mean(floats(x), labels(y), 0)).collect()
}

/// W and Ω sum products of small differences; the tolerances are those of the golden file.
fn steps_are(trial: &mut Trial<'_>, batches: &[Batch], expected: &Value) -> Result<(), String> {
    for (batch, step) in batches.iter().zip(expected.as_array().unwrap()) {
        trial.step(batch).unwrap();
        slot_is(trial, "probe/total", &step["grad_total"], 1e-5)?;
        slot_is(trial, "theta", &step["params_after"], 2e-6)?;
        slot_is(trial, "si/path", &step["W_after"], 5e-5)?;
    }
    Ok(())
}

/// Two contexts: gradients, parameters, path integrals and importances.
fn check(method: &dyn Strategy, convention: &str) -> Result<(), String> {
    let file = golden("si");
    let (inputs, expected) = (&file["inputs"], &file["expected"][convention]);
    let watched = Watched(method);
    let mut trial = trial(&watched, &Adam::new(number(&inputs["lr"])), 8, false);
    // The anchor starts as theta does, so both are moved to the golden start.
    assert_eq!(read(&trial, "si/anchor").len(), read(&trial, "theta").len());
    let moved: Vec<f32> =
        read(&trial, "theta").iter().zip(read(&trial, "si/anchor")).map(|(t, a)| t - a).collect();
    if moved.iter().any(|&d| d != 0.0) {
        return Err("the anchor does not start at the initial parameters".to_owned());
    }
    write(&mut trial, "theta", &inputs["params"]);
    write(&mut trial, "si/anchor", &inputs["params"]);

    steps_are(&mut trial, &batches(inputs, 1), &expected["context1"])?;
    trial.boundary(&[]).unwrap();
    slot_is(&trial, "si/omega", &expected["omega_after_context1"], 5e-5)?;
    assert!(read(&trial, "si/path").iter().all(|&w| w == 0.0));
    steps_are(&mut trial, &batches(inputs, 2), &expected["context2"])?;
    trial.boundary(&[]).unwrap();
    slot_is(&trial, "si/omega", &expected["omega_after_context2"], 5e-5)
}

#[test]
fn two_contexts_are_those_of_the_reference_in_both_conventions() {
    check(&si(PathGradient::Task, Floor::Accumulated), AUTHORS).unwrap();
    check(&Si::vdv(40.0), VDV).unwrap();
    assert_eq!(Si::vdv(40.0), si(PathGradient::Total, Floor::None));
}

#[test]
fn each_floor_is_the_one_of_its_source() {
    let file = golden("si");
    let (inputs, expected) =
        (&file["inputs"]["omega_update"], &file["expected"]["omega_update_variants"]);
    for (floor, key) in [
        (Floor::None, "vdv_no_floor"),
        (Floor::Accumulated, "authors_relu_on_accumulated"),
        (Floor::Increment, "agem_repo_relu_on_increment"),
    ] {
        let si = si(PathGradient::Task, floor);
        let mut trial = trial(&si, &Sgd::new(0.1), 8, false);
        let len = trial.model.layout.len();
        let mut set = |slot: &str, values: Vec<f32>| {
            let mut flat = vec![0.0; len];
            flat[..values.len()].copy_from_slice(&values);
            trial.session.write(slot, 0, &flat).unwrap();
        };
        set("si/path", floats(&inputs["W"]));
        set("theta", floats(&inputs["displacement"]));
        set("si/anchor", Vec::new());
        set("si/omega", floats(&inputs["omega_before"]));
        trial.boundary(&[]).unwrap();
        let got = &read(&trial, "si/omega")[..12];
        close(key, got, &common::numbers(&expected[key]), 1e-5).unwrap();
    }
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    NegatedPenalty,
    ExtraHalf,
    NegatedPath,
    AnchorStartsAtZero,
    AnchorStays,
    OtherGradient,
}

struct Mutant(Si, Fault);

impl Penalty for Mutant {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        if matches!(self.1, Fault::AnchorStartsAtZero) {
            // The first declaration of a slot says how it starts.
            step.scope.slot("anchor", &[step.layout.len()], Init::Zeros);
        }
        let loss = self.0.loss(step);
        match self.1 {
            Fault::NegatedPenalty => -loss,
            Fault::ExtraHalf => loss * 0.5,
            _ => loss,
        }
    }
}

impl Track for Mutant {
    fn update<'g>(&self, step: &Step<'_, 'g>, taken: &Taken<'g>) {
        let Taken { task_gradient, total_gradient, delta } = *taken;
        let seen = match self.1 {
            Fault::NegatedPath => Taken { delta: -delta, ..*taken },
            Fault::OtherGradient => {
                Taken { task_gradient: total_gradient, total_gradient: task_gradient, delta }
            }
            _ => *taken,
        };
        self.0.update(step, &seen);
    }
}

impl Consolidate for Mutant {
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let anchor = boundary.scope.slot("anchor", &theta.shape(), boundary.layout.init());
        let seen = if matches!(self.1, Fault::AnchorStays) { anchor } else { theta };
        self.0.consolidate(boundary, seen);
        theta
    }
}

impl Strategy for Mutant {
    fn name(&self) -> String {
        self.0.name()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).track(self).consolidate(self);
    }
}

#[test]
fn the_reference_catches_each_fault_in_both_conventions() {
    for fault in [
        Fault::NegatedPenalty,
        Fault::ExtraHalf,
        Fault::NegatedPath,
        Fault::AnchorStartsAtZero,
        Fault::AnchorStays,
        Fault::OtherGradient,
    ] {
        let authors = Mutant(si(PathGradient::Task, Floor::Accumulated), fault);
        assert!(check(&authors, AUTHORS).is_err(), "{fault:?} passes as the authors'");
        assert!(check(&Mutant(Si::vdv(40.0), fault), VDV).is_err(), "{fault:?} passes as vdv");
    }
}

#[test]
fn hyper_parameters_out_of_range_are_refused_and_named() {
    let message = |method: Si| method.check().unwrap_err().to_string();
    assert_eq!(
        message(Si { xi: 0.0, ..Si::default() }),
        "si: xi = 0; expected a finite number above 0"
    );
    assert_eq!(
        message(Si { c: f64::NAN, ..Si::default() }),
        "si: c = NaN; expected a finite number of at least 0"
    );
}
