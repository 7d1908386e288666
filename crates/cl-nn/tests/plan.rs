//! What a recorded training step makes of memory.
#![allow(clippy::unwrap_used)]

use cl_nn::{Adam, AdamW, ForwardContext, Layout, Mlp, Network, Optimizer, Sgd, Theta, losses};
use cl_tensor::wgsl::Grouping;
use cl_tensor::{Graph, Plan, Scope};

fn step(optimizer: &dyn Optimizer) -> Plan {
    let network = Mlp::new(&[784, 400, 400, 10]).unwrap();
    let layout = Layout::new(&network.params()).unwrap();
    let graph = Graph::new();
    let flat = graph.slot("theta", &[layout.len()], layout.init());
    let x = graph.input("x", &[128, 784]);
    let target = graph.input_u32("target", &[128]);
    let theta = Theta { flat, layout: &layout };
    let forward = network.forward(theta, x, &ForwardContext::test());
    let loss = losses::cross_entropy(forward.logits, target, None).mean();
    let scope = Scope::new(&graph, "optimizer");
    let schedule = graph.input("schedule", &[]);
    let delta = optimizer.delta(&scope, &layout, flat, graph.grad(loss, flat), schedule);
    graph.assign("theta", flat + delta);
    graph.output("loss", loss);
    Plan::compile(&graph).unwrap()
}

#[test]
fn a_step_copies_nothing_with_any_optimiser() {
    let optimizers: [&dyn Optimizer; 4] = [
        &Adam::new(1e-3),
        &AdamW::new(1e-3),
        &Sgd::new(0.1),
        &Sgd { momentum: 0.9, nesterov: true, weight_decay: 1e-4, ..Sgd::new(0.1) },
    ];
    for optimizer in optimizers {
        assert_eq!(step(optimizer).cost().copies, 0, "{}", optimizer.describe());
    }
}

#[test]
fn adam_reads_and_writes_each_vector_once() {
    let traffic = step(&Adam::new(1e-3)).slot_traffic();
    assert_eq!(traffic["optimizer/m"], (1, 1));
    assert_eq!(traffic["optimizer/v"], (1, 1));
    // theta: three weights forward, two of them backward, three biases; and once by Adam.
    assert_eq!(traffic["theta"], (9, 1));
}

#[test]
fn a_step_is_at_most_twelve_dispatches_for_any_number_of_members() {
    let plan = step(&Adam::new(1e-3));
    for scratch in [1 << 22, (1 << 22) / 128] {
        let list = plan.dispatches(scratch, Grouping::Joined).unwrap().list;
        let names: Vec<&str> = list.iter().map(|it| it.name.as_str()).collect();
        assert!(list.len() <= 12, "{} dispatches: {names:#?}", list.len());
        assert_eq!(plan.cost().dispatches, Some(list.len()));
    }
}
