//! Inner lanes: a program per example or per class within one member.
#![allow(clippy::unwrap_used)]

use cl_tensor::{
    Across, CpuSession, Error, Feeds, Graph, Host, Init, Plan, ReferenceSession, Session, Values,
    Var, lane_seed,
};

const CLASSES: usize = 3;
const FEATURES: usize = 5;
const HIDDEN: usize = 4;
const ROWS: usize = 6;
const LEN: usize = 64 + 20;
const STEPS: u32 = 5;

fn init() -> Init {
    Init::seeded(|seed, values| {
        for (i, value) in values.iter_mut().enumerate() {
            let word =
                cl_random::threefry2x32([seed as u32, (seed >> 32) as u32], [i as u32, 0])[0];
            *value = word as f32 / u32::MAX as f32 - 0.5;
        }
    })
}

/// A small autoencoder's loss: one of the programs that there are per class.
fn loss<'g>(theta: Var<'g>, x: Var<'g>) -> Var<'g> {
    let encode = theta.slice(0, 0..20).reshape(&[FEATURES, HIDDEN]);
    let decode = theta.slice(0, 64..84).reshape(&[HIDDEN, FEATURES]);
    (x.matmul(encode).tanh().matmul(decode) - x).square().mean()
}

/// Adam without bias correction: θ, m and v after a step.
fn adam<'g>(theta: Var<'g>, m: Var<'g>, v: Var<'g>, g: Var<'g>, rate: Var<'g>) -> [Var<'g>; 3] {
    let m = m * 0.9 + g * 0.1;
    let v = v * 0.99 + g.square() * 0.01;
    [theta - rate * m / (v.sqrt() + 1e-6), m, v]
}

fn batch(step: u32, class: usize) -> Vec<f32> {
    (0..ROWS * FEATURES)
        .map(|i| ((i * 7 + class * 13 + step as usize * 31) % 23) as f32 / 11.0 - 1.0)
        .collect()
}

/// Feeds the batches of some classes, one after the other, and which of them train.
struct Batches {
    classes: Vec<usize>,
    live: Option<Vec<f32>>,
}

impl Host for Batches {
    fn feed(&mut self, step: u32, feeds: &mut Feeds<'_>) -> Result<(), Error> {
        let x: Vec<f32> = self.classes.iter().flat_map(|&class| batch(step, class)).collect();
        feeds.f32("x", &x)?;
        match &self.live {
            Some(live) => feeds.f32("live", live),
            None => Ok(()),
        }
    }
}

fn train(graph: &Graph, seeds: &[u64], threads: usize, classes: &[usize]) -> CpuSession {
    let mut session = CpuSession::new(seeds, threads).unwrap();
    let plan = session.load(Plan::compile(graph).unwrap()).unwrap();
    let mut hosts: Vec<Batches> =
        seeds.iter().map(|_| Batches { classes: classes.to_vec(), live: None }).collect();
    let mut hosts: Vec<&mut dyn Host> = hosts.iter_mut().map(|h| h as &mut dyn Host).collect();
    session.run(plan, 0..STEPS, &mut hosts).unwrap();
    session
}

/// One class alone, as one would write it without lanes.
fn single(seed: u64, class: usize) -> [Vec<f32>; 3] {
    let graph = Graph::new();
    let theta = graph.slot("theta", &[LEN], init());
    let [m, v] = ["m", "v"].map(|name| graph.slot(name, &[LEN], Init::Zeros));
    let rate = graph.slot("rate", &[], Init::Constant(0.01));
    let gradient = graph.grad(loss(theta, graph.input("x", &[ROWS, FEATURES])), theta);
    for (name, value) in ["theta", "m", "v"].into_iter().zip(adam(theta, m, v, gradient, rate)) {
        graph.assign(name, value);
    }
    let session = train(&graph, &[seed], 1, &[class]);
    ["theta", "m", "v"].map(|slot| session.read(slot, 0).unwrap())
}

fn assert_classes_are_single_programs(graph: &Graph) {
    let (seeds, classes) = ([7, 8, 9], [0, 1, 2]);
    let population = train(graph, &seeds, 2, &classes);
    for (member, &seed) in seeds.iter().enumerate() {
        for threads in [1, 2] {
            let alone = train(graph, &[seed], threads, &classes);
            for slot in ["theta", "m", "v"] {
                assert!(alone.read(slot, 0).unwrap() == population.read(slot, member).unwrap());
            }
        }
        for class in classes {
            let expected = single(lane_seed(seed, class), class);
            for (slot, expected) in ["theta", "m", "v"].into_iter().zip(expected) {
                let all = population.read(slot, member).unwrap();
                let got = &all[class * LEN..][..LEN];
                assert!(*got == *expected, "{slot} of class {class}, member {member}");
            }
        }
    }
}

