//! A step of generative replay allocates nothing, whatever generator it has.
//!
//! What is counted: every allocation of the process, on any thread, between two looks of an observer at a
//! run of the recorded program; this file has one test, so nothing else runs. What is found: the same few
//! for any number of steps, made by the call that runs them. (Where products are matrixmultiply's, its packing
//! buffers: they are aligned to vectors and not counted.)
#![allow(clippy::unwrap_used)]

use cl_core::{Error, Learner, Observer, Parts, Settings, Strategy, run};
use cl_nn::{Adam, Mlp};
use cl_replay::generative::RowGenerator;
use cl_replay::{Dgr, GanGenerator, ReplayThroughFeedback, VaeGenerator};
use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamSpec, digits};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

static PLAIN: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged; the counter is an atomic, which
// allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= align_of::<usize>() {
            PLAIN.fetch_add(1, Ordering::Relaxed);
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

/// A GAN whose critic, generator and network learn in one program: all that its cycle of programs
/// records, in one run of many steps.
struct AtOnce(Dgr<GanGenerator>);

impl Strategy for AtOnce {
    fn name(&self) -> String {
        "dgr-gan".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        let Dgr { generator, .. } = &self.0;
        parts.module(&generator.critic).module(generator);
        parts.generate(&self.0).consolidate(&self.0);
    }
}

/// Looks at a run every so many steps; allocations since the last look, in the second context.
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
        let now = PLAIN.load(Ordering::Relaxed);
        let progress = learner.progress();
        if progress.stage == 1 && progress.step > self.every {
            self.found.push(now - self.before);
        }
        // What this function allocates itself is not counted.
        self.before = PLAIN.load(Ordering::Relaxed);
        Ok(())
    }
}

/// Allocations of the call that runs `every` steps while rows are generated.
fn allocations(strategy: &dyn Strategy, every: u32) -> u64 {
    let data = digits();
    let (protocol, scenario, part) = (Protocol::Split, Scenario::Class, Part::Final);
    let spec = StreamSpec { protocol, scenario, contexts: 2, seed: 2, part, pad: 0 };
    let stream = spec.build(&data).unwrap();
    let network = Box::new(Mlp::new(&[64, 24, stream.outputs()]).unwrap());
    let members: Vec<(u64, Box<dyn Stream>)> = vec![(2, Box::new(stream))];
    let settings = Settings::new(160, 16, Box::new(Adam::new(1e-3)));
    let mut learner = Learner::new(strategy, &data, members, network, settings).unwrap();
    let mut looks = Looks { every, before: 0, found: Vec::with_capacity(64) };
    run(&mut learner, &mut looks).unwrap();
    *looks.found.iter().min().unwrap()
}

#[test]
fn a_step_of_generative_replay_allocates_nothing() {
    let sizes = [24, 24];
    let dgr = Dgr { generator: VaeGenerator::new(&sizes, 4), ..Dgr::default() };
    let gan = AtOnce(Dgr::gan(GanGenerator::new(&sizes, 4), Scenario::Class));
    let mut rtf = ReplayThroughFeedback::rtf(Scenario::Class);
    rtf.generator.latent = 4;
    let all: [&dyn Strategy; 3] = [&dgr, &gan, &rtf];
    for strategy in all {
        let [few, many] = [5, 40].map(|every| allocations(strategy, every));
        assert_eq!(few, many, "{}: for 5 and for 40 steps", strategy.name());
        assert!(few > 0, "the allocator counts");
    }
    assert_eq!(gan.0.generator.strategy(gan.0.labels), gan.name());
}
