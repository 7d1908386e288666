//! No allocation by our code inside a step: the allocations of a run do not depend on its steps.
//!
//! Products are computed by matrixmultiply, which allocates one packing buffer per call (one call per
//! block of rows of a product) and frees it again. This scratch is exempt, so it is counted apart:
//! packing buffers are aligned to vectors, and nothing else here asks for more than a word.
//!
//! One test in a binary of its own: the counts are of the process.
#![allow(clippy::unwrap_used)]

use cl_nn::{Adam, ForwardContext, Layout, Mlp, Network, Optimizer, Theta, losses};
use cl_tensor::{CpuSession, Error, Feeds, Graph, Host, Init, Outputs, Plan, Scope, Session};
use std::alloc::{GlobalAlloc, Layout as Memory, System};
use std::sync::atomic::{AtomicU64, Ordering};

/// The system's allocator, counting.
struct Counting;

/// Allocations with at most the alignment of a word.
static PLAIN: AtomicU64 = AtomicU64::new(0);
/// The others.
static ALIGNED: AtomicU64 = AtomicU64::new(0);

// Nothing in the standard library tells how often a program allocates; an allocator of its own does.
// SAFETY: every call is handed on to the system's allocator with the same arguments, so what that one
// guarantees holds here; the counters are atomic and allocate nothing. The other methods of the trait
// have defaults that call these two.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, memory: Memory) -> *mut u8 {
        let counter = if memory.align() > align_of::<usize>() { &ALIGNED } else { &PLAIN };
        counter.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc(memory) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, memory: Memory) {
        // SAFETY: the caller's promise, handed on: the pointer came from `alloc` above.
        unsafe { System.dealloc(pointer, memory) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ROWS: usize = 32;
const SIZES: [usize; 3] = [200, 96, 10];
/// Blocks of rows of the products of a step: forward 1 + 1 (32 rows each), the gradients of the
/// weights 3 (200 rows in blocks of 72) + 2 (96 rows in blocks of 48), that of the hidden layer 1.
const BLOCKS: u64 = 8;

fn training_step() -> Plan {
    let network = Mlp::new(&SIZES).unwrap();
    let layout = Layout::new(&network.params()).unwrap();
    let graph = Graph::new();
    let flat = graph.slot("theta", &[layout.len()], layout.init());
    let x = graph.input("x", &[ROWS, SIZES[0]]);
    let target = graph.input_u32("target", &[ROWS]);
    let forward = network.forward(Theta { flat, layout: &layout }, x, &ForwardContext::test());
    let loss = losses::cross_entropy(forward.logits, target, None).mean();
    let scope = Scope::new(&graph, "optimizer");
    let one = graph.constant(1.0);
    let delta = Adam::new(1e-3).delta(&scope, &layout, flat, graph.grad(loss, flat), one);
    graph.assign("theta", flat + delta);
    graph.output("loss", loss);
    Plan::compile(&graph).unwrap()
}

/// The kernels that a method adds, without a product.
fn other_kernels() -> Plan {
    let graph = Graph::new();
    let x = graph.input("x", &[ROWS, SIZES[0]]);
    let target = graph.input_u32("target", &[ROWS]);
    let memory = graph.slot("memory", &[100, SIZES[0]], Init::Constant(0.5));
    let chosen = x.square().sum_axis(1).top_k(4);
    graph.assign_rows("memory", target, x + memory.gather(target));
    let indices = graph.iota(6);
    let p = indices.reshape(&[6, 1]).equal_index(indices) * 2.0 + 0.25;
    let v = p.nnqp(x.slice(0, 0..1).slice(1, 0..6).reshape(&[6]), graph.full(&[6], 0.125));
    graph.output("loss", v.sum() + x.gather(chosen).softmax().max_row().sum());
    Plan::compile(&graph).unwrap()
}

struct Batch {
    x: Vec<f32>,
    target: Vec<u32>,
    loss: f32,
}

impl Host for Batch {
    fn feed(&mut self, _: u32, feeds: &mut Feeds<'_>) -> Result<(), Error> {
        feeds.f32("x", &self.x)?;
        feeds.u32("target", &self.target)
    }
    fn collect(&mut self, _: u32, outputs: &Outputs<'_>) -> Result<(), Error> {
        self.loss = outputs.scalar("loss")?;
        Ok(())
    }
}

/// Allocations of a run of this many steps on one thread, after a first one: (plain, aligned).
fn allocations(plan: fn() -> Plan, members: u64, steps: u32) -> (u64, u64) {
    let seeds: Vec<u64> = (0..members).collect();
    let mut session = CpuSession::new(&seeds, 1).unwrap();
    let plan = session.load(plan()).unwrap();
    let x: Vec<f32> = (0..ROWS * SIZES[0]).map(|i| (i * 7919 % 101) as f32 / 101.0).collect();
    let target: Vec<u32> = (0..ROWS as u32).map(|row| row % 10).collect();
    let batch = |_: &u64| Batch { x: x.clone(), target: target.clone(), loss: f32::NAN };
    let mut batches: Vec<Batch> = seeds.iter().map(batch).collect();
    let mut hosts: Vec<&mut dyn Host> = batches.iter_mut().map(|b| b as &mut dyn Host).collect();
    session.run(plan, 0..3, &mut hosts).unwrap();
    let count = || (PLAIN.load(Ordering::Relaxed), ALIGNED.load(Ordering::Relaxed));
    let before = count();
    session.run(plan, 0..steps, &mut hosts).unwrap();
    let after = count();
    assert!(batches.iter().all(|batch| batch.loss.is_finite()));
    (after.0 - before.0, after.1 - before.1)
}

/// The pool of threads allocates now and then; 45 more steps of a member would add 45 at least.
fn assert_not_per_step(few: u64, many: u64, members: u64) {
    let text = format!("{few} allocations of 5, {many} of 50 steps of {members} members");
    assert!(many < few + 10, "{text}");
}

#[test]
fn a_step_allocates_nothing_but_the_packing_buffers_of_its_products() {
    for members in [1, 3] {
        let (few, packed_by_few) = allocations(training_step, members, 5);
        let (many, packed_by_many) = allocations(training_step, members, 50);
        assert!(few > 0, "the allocator counts");
        assert_not_per_step(few, many, members);
        for (steps, packed) in [(5, packed_by_few), (50, packed_by_many)] {
            let blocks = BLOCKS * members * steps;
            assert!(packed <= blocks, "{packed} packing buffers for {blocks} blocks of products");
        }
        let (few, _) = allocations(other_kernels, members, 5);
        let (many, packed) = allocations(other_kernels, members, 50);
        assert_not_per_step(few, many, members);
        assert_eq!(packed, 0, "there is no product to pack for");
    }
}