#[test]
fn classes_with_stacked_slots_are_single_programs_bit_for_bit() {
    let graph = Graph::new();
    let shape = [CLASSES, LEN];
    let stacked = Init::seeded(|seed, values| {
        let Init::Seeded(fill) = init() else { unreachable!() };
        for (class, values) in values.chunks_mut(LEN).enumerate() {
            fill(lane_seed(seed, class), values);
        }
    });
    let theta = graph.slot("theta", &shape, stacked);
    let [m, v] = ["m", "v"].map(|name| graph.slot(name, &shape, Init::Zeros));
    let rate = graph.slot("rate", &[], Init::Constant(0.01));
    let x = graph.input("x", &[CLASSES, ROWS, FEATURES]);
    let new = graph.inner(CLASSES, [theta, m, v, x], |inner, [theta, m, v, x]| {
        let gradient = inner.grad(loss(theta, x), theta);
        adam(theta, m, v, gradient, rate).map(Var::stacked)
    });
    for (name, value) in ["theta", "m", "v"].into_iter().zip(new) {
        graph.assign(name, value);
    }
    assert_classes_are_single_programs(&graph);
}

#[test]
fn slots_declared_and_assigned_in_the_body_are_one_per_class() {
    let graph = Graph::new();
    graph.slot("rate", &[], Init::Constant(0.01));
    let x = graph.input("x", &[CLASSES, ROWS, FEATURES]);
    graph.inner(CLASSES, [x], |inner, [x]| {
        let theta = inner.slot("theta", &[LEN], init());
        let [m, v] = ["m", "v"].map(|name| inner.slot(name, &[LEN], Init::Zeros));
        let rate = inner.slot("rate", &[], Init::Constant(9.0));
        let gradient = inner.grad(loss(theta, x), theta);
        for (name, value) in ["theta", "m", "v"].into_iter().zip(adam(theta, m, v, gradient, rate))
        {
            inner.assign(name, value);
        }
        []
    });
    assert_classes_are_single_programs(&graph);
    let session = train(&graph, &[1], 1, &[0, 1, 2]);
    assert_eq!(session.read("rate", 0).unwrap(), [0.01], "declared outside before: shared");
}

#[test]
fn a_class_that_idles_keeps_its_bits_and_the_others_theirs() {
    let graph = Graph::new();
    let theta = graph.slot("theta", &[CLASSES, LEN], init());
    let x = graph.input("x", &[CLASSES, ROWS, FEATURES]);
    let live = graph.input("live", &[CLASSES]);
    let [new] = graph.inner(CLASSES, [theta, x, live], |inner, [theta, x, live]| {
        let gradient = inner.grad(loss(theta, x), theta);
        [live.select(theta - gradient * 0.1, theta).stacked()]
    });
    graph.assign("theta", new);
    let run = |live: [f32; CLASSES]| {
        let mut session = CpuSession::new(&[3], 1).unwrap();
        let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
        let before = session.read("theta", 0).unwrap();
        let mut host = Batches { classes: vec![0, 1, 2], live: Some(live.to_vec()) };
        session.run(plan, 0..STEPS, &mut [&mut host]).unwrap();
        (before, session.read("theta", 0).unwrap())
    };
    let (before, all) = run([1.0; 3]);
    let (_, idle) = run([1.0, 0.0, 1.0]);
    let part = |values: &[f32], class: usize| values[class * LEN..][..LEN].to_vec();
    for class in [0, 2] {
        assert_eq!(part(&idle, class), part(&all, class));
        assert_ne!(part(&idle, class), part(&before, class));
    }
    assert_eq!(part(&idle, 1), part(&before, 1));
    assert_ne!(part(&all, 1), part(&before, 1));
}

#[test]
fn a_sum_over_lanes_runs_from_the_first_to_the_last() {
    // 1e8 + 1 is 1e8 in 32 bits: only this order gives ((1e8 + 1) - 1e8) + 3 = 3.
    let graph = Graph::new();
    let x = graph.slot("x", &[4], Init::Values([1e8, 1.0, -1e8, 3.0].into()));
    let [sum] = graph.inner(4, [x], |_, [x]| [x.sum_inner()]);
    graph.slot("sum", &[], Init::Zeros);
    graph.assign("sum", sum);
    let mut session = CpuSession::new(&[0], 1).unwrap();
    let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
    session.run_once(plan).unwrap();
    assert_eq!(session.read("sum", 0).unwrap(), [3.0]);
}

