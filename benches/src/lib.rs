//! The programs that the benchmarks time.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod contexts;
mod fisher;
mod matrix;
mod mlp;
mod pass;
mod peer;
mod silent;
pub mod split_mnist;
mod timing;

pub use fisher::Fisher;
pub use matrix::Product;
pub use mlp::Mlp784;
pub use pass::{Kernel, Pass};
pub use peer::Peer;
pub use timing::{median, repetitions};
