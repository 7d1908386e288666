//! Synaptic intelligence as Avalanche and mammoth compute it, against loops in f64.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::Strategy;
use cl_nn::Adam;
use cl_regularize::{Factor, Floor, PathGradient, Si};
use cl_tensor::Session;
use common::slow::wide;
use common::{Watched, close, read, some_batch, trial};

/// What tells the codes apart, in the words of their formulas.
#[derive(Clone, Copy)]
struct Rules {
    /// What multiplies Ω (θ − θ*) in the gradient of the penalty.
    pull: f64,
    /// What keeps the divisor from 0.
    damping: f64,
    /// The largest Ω that pulls.
    cap: f64,
    /// What entries of the total gradient are cut to.
    clip: f64,
    /// Whether W is taken along the task's gradient alone.
    task: bool,
}

/// Three contexts of four steps: the total gradient of every step and Ω after every context. Says
/// whether cap and clip were reached.
fn check(method: &dyn Strategy, rules: Rules) -> Result<[bool; 2], String> {
    let watched = Watched(method);
    let mut trial = trial(&watched, &Adam::new(0.01), 8, false);
    let len = trial.model.layout.len();
    let mut anchor = wide(&read(&trial, "theta"));
    let (mut omega, mut reached) = (vec![0.0_f64; len], [false; 2]);
    for context in 0..3 {
        let mut path = vec![0.0; len];
        for step in 0..4 {
            let before = wide(&read(&trial, "theta"));
            trial.step(&some_batch(8, 10 * context + step)).unwrap();
            let (after, task) = (read(&trial, "theta"), wide(&read(&trial, "probe/task")));
            let total: Vec<f64> = (0..len)
                .map(|i| {
                    let pull = rules.pull * omega[i].min(rules.cap) * (before[i] - anchor[i]);
                    (task[i] + pull).clamp(-rules.clip, rules.clip)
                })
                .collect();
            let what = format!("gradient of context {context}, step {step}");
            close(&what, &read(&trial, "probe/total"), &total, 1e-4)?;
            reached[1] |= total.iter().any(|g| g.abs() == rules.clip);
            for (i, after) in wide(&after).into_iter().enumerate() {
                let gradient = if rules.task { task[i] } else { total[i] };
                path[i] -= gradient * (after - before[i]);
            }
        }
        close("path", &read(&trial, "si/path"), &path, 2e-4)?;
        // The loss fell along every path of so few steps; as if it had risen along some.
        path.iter_mut().step_by(3).for_each(|path| *path = -*path);
        let narrow: Vec<f32> = path.iter().map(|&path| path as f32).collect();
        trial.session.write("si/path", 0, &narrow).unwrap();
        let theta = wide(&read(&trial, "theta"));
        for i in 0..len {
            let distance = theta[i] - anchor[i];
            omega[i] += path[i] / (distance * distance + rules.damping);
        }
        reached[0] |= omega.iter().any(|&omega| omega > rules.cap);
        assert!(omega.iter().any(|&omega| omega < rules.cap));
        trial.boundary(&[]).unwrap();
        let got = read(&trial, "si/omega");
        close("omega", &got, &omega, 2e-4)?;
        // What pulls in the next context is judged by itself.
        (omega, anchor) = (wide(&got), theta);
    }
    Ok(reached)
}

const AVALANCHE: Rules =
    Rules { pull: 3000.0, damping: 1e-7, cap: 1e-3, clip: f64::INFINITY, task: false };
/// A tighter clip than mammoth's 1, which this small network would not reach.
const MAMMOTH: Rules =
    Rules { pull: 2.0 * 40.0, damping: 0.9, cap: f64::INFINITY, clip: 0.125, task: true };

fn mammoth() -> Si {
    Si { clip: Some(0.125), ..Si::mammoth(40.0, 0.9) }
}

#[test]
fn avalanche_caps_what_pulls_and_lets_omega_grow() {
    assert_eq!(check(&Si::avalanche(3000.0), AVALANCHE).unwrap(), [true, false]);
}

#[test]
fn mammoth_cuts_the_total_gradient_and_measures_along_the_tasks() {
    assert_eq!(check(&mammoth(), MAMMOTH).unwrap(), [false, true]);
    assert_eq!(Si::mammoth(1.0, 0.9).clip, Some(1.0));
}

#[test]
fn each_loop_refuses_every_other_convention() {
    let avalanche = Si::avalanche(3000.0);
    for (what, method) in [
        ("without cap", Si { cap: None, ..avalanche }),
        ("without half", Si { factor: Factor::One, ..avalanche }),
        ("task gradient", Si { gradient: PathGradient::Task, ..avalanche }),
        ("with a floor", Si { floor: Floor::Accumulated, ..avalanche }),
        ("damped as elsewhere", Si { xi: 1e-3, ..avalanche }),
        ("scaled increments", Si { scale: 0.0015, ..avalanche }),
        ("clipped", Si { clip: Some(0.125), ..avalanche }),
    ] {
        assert!(check(&method, AVALANCHE).is_err(), "avalanche {what} passes");
    }
    for (what, method) in [
        ("without clip", Si { clip: None, ..mammoth() }),
        ("with half", Si { factor: Factor::Half, ..mammoth() }),
        ("total gradient", Si { gradient: PathGradient::Total, ..mammoth() }),
        ("with a floor", Si { floor: Floor::Accumulated, ..mammoth() }),
        ("capped", Si { cap: Some(1e-3), ..mammoth() }),
    ] {
        assert!(check(&method, MAMMOTH).is_err(), "mammoth {what} passes");
    }
}

#[test]
fn a_scale_multiplies_every_increment() {
    let method = Si { scale: 0.5, ..mammoth() };
    let one = Si { scale: 1.0, ..mammoth() };
    let omega = |method: &Si| {
        let mut trial = trial(method, &Adam::new(0.01), 8, false);
        trial.step(&some_batch(8, 1)).unwrap();
        trial.boundary(&[]).unwrap();
        read(&trial, "si/omega")
    };
    let want: Vec<f64> = omega(&one).into_iter().map(|omega| f64::from(omega) / 2.0).collect();
    close("omega", &omega(&method), &want, 1e-6).unwrap();
}

#[test]
fn conventions_are_told_and_numbers_out_of_range_refused() {
    let said: Vec<String> = Si::avalanche(2.0).describe().into_iter().map(|(_, v)| v).collect();
    assert_eq!(
        said,
        ["2", "0.0000001", "c/2", "1", "0.001", "none", "of task loss and penalties", "none"]
    );
    for (method, message) in [
        (Si { scale: 0.0, ..mammoth() }, "si: scale = 0; expected a finite number above 0"),
        (Si { cap: Some(-1.0), ..mammoth() }, "si: cap = -1; expected a finite number above 0"),
        (Si { clip: Some(0.0), ..mammoth() }, "si: clip = 0; expected a finite number above 0"),
    ] {
        assert_eq!(method.check().unwrap_err().to_string(), message);
    }
}
