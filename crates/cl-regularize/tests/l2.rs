//! Springs of equal strength against a loop, and faults that it catches.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{Boundary, Consolidate, Parts, Penalty, Step, Strategy, Trial};
use cl_nn::Sgd;
use cl_regularize::{L2, L2Init};
use cl_tensor::{Init, Session, Var};
use common::slow::wide;
use common::{Watched, close, read, some_batch, trial};

const LAMBDA: f64 = 0.75;

/// The gradient of one step beyond the task's must be 2 λ (θ − anchor).
fn pulls_to(trial: &mut Trial<'_>, anchor: &[f32]) -> Result<(), String> {
    let theta = wide(&read(trial, "theta"));
    trial.step(&some_batch(8, 3)).unwrap();
    let want: Vec<f64> = wide(&read(trial, "probe/task"))
        .iter()
        .zip(theta.iter().zip(wide(anchor)))
        .map(|(task, (theta, anchor))| task + 2.0 * LAMBDA * (theta - anchor))
        .collect();
    close("gradient", &read(trial, "probe/total"), &want, 1e-6)
}

/// Two boundaries with steps between them.
fn check(method: &dyn Strategy) -> Result<(), String> {
    let watched = Watched(method);
    let mut trial = trial(&watched, &Sgd::new(0.05), 8, false);
    for step in 0..3 {
        // No anchor yet: wherever theta is, nothing pulls.
        let theta = read(&trial, "theta");
        pulls_to(&mut trial, &theta).map_err(|off| format!("step {step}: {off}"))?;
    }
    for boundary in 1..=2 {
        let anchor = read(&trial, "theta");
        trial.boundary(&[]).unwrap();
        for step in 0..3 {
            pulls_to(&mut trial, &anchor).map_err(|off| format!("{boundary}, {step}: {off}"))?;
        }
    }
    Ok(())
}

#[test]
fn the_spring_is_tied_to_the_last_boundary_and_to_nothing_before_the_first() {
    check(&L2 { lambda: LAMBDA }).unwrap();
}

fn check_init(method: &dyn Strategy) -> Result<(), String> {
    let watched = Watched(method);
    let mut trial = trial(&watched, &Sgd::new(0.05), 8, false);
    let initial = read(&trial, "theta");
    for _ in 0..2 {
        for _ in 0..3 {
            pulls_to(&mut trial, &initial)?;
        }
        trial.boundary(&[]).unwrap();
    }
    Ok(())
}

#[test]
fn the_spring_to_the_start_is_there_from_the_first_step_and_stays() {
    check_init(&L2Init { lambda: LAMBDA }).unwrap();
    assert!(check_init(&L2 { lambda: LAMBDA }).is_err());
    assert!(check(&L2Init { lambda: LAMBDA }).is_err());
    assert!(!L2Init::default().needs().boundaries && L2::default().needs().boundaries);
}

/// λ ‖θ − θ*‖² of a point at a known distance: 0.75 · (0.5² + 2²) = 3.1875.
#[test]
fn the_value_is_the_squared_distance_times_lambda() {
    struct Valued(L2);
    impl Penalty for Valued {
        fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
            let loss = self.0.loss(step);
            step.scope.remember("value", loss);
            loss
        }
    }
    impl Strategy for Valued {
        fn name(&self) -> String {
            self.0.name()
        }
        fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
            parts.penalty(self).consolidate(&self.0);
        }
    }
    let valued = Valued(L2 { lambda: LAMBDA });
    let mut trial = trial(&valued, &Sgd::new(0.05), 8, false);
    trial.boundary(&[]).unwrap();
    let mut theta = read(&trial, "l2/anchor");
    theta[0] += 0.5;
    theta[7] -= 2.0;
    trial.session.write("theta", 0, &theta).unwrap();
    trial.step(&some_batch(8, 3)).unwrap();
    close("value", &read(&trial, "l2/value"), &[3.1875], 1e-6).unwrap();
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    NegatedPenalty,
    ExtraHalf,
    AnchorAtZero,
    FirstAnchorStays,
    PullsFromTheStart,
}

struct Mutant(Fault);

impl Penalty for Mutant {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let loss = L2 { lambda: LAMBDA }.loss(step);
        match self.0 {
            Fault::NegatedPenalty => -loss,
            Fault::ExtraHalf => loss * 0.5,
            Fault::PullsFromTheStart => L2Init { lambda: LAMBDA }.loss(step),
            _ => loss,
        }
    }
}

impl Consolidate for Mutant {
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let anchor = boundary.scope.slot("anchor", &theta.shape(), boundary.layout.init());
        let ended = boundary.scope.slot("importance", &[], Init::Zeros);
        let seen = match self.0 {
            Fault::AnchorAtZero => theta * 0.0,
            Fault::FirstAnchorStays => ended.select(anchor, theta),
            _ => theta,
        };
        L2 { lambda: LAMBDA }.consolidate(boundary, seen);
        theta
    }
}

impl Strategy for Mutant {
    fn name(&self) -> String {
        "l2".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).consolidate(self);
    }
}

#[test]
fn the_loop_catches_each_fault() {
    for fault in [
        Fault::NegatedPenalty,
        Fault::ExtraHalf,
        Fault::AnchorAtZero,
        Fault::FirstAnchorStays,
        Fault::PullsFromTheStart,
    ] {
        assert!(check(&Mutant(fault)).is_err(), "{fault:?} passes");
    }
}

#[test]
fn hyper_parameters_out_of_range_are_refused_and_named() {
    assert_eq!(
        L2 { lambda: -1.0 }.check().unwrap_err().to_string(),
        "l2: lambda = -1; expected a finite number of at least 0"
    );
    assert_eq!(
        L2Init { lambda: f64::NAN }.check().unwrap_err().to_string(),
        "l2-init: lambda = NaN; expected a finite number of at least 0"
    );
}
