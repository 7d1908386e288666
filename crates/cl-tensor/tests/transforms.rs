//! Sums of squared and absolute per-example gradients and their inner products, against gradients of
//! single examples in f64.
#![allow(clippy::unwrap_used)]

use cl_tensor::{
    CpuSession, Error, Feeds, Graph, Host, Init, Outputs, Plan, ReferenceSession, Route, Session,
    Values, Var,
};
use std::ops::Range;

const ROWS: usize = 5;
const IN: usize = 3;
const HIDDEN: usize = 4;
const LEN: usize = 128;

/// Per-row losses `[rows]` of x `[rows, IN]` under theta `[LEN]`, with targets `[rows]`.
type Network = for<'g> fn(Var<'g>, Var<'g>, Var<'g>) -> Var<'g>;

fn weight(theta: Var<'_>) -> Var<'_> {
    theta.slice(0, 0..IN * HIDDEN).reshape(&[IN, HIDDEN])
}

fn bias(theta: Var<'_>) -> Var<'_> {
    theta.slice(0, 16..16 + HIDDEN)
}

/// Every parameter once.
fn plain<'g>(theta: Var<'g>, x: Var<'g>, target: Var<'g>) -> Var<'g> {
    let h = (x.matmul(weight(theta)) + bias(theta)).relu();
    h.matmul(theta.slice(0, 64..76).reshape(&[HIDDEN, 3])).cross_entropy(target)
}

/// The decoder is the transposed encoder.
fn tied<'g>(theta: Var<'g>, x: Var<'g>, _: Var<'g>) -> Var<'g> {
    let h = (x.matmul(weight(theta)) + bias(theta)).tanh();
    (h.matmul(weight(theta).t()) - x).square().sum_axis(1)
}

/// Beside the layers, all of theta acts on every row's loss.
fn whole<'g>(theta: Var<'g>, x: Var<'g>, target: Var<'g>) -> Var<'g> {
    plain(theta, x, target) + x.sum_axis(1) * theta.square().sum()
}

/// Two parameters share some of their numbers.
fn overlapping<'g>(theta: Var<'g>, x: Var<'g>, _: Var<'g>) -> Var<'g> {
    let second = theta.slice(0, 6..6 + IN * HIDDEN).reshape(&[IN, HIDDEN]);
    (x.matmul(weight(theta)).tanh() + x.matmul(second) + theta.slice(0, 64..68)).exp().sum_axis(1)
}

/// A bias that is scaled, a weight that multiplies another: neither is seen once per row.
fn indirect<'g>(theta: Var<'g>, x: Var<'g>, _: Var<'g>) -> Var<'g> {
    // As many rows as there are examples.
    let left = theta.slice(0, 64..64 + ROWS * 2).reshape(&[ROWS, 2]);
    let right = theta.slice(0, 96..104).reshape(&[2, HIDDEN]);
    let mixed = left.matmul(right).slice(0, 0..IN);
    (x.matmul(mixed) + bias(theta) * 2.0).tanh().sum_axis(1)
}

fn theta(graph: &Graph) -> Var<'_> {
    let fill = |_, values: &mut [f32]| {
        for (i, value) in values.iter_mut().enumerate() {
            *value = ((i * 37 % 19) as f32 - 9.0) / 11.0;
        }
    };
    graph.slot("theta", &[LEN], Init::seeded(fill))
}

fn data() -> (Vec<f64>, Vec<f64>, [Vec<f64>; 2]) {
    // Dyadic numbers: the same in 32 and 64 bits.
    let x = (0..ROWS * IN).map(|i| ((i * 13 % 17) as f64 - 8.0) / 8.0).collect();
    let target = (0..ROWS).map(|r| (r % 3) as f64).collect();
    let weights = [0, 1].map(|k| (0..ROWS).map(|r| 0.5 * r as f64 + f64::from(k)).collect());
    (x, target, weights)
}

/// ∂ℓ\[r\]/∂θ, each from a graph of one row.
fn gradients(network: Network) -> Vec<Vec<f64>> {
    let (x, target, _) = data();
    (0..ROWS)
        .map(|r| {
            let graph = Graph::new();
            let theta = theta(&graph);
            let input = graph.input("x", &[1, IN]);
            let loss = network(theta, input, graph.input_u32("target", &[1]));
            graph.output("gradient", graph.grad(loss.sum(), theta));
            let feeds = [
                ("x", Values::new(&[1, IN], x[r * IN..][..IN].to_vec())),
                ("target", Values::new(&[1], vec![target[r]])),
            ];
            ReferenceSession::new(0).run(&graph, &feeds).unwrap()["gradient"].data.clone()
        })
        .collect()
}

