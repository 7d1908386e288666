//! What a plan touches: for tests and for people.

use super::program::{Load, Program};
use super::{Commit, FIRST_SLOT, Kernel, Plan};
use crate::transform::Transform;
use std::collections::BTreeMap;

impl Plan {
    /// How often the kernels of one run read and write each slot: (reads, writes).
    #[must_use]
    pub fn slot_traffic(&self) -> BTreeMap<String, (usize, usize)> {
        let mut traffic: BTreeMap<String, (usize, usize)> =
            self.slots.iter().map(|slot| (slot.name.clone(), (0, 0))).collect();
        let mut count = |base: u32, written: bool| {
            let slot = base.checked_sub(FIRST_SLOT).and_then(|s| self.slots.get(s as usize));
            if let Some(slot) = slot {
                let entry = traffic.entry(slot.name.clone()).or_default();
                if written { entry.1 += 1 } else { entry.0 += 1 }
            }
        };
        for kernel in &self.kernels {
            match kernel {
                Kernel::Pointwise(program) => of_program(program, &mut count),
                Kernel::Product(product) => {
                    count(product.a.place.base, false);
                    count(product.b.place.base, false);
                    count(product.out.base, true);
                    if let Some(program) = &product.epilogue {
                        of_program(program, &mut count);
                    }
                }
                Kernel::Op { inputs, output, .. } => {
                    inputs.iter().for_each(|place| count(place.base, false));
                    count(output.base, true);
                }
                Kernel::Zero(_) => {}
            }
        }
        for commit in &self.commits {
            let (Commit::Whole { to, .. } | Commit::Rows { to, .. }) = commit;
            count(to.base, true);
        }
        traffic
    }

    /// Bytes of the slots that count as memory kept between contexts.
    #[must_use]
    pub fn kept_slots(&self) -> BTreeMap<String, u64> {
        self.slots
            .iter()
            .filter(|slot| self.kept.contains(&slot.name))
            .map(|slot| (slot.name.clone(), 4 * slot.ty.len() as u64))
            .collect()
    }

    /// How each `grad_square_rows`, `grad_abs_rows` and `grad_gram_rows` of the recording found its
    /// per-example gradients, in record order.
    #[must_use]
    pub fn transforms(&self) -> &[Transform] {
        &self.transforms
    }

    /// Bytes of temporaries that one worker needs.
    #[must_use]
    pub fn arena_bytes(&self) -> usize {
        4 * self.arena_len
    }
}

fn of_program(program: &Program, count: &mut impl FnMut(u32, bool)) {
    for load in &program.loads {
        match load {
            Load::Aligned(place) | Load::Splat(place) | Load::Strided(place, _) => {
                count(place.base, false);
            }
        }
    }
    program.stores.iter().for_each(|(_, place)| count(place.base, true));
}
