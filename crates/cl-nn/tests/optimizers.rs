//! Optimisers, norm clipping and schedules against PyTorch (tests/data/README.md).
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

mod common;

use cl_nn::losses::cross_entropy;
use cl_nn::{
    Adam, AdamW, ForwardContext, Layout, Mlp, Network, Optimizer, Schedule, Sgd, Theta, clip_norm,
};
use cl_tensor::{CpuSession, Graph, Plan, PlanId, ReferenceSession, Scope, Session, Values, Var};
use common::*;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("data/optimizers.json")).unwrap()
}

fn network() -> Mlp {
    Mlp::new(&[6, 5, 4, 4]).unwrap()
}

/// One step on slots `x`, `y`, with the gradient clipped to `max_norm` where there is one.
fn record<'g>(
    graph: &'g Graph,
    optimizer: &dyn Optimizer,
    layout: &Layout,
    start: &[f32],
    max_norm: Option<f32>,
    schedule: Var<'g>,
) {
    let flat = graph.slot("theta", &[layout.len()], values(start));
    let x = tensor(graph, "x", &[8, 6], vec![0.0; 48]);
    let y = labels(graph, "y", vec![0; 8]);
    let forward = network().forward(Theta { flat, layout }, x, &ForwardContext::test());
    let loss = cross_entropy(forward.logits, y, None).mean();
    let grad = graph.grad(loss, flat);
    let grad = max_norm.map_or(grad, |max_norm| clip_norm(grad, graph.constant(max_norm)));
    let scope = Scope::new(graph, "optimizer");
    let delta = optimizer.delta(&scope, layout, flat, grad, schedule);
    graph.assign("theta", flat + delta);
    graph.output("loss", loss);
    graph.output("delta", delta);
}

fn loaded(optimizer: &dyn Optimizer, seeds: &[u64]) -> (CpuSession, PlanId, Vec<f32>, Layout) {
    let layout = layout(&network());
    let start = theta(&layout, &golden()["inputs"]["params"]);
    let graph = Graph::new();
    record(&graph, optimizer, &layout, &start, None, graph.constant(1.0));
    let mut session = CpuSession::new(seeds, 1).unwrap();
    let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
    (session, plan, start, layout)
}

fn batch(session: &mut CpuSession, inputs: &Value, step: usize) {
    let y: Vec<f32> =
        indices(&inputs["y_per_step"][step]).into_iter().map(f32::from_bits).collect();
    for member in 0..session.seeds().len() {
        session.write("x", member, &singles(&inputs["x_per_step"][step])).unwrap();
        session.write("y", member, &y).unwrap();
    }
}

fn check(key: &str, optimizer: &dyn Optimizer, max_norm: Option<f32>) {
    let golden = golden();
    let (inputs, expected) = (&golden["inputs"], &golden["expected"][key]);
    let layout = layout(&network());
    let start = theta(&layout, &inputs["params"]);
    let graph = Graph::new();
    record(&graph, optimizer, &layout, &start, max_norm, graph.constant(1.0));

    let mut slow = ReferenceSession::new(0);
    let mut fast = CpuSession::new(&[0], 1).unwrap();
    let plan = fast.load(Plan::compile(&graph).unwrap()).unwrap();
    for (step, expected) in expected.as_array().unwrap().iter().enumerate() {
        slow.set_slot("x", Values::new(&[8, 6], floats(&inputs["x_per_step"][step])));
        slow.set_slot("y", Values::new(&[8], floats(&inputs["y_per_step"][step])));
        let outputs = slow.run(&graph, &[]).unwrap();
        let mut host = Collector { names: vec!["loss".to_owned()], ..Collector::default() };
        batch(&mut fast, inputs, step);
        fast.run(plan, 0..1, &mut [&mut host]).unwrap();

        let loss = floats(&expected["loss_before"]);
        assert_close(key, &outputs["loss"].data, &loss, 1e-7);
        assert_close(key, &host.collected[0]["loss"], &loss, 1e-5);
        let slow_theta = &slow.slot("theta").unwrap().data;
        let fast_theta = fast.read("theta", 0).unwrap();
        let fast_theta: Vec<f64> = fast_theta.into_iter().map(f64::from).collect();
        let expected = &expected["params_after"];
        for range in layout.ranges() {
            let name = &range.name;
            let what = format!("{key}, step {step}, {name}");
            let (begun, expected) = (floats(&inputs["params"][name]), floats(&expected[name]));
            let moved = |values: &[f64]| -> Vec<f64> {
                values.iter().zip(&begun).map(|(value, start)| value - start).collect()
            };
            let slow = parameter(&layout, slow_theta, name);
            let fast = parameter(&layout, &fast_theta, name);
            assert_close(&what, &moved(&slow), &moved(&expected), 2e-6);
            assert_close(&what, &fast, &expected, 2e-6);
            // A parameter of size 1 holds a sum of steps of 1e-3 to 6e-8 / 1e-3 at best.
            assert_close(&what, &moved(&fast), &moved(&expected), 1e-4);
        }
    }
}

