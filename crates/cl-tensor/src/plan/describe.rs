//! What a plan costs and touches: for `--dry-run`, for tests and for people.

use super::program::{Load, Program};
use super::{Commit, FIRST_SLOT, Kernel, Plan, emit};
use crate::transform::Transform;
use std::collections::BTreeMap;

/// The cost of one run for one member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Multiply-accumulates of the products.
    pub macs: u64,
    /// Bytes read and written by all kernels.
    pub bytes: u64,
    /// Kernels.
    pub kernels: usize,
    /// Kernels and commits that only move memory.
    pub copies: usize,
}

impl Plan {
    /// What one run costs one member.
    #[must_use]
    pub fn cost(&self) -> Cost {
        let mut cost = Cost { kernels: self.kernels.len(), ..Cost::default() };
        for kernel in &self.kernels {
            match kernel {
                Kernel::Pointwise(program) => {
                    cost.bytes += traffic(program);
                    cost.copies += usize::from(emit::is_copy(program));
                }
                Kernel::Product(p) => {
                    let (batch, m, k, n) = (p.batch as u64, p.m as u64, p.k as u64, p.n as u64);
                    cost.macs += batch * m * k * n;
                    cost.bytes += 4 * batch * (m * k + k * n + m * n);
                    cost.bytes += p.epilogue.as_ref().map_or(0, traffic);
                }
                Kernel::Op { op, input_types, output_type, .. } => {
                    let inputs: Vec<&crate::Type> = input_types.iter().collect();
                    cost.macs += op.macs(&inputs, output_type);
                    let elements: usize =
                        input_types.iter().map(crate::Type::len).sum::<usize>() + output_type.len();
                    cost.bytes += 4 * elements as u64;
                }
                Kernel::Zero(gaps) => {
                    cost.bytes += gaps.iter().map(|(_, len)| 4 * *len as u64).sum::<u64>();
                }
            }
        }
        for commit in &self.commits {
            cost.bytes += match *commit {
                Commit::Whole { len, .. } => 8 * len as u64,
                Commit::Rows { count, width, .. } => 4 * (count + 2 * count * width) as u64,
            };
            cost.copies += 1;
        }
        cost
    }

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

fn traffic(program: &Program) -> u64 {
    let wide = program.loads.iter().filter(|load| !matches!(load, Load::Splat(_))).count();
    4 * program.len as u64 * (wide + program.stores.len()) as u64
}
