//! The dense layer against values by hand, and against the network that is made of it.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

mod common;

use cl_nn::{ForwardContext, Initializer, Layout, Mlp, Network, Theta, dense_params};
use common::*;

/// Rows (1, 2) and (−1, ½) times [[1, 0, 2], [3, −1, ½]] plus (½, 1, −2).
#[test]
fn it_is_x_w_plus_b() {
    let layout = Layout::new(&dense_params("up", 2, 3)).unwrap();
    let mut flat = vec![0.0; layout.len()];
    let mut fill = |name: &str, values: &[f32]| {
        flat[layout.range(name).unwrap().floats()].copy_from_slice(values);
    };
    fill("wup", &[1.0, 0.0, 2.0, 3.0, -1.0, 0.5]);
    fill("bup", &[0.5, 1.0, -2.0]);
    for (found, _) in on_both_devices(|graph| {
        let theta = tensor(graph, "theta", &[layout.len()], flat.clone());
        let x = tensor(graph, "x", &[2, 2], vec![1.0, 2.0, -1.0, 0.5]);
        vec![("z", Theta { flat: theta, layout: &layout }.dense("up", x))]
    }) {
        // 1 + 6 + ½, 0 − 2 + 1, 2 + 1 − 2; −1 + 1½ + ½, 0 − ½ + 1, −2 + ¼ − 2
        assert_eq!(found["z"], [7.5, -1.0, 1.0, 1.0, 0.5, -3.75]);
    }
}

#[test]
fn it_starts_as_in_pytorch() {
    let [weight, bias] = dense_params("2", 7, 4);
    assert_eq!(
        (&*weight.name, &weight.shape[..], weight.init),
        ("w2", &[7, 4][..], Initializer::FanIn)
    );
    assert_eq!(
        (&*bias.name, &bias.shape[..], bias.init),
        ("b2", &[4][..], Initializer::FanInOf(7))
    );
}

#[test]
fn a_multi_layer_perceptron_is_made_of_dense_layers() {
    let mlp = Mlp::new(&[3, 5, 2]).unwrap();
    let layout = layout(&mlp);
    for (found, _) in on_both_devices(|graph| {
        let theta =
            Theta { flat: graph.slot("theta", &[layout.len()], layout.init()), layout: &layout };
        let x = tensor(graph, "x", &[4, 3], (0..12).map(|i| i as f32 / 4.0 - 1.5).collect());
        let logits = mlp.forward(theta, x, &ForwardContext::test()).logits;
        vec![("mlp", logits), ("dense", theta.dense("2", theta.dense("1", x).relu()))]
    }) {
        assert!(found["mlp"] == found["dense"] && found["mlp"].iter().all(|&z| z != 0.0));
    }
}
