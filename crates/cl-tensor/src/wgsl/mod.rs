//! The kernels of a plan as WGSL: what a GPU is given.
//!
//! A plan becomes a flat list of [`Dispatch`]es over a few [`Memory`]s, the same for any number of
//! members: these lie behind each other in every memory, at a stride of their own per operand (0: shared),
//! and so do the inner lanes of a member. Kernels that do not wait for each other share a dispatch. A text
//! says what is done to which operand; where operands lie and how long they are comes in parameters, so
//! that equal kernels of different places share a text and its pipeline.
//!
//! The stages, one file each: `lower` walks over a plan and the plans within it; `text` writes what
//! a kernel has around its body, `part` joins kernels into dispatches, under the `names` that are theirs there; `pointwise` and `product` write the bodies of fused passes
//! and of products; every other operation brings its own ([`crate::Op::wgsl`]).

mod body;
mod lower;
mod memory;
mod names;
mod part;
mod pointwise;
mod product;
mod text;

pub use body::Body;
pub use lower::{Constant, Dispatches};
pub use memory::Memory;
pub use part::{Dispatch, Grouping};

/// Invocations of a workgroup.
pub const WORKGROUP: u32 = 64;
/// Words from one member's stretch of a slot to the next: its length up to whole vectors, so that every
/// member's begins at one.
#[must_use]
pub const fn slot_stride(len: usize) -> usize {
    len.next_multiple_of(4)
}

/// Words of temporaries of inner lanes, for all members together, by which plans are lowered: so many lanes
/// run side by side.
pub const SCRATCH: usize = 1 << 22;
/// Most workgroups along an axis that every adapter allows.
pub const MOST_GROUPS: u32 = 65_535;
/// Most bytes of workgroup memory that a kernel takes: what every adapter has. wgpu does not check it.
pub const MOST_SHARED: usize = 32_768;