#[test]
fn sgd_takes_the_steps_of_pytorch() {
    let plain = Sgd::new(0.1);
    let momentum = Sgd { momentum: 0.9, ..plain };
    check("sgd", &plain, None);
    check("sgd_momentum", &momentum, None);
    check("sgd_nesterov", &Sgd { nesterov: true, ..momentum }, None);
    check("sgd_momentum_weight_decay", &Sgd { weight_decay: 0.01, ..momentum }, None);
}

#[test]
fn adam_takes_the_steps_of_pytorch() {
    check("adam", &Adam::default(), None);
    check("adam_beta2_half", &Adam { beta2: 0.5, ..Adam::new(0.01) }, None);
}

#[test]
fn adamw_takes_the_steps_of_pytorch() {
    check("adamw", &AdamW { weight_decay: 0.1, ..AdamW::default() }, None);
}

#[test]
fn norm_clipping_before_adam_is_that_of_pytorch() {
    check("adam_clip_norm_0.5", &Adam::default(), Some(0.5));
}

#[test]
fn cosine_schedules_are_those_of_the_formula() {
    let golden = golden();
    let settings = &golden["inputs"]["schedule"];
    let (high, low) = (&settings["lr_max"], &settings["lr_min"]);
    let (high, low) = (high.as_f64().unwrap(), low.as_f64().unwrap());
    for (key, warmup) in [("cosine_warmup", 4), ("cosine_no_warmup", 0)] {
        let schedule = Schedule::Cosine { warmup, steps: 20, floor: low / high };
        let found: Vec<f64> = (0..=20).map(|step| high * schedule.factor(step)).collect();
        assert_close(key, &found, &floats(&golden["expected"][key]["lr_at_step"]), 1e-9);
        assert_eq!(schedule.factor(1000), low / high);
    }
}

fn all() -> Vec<Box<dyn Optimizer>> {
    vec![
        Box::new(Sgd { momentum: 0.9, weight_decay: 0.1, ..Sgd::new(0.1) }),
        Box::new(Sgd { momentum: 0.9, nesterov: true, ..Sgd::new(0.1) }),
        Box::new(Sgd::new(0.1)),
        Box::new(Adam::default()),
        Box::new(AdamW { weight_decay: 0.1, ..AdamW::default() }),
    ]
}

/// m / (1 − β₁ᵗ) = g and v / (1 − β₂ᵗ) = g² for a constant g: every step is lr / (1 + ε), in f32 too,
/// from the first (where 1 − β₂ᵗ is 0.001) to the last.
#[test]
fn adam_at_a_constant_gradient_takes_constant_steps() {
    let layout = layout(&network());
    let graph = Graph::new();
    let flat = graph.slot("theta", &[layout.len()], values(&vec![0.0; layout.len()]));
    let scope = Scope::new(&graph, "optimizer");
    let gradient = flat * 0.0 + 1.0;
    let step = Adam::default().delta(&scope, &layout, flat, gradient, graph.constant(1.0));
    graph.output("delta", step);
    let mut session = CpuSession::new(&[0], 1).unwrap();
    let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
    let mut host = Collector { names: vec!["delta".to_owned()], ..Collector::default() };
    session.run(plan, 0..3000, &mut [&mut host]).unwrap();
    for (step, found) in host.collected.iter().enumerate() {
        let delta = found["delta"][0];
        assert!((delta + 1e-3).abs() < 1e-9, "step {step}: {delta}");
    }
}

