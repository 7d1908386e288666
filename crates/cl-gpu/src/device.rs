//! An adapter that was opened, and the pipelines made on it.

use crate::adapters::{self, Adapter};
use crate::session::GpuSession;
use cl_tensor::wgsl::{Dispatch, MOST_SHARED, Memory};
use cl_tensor::{Device, Error, Session};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wgpu::util::DeviceExt;

/// An adapter that was opened. Pipelines are kept by their text: sessions on it share them.
#[derive(Clone)]
pub struct Gpu(pub(crate) Arc<Opened>);

impl fmt::Debug for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gpu({})", self.0.about)
    }
}

impl Device for Gpu {
    fn session(&self, seeds: &[u64]) -> Result<Box<dyn Session>, Error> {
        Ok(Box::new(GpuSession::new(self, seeds)?))
    }

    fn describe(&self) -> String {
        let Adapter { name, backend, driver, .. } = &self.0.about;
        format!("{name}, {backend}, {driver}")
    }
}

/// What tells pipelines apart: the text, and which of its memories each step has anew.
type Key = (String, Vec<bool>);

/// What sessions on an adapter share.
pub(crate) struct Opened {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    about: Adapter,
    pipelines: Mutex<HashMap<Key, Arc<Pipeline>>>,
    trouble: Arc<Mutex<Option<String>>>,
}

/// A compiled text and what its bindings look like.
pub(crate) struct Pipeline {
    pub pipeline: wgpu::ComputePipeline,
    pub layout: wgpu::BindGroupLayout,
}

impl Gpu {
    /// Opens the fastest adapter whose name contains `name`, letter case aside.
    ///
    /// # Errors
    /// No such adapter, with the names of all; an adapter that does not open.
    pub fn open(name: &str) -> Result<Self, Error> {
        let all = adapters::found();
        let wanted = name.to_lowercase();
        let matches =
            |adapter: &&wgpu::Adapter| adapter.get_info().name.to_lowercase().contains(&wanted);
        let Some(adapter) = all.iter().find(matches) else {
            let names: Vec<String> = all.iter().map(|adapter| adapter.get_info().name).collect();
            return Err(Error::Device(match names.is_empty() {
                true => "no GPU was found; expected one with a Vulkan, Metal or DirectX 12 driver"
                    .to_owned(),
                false => format!("no GPU is called `{name}`; there are: {}", names.join(", ")),
            }));
        };
        let about = adapters::about(adapter);
        let descriptor = wgpu::DeviceDescriptor {
            label: None,
            required_features: wgpu::Features::empty(),
            required_limits: adapter.limits(),
            experimental_features: wgpu::ExperimentalFeatures::disabled(),
            memory_hints: wgpu::MemoryHints::Performance,
            trace: wgpu::Trace::Off,
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))
            .map_err(|error| Error::Device(format!("{about} does not open: {error}")))?;
        let trouble = Arc::new(Mutex::new(None));
        let noted = trouble.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            lock(&noted).get_or_insert_with(|| error.to_string());
        }));
        let noted = trouble.clone();
        device.set_device_lost_callback(move |reason, message| {
            // Also called when the device is dropped.
            if reason != wgpu::DeviceLostReason::Destroyed {
                lock(&noted).get_or_insert_with(|| format!("the device was lost: {message}"));
            }
        });
        let pipelines = Mutex::default();
        Ok(Self(Arc::new(Opened { device, queue, about, pipelines, trouble })))
    }

    /// What it is.
    #[must_use]
    pub fn about(&self) -> &Adapter {
        &self.0.about
    }
}

