//! What members take on a device, worked out before any of it is made.

use crate::device::Opened;
use crate::loaded::{STEPS, SUBMITTED};
use cl_tensor::wgsl::{SCRATCH, slot_stride};
use cl_tensor::{DType, Error, Lanes, Plan};
use std::collections::BTreeMap;

/// Most workgroups along the axis of members.
const MOST: u64 = 65_535;

/// Bytes of the buffers of a session.
#[derive(Default)]
struct Footprint {
    /// Of slots of one member, by name.
    slots: BTreeMap<String, u64>,
    /// Of what members share, by name.
    residents: BTreeMap<String, u64>,
    plans: Vec<OfPlan>,
}

/// Bytes of the buffers of a plan, of one member.
struct OfPlan {
    arena: u64,
    /// Of one lane, and of the lanes that would run side by side in one member alone.
    scratch: Vec<(u64, u64)>,
    feeds: u64,
    outputs: u64,
}

/// How many members fit at once with these plans loaded; refuses what does not fit with one.
pub(crate) fn lanes(device: &Opened, plans: &[&Plan]) -> Result<Lanes, Error> {
    let mut all = Footprint::default();
    for plan in plans {
        let dispatches = plan.dispatches(device.scratch(), device.about.grouping())?;
        dispatches.list.iter().try_for_each(|dispatch| device.fits(dispatch))?;
        all.add(plan, &dispatches.scratch);
    }
    let limit = device.about.binding_bytes;
    let refused = |what: &str, bytes: u64| {
        Error::Device(format!(
            "{what}: {bytes} bytes for one member, {} has at most {limit} per buffer \
             (max_storage_buffer_binding_size): expected a smaller network, batch or memory, or another \
             device, such as --device cpu",
            device.about.name
        ))
    };
    if let Some((name, &bytes)) = all.residents.iter().find(|(_, bytes)| **bytes > limit) {
        return Err(refused(&format!("resident `{name}`"), bytes));
    }
    let mut most = MOST;
    for (what, bytes) in all.buffers().filter(|(_, bytes)| *bytes > 0) {
        match limit / bytes {
            0 => return Err(refused(&what, bytes)),
            members => most = most.min(members),
        }
    }
    let usual = largest(most, |members| all.total(members, device) <= device.about.memory_bytes);
    Ok(Lanes { most: most as usize, usual: usual as usize })
}

impl Footprint {
    fn add(&mut self, plan: &Plan, scratch: &[(usize, usize)]) {
        let bytes = |words: usize| 4 * words as u64;
        for slot in plan.slots() {
            self.slots.insert(slot.name.clone(), bytes(slot_stride(slot.ty.len())));
        }
        for (name, ty) in plan.residents() {
            let words = if ty.dtype == DType::U8 { ty.len().div_ceil(4) } else { ty.len() };
            self.residents.insert(name.clone(), bytes(words));
        }
        self.plans.push(OfPlan {
            arena: bytes(plan.arena_len()),
            scratch: scratch.iter().map(|&(len, lanes)| (bytes(len), lanes as u64)).collect(),
            feeds: bytes(plan.feed_len()),
            outputs: bytes(plan.outputs_len()),
        });
    }

    /// What every buffer holds of one member at least.
    fn buffers(&self) -> impl Iterator<Item = (String, u64)> {
        let slots = self.slots.iter().map(|(name, &bytes)| (format!("slot `{name}`"), bytes));
        let of_plan = |plan: &OfPlan| {
            let scratch =
                plan.scratch.iter().map(|&(stretch, _)| ("temporaries of inner lanes", stretch));
            let rest = [
                ("temporaries of a step", plan.arena),
                ("inputs of a step", plan.feeds),
                ("outputs of a step", plan.outputs),
            ];
            let all = rest.into_iter().chain(scratch);
            all.map(|(what, bytes)| (what.to_owned(), bytes)).collect::<Vec<_>>()
        };
        slots.chain(self.plans.iter().flat_map(of_plan))
    }

    /// Bytes of all buffers together, with so many members.
    fn total(&self, members: u64, device: &Opened) -> u64 {
        let (scratch, submitted) = (4 * device.scratch() as u64, device.submitted() as u64);
        let of_plan = |plan: &OfPlan| {
            let inner = plan.scratch.iter().map(|&(stretch, lanes)| {
                (stretch * lanes * members).min(scratch.max(stretch * members))
            });
            let step = (plan.feeds + plan.outputs) * members;
            let steps = (step * STEPS as u64).min(submitted.max(step));
            // Outputs are there twice: as kernels write them and as the host reads them.
            plan.arena * members + inner.sum::<u64>() + 2 * steps
        };
        self.residents.values().sum::<u64>()
            + self.slots.values().sum::<u64>() * members
            + self.plans.iter().map(of_plan).sum::<u64>()
    }
}

impl Opened {
    /// Words of temporaries of inner lanes, over all members.
    pub(crate) fn scratch(&self) -> usize {
        SCRATCH.min(self.about.binding_bytes as usize / 4)
    }

    /// Bytes of what is fed and handed out by the steps of a submission.
    pub(crate) fn submitted(&self) -> usize {
        SUBMITTED.min(self.about.binding_bytes as usize)
    }
}

/// The largest number from 1 to `most` that fits, where all below one that fits do; 1 where none does.
fn largest(most: u64, fits: impl Fn(u64) -> bool) -> u64 {
    let (mut fitting, mut beyond) = (1, most + 1);
    while beyond - fitting > 1 {
        let middle = fitting + (beyond - fitting) / 2;
        if fits(middle) {
            fitting = middle;
        } else {
            beyond = middle;
        }
    }
    fitting
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_number_that_fits_is_found() {
        for most in [1, 2, 7, 65_535] {
            for limit in [0, 1, 2, 5, 7, 8, 65_535] {
                assert_eq!(
                    largest(most, |n| n <= limit),
                    limit.clamp(1, most),
                    "{limit} of {most}"
                );
            }
        }
    }
}
