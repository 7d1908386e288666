//! What a plan must look like: no copies, one pass, in place.

use super::program::Load;
use super::{FIRST_SLOT, Kernel, Plan};
use crate::{CpuSession, Error, Feeds, Graph, Host, Init, Outputs, Session, Var};

/// An MLP's training step with Adam over the flat vector, as methods record it.
fn mlp_step<'g>(graph: &'g Graph, sizes: &[usize], rows: usize) -> Var<'g> {
    let mut ranges = Vec::new();
    let mut len = 0_usize;
    for pair in sizes.windows(2) {
        for shape in [vec![pair[0], pair[1]], vec![pair[1]]] {
            let count: usize = shape.iter().product();
            ranges.push((len, count, shape));
            len = (len + count).next_multiple_of(64);
        }
    }
    let init = Init::seeded(|seed, values| {
        for (i, value) in values.iter_mut().enumerate() {
            let word = cl_random::threefry2x32([seed as u32, 1], [i as u32, 0])[0];
            *value = (f64::from(word) / f64::from(u32::MAX) - 0.5) as f32 * 0.2;
        }
    });
    let theta = graph.slot("theta", &[len], init);
    let get = |i: usize| {
        let (offset, count, shape) = &ranges[i];
        theta.slice(0, *offset..offset + count).reshape(shape)
    };
    let mut h = graph.input("x", &[rows, sizes[0]]);
    let layers = sizes.len() - 1;
    for layer in 0..layers {
        h = h.matmul(get(2 * layer)) + get(2 * layer + 1);
        if layer + 1 < layers {
            h = h.relu();
        }
    }
    let target = graph.input_u32("target", &[rows]);
    let loss = h.cross_entropy(target).mean();
    let g = graph.grad(loss, theta);
    let m = graph.slot("m", &[len], Init::Zeros);
    let v = graph.slot("v", &[len], Init::Zeros);
    let beta = graph.slot("beta", &[], Init::Constant(0.9));
    let m1 = m + (g - m) * (1.0 - beta);
    let v1 = v * 0.999 + g.square() * 0.001;
    graph.assign("m", m1);
    graph.assign("v", v1);
    graph.assign("theta", theta - m1 * 0.001 / (v1.sqrt() + 1e-8));
    graph.output("loss", loss);
    theta
}

struct Batch {
    rows: usize,
    features: usize,
    losses: Vec<f32>,
}

impl Host for Batch {
    fn feed(&mut self, _: u32, feeds: &mut Feeds<'_>) -> Result<(), Error> {
        let x: Vec<f32> =
            (0..self.rows * self.features).map(|i| (i * 7919 % 101) as f32 / 101.0).collect();
        let target: Vec<u32> = (0..self.rows).map(|r| (r % 10) as u32).collect();
        feeds.f32("x", &x)?;
        feeds.u32("target", &target)
    }
    fn collect(&mut self, _: u32, outputs: &Outputs<'_>) -> Result<(), Error> {
        self.losses.push(outputs.scalar("loss")?);
        Ok(())
    }
}

fn compiled(sizes: &[usize], rows: usize) -> Plan {
    let graph = Graph::new();
    mlp_step(&graph, sizes, rows);
    Plan::compile(&graph).unwrap()
}

#[test]
fn an_mlp_step_copies_nothing() {
    let plan = compiled(&[784, 400, 400, 10], 128);
    assert_eq!(plan.cost().copies, 0, "{:#?}", plan.kernels);
    assert!(plan.commits.is_empty());
    // Forward 3 products, backward 3 for the weights and 2 for the activations.
    let macs = 128 * (784 * 400 + 400 * 400 + 400 * 10) * 2 + 128 * (400 * 400 + 400 * 10);
    assert_eq!(plan.cost().macs, macs);
}

#[test]
fn adam_reads_theta_m_v_and_g_once_and_writes_in_place() {
    let plan = compiled(&[784, 400, 400, 10], 128);
    let writer = plan
        .kernels
        .iter()
        .filter_map(|kernel| match kernel {
            Kernel::Pointwise(p) if p.stores.iter().any(|(_, to)| to.base >= FIRST_SLOT) => Some(p),
            _ => None,
        })
        .collect::<Vec<_>>();
    let [adam] = writer[..] else { panic!("one kernel writes slots, not {}", writer.len()) };
    let mut wide = Vec::new();
    for load in &adam.loads {
        match load {
            Load::Aligned(place) => wide.push(*place),
            Load::Splat(_) => {}
            Load::Strided(..) => panic!("Adam reads straight through"),
        }
    }
    assert_eq!(wide.len(), 4, "theta, m, v, g: {wide:?}");
    let mut slots: Vec<u32> = wide.iter().map(|p| p.base).filter(|b| *b >= FIRST_SLOT).collect();
    slots.sort_unstable();
    let mut written: Vec<u32> = adam.stores.iter().map(|(_, to)| to.base).collect();
    written.sort_unstable();
    assert_eq!(slots, written, "theta, m and v are read and written in one pass");
    assert_eq!(written.len(), 3);
}

