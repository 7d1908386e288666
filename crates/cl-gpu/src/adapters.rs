//! What adapters there are.

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
    /// Most bytes of workgroup memory.
    pub workgroup_bytes: u32,
    /// Most memories of one kernel.
    pub bindings: u32,
    /// Optional features that matter here and that it has.
    pub features: Vec<&'static str>,
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
        wgpu::DeviceType::Cpu => "software",
        wgpu::DeviceType::Other => "other",
    };
    let known = [
        ("subgroups", wgpu::Features::SUBGROUP),
        ("timestamps", wgpu::Features::TIMESTAMP_QUERY),
        ("f16", wgpu::Features::SHADER_F16),
    ];
    let has = |(_, feature): &(&str, wgpu::Features)| adapter.features().contains(*feature);
    Adapter {
        name: info.name,
        kind,
        backend: info.backend.to_string(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        binding_bytes: limits.max_storage_buffer_binding_size,
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