impl Opened {
    /// What went wrong since the device was opened, if anything did.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match &*lock(&self.trouble) {
            None => Ok(()),
            Some(message) => Err(Error::Device(format!("{}: {message}", self.about.name))),
        }
    }

    /// Waits until everything that was submitted is done.
    pub(crate) fn wait(&self) -> Result<(), Error> {
        let waited = self.device.poll(wgpu::PollType::wait_indefinitely());
        self.check()?;
        match waited {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::Device(format!("{}: {error}", self.about.name))),
        }
    }

    /// A buffer of at least so many words; `what` it is for is told where it does not fit.
    pub(crate) fn buffer(&self, words: usize, what: &str) -> Result<wgpu::Buffer, Error> {
        let size = 4 * (words.max(4) as u64);
        if size > self.about.binding_bytes {
            return Err(Error::Device(format!(
                "{what}: {size} bytes for all members, {} has at most {} per buffer: run fewer members \
                 at once",
                self.about.name, self.about.binding_bytes
            )));
        }
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let usage = wgpu::BufferUsages::STORAGE
            | wgpu::BufferUsages::COPY_SRC
            | wgpu::BufferUsages::COPY_DST;
        let descriptor =
            wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
        let buffer = self.device.create_buffer(&descriptor);
        if pollster::block_on(scope.pop()).is_some() {
            return Err(Error::Memory { what: what.to_owned(), bytes: size });
        }
        self.check()?;
        Ok(buffer)
    }

    /// A buffer that holds these words from the start.
    pub(crate) fn filled(&self, words: &[u32]) -> wgpu::Buffer {
        let contents: &[u8] = bytemuck::cast_slice(if words.is_empty() { &[0] } else { words });
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
        self.device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: None,
            contents,
            usage,
        })
    }

    /// `words` of a buffer from word `start` on.
    pub(crate) fn read(
        &self,
        buffer: &wgpu::Buffer,
        start: usize,
        words: usize,
    ) -> Result<Vec<f32>, Error> {
        if words == 0 {
            return Ok(Vec::new());
        }
        let size = 4 * words as u64;
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size,
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        let mut encoder =
            self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(buffer, 4 * start as u64, &staging, 0, size);
        self.queue.submit([encoder.finish()]);
        self.map(&staging, size)
    }

    /// The words of a staging buffer.
    pub(crate) fn map(&self, staging: &wgpu::Buffer, size: u64) -> Result<Vec<f32>, Error> {
        staging.map_async(wgpu::MapMode::Read, 0..size, |_| {});
        self.wait()?;
        let failed =
            |error: wgpu::MapRangeError| Error::Device(format!("{}: {error}", self.about.name));
        let view = staging.get_mapped_range(0..size).map_err(failed)?;
        // Mapped memory need not be aligned to words.
        let words = bytemuck::pod_collect_to_vec(&view);
        drop(view);
        staging.unmap();
        Ok(words)
    }

    /// The pipeline of a dispatch: compiled at its first use.
    pub(crate) fn pipeline(&self, dispatch: &Dispatch) -> Result<Arc<Pipeline>, Error> {
        let per_step = dispatch.memories.iter().map(|&memory| is_per_step(memory)).collect();
        let key = (dispatch.text.clone(), per_step);
        if let Some(known) = lock(&self.pipelines).get(&key) {
            return Ok(known.clone());
        }
        let refused =
            |message: String| Error::Device(format!("kernel `{}`: {message}", dispatch.name));
        // wgpu does not check it, and drivers hang where it does not fit.
        if dispatch.shared > MOST_SHARED.min(self.about.workgroup_bytes as usize) {
            return Err(refused(format!(
                "{} bytes of workgroup memory, {} has {}",
                dispatch.shared, self.about.name, self.about.workgroup_bytes
            )));
        }
        if dispatch.memories.len() + 1 > self.about.bindings as usize {
            return Err(refused(format!(
                "{} memories, {} has {} bindings",
                dispatch.memories.len() + 1,
                self.about.name,
                self.about.bindings
            )));
        }
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let pipeline = Arc::new(self.compile(dispatch));
        if let Some(error) = pollster::block_on(scope.pop()) {
            return Err(refused(error.to_string()));
        }
        self.check()?;
        lock(&self.pipelines).insert(key, pipeline.clone());
        Ok(pipeline)
    }

    fn compile(&self, dispatch: &Dispatch) -> Pipeline {
        let source = wgpu::ShaderSource::Wgsl(dispatch.text.as_str().into());
        let label = Some(dispatch.name.as_str());
        let module =
            self.device.create_shader_module(wgpu::ShaderModuleDescriptor { label, source });
        let entry = |binding: usize, read_only, has_dynamic_offset| wgpu::BindGroupLayoutEntry {
            binding: binding as u32,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Storage { read_only },
                has_dynamic_offset,
                min_binding_size: None,
            },
            count: None,
        };
        let memories = dispatch.memories.iter().enumerate();
        let entries: Vec<_> = std::iter::once(entry(0, true, false))
            .chain(memories.map(|(m, it)| entry(m + 1, it.is_read_only(), is_per_step(*it))))
            .collect();
        let layout = self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label,
            entries: &entries,
        });
        let whole = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label,
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label,
            layout: Some(&whole),
            module: &module,
            entry_point: Some("main"),
            // Kernels write workgroup memory before they read it.
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..wgpu::PipelineCompilationOptions::default()
            },
            cache: None,
        });
        Pipeline { pipeline, layout }
    }
}

/// Whether each step of a submission has its own stretch of a memory.
pub(crate) fn is_per_step(memory: Memory) -> bool {
    matches!(memory, Memory::Feeds | Memory::Outputs)
}

/// A lock, also after a panic elsewhere: what it guards is replaced as a whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
