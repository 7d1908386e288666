//! The programs that the benchmarks time.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod mlp;

pub use mlp::{Batch, Mlp784};
