//! The CPU device.

pub(crate) mod bounded_qp;
mod denormal;
mod execute;
pub(crate) mod math;
mod memory;
mod pointwise;
mod product;
mod session;
mod trace;

pub(crate) use memory::Bases;
pub use session::CpuSession;
