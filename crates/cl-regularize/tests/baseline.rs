//! When a method equals plain training, and when it does not.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{Naive, Strategy};
use cl_nn::Adam;
use cl_regularize::{Ewc, Fisher, Gradients, L2, L2Init, Lwf, Mas, OnlineEwc, Si};
use cl_scenarios::Scenario;
use common::{bits, read, some_batch, trial};

/// Parameters after each of 5 steps in a context, a boundary, and 5 in the next.
fn trained(method: &dyn Strategy) -> Vec<Vec<u32>> {
    let mut trial = trial(method, &Adam::new(0.01), 8, false);
    let mut seen = Vec::new();
    for step in 0..10 {
        trial.step(&some_batch(8, step)).unwrap();
        seen.push(bits(&read(&trial, "theta")));
        if step == 4 {
            trial.boundary(&[some_batch(8, 0), some_batch(8, 1)]).unwrap();
        }
    }
    seen
}

#[test]
fn before_the_first_boundary_every_method_is_plain_training_and_then_it_is_not() {
    let plain = trained(&Naive);
    // The trial's boundary comes in chunks of eight rows.
    let methods: [&dyn Strategy; 15] = [
        &Ewc::default(),
        &Ewc::vdv(1e9),
        &OnlineEwc::default(),
        &OnlineEwc::vdv(1e9, 0.9),
        &Si::default(),
        &Si::vdv(5000.0),
        &Lwf::default(),
        &Lwf::vdv(Scenario::Domain),
        &Lwf::vdv_task_free(),
        &Ewc::avalanche(100.0, 8),
        &OnlineEwc::avalanche(100.0, 0.9, 8),
        &Si::avalanche(5000.0),
        &Mas::default(),
        &Mas::facil(10.0, 0.5, 8),
        &L2::default(),
    ];
    for method in methods {
        let trained = trained(method);
        assert_eq!(trained[..5], plain[..5], "{} in the first context", method.name());
        assert_ne!(trained[9], plain[9], "{} after the second", method.name());
    }
}

#[test]
fn at_strength_zero_every_method_is_plain_training_bit_for_bit() {
    let plain = trained(&Naive);
    let methods: [&dyn Strategy; 10] = [
        &Ewc { lambda: 0.0, ..Ewc::default() },
        &OnlineEwc { lambda: 0.0, ..OnlineEwc::default() },
        &Si { c: 0.0, ..Si::default() },
        &Si::vdv(0.0),
        &Lwf { lambda: 0.0, ..Lwf::vdv(Scenario::Domain) },
        &Ewc { fisher: Fisher { rows: Some(3), ..Fisher::default() }, ..Ewc::avalanche(0.0, 8) },
        &Si { clip: None, ..Si::mammoth(0.0, 0.9) },
        &Mas { gradients: Gradients::BatchMean(8), lambda: 0.0, ..Mas::default() },
        &L2 { lambda: 0.0 },
        &L2Init { lambda: 0.0 },
    ];
    for method in methods {
        assert_eq!(trained(method), plain, "{}", method.name());
    }
}
