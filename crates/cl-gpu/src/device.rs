//! An adapter that was opened, and the pipelines made on it.

use crate::adapters::{self, Adapter};
use crate::session::GpuSession;
use crate::{footprint, waiting};
use cl_tensor::wgsl::{Dispatch, MOST_SHARED, Memory};
use cl_tensor::{Device, Error, Lanes, Plan, Session};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

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

    fn lanes(&self, plans: &[&Plan]) -> Result<Lanes, Error> {
        footprint::lanes(&self.0, plans)
    }
}

/// How long another thread may take to hand over what it was told.
const PATIENCE: Duration = Duration::from_secs(60);

/// What tells pipelines apart: the text, and which of its memories each step has anew.
type Key = (String, Vec<bool>);

/// What sessions on an adapter share.
pub(crate) struct Opened {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(crate) about: Adapter,
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
            required_features: adapter.features() & wgpu::Features::SUBGROUP,
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
            lock(&noted).get_or_insert_with(|| told(&error));
        }));
        let noted = trouble.clone();
        // Also called when the device is dropped: then nobody asks any more.
        device.set_device_lost_callback(move |_, message| {
            lock(&noted).get_or_insert_with(|| lost(&message));
        });
        let pipelines = Mutex::default();
        Ok(Self(Arc::new(Opened { device, queue, about, pipelines, trouble })))
    }

    /// As [`Gpu::open`], once per process and name: what was compiled for it serves every run. One that was
    /// lost, or failed otherwise, is opened anew.
    ///
    /// # Errors
    /// As [`Gpu::open`].
    pub fn shared(name: &str) -> Result<Self, Error> {
        static OPENED: Mutex<BTreeMap<String, Gpu>> = Mutex::new(BTreeMap::new());
        let mut opened = lock(&OPENED);
        if let Some(known) = opened.get(name).filter(|known| known.0.check().is_ok()) {
            return Ok(known.clone());
        }
        let gpu = Self::open(name)?;
        opened.insert(name.to_owned(), gpu.clone());
        Ok(gpu)
    }

    /// What it is.
    #[must_use]
    pub fn about(&self) -> &Adapter {
        &self.0.about
    }

    /// The same device, trusted with other limits than its own: how a smaller one would be used.
    #[must_use]
    pub fn trusted_with(&self, limits: impl FnOnce(&mut Adapter)) -> Self {
        let Opened { device, queue, about, trouble, .. } = &*self.0;
        let mut about = about.clone();
        limits(&mut about);
        let (device, queue, trouble) = (device.clone(), queue.clone(), trouble.clone());
        Self(Arc::new(Opened { device, queue, about, pipelines: Mutex::default(), trouble }))
    }

    /// Gives the device up, for all who share it: what is done on it next fails, as when a driver loses it.
    pub fn lose(&self) {
        self.0.device.destroy();
        // Whoever is told of it is told while somebody waits.
        let _ = self.0.wait();
    }
}

/// What cannot be gone on from.
fn told(error: &wgpu::Error) -> String {
    match error {
        wgpu::Error::OutOfMemory { .. } => {
            "its memory ran out: run fewer members at once".to_owned()
        }
        // Its description says what its sources say.
        wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => {
            description.split_whitespace().collect::<Vec<_>>().join(" ")
        }
    }
}

