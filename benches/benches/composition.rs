//! What composing costs: t(a+b+c) against t(a) + t(b) + t(c) - 2 t(none).
//!
//! MLP 784-400-400-10, batch 128, Adam, one thread, task-incremental gates of XdG, EWC and SI. One step of
//! each strategy after the other, many rounds: what disturbs the machine disturbs all of them. The
//! figures are medians over rounds. Recording is timed as making a trial: the initial values of theta
//! and every program of the strategy (step, passes, boundary).
#![allow(missing_docs, clippy::unwrap_used)]

use cl_core::{Batch, Naive, Strategy, Trial};
use cl_gating::Xdg;
use cl_nn::{Adam, Mlp};
use cl_regularize::{Ewc, Si};
use std::time::Instant;

const ROWS: usize = 128;
const ROUNDS: usize = 300;
const WARM_UP: usize = 20;

fn main() {
    let composed = (Xdg::default(), Ewc::default(), Si::default());
    let strategies: [&dyn Strategy; 5] = [&Naive, &composed.0, &composed.1, &composed.2, &composed];
    let x = (0..ROWS * 784).map(|i| (i * 7919 % 256) as f32 / 255.0).collect();
    let batch = Batch::mean(x, (0..ROWS as u32).map(|row| row % 10).collect(), 0);

    let mut trials = Vec::new();
    println!("recording and compiling, MLP 784-400-400-10:");
    for strategy in strategies {
        let network = Box::new(Mlp::new(&[784, 400, 400, 10]).unwrap());
        let start = Instant::now();
        trials.push(Trial::new(strategy, network, &Adam::new(1e-3), (ROWS, 5), false).unwrap());
        println!("  {:<12} {:6.1} ms", strategy.name(), milliseconds(start));
    }
    let mut times = vec![Vec::with_capacity(ROUNDS); trials.len()];
    for round in 0..WARM_UP + ROUNDS {
        for (trial, times) in trials.iter_mut().zip(&mut times) {
            let start = Instant::now();
            trial.step(&batch).unwrap();
            if round >= WARM_UP {
                times.push(milliseconds(start));
            }
        }
    }
    let medians: Vec<f64> = times.into_iter().map(median).collect();
    println!("one step, batch {ROWS}, 1 thread, median of {ROUNDS} interleaved rounds:");
    for (strategy, time) in strategies.iter().zip(&medians) {
        println!("  {:<12} {time:6.3} ms", strategy.name());
    }
    let sum = medians[1] + medians[2] + medians[3] - 2.0 * medians[0];
    println!("t(a+b+c) / (t(a) + t(b) + t(c) - 2 t(none)) = {:.3}", medians[4] / sum);
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