#[test]
fn a_gradient_by_theta_finds_the_parameters_cut_out_of_it_outside() {
    let graph = Graph::new();
    let theta = graph.slot("theta", &[2], Init::Values([2.0, 5.0].into()));
    let (w, b) = (theta.slice(0, 0..1).reshape(&[]), theta.slice(0, 1..2).reshape(&[]));
    let x = graph.slot("x", &[2], Init::Values([1.0, 3.0].into()));
    let [gradients] =
        graph.inner(2, [x], |inner, [x]| [inner.grad((w * x + b).square() * 0.5, theta).stacked()]);
    graph.output("gradients", gradients);
    let out = ReferenceSession::new(0).run(&graph, &[]).unwrap();
    // (2x + 5) (x, 1) at x = 1 and 3.
    assert_eq!(out["gradients"].data, [7.0, 7.0, 33.0, 11.0]);
}

#[test]
fn addresses_per_lane_give_draws_per_lane() {
    let graph = Graph::new();
    let each = graph.input_u32("each", &[2, 4]);
    let all = graph.input_u32("all", &[4]);
    let purpose = cl_random::Purpose::named("test");
    let [own, shared] = graph.inner(2, [each], |inner, [address]| {
        [address, all].map(|address| inner.uniform(address, purpose, 0, &[8]).stacked())
    });
    graph.output("own", own);
    graph.output("shared", shared);
    let feeds = [
        ("each", Values::new(&[2, 4], vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0])),
        ("all", Values::new(&[4], vec![1.0, 0.0, 0.0, 0.0])),
    ];
    let out = ReferenceSession::new(0).run(&graph, &feeds).unwrap();
    let (own, shared) = (&out["own"].data, &out["shared"].data);
    assert_ne!(own[..8], own[8..]);
    assert_eq!(shared[..8], shared[8..]);
    assert_eq!(own[..8], shared[..8]);
}

#[test]
fn cost_counts_the_body_once_per_lane_and_equal_bodies_once() {
    let graph = Graph::new();
    let x = graph.input("x", &[7, 2, 3]);
    let w = graph.slot("w", &[3, 4], Init::Constant(1.0));
    let record = || {
        let [y] = graph.inner(7, [x], |_, [x]| [x.matmul(w).sum_inner()]);
        y
    };
    graph.output("once", record());
    let once = Plan::compile(&graph).unwrap().cost();
    assert_eq!(once.macs, 7 * 2 * 3 * 4);
    graph.output("twice", record() + 1.0);
    assert_eq!(Plan::compile(&graph).unwrap().cost().macs, once.macs);
    let [other] = graph.inner(7, [x], |_, [x]| [x.matmul(w + 1.0).sum_inner()]);
    graph.output("other", other);
    assert_eq!(Plan::compile(&graph).unwrap().cost().macs, 2 * once.macs);
}

#[test]
fn a_trace_shows_the_values_of_the_first_lane_and_what_leaves_the_lanes() {
    let graph = Graph::new();
    let x = graph.slot("x", &[2], Init::Values([3.0, 4.0].into()));
    let line = line!() + 1;
    let [y] = graph.inner(2, [x], |_, [x]| [x.square().stacked()]);
    graph.output("y", y);
    let mut session = CpuSession::new(&[0], 1).unwrap();
    let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
    let mut host = Batches { classes: Vec::new(), live: None };
    let error = session.trace(plan, 0, &mut host).unwrap_err().to_string();
    assert!(error.contains("input `x` does not exist"), "{error}");
    struct Nothing;
    impl Host for Nothing {
        fn feed(&mut self, _: u32, _: &mut Feeds<'_>) -> Result<(), Error> {
            Ok(())
        }
    }
    let text = session.trace(plan, 0, &mut Nothing).unwrap();
    assert!(text.contains("lanes"), "{text}");
    assert!(text.contains("lane 0 of operand 0"), "{text}");
    let inside = text.lines().find(|l| l.starts_with("    ") && l.contains("square")).unwrap();
    assert!(inside.contains("[9.000000]"), "{text}");
    assert!(inside.ends_with(&format!("inner.rs:{line}")), "{text}");
    assert!(text.contains("[9.000000, 16.000000]"), "{text}");
}

#[test]
fn results_can_be_named_one_by_one() {
    let graph = Graph::new();
    let x = graph.slot("x", &[2, 2], Init::Values([1.0, 2.0, 3.0, 4.0].into()));
    let [kept, summed] = graph.inner(2, [x], |inner, [x]| {
        inner.output("norms", x.square().sum());
        [Across::Stacked(x * 2.0), Across::Summed(x)]
    });
    graph.output("kept", kept);
    graph.output("summed", summed);
    let out = ReferenceSession::new(0).run(&graph, &[]).unwrap();
    assert_eq!(out["norms"].data, [5.0, 25.0]);
    assert_eq!(out["kept"].data, [2.0, 4.0, 6.0, 8.0]);
    assert_eq!(out["summed"].data, [4.0, 6.0]);
}
