//! The CPU session: members in lanes over a pool of threads.

use super::memory::Block;
use super::pool::Pool;
use super::shift::{Lane, Loaded, Scratch, Shift};
use super::trace;
use crate::error::Error;
use crate::graph::SlotSpec;
use crate::plan::Plan;
use crate::session::{Host, PlanId, Resident, Session};
use crate::types::{DType, Type};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;

struct Slot {
    spec: SlotSpec,
    /// One block per member.
    blocks: Vec<Block>,
}

/// Runs plans on the CPU.
///
/// With at least as many members as threads, each worker runs the whole plan for one member at a
/// time; with fewer, the members run one after another and all threads share each large kernel. The
/// bits are the same: work is split at boundaries that depend on shapes only.
pub struct CpuSession {
    seeds: Vec<u64>,
    threads: usize,
    pool: Pool,
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
        let pool = Pool::new(threads)
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

    fn slot(&self, name: &str) -> Result<usize, Error> {
        self.slots.iter().position(|slot| slot.spec.name == name).ok_or_else(|| Error::Unknown {
            kind: "slot",
            name: name.to_owned(),
            known: self.slots.iter().map(|s| s.spec.name.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    fn check_residents(&self, plan: &Plan) -> Result<(), Error> {
        plan.check_residents(self.residents.iter().map(|(name, (ty, _))| (name, ty)))
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
                    let mut block = Block::zeros(spec.ty.len(), &format!("slot `{}`", spec.name))?;
                    spec.init.fill(seed, block.as_mut_slice());
                    Ok(block)
                })
                .collect::<Result<_, Error>>()?;
            slots.push(self.slots.len());
            self.slots.push(Slot { spec: spec.clone(), blocks });
        }
        let workers = self.threads.min(self.seeds.len()).max(1);
        let scratch =
            (0..workers).map(|_| Scratch::new(&plan).map(Mutex::new)).collect::<Result<_, _>>()?;
        self.plans.push(Loaded { plan, slots, scratch });
        Ok(PlanId(self.plans.len() - 1))
    }

    fn plan(&self, plan: PlanId) -> &Plan {
        &self.plans[plan.0].plan
    }

    fn set_resident(&mut self, name: &str, data: Resident) -> Result<(), Error> {
        let (dtype, len) = match &data {
            Resident::Bytes(bytes) => (DType::U8, bytes.len()),
            Resident::Floats(floats) => (DType::F32, floats.len()),
            Resident::Indices(indices) => (DType::U32, indices.len()),
        };
        let ty = Type { shape: vec![len], dtype };
        let mut block = Block::zeros(Plan::words(&ty), &format!("resident `{name}`"))?;
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
            shift.side_by_side(&mut self.pool, queue)
        } else {
            shift.one_by_one(&mut self.pool, queue)
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
        plan.feed(host, 0, &mut memory)?;
        trace::render(
            plan,
            &memory,
            |name| Ok(self.slots[self.slot(name)?].blocks[member].as_slice()),
            |name| self.residents[name].1.as_slice(),
        )
    }
}
