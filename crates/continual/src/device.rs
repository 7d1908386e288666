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

/// Opened once per process: what was compiled for it serves every run.
#[cfg(feature = "gpu")]
fn gpu(name: &str) -> Result<Arc<dyn Device>, Error> {
    use std::collections::BTreeMap;
    use std::sync::{Mutex, PoisonError};
    static OPENED: Mutex<BTreeMap<String, cl_gpu::Gpu>> = Mutex::new(BTreeMap::new());
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = opened.get(name) {
        return Ok(Arc::new(known.clone()));
    }
    let gpu = cl_gpu::Gpu::open(name).map_err(cl_core::Error::from)?;
    opened.insert(name.to_owned(), gpu.clone());
    Ok(Arc::new(gpu))
}

#[cfg(not(feature = "gpu"))]
fn gpu(_: &str) -> Result<Arc<dyn Device>, Error> {
    Err(Error::Impossible(
        "--device: this program was built without GPUs; build it with `--features gpu`".to_owned(),
    ))
}
