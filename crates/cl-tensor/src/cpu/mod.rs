//! The CPU device.

pub(crate) mod bounded_qp;
mod denormal;
mod execute;
mod gemm;
mod lanes;
pub(crate) mod math;
mod memory;
mod pointwise;
mod product;
mod session;
mod shift;
pub(crate) mod trace;
mod widest;

pub(crate) use execute::Threads;
pub(crate) use lanes::replay_lanes;
pub(crate) use memory::Bases;
pub use session::CpuSession;
pub(crate) use widest::{Loops, on_widest};
