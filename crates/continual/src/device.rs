//! `--device`: where programs run.

use crate::Error;
use cl_tensor::Device;
use std::sync::Arc;

/// What `--device` may be.
const EXPECTED: &str = "cpu, gpu, gpu:NAME or auto";

/// The device of this name; `None` is the CPU.
///
/// # Errors
/// Another word; a GPU that is not there or does not open; a program that was built without GPUs.
pub(crate) fn open(text: &str) -> Result<Option<Arc<dyn Device>>, Error> {
    match text.split_once(':') {
        None if text == "cpu" => Ok(None),
        None if text == "gpu" => gpu("").map(Some),
        None if text == "auto" => Ok(gpu("").ok()),
        Some(("gpu", name)) => gpu(name).map(Some),
        _ => Err(Error::Value {
            what: "--device".to_owned(),
            value: text.to_owned(),
            expected: EXPECTED.to_owned(),
        }),
    }
}

#[cfg(feature = "gpu")]
fn gpu(name: &str) -> Result<Arc<dyn Device>, Error> {
    Ok(Arc::new(cl_gpu::Gpu::open(name).map_err(cl_core::Error::from)?))
}

#[cfg(not(feature = "gpu"))]
fn gpu(_: &str) -> Result<Arc<dyn Device>, Error> {
    Err(Error::Impossible(
        "--device: this program was built without GPUs; build it with `--features gpu`".to_owned(),
    ))
}
