//! The kernels of a plan as WGSL: what a GPU is given.
//!
//! A plan becomes a flat list of [`Dispatch`]es over a few [`Memory`]s, the same for any number of
//! members: these lie behind each other in every memory, at a stride of their own per operand (0: shared),
//! and so do the inner lanes of a member. Kernels that do not wait for each other share a dispatch. A text
//! says what is done to which operand; where operands lie and how long they are comes in parameters, so
//! that equal kernels of different places share a text and its pipeline.
//!
//! The stages, one file each: [`lower`] walks over a plan and the plans within it; [`text`] writes what
//! a kernel has around its body, [`part`] joins kernels into dispatches; [`pointwise`] and [`product`] write the bodies of fused passes
//! and of products; every other operation brings its own ([`crate::Op::wgsl`]).

mod body;
mod lower;
mod part;
mod pointwise;
mod product;
mod text;

pub use body::Body;
pub use lower::{Constant, Dispatches};
pub use part::Dispatch;

/// A buffer of 32-bit words that kernels read and write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Memory {
    /// Temporaries of a plan, one stretch per member.
    Arena,
    /// What is fed to a step, one stretch per member.
    Feeds,
    /// What a step hands out, one stretch per member.
    Outputs,
    /// A slot, by its number in the plan, one stretch per member.
    Slot(usize),
    /// Data that all members share, by its number in the plan.
    Resident(usize),
    /// Temporaries of inner lanes, by number: [`Dispatches::scratch`].
    Scratch(usize),
}

impl Memory {
    /// Whether kernels only read it.
    #[must_use]
    pub fn is_read_only(self) -> bool {
        matches!(self, Self::Feeds | Self::Resident(_))
    }
}

/// Invocations of a workgroup.
pub const WORKGROUP: u32 = 64;
/// Most workgroups along an axis that every adapter allows.
pub const MOST_GROUPS: u32 = 65_535;
/// Most bytes of workgroup memory that a kernel takes: what every adapter has. wgpu does not check it.
pub const MOST_SHARED: usize = 32_768;
