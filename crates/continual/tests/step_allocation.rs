//! Steps within a context allocate nothing: without a method, with a penalty, with a memory.
//!
//! What is counted: every allocation of the process, on any thread, between two looks of an observer at a run;
//! this file has one test, so nothing else runs. What is found: a call that takes so many steps makes the
//! same few allocations for any number of them. (Where the CPU has neither AVX-512 nor AVX2, products are
//! matrixmultiply's, whose packing buffers are aligned to vectors: those are not counted.)
#![allow(clippy::unwrap_used)]

use continual::core::{Error, Learner, Naive, Observer, Settings, Strategy, run};
use continual::nn::{Adam, Mlp};
use continual::regularize::Ewc;
use continual::replay::ExperienceReplay;
use continual::scenarios::{Part, Protocol, Scenario, Stream, StreamSpec, digits};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

static COUNT: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged; the counter is an atomic, which
// allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if own_products() || layout.align() <= align_of::<usize>() {
            COUNT.fetch_add(1, Ordering::Relaxed);
        }
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

/// Whether products are computed by kernels of our own.
fn own_products() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Steps per context.
const STEPS: u32 = 160;

/// Looks at a run every so many steps; allocations since the last look in the second context, but for its first
/// steps, which make the buffers of their kernels, and its last, after which the pull of penalties is measured.
struct Looks {
    every: u32,
    before: u64,
    found: Vec<u64>,
}

impl Observer for Looks {
    fn interval(&self) -> u32 {
        self.every
    }

    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        let now = COUNT.load(Ordering::Relaxed);
        let progress = learner.progress();
        if progress.stage == 1 && progress.step > self.every && progress.step < STEPS {
            self.found.push(now - self.before);
        }
        // What this function allocates itself is not counted.
        self.before = COUNT.load(Ordering::Relaxed);
        Ok(())
    }
}

/// Allocations of each call that takes `every` steps.
fn allocations(strategy: &dyn Strategy, every: u32, threads: usize) -> Vec<u64> {
    let data = digits();
    let (protocol, scenario, part) = (Protocol::Split, Scenario::Class, Part::Final);
    let spec = StreamSpec { protocol, scenario, contexts: 2, seed: 2, part, pad: 0 };
    let stream = spec.build(&data).unwrap();
    let network = Box::new(Mlp::new(&[64, 100, 200, stream.outputs()]).unwrap());
    let members: Vec<(u64, Box<dyn Stream>)> = vec![(2, Box::new(stream))];
    let settings = Settings::new(STEPS, 64, Box::new(Adam::new(1e-3))).on_threads(threads);
    let mut learner = Learner::new(strategy, &data, members, network, settings).unwrap();
    let mut looks = Looks { every, before: 0, found: Vec::with_capacity(64) };
    run(&mut learner, &mut looks).unwrap();
    looks.found
}

#[test]
fn steps_within_a_context_allocate_nothing() {
    let (ewc, er) = (Ewc::default(), ExperienceReplay::per_class(20));
    let all: [&dyn Strategy; 3] = [&Naive, &ewc, &er];
    for strategy in all {
        for threads in [1, 2] {
            let few = allocations(strategy, 5, threads);
            let many = allocations(strategy, 40, threads);
            assert!(
                few.iter().chain(&many).all(|&calls| calls == few[0]),
                "{}, {threads} threads: {few:?} for calls of 5 steps, {many:?} of 40",
                strategy.name()
            );
            assert!(few[0] > 0 && many.len() > 1, "the allocator counts");
        }
    }
}
