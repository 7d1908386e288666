//! Runs the kernels of a plan; a team shares the large ones.

use super::memory::Bases;
use super::team::Team;
use super::{pointwise, product};
use crate::op::{Args, Out};
use crate::plan::program::{CHUNK, Program};
use crate::plan::{Commit, Kernel, Plan};

/// Elements above which a pointwise pass is.
const SHARED_ELEMENTS: usize = 1 << 16;
/// Elements of one task of a shared pass.
const TASK: usize = 32 * CHUNK;

/// Runs every kernel, then writes the slots that had to wait.
pub(super) fn run(plan: &Plan, bases: &Bases, team: &Team) {
    for kernel in &plan.kernels {
        match kernel {
            Kernel::Pointwise(program) => run_pointwise(program, bases, team),
            Kernel::Product(product) => product::run(product, bases, team),
            Kernel::Op { op, inputs, input_types, output, output_type } => {
                let args = Args { bases, inputs, input_types, output_type, team };
                // SAFETY: the plan gives the result its own memory of this length, which overlaps
                // no operand of this kernel.
                let out = unsafe { bases.slice_mut(*output, output_type.len()) };
                op.run(&args, Out(out));
            }
            Kernel::Zero(gaps) => {
                for &(place, len) in gaps {
                    // SAFETY: gaps lie inside their vector and belong to no piece.
                    unsafe { bases.slice_mut(place, len) }.fill(0.0);
                }
            }
        }
    }
    plan.commits.iter().for_each(|commit| run_commit(commit, bases));
}

fn run_commit(commit: &Commit, bases: &Bases) {
    match *commit {
        // SAFETY: the new value lies in the arena, the slot in its own block: no overlap.
        Commit::Whole { from, to, len } => unsafe {
            bases.slice_mut(to, len).copy_from_slice(bases.slice(from, len));
        },
        Commit::Rows { index, rows, to, count, width, len } => {
            // SAFETY: the slot has this length; index and rows lie in other blocks, since the plan
            // copies what it reads of a slot and writes this slot nowhere else.
            let (index, rows, slot) = unsafe {
                let (index, rows) = (bases.slice(index, count), bases.slice(rows, count * width));
                (bytemuck::must_cast_slice::<f32, u32>(index), rows, bases.slice_mut(to, len))
            };
            // Rows of no elements: nothing is written, but chunks of 0 elements do not exist.
            for (row, &to) in rows.chunks_exact(width.max(1)).zip(index) {
                let start = to as usize * width;
                if let Some(slot) = slot.get_mut(start..start + width) {
                    slot.copy_from_slice(row);
                }
            }
        }
    }
}

fn run_pointwise(program: &Program, bases: &Bases, team: &Team) {
    if team.threads() == 1 || program.len < SHARED_ELEMENTS {
        return pointwise::run(program, bases, 0..program.len);
    }
    team.share(program.len.div_ceil(TASK), &|task| {
        pointwise::run(program, bases, task * TASK..program.len.min((task + 1) * TASK));
    });
}