#[test]
fn activations_and_masks_are_epilogues_of_products() {
    let plan = compiled(&[784, 400, 400, 10], 128);
    let products = plan.kernels.iter().filter(|k| matches!(k, Kernel::Product(_))).count();
    let fused = plan
        .kernels
        .iter()
        .filter(|k| matches!(k, Kernel::Product(p) if p.epilogue.is_some()))
        .count();
    assert_eq!(products, 8);
    // Three biases (two with relu) and two backward masks.
    assert_eq!(fused, 5);
}

fn train(seeds: &[u64], threads: usize, sizes: &[usize], rows: usize, steps: u32) -> Vec<Vec<f32>> {
    let mut session = CpuSession::new(seeds, threads).unwrap();
    let plan = session.load(compiled(sizes, rows)).unwrap();
    let mut batches: Vec<Batch> =
        seeds.iter().map(|_| Batch { rows, features: sizes[0], losses: Vec::new() }).collect();
    let mut hosts: Vec<&mut dyn Host> = batches.iter_mut().map(|b| b as &mut dyn Host).collect();
    session.run(plan, 0..steps, &mut hosts).unwrap();
    assert!(batches.iter().all(|b| b.losses.last() < b.losses.first()), "{:?}", batches[0].losses);
    (0..seeds.len()).map(|member| session.read("theta", member).unwrap()).collect()
}

#[test]
fn populations_and_threads_give_the_bits_of_single_runs() {
    let (sizes, rows) = ([200, 300, 10], 128);
    let population = train(&[4, 5, 6], 2, &sizes, rows, 5);
    for (member, seed) in [4, 5, 6].into_iter().enumerate() {
        for threads in [1, 2, 3] {
            let single = train(&[seed], threads, &sizes, rows, 5);
            assert!(single[0] == population[member], "seed {seed} on {threads} threads");
        }
    }
    assert_ne!(population[0], population[1]);
}

#[test]
fn slots_swap_and_late_readers_see_old_values() {
    let graph = Graph::new();
    let a = graph.slot("a", &[4], Init::Constant(1.0));
    let b = graph.slot("b", &[4], Init::Constant(2.0));
    graph.assign("a", b);
    graph.assign("b", a);
    // Reads `a` as a matrix, which cannot be part of the pass that writes it.
    let product = a.reshape(&[2, 2]).matmul(b.reshape(&[2, 2]));
    graph.output("product", product);
    let mut session = CpuSession::new(&[0], 1).unwrap();
    let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
    session.run_once(plan).unwrap();
    assert_eq!(session.read("a", 0).unwrap(), [2.0; 4]);
    assert_eq!(session.read("b", 0).unwrap(), [1.0; 4]);
}

#[test]
fn a_misfit_names_the_line_that_recorded_it() {
    let graph = Graph::new();
    let a = graph.input("a", &[32, 784]);
    let b = graph.input("b", &[400, 10]);
    let line = line!() + 1;
    let c = a.matmul(b);
    graph.output("c", (c + 1.0).sum());
    let error = Plan::compile(&graph).unwrap_err().to_string();
    assert!(error.contains(&format!("tests.rs:{line}")), "{error}");
    assert!(error.contains("matmul: [32, 784] x [400, 10]: inner dimensions 784 and 400 differ"));
}

#[test]
fn a_slot_assigned_twice_is_refused_with_both_lines() {
    let graph = Graph::new();
    let a = graph.slot("a", &[1], Init::Zeros);
    graph.assign("a", a + 1.0);
    graph.assign("a", a + 2.0);
    let error = Plan::compile(&graph).unwrap_err().to_string();
    assert!(error.contains("slot `a` is assigned twice"), "{error}");
}

#[test]
fn a_trace_names_values_and_lines() {
    let graph = Graph::new();
    let a = graph.slot("a", &[3], Init::Constant(2.0));
    let line = line!() + 1;
    graph.output("sum", a.square().sum());
    let mut session = CpuSession::new(&[0], 1).unwrap();
    let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
    struct Nothing;
    impl Host for Nothing {
        fn feed(&mut self, _: u32, _: &mut Feeds<'_>) -> Result<(), Error> {
            Ok(())
        }
    }
    let text = session.trace(plan, 0, &mut Nothing).unwrap();
    assert!(text.contains("slot a"), "{text}");
    assert!(text.contains("[4.000000, 4.000000, 4.000000]"), "{text}");
    assert!(text.contains(&format!("tests.rs:{line}")), "{text}");
}

