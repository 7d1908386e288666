//! What adapters there are.

use cl_tensor::wgsl::Grouping;
use std::fmt;

/// An adapter of this machine.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// Its name, as its driver gives it.
    pub name: String,
    /// Kind of device: discrete, integrated, virtual, software, other.
    pub kind: &'static str,
    /// The interface that it is reached through.
    pub backend: String,
    /// Driver and its version.
    pub driver: String,
    /// Most bytes of one buffer that a kernel sees.
    pub binding_bytes: u64,
    /// Bytes that a population takes at most where nobody says how many members run at once: an adapter does
    /// not tell how much memory it has. 4 GiB of one with its own memory, else 1 GiB.
    pub memory_bytes: u64,
    /// Most bytes of workgroup memory.
    pub workgroup_bytes: u32,
    /// Most memories of one kernel.
    pub bindings: u32,
    /// Optional features that matter here and that it has.
    pub features: Vec<&'static str>,
}

/// Its name among the features.
const SUBGROUPS: &str = "subgroups";
/// The kind of an adapter that computes on the CPU.
const SOFTWARE: &str = "software";

impl Adapter {
    /// How kernels become dispatches. A software adapter takes as long to compile a kernel as to run
    /// thousands of dispatches.
    pub(crate) fn grouping(&self) -> Grouping {
        if self.is_software() { Grouping::Single } else { Grouping::Joined }
    }

    /// Whether it computes on the CPU, more slowly than programs that are made for it.
    #[must_use]
    pub fn is_software(&self) -> bool {
        self.kind == SOFTWARE
    }

    /// Whether reductions may use subgroup operations.
    pub(crate) fn has_subgroups(&self) -> bool {
        self.features.contains(&SUBGROUPS)
    }
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kind, backend, driver, .. } = self;
        write!(f, "{name} ({kind}, {backend}, {driver})")
    }
}

pub(crate) fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::PRIMARY;
    wgpu::Instance::new(descriptor)
}

/// All adapters, the fastest kinds first.
pub(crate) fn found() -> Vec<wgpu::Adapter> {
    let mut all = pollster::block_on(instance().enumerate_adapters(wgpu::Backends::PRIMARY));
    all.sort_by_key(|adapter| rank(adapter.get_info().device_type));
    all
}

fn rank(kind: wgpu::DeviceType) -> u8 {
    match kind {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}

pub(crate) fn about(adapter: &wgpu::Adapter) -> Adapter {
    let (info, limits) = (adapter.get_info(), adapter.limits());
    let kind = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => "discrete",
        wgpu::DeviceType::IntegratedGpu => "integrated",
        wgpu::DeviceType::VirtualGpu => "virtual",
        wgpu::DeviceType::Cpu => SOFTWARE,
        wgpu::DeviceType::Other => "other",
    };
    let known = [
        (SUBGROUPS, wgpu::Features::SUBGROUP),
        ("timestamps", wgpu::Features::TIMESTAMP_QUERY),
        ("f16", wgpu::Features::SHADER_F16),
    ];
    let has = |(_, feature): &(&str, wgpu::Features)| adapter.features().contains(*feature);
    let memory_bytes = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => 4 << 30,
        _ => 1 << 30,
    };
    Adapter {
        name: info.name,
        kind,
        backend: info.backend.to_string(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        binding_bytes: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
        memory_bytes,
        workgroup_bytes: limits.max_compute_workgroup_storage_size,
        bindings: limits.max_storage_buffers_per_shader_stage,
        features: known.iter().filter(|it| has(it)).map(|(name, _)| *name).collect(),
    }
}

/// All adapters of this machine, the fastest kinds first.
#[must_use]
pub fn adapters() -> Vec<Adapter> {
    found().iter().map(about).collect()
}
