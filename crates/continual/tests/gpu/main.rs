//! What an adapter of this machine computes, in one process: software adapters are slow to start.
//!
//! Without an adapter the tests are skipped, with one line; where `CONTINUAL_TEST_GPU` is set they fail.
#![cfg(feature = "gpu")]
#![allow(clippy::unwrap_used)]

mod file;
mod joined;
mod limits;
mod lost;
mod operations;
mod paired;
mod saved;
mod strategies;
mod trips;

use cl_gpu::Gpu;
use std::io::Write;
use std::sync::OnceLock;

/// The adapter.
fn gpu() -> Option<Gpu> {
    static GPU: OnceLock<Option<Gpu>> = OnceLock::new();
    let open = || match Gpu::open("") {
        Ok(gpu) => Some(gpu),
        Err(error) => {
            assert!(std::env::var_os("CONTINUAL_TEST_GPU").is_none(), "{error}");
            // Not by `println!`, which is shown of failures only.
            let _ = writeln!(std::io::stderr(), "skipped: tests on a GPU: {error}");
            None
        }
    };
    GPU.get_or_init(open).clone()
}
