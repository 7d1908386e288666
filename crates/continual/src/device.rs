//! `--device`, and `device` of a file: where programs run.

use crate::Error;
use crate::experiment::Elsewhere;
use cl_tensor::Device;
use std::str::FromStr;
use std::sync::Arc;

/// A device by its word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// The CPU.
    Cpu,
    /// The fastest GPU whose name contains this; any, where it is empty.
    Gpu(String),
    /// The fastest GPU if there is one that is not software, else the CPU.
    Auto,
}

impl Named {
    /// What the word may be.
    pub(crate) const EXPECTED: &str = "cpu, gpu, gpu:NAME or auto";

    /// The device; `None` is the CPU.
    ///
    /// # Errors
    /// A GPU that is not there or does not open; a program that was built without GPUs.
    pub(crate) fn open(&self) -> Result<Option<Elsewhere>, Error> {
        match self {
            Self::Cpu => Ok(None),
            Self::Gpu(name) => gpu(name).map(|gpu| Some(Elsewhere(gpu))),
            Self::Auto if has_gpu() => gpu("").map(|gpu| Some(Elsewhere(gpu))),
            Self::Auto => Ok(None),
        }
    }
}

impl FromStr for Named {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "gpu" => Ok(Self::Gpu(String::new())),
            None if text == "auto" => Ok(Self::Auto),
            Some(("gpu", name)) if !name.is_empty() => Ok(Self::Gpu(name.to_owned())),
            _ => Err(Self::EXPECTED),
        }
    }
}

/// The device that the option names.
///
/// # Errors
/// Another word; as [`Named::open`].
pub(crate) fn open(text: &str) -> Result<Option<Elsewhere>, Error> {
    let named: Named = text.parse().map_err(|expected: &str| Error::Value {
        what: "--device".to_owned(),
        value: text.to_owned(),
        expected: expected.to_owned(),
    })?;
    named.open()
}

/// Opened once per process; one that was lost is opened anew.
#[cfg(feature = "gpu")]
fn gpu(name: &str) -> Result<Arc<dyn Device>, Error> {
    // Found before anything is trained: an impossible choice.
    let gpu = cl_gpu::Gpu::shared(name).map_err(|error| Error::Impossible(error.to_string()))?;
    Ok(Arc::new(gpu))
}

/// Whether the fastest adapter is more than the processor.
#[cfg(feature = "gpu")]
fn has_gpu() -> bool {
    cl_gpu::adapters().first().is_some_and(|adapter| !adapter.is_software())
}

#[cfg(not(feature = "gpu"))]
fn has_gpu() -> bool {
    false
}

#[cfg(not(feature = "gpu"))]
fn gpu(_: &str) -> Result<Arc<dyn Device>, Error> {
    Err(Error::Impossible(
        "this program was built without GPUs; build it with `--features gpu`, or choose device cpu"
            .to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_one_of_four_words() {
        assert_eq!("cpu".parse(), Ok(Named::Cpu));
        assert_eq!("gpu".parse(), Ok(Named::Gpu(String::new())));
        assert_eq!("gpu:H100: 2".parse(), Ok(Named::Gpu("H100: 2".to_owned())));
        assert_eq!("auto".parse(), Ok(Named::Auto));
        for text in ["", "GPU", "gpu:", "cuda", "cpu:0", "tpu:gpu"] {
            assert_eq!(text.parse::<Named>(), Err(Named::EXPECTED), "{text}");
        }
        let refused = open("cuda").unwrap_err().to_string();
        assert_eq!(refused, "--device `cuda`: expected cpu, gpu, gpu:NAME or auto");
    }

    #[test]
    fn the_cpu_and_auto_open_in_every_build() {
        assert_eq!(open("cpu").unwrap(), None);
        assert!(open("auto").is_ok());
    }

    #[cfg(not(feature = "gpu"))]
    #[test]
    fn a_build_without_gpus_says_how_to_get_one_and_takes_the_cpu_for_auto() {
        let refused = open("gpu").unwrap_err().to_string();
        assert!(
            refused.contains("built without GPUs") && refused.contains("--features gpu"),
            "{refused}"
        );
        assert_eq!(open("auto").unwrap(), None);
    }

    /// Software is slower than the processor that it runs on.
    #[cfg(feature = "gpu")]
    #[test]
    fn auto_is_a_gpu_of_hardware_or_the_cpu() {
        let is_hardware = |it: &cl_gpu::Adapter| it.kind != "software";
        let expected = cl_gpu::adapters().iter().any(is_hardware);
        assert_eq!(open("auto").unwrap().is_some(), expected);
    }

    #[cfg(feature = "gpu")]
    #[test]
    fn an_adapter_that_is_not_there_is_named() {
        let refused = open("gpu:nobody's").unwrap_err().to_string();
        assert!(refused.contains("no GPU "), "{refused}");
        assert!(open("gpu:nobody's").unwrap_err().is_bad_input());
    }
}
