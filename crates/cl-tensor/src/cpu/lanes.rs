//! Runs the body of inner lanes.

use super::execute;
use super::memory::Bases;
use crate::op::Args;
use crate::plan::{Place, Plan};
use std::cell::RefCell;

thread_local! {
    /// One per depth of lanes within lanes; grows to what a thread needs, once.
    static SPARE: RefCell<Vec<Bases>> = const { RefCell::new(Vec::new()) };
}

/// Runs `body` once per lane over `scratch`. Its blocks are the scratch memory, no feeds, then one
/// per operand, which moves on by a stride of elements from lane to lane. After each lane, `leave`
/// sees (lane, position, value) for every output of the body.
pub(crate) fn replay_lanes(
    body: &Plan,
    lanes: usize,
    strides: impl Iterator<Item = usize> + Clone,
    args: &Args<'_>,
    scratch: &mut [f32],
    mut leave: impl FnMut(usize, usize, &[f32]),
) {
    // Other kernels used this memory since the last run.
    for &(offset, value) in &body.constants {
        scratch[offset] = value;
    }
    let arena = scratch.as_mut_ptr();
    let mut bases = SPARE.with_borrow_mut(Vec::pop).unwrap_or_default();
    for lane in 0..lanes {
        bases.clear();
        bases.push_pointer(arena);
        bases.push_pointer(arena);
        for (&place, stride) in args.inputs.iter().zip(strides.clone()) {
            let offset = place.offset + (lane * stride) as u32;
            bases.push_pointer(args.bases.pointer(Place { offset, ..place }));
        }
        execute::run(body, &bases, args.team);
        for (position, output) in body.signature.outputs.iter().enumerate() {
            // SAFETY: outputs of a body lie in its scratch memory, which nothing writes until the
            // next lane starts.
            leave(lane, position, unsafe { bases.slice(output.place, output.ty.len()) });
        }
    }
    bases.clear();
    SPARE.with_borrow_mut(|spare| spare.push(bases));
}
