//! The CPU session: members in lanes over a pool of threads.

use super::denormal;
use super::execute::{self, Threads};
use super::memory::{Bases, Block};
use super::trace;
use crate::error::Error;
use crate::graph::SlotSpec;
use crate::plan::{Plan, Port};
use crate::session::{Feeds, Host, Outputs, PlanId, Resident, Session};
use crate::types::{DType, Type};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// Steps that a worker runs for one member before it takes the next: members stay within a few
/// steps of each other, so all threads are busy until the end whatever the number of members.
const SLICE: u32 = 8;

struct Slot {
    spec: SlotSpec,
    /// One block per member.
    blocks: Vec<Block>,
}

struct Loaded {
    plan: Plan,
    /// The plan's slots in the session's table.
    slots: Vec<usize>,
    /// Arena and feeds of each worker.
    scratch: Vec<Mutex<Scratch>>,
}

struct Scratch {
    arena: Block,
    feeds: Block,
    bases: Bases,
}

impl Scratch {
    fn new(plan: &Plan) -> Self {
        let mut arena = Block::zeros(plan.arena_len);
        for &(offset, value) in &plan.constants {
            arena.as_mut_slice()[offset] = value;
        }
        let blocks = 2 + plan.slots.len() + plan.residents.len();
        Self {
            arena,
            feeds: Block::zeros(plan.signature.feed_len),
            bases: Bases::with_capacity(blocks),
        }
    }
}

/// What travels with a member from worker to worker.
struct Lane<'a> {
    member: usize,
    next: u32,
    slots: Vec<Block>,
    host: &'a mut dyn Host,
    error: Option<(u32, Error)>,
    /// What a host or an operation panicked with; thrown on once every slot is back in its place.
    panic: Option<Box<dyn Any + Send>>,
}

/// Runs plans on the CPU.
///
/// With at least as many members as threads, each worker runs the whole plan for one member at a
/// time; with fewer, the members run one after another and all threads share each large kernel. The
/// bits are the same: work is split at boundaries that depend on shapes only.
pub struct CpuSession {
    seeds: Vec<u64>,
    threads: usize,
    pool: ThreadPool,
    slots: Vec<Slot>,
    residents: BTreeMap<String, (Type, Block)>,
    plans: Vec<Loaded>,
}