#[test]
fn an_input_that_was_not_fed_is_named() {
    let graph = Graph::new();
    let x = graph.input("x", &[2]);
    graph.output("y", x.sum());
    let mut session = CpuSession::new(&[0], 1).unwrap();
    let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
    let error = session.run_once(plan).unwrap_err().to_string();
    assert!(error.contains("input `x` was not fed"), "{error}");
}

#[test]
fn a_host_that_panics_loses_no_slot() {
    struct Panics;
    impl Host for Panics {
        fn feed(&mut self, step: u32, _: &mut Feeds<'_>) -> Result<(), Error> {
            assert!(step < 1, "the host gives up");
            Ok(())
        }
    }
    let graph = Graph::new();
    let a = graph.slot("a", &[100], Init::Constant(1.0));
    graph.assign("a", a + 1.0);
    for threads in [1, 2] {
        let mut session = CpuSession::new(&[0, 1], threads).unwrap();
        let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
        let run = std::panic::AssertUnwindSafe(|| {
            let (mut first, mut second) = (Panics, Panics);
            session.run(plan, 0..3, &mut [&mut first, &mut second])
        });
        assert!(std::panic::catch_unwind(run).is_err());
        assert_eq!(session.read("a", 0).unwrap(), [2.0; 100]);
        session.run_once(plan).unwrap();
        assert_eq!(session.read("a", 1).unwrap(), [3.0; 100]);
    }
}

#[test]
fn bytes_are_for_gather_decode_only() {
    let refused = |use_it: &dyn Fn(&Graph, Var<'_>)| {
        let graph = Graph::new();
        let bytes = graph.resident("bytes", &[8, 3], crate::DType::U8);
        use_it(&graph, bytes);
        Plan::compile(&graph).unwrap_err().to_string()
    };
    assert!(refused(&|g, b| g.output("o", b)).contains("must be floats or indices"));
    let text = "bytes are read by gather_decode only";
    assert!(refused(&|_, b| _ = b.slice(0, 2..8).gather_decode(b, 1.0)).contains(text));
    assert!(refused(&|_, b| _ = b.t()).contains(text));
    assert!(refused(&|_, b| _ = b.reshape(&[24])).contains(text));
}

#[test]
fn values_of_two_graphs_do_not_mix() {
    let (graph, other) = (Graph::new(), Graph::new());
    let foreign = other.slot("b", &[2], Init::Zeros);
    let a = graph.slot("a", &[2], Init::Zeros);
    graph.assign("a", a + foreign);
    let error = Plan::compile(&graph).unwrap_err().to_string();
    assert!(error.contains("add: an operand belongs to another graph"), "{error}");
}

#[test]
fn a_misfit_is_reported_every_time() {
    let graph = Graph::new();
    graph.output("c", graph.input("a", &[2]) + graph.input("b", &[3]));
    let first = Plan::compile(&graph).unwrap_err().to_string();
    assert_eq!(Plan::compile(&graph).unwrap_err().to_string(), first);
}

#[test]
fn a_product_of_no_rows_is_empty() {
    let graph = Graph::new();
    let empty = graph.input("a", &[0, 3]);
    graph.output("c", empty.matmul(graph.slot("b", &[3, 2], Init::Zeros)).sum());
    struct Empty;
    impl Host for Empty {
        fn feed(&mut self, _: u32, feeds: &mut Feeds<'_>) -> Result<(), Error> {
            feeds.f32("a", &[])
        }
        fn collect(&mut self, _: u32, outputs: &Outputs<'_>) -> Result<(), Error> {
            assert_eq!(outputs.scalar("c")?, 0.0);
            Ok(())
        }
    }
    let mut session = CpuSession::new(&[0], 1).unwrap();
    let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
    session.run(plan, 0..1, &mut [&mut Empty]).unwrap();
}

#[test]
fn more_inputs_than_are_tracked_are_refused() {
    let graph = Graph::new();
    let sum = (0..65).map(|i| graph.input(&format!("x{i}"), &[])).reduce(|sum, x| sum + x).unwrap();
    graph.output("sum", sum);
    let error = Plan::compile(&graph).unwrap_err().to_string();
    assert!(error.contains("65 inputs; at most 64"), "{error}");
}