fn lost(message: &str) -> String {
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("the device was lost ({message}); if its memory ran out, run fewer members at once")
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
        let waited = waiting::poll(&self.device);
        self.check()?;
        waited.map_err(|problem| Error::Device(format!("{}: {problem}", self.about.name)))
    }

    /// A buffer of at least so many words, and of whole vectors of four; `what` it is for is told where it does not fit.
    pub(crate) fn buffer(&self, words: usize, what: &str) -> Result<wgpu::Buffer, Error> {
        let size = 4 * (words.max(4).next_multiple_of(4) as u64);
        if size > self.about.binding_bytes {
            return Err(Error::Device(format!(
                "{what}: {size} bytes for all members, {} has at most {} per buffer: run fewer members \
                 at once",
                self.about.name, self.about.binding_bytes
            )));
        }
        let usage = wgpu::BufferUsages::STORAGE
            | wgpu::BufferUsages::COPY_SRC
            | wgpu::BufferUsages::COPY_DST;
        self.allocate(size, usage, what)
    }

    /// A buffer for the host to read from.
    pub(crate) fn staging(&self, words: usize, what: &str) -> Result<wgpu::Buffer, Error> {
        let usage = wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ;
        self.allocate(4 * words as u64, usage, what)
    }

    fn allocate(
        &self,
        size: u64,
        usage: wgpu::BufferUsages,
        what: &str,
    ) -> Result<wgpu::Buffer, Error> {
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
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
    pub(crate) fn filled(&self, words: &[u32]) -> Result<wgpu::Buffer, Error> {
        let buffer = self.buffer(words.len(), "parameters of a kernel")?;
        self.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(words));
        Ok(buffer)
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
        let staging = self.staging(words, "a copy for the host")?;
        let mut encoder =
            self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(buffer, 4 * start as u64, &staging, 0, size);
        self.queue.submit([encoder.finish()]);
        self.map(&staging, size)
    }

    /// The words of a staging buffer. The host waits for them.
    pub(crate) fn map(&self, staging: &wgpu::Buffer, size: u64) -> Result<Vec<f32>, Error> {
        let (note, mapped) = mpsc::channel();
        staging.map_async(wgpu::MapMode::Read, 0..size, move |result| {
            // Nobody listens any more where the wait failed.
            let _ = note.send(result);
        });
        self.wait()?;
        let failed = |problem: String| Error::Device(format!("{}: {problem}", self.about.name));
        // A thread beside this one may have waited too, and is about to tell.
        match mapped.recv_timeout(PATIENCE) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(failed(error.to_string())),
            Err(_) => return Err(failed("it did not hand over what was computed".to_owned())),
        }
        let view = staging.get_mapped_range(0..size).map_err(|error| failed(error.to_string()))?;
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
        self.fits(dispatch)?;
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let pipeline = Arc::new(self.compile(dispatch));
        if let Some(error) = pollster::block_on(scope.pop()) {
            return Err(refused(dispatch, &told(&error)));
        }
        self.check()?;
        lock(&self.pipelines).insert(key, pipeline.clone());
        Ok(pipeline)
    }

    /// Whether a kernel keeps to the limits.
    pub(crate) fn fits(&self, dispatch: &Dispatch) -> Result<(), Error> {
        let Adapter { name, workgroup_bytes, bindings, .. } = &self.about;
        // wgpu does not check it, and drivers hang where it does not fit.
        if dispatch.shared > MOST_SHARED.min(*workgroup_bytes as usize) {
            let problem = format!(
                "{} bytes of workgroup memory, {name} has {workgroup_bytes} \
                 (max_compute_workgroup_storage_size): expected another device, such as --device cpu",
                dispatch.shared
            );
            return Err(refused(dispatch, &problem));
        }
        let memories = dispatch.memories.len() + 1;
        if memories > *bindings as usize {
            let problem = format!(
                "{memories} buffers at once, {name} takes {bindings} \
                 (max_storage_buffers_per_shader_stage): expected another device, such as --device cpu"
            );
            return Err(refused(dispatch, &problem));
        }
        Ok(())
    }

    fn compile(&self, dispatch: &Dispatch) -> Pipeline {
        let subgroups =
            self.about.has_subgroups().then(|| dispatch.text_with_subgroups()).flatten();
        let text = subgroups.as_deref().unwrap_or(&dispatch.text);
        let source = wgpu::ShaderSource::Wgsl(text.into());
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

fn refused(dispatch: &Dispatch, problem: &str) -> Error {
    Error::Device(format!("kernel `{}`: {problem}", dispatch.name))
}

/// Whether each step of a submission has its own stretch of a memory.
pub(crate) fn is_per_step(memory: Memory) -> bool {
    matches!(memory, Memory::Feeds | Memory::Outputs)
}

/// A lock, also after a panic elsewhere: what it guards is replaced as a whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
