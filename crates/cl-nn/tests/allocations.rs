//! No allocation by our code inside a step.
//!
//! What is counted: the allocations of the thread that runs the steps, from the first input that a
//! host feeds to the last output that one collects, and those of the thread that called, from start to
//! end. (Other threads are not: the pool of an earlier session may still be ending.)
//!
//! What is found: none on the thread that runs once its first steps have made the buffers of their kernels,
//! and the caller makes the same few for any number of steps. Where the CPU has neither AVX-512 nor AVX2,
//! products are matrixmultiply's, which allocates a packing buffer per call: only there are those exempt, told
//! apart by their alignment to vectors.
#![allow(clippy::unwrap_used)]

use cl_nn::{Adam, ForwardContext, Layout, Mlp, Network, Optimizer, Theta, losses};
use cl_tensor::{CpuSession, Error, Feeds, Graph, Host, Init, Outputs, Plan, Scope, Session};
use std::alloc::{GlobalAlloc, Layout as Memory, System};
use std::cell::Cell;

/// The system's allocator, counting.
struct Counting;

/// Allocations, told apart by their alignment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    /// At most that of a word.
    plain: u64,
    /// More: memory for vector instructions.
    aligned: u64,
}

impl Count {
    fn since(self, before: Self) -> Self {
        let Self { plain, aligned } = before;
        Self { plain: self.plain - plain, aligned: self.aligned - aligned }
    }
}

thread_local! {
    /// Of this thread. Without a destructor and known at compile time: reading it allocates nothing.
    static COUNT: Cell<Count> = const { Cell::new(Count { plain: 0, aligned: 0 }) };
}

// Nothing in the standard library tells how often a program allocates; an allocator of its own does.
// SAFETY: every call is handed on to the system's allocator with the same arguments, so what that one
// guarantees holds here; the counter is the thread's own and allocates nothing. The other methods of the trait
// have defaults that call these two.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, memory: Memory) -> *mut u8 {
        let mut count = COUNT.get();
        if memory.align() > align_of::<usize>() {
            count.aligned += 1
        } else {
            count.plain += 1
        }
        COUNT.set(count);
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
/// Whether products are computed by kernels of our own.
fn own_products() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

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
    /// The running thread's count when this member was first fed and last collected.
    seen: Option<(Count, Count)>,
}

impl Host for Batch {
    fn feed(&mut self, _: u32, feeds: &mut Feeds<'_>) -> Result<(), Error> {
        self.seen.get_or_insert((COUNT.get(), COUNT.get()));
        feeds.f32("x", &self.x)?;
        feeds.u32("target", &self.target)
    }
    fn collect(&mut self, _: u32, outputs: &Outputs<'_>) -> Result<(), Error> {
        self.loss = outputs.scalar("loss")?;
        self.seen = self.seen.map(|(first, _)| (first, COUNT.get()));
        Ok(())
    }
}

/// What a run of this many steps on one thread allocates, after a first run: by the caller, and while
/// steps run.
fn allocations(plan: fn() -> Plan, members: u64, steps: u32) -> (Count, Count) {
    let seeds: Vec<u64> = (0..members).collect();
    let mut session = CpuSession::new(&seeds, 1).unwrap();
    let plan = session.load(plan()).unwrap();
    let x: Vec<f32> = (0..ROWS * SIZES[0]).map(|i| (i * 7919 % 101) as f32 / 101.0).collect();
    let target: Vec<u32> = (0..ROWS as u32).map(|row| row % 10).collect();
    let batch =
        |_: &u64| Batch { x: x.clone(), target: target.clone(), loss: f32::NAN, seen: None };
    let mut batches: Vec<Batch> = seeds.iter().map(batch).collect();
    let run = |batches: &mut [Batch], session: &mut CpuSession, steps: u32| {
        let mut hosts: Vec<&mut dyn Host> =
            batches.iter_mut().map(|batch| batch as &mut dyn Host).collect();
        let before = COUNT.get();
        session.run(plan, 0..steps, &mut hosts).unwrap();
        COUNT.get().since(before)
    };
    run(&mut batches, &mut session, 3);
    batches.iter_mut().for_each(|batch| batch.seen = None);
    let caller = run(&mut batches, &mut session, steps);
    assert!(batches.iter().all(|batch| batch.loss.is_finite()));
    // One thread runs all members in turn: from the first of them to the last.
    let first =
        batches.iter().map(|batch| batch.seen.unwrap().0).min_by_key(|c| c.plain + c.aligned);
    let last =
        batches.iter().map(|batch| batch.seen.unwrap().1).max_by_key(|c| c.plain + c.aligned);
    (caller, last.unwrap().since(first.unwrap()))
}

#[test]
fn a_step_allocates_nothing() {
    for members in [1, 3] {
        let of = |plan: fn() -> Plan| {
            let [(few, _), (many, _)] = [5, 50].map(|steps| allocations(plan, members, steps));
            assert_eq!(few, many, "by the caller, for 5 and for 50 steps of {members} members");
            assert!(few.plain > 0, "the allocator counts");
        };
        of(training_step);
        of(other_kernels);
        for steps in [5, 50] {
            let (_, running) = allocations(training_step, members, steps);
            assert_eq!(running.plain, 0, "in {steps} steps of {members} members");
            if own_products() {
                assert_eq!(running.aligned, 0, "in {steps} steps of {members} members");
            }
            let (_, running) = allocations(other_kernels, members, steps);
            assert_eq!(running, Count::default(), "there is no product to pack for");
        }
    }
}
