//! Forward pass, losses and gradients of an MLP against PyTorch (tests/data/README.md), and gates
//! against slow loops.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

mod common;

use cl_nn::losses::{cross_entropy, weighted_mean, weighted_sum};
use cl_nn::{ForwardContext, Layout, Mlp, Mode, Network, Point, Site, Theta};
use cl_tensor::{Graph, Plan, Var};
use common::*;
use serde_json::Value;
use std::cell::RefCell;

fn golden() -> Value {
    serde_json::from_str(include_str!("data/forward_grad.json")).unwrap()
}

fn mlp() -> Mlp {
    Mlp::new(&[6, 5, 4, 4]).unwrap()
}

/// Compares loss and gradient of `loss(logits)` with the entry `key`.
fn check(key: &str, loss: impl for<'g> Fn(&'g Graph, Var<'g>, &Value) -> Var<'g>) {
    let golden = golden();
    let (inputs, expected) = (&golden["inputs"], &golden["expected"][key]);
    let layout = layout(&mlp());
    let results = on_both_devices(|graph| {
        let flat = tensor(graph, "theta", &[layout.len()], theta(&layout, &inputs["params"]));
        let x = tensor(graph, "x", &[8, 6], singles(&inputs["x"]));
        let theta = Theta { flat, layout: &layout };
        let forward = mlp().forward(theta, x, &ForwardContext::test());
        let loss = loss(graph, forward.logits, inputs);
        let grads = graph.grads(loss, &[flat, x]);
        vec![("loss", loss), ("grad", grads[0]), ("grad_x", grads[1])]
    });
    for (found, tolerance) in results {
        assert_close(key, &found["loss"], &floats(&expected["loss"]), tolerance);
        for range in layout.ranges() {
            let grad = parameter(&layout, &found["grad"], &range.name);
            let name = format!("{key}: {}", range.name);
            assert_close(&name, &grad, &floats(&expected["grad"][&range.name]), tolerance);
        }
        if !expected["grad_x"].is_null() {
            assert_close("grad_x", &found["grad_x"], &floats(&expected["grad_x"]), tolerance);
        }
    }
}

fn targets<'g>(graph: &'g Graph, inputs: &Value) -> Var<'g> {
    labels(graph, "y", indices(&inputs["y"]))
}

#[test]
fn activations_and_rows_are_those_of_pytorch() {
    let golden = golden();
    let (inputs, expected) = (&golden["inputs"], &golden["expected"]);
    let layout = layout(&mlp());
    let results = on_both_devices(|graph| {
        let flat = tensor(graph, "theta", &[layout.len()], theta(&layout, &inputs["params"]));
        let x = tensor(graph, "x", &[8, 6], singles(&inputs["x"]));
        let theta = Theta { flat, layout: &layout };
        let forward = mlp().forward(theta, x, &ForwardContext::test());
        let rows = cross_entropy(forward.logits, targets(graph, inputs), None);
        assert_eq!(forward.layers.len(), 3);
        vec![
            ("hidden1", forward.layers[1].input),
            ("hidden2", forward.features),
            ("logits", forward.logits),
            ("ce_per_row", rows),
        ]
    });
    for (found, tolerance) in results {
        for (name, values) in &found {
            assert_close(name, values, &floats(&expected[name]), tolerance);
        }
    }
}

#[test]
fn mean_and_sum_over_rows_have_the_gradients_of_pytorch() {
    check("mean_all_classes", |graph, logits, inputs| {
        cross_entropy(logits, targets(graph, inputs), None).mean()
    });
    check("sum_all_classes", |graph, logits, inputs| {
        cross_entropy(logits, targets(graph, inputs), None).sum()
    });
}

#[test]
fn row_weights_have_the_gradients_of_pytorch() {
    check("weighted_sum_w_ce_over_sum_w", |graph, logits, inputs| {
        let weights = tensor(graph, "w", &[8], singles(&inputs["row_weights"]));
        weighted_mean(cross_entropy(logits, targets(graph, inputs), None), weights)
    });
    check("weighted_mean_of_w_ce", |graph, logits, inputs| {
        let weights = tensor(graph, "w", &[8], singles(&inputs["row_weights"]));
        weighted_sum(cross_entropy(logits, targets(graph, inputs), None), weights) * 0.125
    });
}

/// The reference slices the head's two outputs; here the others are inactive, for all rows.
#[test]
fn a_shared_mask_of_active_classes_is_the_slice_of_a_head() {
    for (key, head) in [("task_slice_context1", 0_u32), ("task_slice_context2", 1)] {
        check(key, |graph, logits, inputs| {
            let within = indices(&inputs["y_within_head"]);
            let target = labels(graph, "y", within.iter().map(|y| y + 2 * head).collect());
            let mask = (0..4).map(|class| f32::from(class / 2 == head)).collect();
            cross_entropy(logits, target, Some(tensor(graph, "active", &[1, 4], mask))).mean()
        });
    }
}

fn row_masks<'g>(graph: &'g Graph, inputs: &Value) -> Var<'g> {
    let contexts = indices(&inputs["row_context_0based"]);
    let mask = contexts.iter().flat_map(|&c| (0..4).map(move |class| f32::from(class / 2 == c)));
    tensor(graph, "active", &[8, 4], mask.collect())
}

/// The label of each row inside the head of its own context.
fn head_targets<'g>(graph: &'g Graph, inputs: &Value) -> Var<'g> {
    let contexts = indices(&inputs["row_context_0based"]);
    let within = indices(&inputs["y_within_head"]);
    labels(graph, "y", contexts.iter().zip(&within).map(|(c, y)| 2 * c + y).collect())
}

