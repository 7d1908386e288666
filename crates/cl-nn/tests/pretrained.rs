//! A network that starts with given values.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_nn::{Feedback, Layout, Mlp, Network, ParamValues, Pretrained};
use cl_tensor::{Graph, ReferenceSession};

fn values(name: &str, shape: &[usize], first: f32) -> ParamValues {
    let count: usize = shape.iter().product();
    let floats = (0..count).map(|at| first + at as f32).collect();
    ParamValues { name: name.to_owned(), shape: shape.to_vec(), floats }
}

/// Of a network 3-4-2, each value told by its place: w1 from 100, b1 from 200, w2 from 300, b2 from 400.
fn all() -> Vec<ParamValues> {
    vec![
        values("w1", &[3, 4], 100.0),
        values("b1", &[4], 200.0),
        values("w2", &[4, 2], 300.0),
        values("b2", &[2], 400.0),
    ]
}

fn mlp(sizes: &[usize]) -> Box<dyn Network> {
    Box::new(Mlp::new(sizes).unwrap())
}

fn layout(network: &dyn Network) -> Layout {
    Layout::new(&network.params()).unwrap().starting(network.start()).unwrap()
}

/// A parameter of theta as it starts with a seed.
fn start(network: &dyn Network, name: &str, seed: u64) -> Vec<f64> {
    let (graph, layout) = (Graph::new(), layout(network));
    graph.output("theta", graph.slot("theta", &[layout.len()], layout.init()));
    let theta = ReferenceSession::new(seed).run(&graph, &[]).unwrap()["theta"].data.clone();
    theta[layout.range(name).unwrap().floats()].to_vec()
}

#[test]
fn given_parameters_start_as_given_for_every_seed_and_others_are_drawn() {
    let network = Pretrained::new(mlp(&[3, 4, 2]), all()).unwrap();
    for seed in [2, 3] {
        assert_eq!(start(&network, "b1", seed), [200.0, 201.0, 202.0, 203.0]);
        assert_eq!(start(&network, "w1", seed)[..2], [100.0, 101.0]);
        assert_eq!(start(&network, "b2", seed), [400.0, 401.0]);
    }
    let hidden = Pretrained::new(mlp(&[3, 4, 2]), all()[..2].to_vec()).unwrap();
    assert_eq!(start(&hidden, "w1", 2)[11], 111.0);
    let plain = mlp(&[3, 4, 2]);
    for name in ["w2", "b2"] {
        assert_eq!(start(&hidden, name, 2), start(&*plain, name, 2));
    }
    assert_eq!(hidden.describe(), plain.describe());
}

#[test]
fn outputs_of_another_number_are_drawn_and_stay_drawn_when_the_head_grows() {
    let wider = Pretrained::new(mlp(&[3, 4, 5]), all()).unwrap();
    assert_eq!(wider.start().len(), 2);
    assert_eq!(start(&wider, "w2", 2), start(&*mlp(&[3, 4, 5]), "w2", 2));
    let narrow = Pretrained::new(mlp(&[3, 4, 2]), all()).unwrap().with_outputs(1).unwrap();
    let grown = narrow.with_outputs(2).unwrap();
    assert_eq!((narrow.outputs(), narrow.start().len(), grown.start().len()), (1, 2, 2));
    assert_eq!(start(&*grown, "b1", 2)[3], 203.0);
    assert_eq!(start(&*grown, "b2", 2), start(&*mlp(&[3, 4, 2]), "b2", 2));
}

#[test]
fn a_classifier_with_feedback_starts_with_what_its_classifier_does() {
    let classifier = Pretrained::new(mlp(&[3, 4, 2]), all()).unwrap();
    let network = Feedback::new(Box::new(classifier), 2, true);
    assert_eq!(start(&network, "b1", 2)[0], 200.0);
}

#[test]
fn values_that_do_not_fit_are_refused_with_name_and_shapes() {
    let message = |values: Vec<ParamValues>| {
        Pretrained::new(mlp(&[3, 4, 2]), values).unwrap_err().to_string()
    };
    let with = |at: usize, other: ParamValues| {
        let mut all = all();
        all[at] = other;
        message(all)
    };
    let missing = message(all()[1..].to_vec());
    assert_eq!(missing, "no tensor `w1`, expected one of shape [3, 4]");
    let narrow = with(0, values("w1", &[3, 5], 0.0));
    assert_eq!(narrow, "tensor `w1` has shape [3, 5], expected [3, 4]");
    // Not another number of outputs: another number of units before them.
    let head = with(2, values("w2", &[5, 2], 0.0));
    assert_eq!(head, "tensor `w2` has shape [5, 2], expected [4, 2]");
    let extra = message([all(), vec![values("w3", &[2, 2], 0.0)]].concat());
    assert_eq!(extra, "tensor `w3` is no parameter of the network, expected w1, b1, w2, b2");
    let mut nan = values("b1", &[4], 0.0);
    nan.floats[2] = f32::NAN;
    assert_eq!(with(1, nan), "tensor `b1` holds NaN at position 2, expected finite numbers");
    let mut infinite = values("w2", &[4, 5], 0.0);
    infinite.floats[7] = f32::INFINITY;
    assert!(with(2, infinite).starts_with("tensor `w2` holds inf at position 7"));
    let mut short = values("w1", &[3, 4], 0.0);
    short.floats.pop();
    assert_eq!(with(0, short), "tensor `w1` has shape [3, 4] and 11 values");
    // Without hidden layers there is nothing but outputs.
    let linear = Pretrained::new(mlp(&[3, 2]), vec![values("w1", &[3, 7], 0.0)]).unwrap_err();
    assert_eq!(linear.to_string(), "no tensor `w1`, expected one of shape [3, 2]");
}

#[test]
fn a_layout_refuses_values_of_no_parameter_or_another_shape() {
    let layout = || Layout::new(&mlp(&[3, 4]).params()).unwrap();
    let message = |value| layout().starting(&[value]).unwrap_err().to_string();
    let unknown = message(values("w9", &[3, 4], 0.0));
    assert_eq!(unknown, "tensor `w9` is no parameter of the network, expected w1, b1");
    let shape = message(values("w1", &[4, 3], 0.0));
    assert_eq!(shape, "tensor `w1` has shape [4, 3], expected [3, 4]");
}
