//! Recorded tensor programs on any GPU, through wgpu: Vulkan, Metal, DirectX 12.
//!
//! A [`Gpu`] is an adapter that was opened; a [`GpuSession`] on it holds the slots of a population and
//! replays [`cl_tensor::Plan`]s over them, as [`cl_tensor::CpuSession`] does on the CPU. One kernel is one
//! dispatch for all members.
//!
//! ```no_run
//! use cl_gpu::{Gpu, GpuSession};
//!
//! let gpu = Gpu::open("")?;
//! let session = GpuSession::new(&gpu, &[0, 1, 2])?;
//! # Ok::<(), cl_tensor::Error>(())
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod adapters;
mod device;
mod footprint;
mod loaded;
mod session;
mod waiting;

pub use adapters::{Adapter, adapters};
pub use device::Gpu;
pub use session::GpuSession;
pub use waiting::is_waiting;