#[test]
fn a_mask_per_row_is_minus_infinity_on_the_other_heads() {
    check("task_row_masks_minus_inf", |graph, logits, inputs| {
        let target = head_targets(graph, inputs);
        cross_entropy(logits, target, Some(row_masks(graph, inputs))).mean()
    });
}

#[test]
fn logits_times_a_mask_keep_the_other_heads_as_zeros() {
    check("task_logits_times_mask", |graph, logits, inputs| {
        let target = head_targets(graph, inputs);
        cross_entropy(logits * row_masks(graph, inputs), target, None).mean()
    });
}

/// The trace's contract: ∂loss/∂W = inputᵀ · ∂loss/∂product, ∂loss/∂b = Σ rows ∂loss/∂pre_activation,
/// also where gates act at every point.
#[test]
fn layer_traces_give_the_gradients_of_their_parameters() {
    let golden = golden();
    let inputs = &golden["inputs"];
    let layout = layout(&mlp());
    let results = on_both_devices(|graph| {
        let flat = tensor(graph, "theta", &[layout.len()], theta(&layout, &inputs["params"]));
        let x = tensor(graph, "x", &[8, 6], singles(&inputs["x"]));
        let gate = |_: &Site<'_>, h| h * 0.5 + 0.125;
        let cx = ForwardContext { gate: Some(&gate), ..ForwardContext::test() };
        let theta = Theta { flat, layout: &layout };
        let forward = mlp().forward(theta, x, &cx);
        let loss = cross_entropy(forward.logits, targets(graph, inputs), None).mean();
        let direct = graph.grad(loss, flat);
        let mut out = Vec::new();
        for (trace, names) in forward.layers.iter().zip([
            ["w1", "b1", "w1 direct", "b1 direct"],
            ["w2", "b2", "w2 direct", "b2 direct"],
            ["w3", "b3", "w3 direct", "b3 direct"],
        ]) {
            let deltas = graph.grads(loss, &[trace.product, trace.pre_activation]);
            let grad = Theta { flat: direct, layout: &layout };
            out.push((names[0], trace.input.t().matmul(deltas[0])));
            out.push((names[1], deltas[1].sum_axis(0)));
            out.push((names[2], grad.get(&trace.weight)));
            out.push((names[3], grad.get(&trace.bias)));
        }
        out
    });
    for (found, tolerance) in results {
        for name in ["w1", "b1", "w2", "b2", "w3", "b3"] {
            assert_close(name, &found[name], &found[&format!("{name} direct")], tolerance);
        }
    }
}

#[test]
fn gates_act_before_the_bias_before_and_after_the_activation() {
    let network = Mlp::new(&[2, 3, 2, 2]).unwrap();
    let layout = Layout::new(&network.params()).unwrap();
    let values: Vec<f32> =
        (0..layout.len()).map(|i| ((i * 37) % 29) as f32 / 16.0 - 0.75).collect();
    let factor = |point| match point {
        Point::PreBias => 2.0,
        Point::PreActivation => -0.5,
        Point::PostActivation => 4.0,
    };
    let seen = RefCell::new(Vec::new());
    let [(found, tolerance), _] = on_both_devices(|graph| {
        let flat = tensor(graph, "theta", &[layout.len()], values.clone());
        let x = tensor(graph, "x", &[1, 2], vec![1.5, -0.5]);
        let gate = |site: &Site<'_>, h| {
            assert_eq!((site.x.id(), site.mode), (x.id(), Mode::Test));
            seen.borrow_mut().push((site.layer, site.point, site.units));
            h * factor(site.point)
        };
        let cx = ForwardContext { gate: Some(&gate), ..ForwardContext::test() };
        vec![("logits", network.forward(Theta { flat, layout: &layout }, x, &cx).logits)]
    });
    let mut h = vec![1.5, -0.5];
    for layer in 1..=3 {
        let at = |name: &str, i: usize| {
            f64::from(values[layout.range(&format!("{name}{layer}")).unwrap().offset + i])
        };
        let units = network.sizes[layer];
        let output = layer == 3;
        let mut next = Vec::new();
        for unit in 0..units {
            let dot: f64 = h.iter().enumerate().map(|(i, h)| h * at("w", i * units + unit)).sum();
            let hidden = || ((2.0 * dot + at("b", unit)) * -0.5).max(0.0) * 4.0;
            next.push(if output { dot + at("b", unit) } else { hidden() });
        }
        h = next;
    }
    assert_close("logits", &found["logits"], &h, tolerance);
    let points = [Point::PreBias, Point::PreActivation, Point::PostActivation];
    let expected: Vec<_> =
        [(0, 3), (1, 2)].iter().flat_map(|&(l, units)| points.map(|p| (l, p, units))).collect();
    assert_eq!(*seen.borrow(), expected);
}

#[test]
fn an_unknown_parameter_is_an_error_at_the_line_that_asked() {
    let layout = layout(&mlp());
    let graph = Graph::new();
    let flat = tensor(&graph, "theta", &[layout.len()], vec![0.0; layout.len()]);
    let theta = Theta { flat, layout: &layout };
    let line = line!() + 1;
    graph.output("w", theta.get("w4").relu() + theta.get("b1"));
    let message = Plan::compile(&graph).unwrap_err().to_string();
    let expected = "theta: no parameter `w4`; there are: w1, b1, w2, b2, w3, b3";
    assert!(message.ends_with(&format!("forward.rs:{line}: {expected}")), "{message}");
}
