//! Dropout: what it drops, how it scales, and when it does nothing.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

mod common;

use cl_nn::{ForwardContext, Mlp, Mode, Network, Theta};
use cl_tensor::{Graph, Plan};
use common::*;

const ROWS: usize = 200;

/// Both hidden activations of a 1-50-50-1 network whose weights are 1/4 and 1/64 and whose biases are
/// 0, at x = 1, for these steps of training.
fn hidden(dropout: f32, steps: [u32; 2], mode: Mode) -> [Vec<f64>; 3] {
    let network = Mlp::new(&[1, 50, 50, 1]).unwrap().with_dropout(dropout).unwrap();
    let layout = layout(&network);
    let [_, (mut found, _)] = on_both_devices(|graph| {
        let mut theta = vec![0.0; layout.len()];
        theta[layout.range("w1").unwrap().floats()].fill(0.25);
        theta[layout.range("w2").unwrap().floats()].fill(1.0 / 64.0);
        let flat = tensor(graph, "theta", &[layout.len()], theta);
        let x = tensor(graph, "x", &[ROWS, 1], vec![1.0; ROWS]);
        let theta = Theta { flat, layout: &layout };
        let forward = |name, step| {
            let address = labels(graph, name, vec![7, 0, 3, step]);
            network.forward(theta, x, &ForwardContext { mode, ..ForwardContext::train(address) })
        };
        let (first, second) = (forward("a", steps[0]), forward("b", steps[1]));
        vec![
            ("first", first.layers[1].input),
            ("deeper", first.features),
            ("second", second.layers[1].input),
        ]
    });
    ["first", "deeper", "second"].map(|name| found.remove(name).unwrap())
}

#[test]
fn units_are_kept_with_the_stated_probability_and_scaled_by_its_inverse() {
    let [first, deeper, _] = hidden(0.2, [0, 1], Mode::Train);
    let kept = first.iter().filter(|&&h| h != 0.0).count();
    assert!(first.iter().all(|&h| h == 0.0 || (h - 0.25 / 0.8).abs() < 1e-6));
    // 10,000 draws of probability 0.8: standard deviation 40.
    assert!(kept.abs_diff(8000) < 160, "{kept} of {} units kept", first.len());
    // The next layer's mask is another one.
    let differ = first.iter().zip(&deeper).filter(|(a, b)| (**a == 0.0) != (**b == 0.0)).count();
    assert!(differ.abs_diff(3200) < 200, "{differ} units differ between the layers"); // 2 · 0.2 · 0.8
}

#[test]
fn every_step_draws_a_new_mask_and_a_repeated_step_the_same_one() {
    let [first, _, second] = hidden(0.5, [0, 1], Mode::Train);
    assert_ne!(first, second);
    let [first, _, second] = hidden(0.5, [4, 4], Mode::Train);
    assert_eq!(first, second);
}

#[test]
fn evaluation_drops_nothing() {
    let [first, ..] = hidden(0.5, [0, 1], Mode::Test);
    assert_eq!(first, vec![0.25; ROWS * 50]);
}

#[test]
fn dropout_without_an_address_or_with_an_impossible_probability_is_an_error() {
    let message = |network: &Mlp, with_address: bool| {
        let layout = layout(network);
        let graph = Graph::new();
        let flat = tensor(&graph, "theta", &[layout.len()], vec![0.0; layout.len()]);
        let x = tensor(&graph, "x", &[2, 3], vec![1.0; 6]);
        let address = with_address.then(|| labels(&graph, "address", vec![1, 0, 0, 0]));
        let cx = ForwardContext { mode: Mode::Train, address, context: None, gate: None };
        graph.output("logits", network.forward(Theta { flat, layout: &layout }, x, &cx).logits);
        Plan::compile(&graph).unwrap_err().to_string()
    };
    let network = Mlp::new(&[3, 4, 2]).unwrap().with_dropout(0.5).unwrap();
    assert!(message(&network, false).contains("dropout in training needs the address"));
    let network = Mlp { dropout: 1.5, ..network };
    assert!(message(&network, true).contains("dropout 1.5, expected a probability at least 0"));
}