struct Once {
    seen: Vec<Vec<f32>>,
}

const OUTPUTS: [&str; 3] = ["square", "abs", "gram"];

impl Host for Once {
    fn feed(&mut self, _: u32, feeds: &mut Feeds<'_>) -> Result<(), Error> {
        let narrow = |values: &[f64]| values.iter().map(|&v| v as f32).collect::<Vec<_>>();
        let (x, target, weights) = data();
        feeds.f32("x", &narrow(&x))?;
        feeds.u32("target", &target.iter().map(|&t| t as u32).collect::<Vec<_>>())?;
        feeds.f32("w0", &narrow(&weights[0]))?;
        feeds.f32("w1", &narrow(&weights[1]))
    }

    fn collect(&mut self, _: u32, outputs: &Outputs<'_>) -> Result<(), Error> {
        self.seen = OUTPUTS.iter().map(|o| outputs.f32(o).unwrap().to_vec()).collect();
        Ok(())
    }
}

fn record(graph: &Graph, network: Network) {
    let theta = theta(graph);
    let x = graph.input("x", &[ROWS, IN]);
    let loss = network(theta, x, graph.input_u32("target", &[ROWS]));
    let [w0, w1] = ["w0", "w1"].map(|name| graph.input(name, &[ROWS]));
    // The second loss has twice the gradient of the first.
    let losses = [(loss, w0), (loss * 2.0, w1)];
    graph.output("square", graph.grad_square_rows(&losses, theta));
    graph.output("abs", graph.grad_abs_rows(&losses, theta));
    graph.output("gram", graph.grad_gram_rows(loss, theta));
}

fn close(what: &str, got: impl IntoIterator<Item = f64>, expected: &[f64], tolerance: f64) {
    let largest = expected.iter().fold(0.0_f64, |max, x| max.max(x.abs()));
    assert!(largest > 0.01, "{what}: something to compare");
    for (i, (got, expected)) in got.into_iter().zip(expected).enumerate() {
        let near = (got - expected).abs() <= tolerance * largest;
        assert!(near, "{what}: element {i} is {got}, expected {expected}");
    }
}

fn assert_agrees(network: Network, routes: &[(Range<usize>, Route)]) {
    let (x, target, weights) = data();
    let single = gradients(network);
    let sum = |size: &dyn Fn(f64) -> f64| -> Vec<f64> {
        let element = |i: usize| {
            let row = |r: usize| {
                weights[0][r] * size(single[r][i]) + weights[1][r] * size(2.0 * single[r][i])
            };
            (0..ROWS).map(row).sum()
        };
        (0..LEN).map(element).collect()
    };
    let mut gram = Vec::new();
    for a in &single {
        gram.extend(single.iter().map(|b| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>()));
    }
    let expected = [sum(&|g| g * g), sum(&f64::abs), gram];

    let graph = Graph::new();
    record(&graph, network);
    let feeds = [
        ("x", Values::new(&[ROWS, IN], x)),
        ("target", Values::new(&[ROWS], target)),
        ("w0", Values::new(&[ROWS], weights[0].clone())),
        ("w1", Values::new(&[ROWS], weights[1].clone())),
    ];
    let exact = ReferenceSession::new(0).run(&graph, &feeds).unwrap();
    for (name, expected) in OUTPUTS.iter().zip(&expected) {
        assert_eq!(exact[*name].data.len(), expected.len());
        // θ itself is held in 32 bits; all else is exact.
        close(name, exact[*name].data.iter().copied(), expected, 1e-12);
    }
    let plan = Plan::compile(&graph).unwrap();
    assert_eq!(plan.transforms().len(), 3);
    for (transform, name) in
        plan.transforms().iter().zip(["grad_square_rows", "grad_abs_rows", "grad_gram_rows"])
    {
        assert_eq!((transform.name, &transform.ranges[..]), (name, routes));
    }
    for threads in [1, 2] {
        for members in [1, 3] {
            let seeds: Vec<u64> = (0..members).collect();
            let mut session = CpuSession::new(&seeds, threads).unwrap();
            let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
            let mut hosts: Vec<Once> = seeds.iter().map(|_| Once { seen: Vec::new() }).collect();
            let mut all: Vec<&mut dyn Host> =
                hosts.iter_mut().map(|h| h as &mut dyn Host).collect();
            session.run(plan, 0..2, &mut all).unwrap();
            for (position, expected) in expected.iter().enumerate() {
                let got = hosts[0].seen[position].iter().map(|&x| f64::from(x));
                close(OUTPUTS[position], got, expected, 1e-5);
            }
            assert!(hosts.iter().all(|host| host.seen == hosts[0].seen));
        }
    }
}

