//! One call of `run`: workers, lanes and steps.

use super::execute;
use super::memory::{Bases, Block};
use super::pool::Pool;
use super::team::Team;
use crate::error::Error;
use crate::plan::{Plan, Port};
use crate::session::{Host, Outputs};
use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// Steps that a worker runs for one member before it takes the next: members stay within a few
/// steps of each other, so all threads are busy until the end whatever the number of members.
const SLICE: u32 = 8;

pub(super) struct Loaded {
    pub plan: Plan,
    /// The plan's slots in the session's table.
    pub slots: Vec<usize>,
    /// Arena and feeds of each worker.
    pub scratch: Vec<Mutex<Scratch>>,
}

pub(super) struct Scratch {
    arena: Block,
    feeds: Block,
    bases: Bases,
}

impl Scratch {
    pub(super) fn new(plan: &Plan) -> Result<Self, Error> {
        let mut arena = Block::zeros(plan.arena_len, "values of a program")?;
        for &(offset, value) in &plan.constants {
            arena.as_mut_slice()[offset] = value;
        }
        let blocks = 2 + plan.slots.len() + plan.residents.len();
        let feeds = Block::zeros(plan.signature.feed_len, "inputs of a program")?;
        Ok(Self { arena, feeds, bases: Bases::with_capacity(blocks) })
    }
}

/// What travels with a member from worker to worker.
pub(super) struct Lane<'a> {
    pub member: usize,
    pub next: u32,
    pub slots: Vec<Block>,
    pub host: &'a mut dyn Host,
    pub error: Option<(u32, Error)>,
    /// What a host or an operation panicked with; thrown on once every slot is back in its place.
    pub panic: Option<Box<dyn Any + Send>>,
}

/// One call of `run`: what all workers share.
pub(super) struct Shift<'a> {
    pub loaded: &'a Loaded,
    pub residents: &'a [&'a Block],
    pub end: u32,
    /// The earliest step at which a member stopped: nobody goes beyond it.
    pub stop: AtomicU32,
}

impl Shift<'_> {
    /// Each worker runs whole plans, for whichever member is furthest behind.
    pub(super) fn side_by_side<'h>(
        &self,
        pool: &mut Pool,
        queue: VecDeque<Lane<'h>>,
    ) -> Vec<Lane<'h>> {
        let done = Mutex::new(Vec::with_capacity(queue.len()));
        let queue = Mutex::new(queue);
        pool.run(&|worker| {
            let Some(scratch) = self.loaded.scratch.get(worker) else { return };
            let (mut scratch, alone) = (lock(scratch), Team::new(1));
            // A statement of its own: the queue must not stay locked while a lane runs.
            while let Some(mut lane) = { lock(&queue).pop_front() } {
                self.run_guarded(&mut lane, &mut scratch, SLICE, &alone);
                if self.finished(&lane) {
                    lock(&done).push(lane);
                } else {
                    lock(&queue).push_back(lane);
                }
            }
        });
        done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// All threads share the kernels of one member after another.
    pub(super) fn one_by_one<'h>(
        &self,
        pool: &mut Pool,
        queue: VecDeque<Lane<'h>>,
    ) -> Vec<Lane<'h>> {
        let done = Mutex::new(Vec::with_capacity(queue.len()));
        let queue = Mutex::new(queue);
        let team = Team::new(pool.threads());
        pool.run(&|worker| {
            if worker > 0 {
                return team.help();
            }
            team.lead(|| {
                let mut scratch = lock(&self.loaded.scratch[0]);
                while let Some(mut lane) = { lock(&queue).pop_front() } {
                    while !self.finished(&lane) {
                        self.run_guarded(&mut lane, &mut scratch, u32::MAX, &team);
                    }
                    lock(&done).push(lane);
                }
            });
        });
        done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn finished(&self, lane: &Lane<'_>) -> bool {
        lane.error.is_some()
            || lane.panic.is_some()
            || lane.next >= self.end
            || lane.next > self.stop.load(Ordering::Relaxed)
    }

    /// Runs a slice; a panic in it stops the member, whose slots must not be lost with it.
    fn run_guarded(&self, lane: &mut Lane<'_>, scratch: &mut Scratch, steps: u32, team: &Team) {
        let slice = AssertUnwindSafe(|| self.run_slice(lane, scratch, steps, team));
        if let Err(panic) = catch_unwind(slice) {
            scratch.bases.clear();
            self.stop.fetch_min(lane.next, Ordering::Relaxed);
            lane.panic = Some(panic);
        }
    }

    fn run_slice(&self, lane: &mut Lane<'_>, scratch: &mut Scratch, steps: u32, team: &Team) {
        let plan = &self.loaded.plan;
        scratch.bases.clear();
        scratch.bases.push(&mut scratch.arena);
        scratch.bases.push(&mut scratch.feeds);
        lane.slots.iter_mut().for_each(|block| scratch.bases.push(block));
        self.residents.iter().for_each(|block| scratch.bases.push_shared(block));
        let end = self.end.min(lane.next.saturating_add(steps));
        while lane.next < end && lane.next <= self.stop.load(Ordering::Relaxed) {
            let step = lane.next;
            let outcome =
                plan.feed(lane.host, step, scratch.feeds.as_mut_slice()).and_then(|runs| {
                    if !runs {
                        return Ok(());
                    }
                    execute::run(plan, &scratch.bases, team);
                    let bases = &scratch.bases;
                    let read = |position: usize| {
                        let output: &Port = &plan.signature.outputs[position];
                        // SAFETY: outputs stay in the arena or a slot until the next step.
                        unsafe { bases.slice(output.place, output.ty.len()) }
                    };
                    lane.host.collect(step, &Outputs { signature: &plan.signature, read: &read })
                });
            if let Err(error) = outcome {
                lane.error = Some((step, error));
                self.stop.fetch_min(step, Ordering::Relaxed);
                break;
            }
            lane.next += 1;
        }
        scratch.bases.clear();
    }
}

/// A lock, also after a panic elsewhere: what it guards is replaced as a whole, never half-written.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
