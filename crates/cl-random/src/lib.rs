//! Counter-based random numbers: a value is a function of an [`Address`], not of a generator's past.
//!
//! Every random number of a run is named by (seed, purpose, context, step, ordinal). So nothing has
//! to be saved at a checkpoint, two parts of a program never disturb each other's numbers, and a
//! member of a population draws what the same seed draws alone.
//!
//! The block function is Threefry-2x32-20 (Salmon, Moraes, Dror & Shaw, "Parallel random numbers:
//! as easy as 1, 2, 3", SC 2011). It needs 32-bit integers only, which is what WGSL has.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod address;
mod rng;
mod threefry;

pub use address::{Address, Purpose};
pub use rng::Rng;
pub use threefry::{threefry2x32, threefry2x32_blocks};