use Route::{ClosedForm, InnerLanes};

#[test]
fn layers_used_once_have_a_closed_form() {
    assert_agrees(plain, &[(0..12, ClosedForm), (16..20, ClosedForm), (64..76, ClosedForm)]);
}

#[test]
fn a_weight_used_twice_goes_by_inner_lanes_alone() {
    assert_agrees(tied, &[(0..12, InnerLanes), (16..20, ClosedForm)]);
}

#[test]
fn a_theta_used_whole_goes_by_inner_lanes_whole() {
    assert_agrees(whole, &[(0..128, InnerLanes)]);
}

#[test]
fn ranges_that_overlap_go_by_inner_lanes_together() {
    assert_agrees(overlapping, &[(0..18, InnerLanes), (64..68, ClosedForm)]);
}

#[test]
fn scaled_biases_and_products_of_parameters_go_by_inner_lanes() {
    let lanes = [16..20, 64..74, 96..104].map(|range| (range, InnerLanes));
    assert_agrees(indirect, &lanes);
}

#[test]
fn a_theta_that_is_one_weight_has_a_closed_form() {
    let graph = Graph::new();
    let theta = graph.slot("theta", &[6], Init::Constant(0.5));
    let x = graph.slot("x", &[2, 3], Init::Values([1.0, 2.0, 3.0, 4.0, 5.0, 6.0].into()));
    let loss = x.matmul(theta.reshape(&[3, 2])).sum_axis(1);
    graph.output("gram", graph.grad_gram_rows(loss, theta));
    let out = ReferenceSession::new(0).run(&graph, &[]).unwrap();
    // Two columns of x: 2 (xᵢ · xⱼ).
    assert_eq!(out["gram"].data, [28.0, 64.0, 64.0, 154.0]);
    assert_eq!(Plan::compile(&graph).unwrap().transforms()[0].ranges, [(0..6, ClosedForm)]);
}

#[test]
fn transforms_inside_inner_lanes_are_those_of_the_lanes() {
    // Two classes with a network each; Σ over rows of squares per class.
    let graph = Graph::new();
    let theta = graph.slot("theta", &[2, 2], Init::Values([1.0, 2.0, 3.0, 4.0].into()));
    let x = graph.slot("x", &[2, 2, 1], Init::Values([1.0, 2.0, 3.0, 4.0].into()));
    let [squares] = graph.inner(2, [theta, x], |inner, [theta, x]| {
        let w = theta.slice(0, 0..1).reshape(&[1, 1]);
        let y = x.matmul(w) + theta.slice(0, 1..2) * 3.0;
        let one = inner.full(&[2], 1.0);
        [inner.grad_square_rows(&[(y.reshape(&[2]), one)], theta).stacked()]
    });
    graph.output("squares", squares);
    let out = ReferenceSession::new(0).run(&graph, &[]).unwrap();
    assert_eq!(out["squares"].data, [5.0, 18.0, 25.0, 18.0]);
    let plan = Plan::compile(&graph).unwrap();
    let text = plan.transforms()[0].to_string();
    assert!(text.starts_with("grad_square_rows ("), "{text}");
    assert!(text.ends_with(": 0..1 closed form; 1..2 inner lanes;"), "{text}");
}

#[test]
fn losses_that_are_not_one_number_per_row_are_refused() {
    let graph = Graph::new();
    let theta = graph.slot("theta", &[4], Init::Zeros);
    let x = graph.input("x", &[3, 4]);
    let line = line!() + 1;
    let squares = graph.grad_square_rows(&[(x * theta, graph.full(&[3], 1.0))], theta);
    graph.output("squares", squares);
    let error = Plan::compile(&graph).unwrap_err().to_string();
    assert!(error.contains(&format!("transforms.rs:{line}")), "{error}");
    assert!(error.contains("grad_square_rows: losses and weights of f32[3, 4]"), "{error}");
}
