//! The session on a GPU.

use crate::device::{Gpu, Opened};
use crate::loaded::Loaded;
use cl_tensor::wgsl::slot_stride;
use cl_tensor::{DType, Error, Host, Plan, PlanId, Resident, Session, SlotSpec, Type};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Runs plans on a GPU, for all members at once.
///
/// Members lie behind each other in one buffer per slot. Steps whose hosts feed ahead
/// ([`Host::is_ahead`]) are submitted many at a time, the others one by one.
pub struct GpuSession {
    device: Arc<Opened>,
    seeds: Vec<u64>,
    slots: Vec<Slot>,
    residents: BTreeMap<String, (Type, wgpu::Buffer)>,
    plans: Vec<Loaded>,
    /// How often the host waited.
    round_trips: Cell<u64>,
}

struct Slot {
    spec: SlotSpec,
    buffer: wgpu::Buffer,
}

impl GpuSession {
    /// A session for members with these seeds.
    ///
    /// # Errors
    /// No members; a device that was lost.
    pub fn new(gpu: &Gpu, seeds: &[u64]) -> Result<Self, Error> {
        if seeds.is_empty() {
            return Err(Error::Session("a session needs at least one member".to_owned()));
        }
        gpu.0.check()?;
        Ok(Self {
            device: gpu.0.clone(),
            seeds: seeds.to_vec(),
            slots: Vec::new(),
            residents: BTreeMap::new(),
            plans: Vec::new(),
            round_trips: Cell::new(0),
        })
    }

    /// Words of a buffer, for which the host waits.
    fn fetch(&self, buffer: &wgpu::Buffer, start: usize, words: usize) -> Result<Vec<f32>, Error> {
        self.round_trips.update(|count| count + 1);
        self.device.read(buffer, start, words)
    }

    fn slot(&self, name: &str) -> Result<&Slot, Error> {
        self.slots.iter().find(|slot| slot.spec.name == name).ok_or_else(|| Error::Unknown {
            kind: "slot",
            name: name.to_owned(),
            known: self.slots().join(", "),
        })
    }

    /// The session's number of a slot that a plan declares, made where it is new.
    fn declare(&mut self, spec: &SlotSpec) -> Result<usize, Error> {
        if let Some(known) = self.slots.iter().position(|slot| slot.spec.name == spec.name) {
            let existing = &self.slots[known].spec.ty;
            if *existing != spec.ty {
                return Err(Error::SlotMismatch {
                    name: spec.name.clone(),
                    declared: spec.ty.to_string(),
                    existing: existing.to_string(),
                });
            }
            return Ok(known);
        }
        let words = slot_stride(spec.ty.len()) * self.seeds.len();
        let buffer = self.device.buffer(words, &format!("slot `{}`", spec.name))?;
        self.slots.push(Slot { spec: spec.clone(), buffer });
        for member in 0..self.seeds.len() {
            self.reset(&spec.name, member)?;
        }
        Ok(self.slots.len() - 1)
    }

    fn check_residents(&self, plan: &Plan) -> Result<(), Error> {
        plan.check_residents(self.residents.iter().map(|(name, (ty, _))| (name, ty)))
    }

    /// Feeds a step to all members; gives who of them runs.
    fn feed(
        loaded: &mut Loaded,
        hosts: &mut [&mut dyn Host],
        step: u32,
        at: usize,
    ) -> Result<Vec<bool>, (usize, Error)> {
        let len = loaded.plan.feed_len();
        let start = at * loaded.feed_stride;
        let mut running = Vec::with_capacity(hosts.len());
        for (member, host) in hosts.iter_mut().enumerate() {
            let memory = &mut loaded.fed[start + member * len..][..len];
            running.push(loaded.plan.feed(*host, step, memory).map_err(|error| (member, error))?);
        }
        Ok(running)
    }

    /// Encodes `steps` steps of a plan for all members, as a run does, and drops the commands; gives how
    /// many dispatches they were. For measuring what encoding costs.
    ///
    /// # Errors
    /// Data that the plan reads and that is not there.
    pub fn encode(&mut self, plan: PlanId, steps: usize) -> Result<usize, Error> {
        self.check_residents(&self.plans[plan.number()].plan)?;
        let loaded = &mut self.plans[plan.number()];
        let (slots, residents) = buffers(loaded, &self.slots, &self.residents);
        Ok(loaded.encode(&self.device, steps, &slots, &residents).1)
    }
}

/// The buffers of a plan's slots and residents.
fn buffers<'a>(
    loaded: &Loaded,
    slots: &'a [Slot],
    residents: &'a BTreeMap<String, (Type, wgpu::Buffer)>,
) -> (Vec<&'a wgpu::Buffer>, Vec<&'a wgpu::Buffer>) {
    let slots = loaded.slots.iter().map(|&slot| &slots[slot].buffer).collect();
    let names = loaded.plan.residents().iter();
    (slots, names.map(|(name, _)| &residents[name].1).collect())
}

impl Session for GpuSession {
    fn seeds(&self) -> &[u64] {
        &self.seeds
    }