impl CpuSession {
    /// A session for members with these seeds, on `threads` threads.
    ///
    /// # Errors
    /// No members, no threads, or threads that the system does not give.
    pub fn new(seeds: &[u64], threads: usize) -> Result<Self, Error> {
        if seeds.is_empty() {
            return Err(Error::Session("a session needs at least one member".to_owned()));
        }
        if threads == 0 {
            return Err(Error::Session("a session needs at least one thread".to_owned()));
        }
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("lane-{i}"))
            .start_handler(|_| denormal::flush_to_zero())
            .build()
            .map_err(|error| Error::Session(format!("starting {threads} threads: {error}")))?;
        Ok(Self {
            seeds: seeds.to_vec(),
            threads,
            pool,
            slots: Vec::new(),
            residents: BTreeMap::new(),
            plans: Vec::new(),
        })
    }

    /// Number of threads.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The plan behind an identifier.
    #[must_use]
    pub fn plan(&self, plan: PlanId) -> &Plan {
        &self.plans[plan.0].plan
    }

    fn slot(&self, name: &str) -> Result<usize, Error> {
        self.slots.iter().position(|slot| slot.spec.name == name).ok_or_else(|| Error::Unknown {
            kind: "slot",
            name: name.to_owned(),
            known: self.slots.iter().map(|s| s.spec.name.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    fn check_residents(&self, plan: &Plan) -> Result<(), Error> {
        for (name, ty) in &plan.residents {
            match self.residents.get(name) {
                None => {
                    return Err(Error::Unknown {
                        kind: "resident",
                        name: name.clone(),
                        known: self.residents.keys().cloned().collect::<Vec<_>>().join(", "),
                    });
                }
                Some((held, _)) if held.dtype != ty.dtype || held.len() != ty.len() => {
                    return Err(Error::Length {
                        what: "resident",
                        name: name.clone(),
                        got: held.len(),
                        expected: ty.len(),
                    });
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

impl Session for CpuSession {
    fn seeds(&self) -> &[u64] {
        &self.seeds
    }

    fn load(&mut self, plan: Plan) -> Result<PlanId, Error> {
        let mut slots = Vec::with_capacity(plan.slots.len());
        for spec in &plan.slots {
            let known = self.slots.iter().position(|slot| slot.spec.name == spec.name);
            if let Some(known) = known {
                let existing = &self.slots[known].spec.ty;
                if *existing != spec.ty {
                    return Err(Error::SlotMismatch {
                        name: spec.name.clone(),
                        declared: spec.ty.to_string(),
                        existing: existing.to_string(),
                    });
                }
                slots.push(known);
                continue;
            }
            let blocks = self
                .seeds
                .iter()
                .map(|&seed| {
                    let mut block = Block::zeros(spec.ty.len());
                    spec.init.fill(seed, block.as_mut_slice());
                    block
                })
                .collect();
            slots.push(self.slots.len());
            self.slots.push(Slot { spec: spec.clone(), blocks });
        }
        let workers = self.threads.min(self.seeds.len()).max(1);
        let scratch = (0..workers).map(|_| Mutex::new(Scratch::new(&plan))).collect();
        self.plans.push(Loaded { plan, slots, scratch });
        Ok(PlanId(self.plans.len() - 1))
    }

    fn set_resident(&mut self, name: &str, data: Resident) -> Result<(), Error> {
        let (dtype, len) = match &data {
            Resident::Bytes(bytes) => (DType::U8, bytes.len()),
            Resident::Floats(floats) => (DType::F32, floats.len()),
            Resident::Indices(indices) => (DType::U32, indices.len()),
        };
        let ty = Type { shape: vec![len], dtype };
        let mut block = Block::zeros(Plan::words(&ty));
        match data {
            Resident::Bytes(bytes) => {
                let memory: &mut [u8] = bytemuck::must_cast_slice_mut(block.as_mut_slice());
                memory[..len].copy_from_slice(&bytes);
            }
            Resident::Floats(floats) => block.as_mut_slice().copy_from_slice(&floats),
            Resident::Indices(indices) => {
                block.as_mut_slice().copy_from_slice(bytemuck::must_cast_slice(&indices));
            }
        }
        self.residents.insert(name.to_owned(), (ty, block));
        Ok(())
    }

    fn run(
        &mut self,
        plan: PlanId,
        steps: Range<u32>,
        hosts: &mut [&mut dyn Host],
    ) -> Result<(), Error> {
        if hosts.len() != self.seeds.len() {
            return Err(Error::Length {
                what: "hosts of",
                name: "run".to_owned(),
                got: hosts.len(),
                expected: self.seeds.len(),
            });
        }
        let loaded = &self.plans[plan.0];
        self.check_residents(&loaded.plan)?;
        let residents: Vec<&Block> =
            loaded.plan.residents.iter().map(|(name, _)| &self.residents[name].1).collect();
        let mut queue = VecDeque::with_capacity(hosts.len());
        for (member, host) in hosts.iter_mut().enumerate() {
            let slots = loaded
                .slots
                .iter()
                .map(|&slot| std::mem::take(&mut self.slots[slot].blocks[member]))
                .collect();
            queue.push_back(Lane {
                member,
                next: steps.start,
                slots,
                host: &mut **host,
                error: None,
                panic: None,
            });
        }
        let shift =
            Shift { loaded, residents: &residents, end: steps.end, stop: AtomicU32::new(u32::MAX) };
        let done = if queue.len() >= self.threads {
            shift.side_by_side(&self.pool, queue)
        } else {
            self.pool.install(|| shift.one_by_one(queue))
        };
        let mut first: Option<(u32, usize, Error)> = None;
        let mut panicked = None;
        for lane in done {
            for (&slot, block) in loaded.slots.iter().zip(lane.slots) {
                self.slots[slot].blocks[lane.member] = block;
            }
            panicked = panicked.or(lane.panic);
            if let Some((step, error)) = lane.error
                && first.as_ref().is_none_or(|(s, m, _)| (step, lane.member) < (*s, *m))
            {
                first = Some((step, lane.member, error));
            }
        }
        if let Some(panic) = panicked {
            resume_unwind(panic);
        }
        first.map_or(Ok(()), |(_, _, error)| Err(error))
    }

    fn slots(&self) -> Vec<String> {
        self.slots.iter().map(|slot| slot.spec.name.clone()).collect()
    }

    fn slot_type(&self, slot: &str) -> Result<Type, Error> {
        Ok(self.slots[self.slot(slot)?].spec.ty.clone())
    }

    fn reset(&mut self, slot: &str, member: usize) -> Result<(), Error> {
        let index = self.slot(slot)?;
        let Slot { spec, blocks } = &mut self.slots[index];
        spec.init.fill(self.seeds[member], blocks[member].as_mut_slice());
        Ok(())
    }

    fn read(&self, slot: &str, member: usize) -> Result<Vec<f32>, Error> {
        Ok(self.slots[self.slot(slot)?].blocks[member].as_slice().to_vec())
    }

    fn write(&mut self, slot: &str, member: usize, values: &[f32]) -> Result<(), Error> {
        let index = self.slot(slot)?;
        let block = self.slots[index].blocks[member].as_mut_slice();
        if block.len() != values.len() {
            return Err(Error::Length {
                what: "slot",
                name: slot.to_owned(),
                got: values.len(),
                expected: block.len(),
            });
        }
        block.copy_from_slice(values);
        Ok(())
    }

    fn trace(&self, plan: PlanId, member: usize, host: &mut dyn Host) -> Result<String, Error> {
        let plan = &self.plans[plan.0].plan;
        self.check_residents(plan)?;
        let mut memory = vec![0.0; plan.signature.feed_len];
        feed(plan, host, 0, &mut memory)?;
        trace::render(
            plan,
            &memory,
            |name| Ok(self.slots[self.slot(name)?].blocks[member].as_slice()),
            |name| self.residents[name].1.as_slice(),
        )
    }
}

/// One call of `run`: what all workers share.
struct Shift<'a> {
    loaded: &'a Loaded,
    residents: &'a [&'a Block],
    end: u32,
    /// The earliest step at which a member stopped: nobody goes beyond it.
    stop: AtomicU32,
}

impl Shift<'_> {
    /// Each worker runs whole plans, for whichever member is furthest behind.
    fn side_by_side<'h>(&self, pool: &ThreadPool, queue: VecDeque<Lane<'h>>) -> Vec<Lane<'h>> {
        let done = Mutex::new(Vec::with_capacity(queue.len()));
        let queue = Mutex::new(queue);
        pool.scope(|scope| {
            for scratch in &self.loaded.scratch {
                let (queue, done) = (&queue, &done);
                scope.spawn(move |_| {
                    let mut scratch = lock(scratch);
                    // A statement of its own: the queue must not stay locked while a lane runs.
                    while let Some(mut lane) = { lock(queue).pop_front() } {
                        self.run_guarded(&mut lane, &mut scratch, SLICE, Threads::One);
                        if self.finished(&lane) {
                            lock(done).push(lane);
                        } else {
                            lock(queue).push_back(lane);
                        }
                    }
                });
            }
        });
        done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// All threads share the kernels of one member after another.
    fn one_by_one<'h>(&self, queue: VecDeque<Lane<'h>>) -> Vec<Lane<'h>> {
        let mut scratch = lock(&self.loaded.scratch[0]);
        let mut done = Vec::with_capacity(queue.len());
        for mut lane in queue {
            while !self.finished(&lane) {
                self.run_guarded(&mut lane, &mut scratch, u32::MAX, Threads::All);
            }
            done.push(lane);
        }
        done
    }

    fn finished(&self, lane: &Lane<'_>) -> bool {
        lane.error.is_some()
            || lane.panic.is_some()
            || lane.next >= self.end
            || lane.next > self.stop.load(Ordering::Relaxed)
    }

    /// Runs a slice; a panic in it stops the member, whose slots must not be lost with it.
    fn run_guarded(
        &self,
        lane: &mut Lane<'_>,
        scratch: &mut Scratch,
        steps: u32,
        threads: Threads,
    ) {
        let slice = AssertUnwindSafe(|| self.run_slice(lane, scratch, steps, threads));
        if let Err(panic) = catch_unwind(slice) {
            scratch.bases.clear();
            self.stop.fetch_min(lane.next, Ordering::Relaxed);
            lane.panic = Some(panic);
        }
    }

    fn run_slice(&self, lane: &mut Lane<'_>, scratch: &mut Scratch, steps: u32, threads: Threads) {
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
                feed(plan, lane.host, step, scratch.feeds.as_mut_slice()).and_then(|turn| {
                    if turn == Turn::Idle {
                        return Ok(());
                    }
                    execute::run(plan, &scratch.bases, threads);
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

/// What a member does at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Run,
    /// The graph's condition was fed 0: the member's slots stay.
    Idle,
}

/// Lets the host write a step's inputs and checks that it wrote all that the step needs.
fn feed(plan: &Plan, host: &mut dyn Host, step: u32, memory: &mut [f32]) -> Result<Turn, Error> {
    let signature = &plan.signature;
    let mut feeds = Feeds { signature, memory, fed: 0 };
    host.feed(step, &mut feeds)?;
    let was_fed = |i: usize| feeds.fed & 1 << i != 0;
    // What an earlier step or another member left in this memory is no condition.
    let condition = signature.condition.filter(|&i| was_fed(i));
    if condition.is_some_and(|i| feeds.memory[signature.inputs[i].offset] == 0.0) {
        return Ok(Turn::Idle);
    }
    let missing = (0..signature.inputs.len()).find(|&i| !was_fed(i));
    match missing {
        None => Ok(Turn::Run),
        Some(position) => Err(Error::Session(format!(
            "input `{}` was not fed at step {step}",
            signature.inputs[position].name
        ))),
    }
}

/// A lock, also after a panic elsewhere: what it guards is replaced as a whole, never half-written.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
