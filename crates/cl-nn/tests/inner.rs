//! A network and an optimizer recorded in the body of inner lanes: a classifier per class.
#![allow(clippy::unwrap_used)]

mod common;

use cl_nn::losses::cross_entropy;
use cl_nn::{Adam, ForwardContext, Layout, Mlp, Optimizer, Theta};
use cl_tensor::{CpuSession, Graph, Init, Plan, Scope, Session, Var, lane_seed};
use common::layout;

const LANES: usize = 3;
const ROWS: usize = 8;
const SEED: u64 = 5;

fn init() -> Init {
    Init::seeded(|seed, theta| {
        for (i, value) in theta.iter_mut().enumerate() {
            *value = ((seed.wrapping_add(i as u64 * 31) % 101) as f32 - 50.0) / 100.0;
        }
    })
}

/// One training step, as it is recorded with and without lanes.
fn record<'g>(graph: &'g Graph, network: &Mlp, layout: &Layout, x: Var<'g>, y: Var<'g>) {
    use cl_nn::Network;
    let flat = graph.slot("theta", &[layout.len()], init());
    let forward = network.forward(Theta { flat, layout }, x, &ForwardContext::test());
    let gradient = graph.grad(cross_entropy(forward.logits, y, None).mean(), flat);
    let scope = Scope::new(graph, "optimizer");
    let one = graph.constant(1.0);
    graph.assign("theta", flat + Adam::new(0.01).delta(&scope, layout, flat, gradient, one));
}

fn examples(lane: usize) -> (Vec<f32>, Vec<u32>) {
    let x = (0..ROWS * 6).map(|i| ((i * 7 + lane * 5) % 13) as f32 / 6.0 - 1.0).collect();
    (x, (0..ROWS).map(|r| ((r + lane) % 4) as u32).collect())
}

fn trained(graph: &Graph, seed: u64) -> CpuSession {
    let mut session = CpuSession::new(&[seed], 1).unwrap();
    let plan = session.load(Plan::compile(graph).unwrap()).unwrap();
    (0..4).for_each(|_| session.run_once(plan).unwrap());
    session
}

#[test]
fn an_optimizer_in_inner_lanes_keeps_its_moments_per_lane() {
    let network = Mlp::new(&[6, 5, 4]).unwrap();
    let layout = layout(&network);
    let (x, y): (Vec<_>, Vec<_>) = (0..LANES).map(examples).unzip();

    let graph = Graph::new();
    let xs = graph.slot("x", &[LANES, ROWS, 6], Init::Values(x.concat().into()));
    let ys = graph.slot_u32("y", &[LANES, ROWS], Init::Indices(y.concat().into()));
    graph.inner(LANES, [xs, ys], |inner, [x, y]| {
        record(inner, &network, &layout, x, y);
        []
    });
    let lanes = trained(&graph, SEED);

    let slots = ["theta", "optimizer/m", "optimizer/v", "optimizer/v_weight"];
    for lane in 0..LANES {
        let graph = Graph::new();
        let x = graph.slot("x", &[ROWS, 6], Init::Values(x[lane].clone().into()));
        let y = graph.slot_u32("y", &[ROWS], Init::Indices(y[lane].clone().into()));
        record(&graph, &network, &layout, x, y);
        let alone = trained(&graph, lane_seed(SEED, lane));
        for slot in slots {
            let (all, own) = (lanes.read(slot, 0).unwrap(), alone.read(slot, 0).unwrap());
            assert!(all[lane * own.len()..][..own.len()] == own, "{slot} of lane {lane}");
            assert!(own.iter().any(|&value| value != 0.0));
        }
    }
}