    fn load(&mut self, plan: Plan) -> Result<PlanId, Error> {
        let slots =
            plan.slots().iter().map(|spec| self.declare(spec)).collect::<Result<Vec<_>, _>>()?;
        self.plans.push(Loaded::new(&self.device, plan, slots, self.seeds.len())?);
        Ok(PlanId::new(self.plans.len() - 1))
    }

    fn plan(&self, plan: PlanId) -> &Plan {
        &self.plans[plan.number()].plan
    }

    fn set_resident(&mut self, name: &str, data: Resident) -> Result<(), Error> {
        let (dtype, len) = match &data {
            Resident::Bytes(bytes) => (DType::U8, bytes.len()),
            Resident::Floats(floats) => (DType::F32, floats.len()),
            Resident::Indices(indices) => (DType::U32, indices.len()),
        };
        let words = if dtype == DType::U8 { len.div_ceil(4) } else { len };
        let buffer = self.device.buffer(words, &format!("resident `{name}`"))?;
        match data {
            Resident::Bytes(bytes) => {
                let mut padded = bytes.to_vec();
                padded.resize(4 * words, 0);
                self.device.queue.write_buffer(&buffer, 0, &padded);
            }
            Resident::Floats(floats) => {
                self.device.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&floats));
            }
            Resident::Indices(indices) => {
                self.device.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&indices));
            }
        }
        self.residents.insert(name.to_owned(), (Type { shape: vec![len], dtype }, buffer));
        self.plans.iter_mut().for_each(Loaded::unbind);
        self.device.check()
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
        self.check_residents(&self.plans[plan.number()].plan)?;
        let loaded = &mut self.plans[plan.number()];
        let (slots, residents) = buffers(loaded, &self.slots, &self.residents);
        let ahead = hosts.iter().all(|host| host.is_ahead());
        let most = if ahead { loaded.steps } else { 1 };
        let mut next = steps.start;
        while next < steps.end {
            let count = most.min((steps.end - next) as usize);
            let mut running = Vec::with_capacity(count);
            let mut stopped = None;
            for at in 0..count {
                match Self::feed(loaded, hosts, next + at as u32, at) {
                    Ok(who) => running.push(who),
                    Err((_, error)) => {
                        stopped = Some(error);
                        break;
                    }
                }
            }
            if running.iter().flatten().any(|&runs| runs) {
                let read = loaded.submit(&self.device, running.len(), &slots, &residents)?;
                let len = loaded.plan.outputs_len();
                self.round_trips.update(|count| count + u64::from(len > 0));
                for (at, who) in running.iter().enumerate() {
                    for (member, host) in hosts.iter_mut().enumerate().filter(|(m, _)| who[*m]) {
                        let start = at * loaded.output_stride + member * len;
                        let memory = if len == 0 { &[][..] } else { &read[start..start + len] };
                        loaded.plan.collect(*host, next + at as u32, memory)?;
                    }
                }
            }
            if let Some(error) = stopped {
                return Err(error);
            }
            next += count as u32;
        }
        Ok(())
    }

    fn slots(&self) -> Vec<String> {
        self.slots.iter().map(|slot| slot.spec.name.clone()).collect()
    }

    fn slot_type(&self, slot: &str) -> Result<Type, Error> {
        Ok(self.slot(slot)?.spec.ty.clone())
    }

    fn reset(&mut self, slot: &str, member: usize) -> Result<(), Error> {
        let spec = &self.slot(slot)?.spec;
        let mut values = vec![0.0; spec.ty.len()];
        spec.init.fill(self.seeds[member], &mut values);
        self.write(slot, member, &values)
    }

    fn read(&self, slot: &str, member: usize) -> Result<Vec<f32>, Error> {
        let Slot { spec, buffer } = self.slot(slot)?;
        let len = spec.ty.len();
        self.fetch(buffer, member * slot_stride(len), len)
    }

    fn write(&mut self, slot: &str, member: usize, values: &[f32]) -> Result<(), Error> {
        let Slot { spec, buffer } = self.slot(slot)?;
        let len = spec.ty.len();
        if values.len() != len {
            return Err(Error::Length {
                what: "slot",
                name: slot.to_owned(),
                got: values.len(),
                expected: len,
            });
        }
        let at = 4 * (member * slot_stride(len)) as u64;
        self.device.queue.write_buffer(buffer, at, bytemuck::cast_slice(values));
        self.device.check()
    }

    fn round_trips(&self) -> u64 {
        self.round_trips.get()
    }

    fn trace(&self, plan: PlanId, member: usize, host: &mut dyn Host) -> Result<String, Error> {
        let plan = &self.plans[plan.number()].plan;
        self.check_residents(plan)?;
        let mut feeds = vec![0.0; plan.feed_len()];
        plan.feed(host, 0, &mut feeds)?;
        let mut slots = BTreeMap::new();
        for spec in plan.slots() {
            slots.insert(spec.name.clone(), self.read(&spec.name, member)?);
        }
        let mut residents = BTreeMap::new();
        for (name, _) in plan.residents() {
            let (ty, buffer) = &self.residents[name];
            let words = if ty.dtype == DType::U8 { ty.len().div_ceil(4) } else { ty.len() };
            residents.insert(name.clone(), self.fetch(buffer, 0, words)?);
        }
        plan.trace(&feeds, |name| Ok(&slots[name]), |name| &residents[name])
    }
}
