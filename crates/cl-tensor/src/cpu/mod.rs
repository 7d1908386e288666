//! The CPU device.

pub(crate) mod bounded_qp;
mod denormal;
mod execute;
mod gemm;
mod lanes;
pub(crate) mod math;
mod memory;
mod pointwise;
mod pool;
mod product;
mod session;
mod shift;
mod team;
pub(crate) mod trace;
mod widest;

pub(crate) use lanes::replay_lanes;
pub(crate) use memory::Bases;
pub use session::CpuSession;
pub(crate) use team::Team;
pub(crate) use widest::{Loops, on_widest};
