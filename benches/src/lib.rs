//! The programs that the benchmarks time.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod matrix;
mod mlp;
mod peer;
mod timing;

pub use matrix::Product;
pub use mlp::Mlp784;
pub use peer::Peer;
pub use timing::{median, repetitions};