#[test]
fn padding_stays_zero_under_every_optimizer() {
    for optimizer in all() {
        let (mut session, plan, start, layout) = loaded(optimizer.as_ref(), &[0]);
        for step in 0..3 {
            batch(&mut session, &golden()["inputs"], step);
            session.run_once(plan).unwrap();
        }
        let mut end = session.read("theta", 0).unwrap();
        for range in layout.ranges() {
            assert_ne!(end[range.floats()], start[range.floats()], "{}", optimizer.describe());
            end[range.floats()].fill(0.0);
        }
        assert!(end.iter().all(|&x| x == 0.0), "{}", optimizer.describe());
    }
}

#[test]
fn a_reset_optimizer_takes_its_first_step_again() {
    for optimizer in all() {
        let (mut session, plan, start, _) = loaded(optimizer.as_ref(), &[0]);
        let inputs = &golden()["inputs"];
        let scope_graph = Graph::new();
        let state = optimizer.reset(&Scope::new(&scope_graph, "optimizer"));
        batch(&mut session, inputs, 0);
        session.run_once(plan).unwrap();
        let first = session.read("theta", 0).unwrap();
        batch(&mut session, inputs, 1);
        session.run_once(plan).unwrap();

        for slot in &state {
            let zeros = vec![0.0; session.read(slot, 0).unwrap().len()];
            session.write(slot, 0, &zeros).unwrap();
        }
        session.write("theta", 0, &start).unwrap();
        batch(&mut session, inputs, 0);
        session.run_once(plan).unwrap();
        assert_eq!(session.read("theta", 0).unwrap(), first, "{}", optimizer.describe());
    }
}

#[test]
fn the_schedule_scales_the_step_and_not_the_moments() {
    for optimizer in all() {
        let layout = layout(&network());
        let golden = golden();
        let inputs = &golden["inputs"];
        let start = theta(&layout, &inputs["params"]);
        let run = |factor: f32| {
            let graph = Graph::new();
            record(&graph, optimizer.as_ref(), &layout, &start, None, graph.constant(factor));
            let mut session = ReferenceSession::new(0);
            session.set_slot("x", Values::new(&[8, 6], floats(&inputs["x_per_step"][0])));
            session.set_slot("y", Values::new(&[8], floats(&inputs["y_per_step"][0])));
            let delta = session.run(&graph, &[]).unwrap()["delta"].data.clone();
            let state = optimizer.reset(&Scope::new(&graph, "optimizer"));
            let state: Vec<Values> =
                state.iter().map(|slot| session.slot(slot).unwrap().clone()).collect();
            (delta, state)
        };
        let ((whole, state), (quarter, same)) = (run(1.0), run(0.25));
        let expected: Vec<f64> = whole.iter().map(|d| 0.25 * d).collect();
        assert_close(&optimizer.describe(), &quarter, &expected, 1e-12);
        assert_eq!(state, same);
    }
}

#[test]
fn members_may_differ_in_a_number() {
    let (mut both, plan, ..) = loaded(&Adam::new(1e-3), &[0, 0]);
    both.write("optimizer/lr", 1, &[1e-2]).unwrap();
    let (mut single, single_plan, ..) = loaded(&Adam::new(1e-2), &[0]);
    for step in 0..3 {
        let inputs = &golden()["inputs"];
        batch(&mut both, inputs, step);
        batch(&mut single, inputs, step);
        both.run_once(plan).unwrap();
        single.run_once(single_plan).unwrap();
    }
    assert_eq!(both.read("theta", 1).unwrap(), single.read("theta", 0).unwrap());
    assert_ne!(both.read("theta", 0).unwrap(), single.read("theta", 0).unwrap());
}
