//! A step allocates nothing, also with inner lanes in it.
#![allow(clippy::unwrap_used)]

use cl_tensor::{CpuSession, Error, Feeds, Graph, Host, Init, Plan, Session};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Of all threads: steps run on the session's own.
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `System.alloc` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

struct Nothing;

impl Host for Nothing {
    fn feed(&mut self, _: u32, _: &mut Feeds<'_>) -> Result<(), Error> {
        Ok(())
    }
}

#[test]
fn more_steps_allocate_no_more() {
    let graph = Graph::new();
    let theta = graph.slot("theta", &[3, 700], Init::Constant(0.5));
    let [sum, new] = graph.inner(3, [theta], |inner, [theta]| {
        let [size] = inner.inner(700, [theta], |_, [x]| [(x.square() + 1.0).log().sum_inner()]);
        let loss = theta.square().sum();
        [size.sum_inner(), (theta - inner.grad(loss, theta) * 0.1).stacked()]
    });
    graph.slot("sum", &[], Init::Zeros);
    graph.assign("sum", sum);
    graph.assign("theta", new);
    let mut session = CpuSession::new(&[1], 1).unwrap();
    let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
    let mut allocations = |steps: u32| {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        session.run(plan, 0..steps, &mut [&mut Nothing]).unwrap();
        ALLOCATIONS.load(Ordering::Relaxed) - before
    };
    allocations(2);
    // Starting a run allocates a little, and the thread pool now and then: a step would add hundreds.
    let (few, many) = (allocations(1), allocations(500));
    assert!(many < few + 100, "{few} allocations of one step, {many} of 500");
    assert!(session.read("sum", 0).unwrap()[0] >= 0.0);
}
