//! A plan on a device: its buffers, pipelines and bind groups, and how steps are submitted.

use crate::device::{Opened, Pipeline, is_per_step};
use cl_tensor::wgsl::{Dispatch, Dispatches, Memory};
use cl_tensor::{Error, Plan};
use std::sync::Arc;

/// Most steps of one submission.
pub(crate) const STEPS: usize = 64;
/// Bytes of feeds and outputs that a submission may take.
pub(crate) const SUBMITTED: usize = 1 << 24;

pub(crate) struct Loaded {
    pub plan: Plan,
    /// The session's number of each of the plan's slots.
    pub slots: Vec<usize>,
    kernels: Vec<Ready>,
    arena: wgpu::Buffer,
    scratch: Vec<wgpu::Buffer>,
    /// Words of one lane's stretch of each scratch memory.
    stretches: Vec<usize>,
    feeds: wgpu::Buffer,
    outputs: wgpu::Buffer,
    staging: wgpu::Buffer,
    /// What the host writes before it is uploaded: steps, then members.
    pub fed: Vec<f32>,
    /// Steps of one submission.
    pub steps: usize,
    members: usize,
    /// Words of a step's feeds and outputs of all members, as the device wants them aligned.
    pub feed_stride: usize,
    pub output_stride: usize,
    /// Made at the first run, when slots and residents are there.
    bound: Option<Vec<wgpu::BindGroup>>,
}

/// A dispatch with its pipeline and parameters.
struct Ready {
    dispatch: Dispatch,
    pipeline: Arc<Pipeline>,
    params: wgpu::Buffer,
}

impl Loaded {
    pub(crate) fn new(
        device: &Opened,
        plan: Plan,
        slots: Vec<usize>,
        members: usize,
    ) -> Result<Self, Error> {
        let Dispatches { list, scratch, constants } =
            plan.dispatches(device.scratch() / members.max(1), device.about.grouping())?;
        let align = device.device.limits().min_storage_buffer_offset_alignment as usize / 4;
        let per_step = |words: usize| (words * members).max(1).next_multiple_of(align.max(1));
        let feed_stride = per_step(plan.feed_len());
        let output_stride = per_step(plan.outputs_len());
        let steps = (device.submitted() / 4 / (feed_stride + output_stride)).clamp(1, STEPS);
        let arena = device.buffer(plan.arena_len() * members, "temporaries of a step")?;
        let stretches = scratch.iter().map(|(len, _)| *len).collect();
        let scratch: Vec<wgpu::Buffer> = scratch
            .iter()
            .map(|(len, lanes)| device.buffer(len * lanes * members, "temporaries of inner lanes"))
            .collect::<Result<_, _>>()?;
        let feeds = device.buffer(feed_stride * steps, "inputs of steps")?;
        let outputs = device.buffer(output_stride * steps, "outputs of steps")?;
        let staging = device.staging(output_stride * steps, "outputs of steps")?;
        let kernels: Vec<Ready> = list
            .into_iter()
            .map(|dispatch| {
                let pipeline = device.pipeline(&dispatch)?;
                let params = device.filled(&dispatch.params)?;
                Ok(Ready { dispatch, pipeline, params })
            })
            .collect::<Result<_, Error>>()?;
        let fed = vec![0.0; feed_stride * steps];
        let loaded = Self {
            slots,
            kernels,
            arena,
            scratch,
            stretches,
            feeds,
            outputs,
            staging,
            fed,
            steps,
            members,
            feed_stride,
            output_stride,
            bound: None,
            plan,
        };
        for constant in constants {
            let (buffer, len) = loaded.stretch(constant.memory);
            let lanes = buffer.size() as usize / 4 / len.max(1);
            for lane in 0..lanes {
                let at = 4 * (lane * len + constant.offset) as u64;
                device.queue.write_buffer(buffer, at, bytemuck::bytes_of(&constant.value));
            }
        }
        Ok(loaded)
    }

    /// A memory for temporaries, and words of one lane's stretch.
    fn stretch(&self, memory: Memory) -> (&wgpu::Buffer, usize) {
        match memory {
            Memory::Scratch(number) => (&self.scratch[number], self.stretches[number]),
            _ => (&self.arena, self.plan.arena_len()),
        }
    }

    /// Forgets the bind groups: a resident has moved.
    pub(crate) fn unbind(&mut self) {
        self.bound = None;
    }

    /// The bind groups of all kernels.
    fn bind(
        &self,
        device: &Opened,
        slots: &[&wgpu::Buffer],
        residents: &[&wgpu::Buffer],
    ) -> Vec<wgpu::BindGroup> {
        let buffer = |memory: Memory| match memory {
            Memory::Arena => &self.arena,
            Memory::Feeds => &self.feeds,
            Memory::Outputs => &self.outputs,
            Memory::Slot(number) => slots[number],
            Memory::Resident(number) => residents[number],
            Memory::Scratch(number) => &self.scratch[number],
        };
        let size = |memory: Memory| match memory {
            Memory::Feeds => wgpu::BufferSize::new(4 * self.feed_stride as u64),
            Memory::Outputs => wgpu::BufferSize::new(4 * self.output_stride as u64),
            _ => None,
        };
        let group = |ready: &Ready| {
            let memories = ready.dispatch.memories.iter().enumerate();
            let memories = memories.map(|(m, &memory)| wgpu::BindGroupEntry {
                binding: m as u32 + 1,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: buffer(memory),
                    offset: 0,
                    size: size(memory),
                }),
            });
            let params =
                wgpu::BindGroupEntry { binding: 0, resource: ready.params.as_entire_binding() };
            let entries: Vec<_> = std::iter::once(params).chain(memories).collect();
            device.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: None,
                layout: &ready.pipeline.layout,
                entries: &entries,
            })
        };
        self.kernels.iter().map(group).collect()
    }

    /// The commands of the first `steps` of what was fed, for all members, and how many dispatches they are.
    pub(crate) fn encode(
        &mut self,
        device: &Opened,
        steps: usize,
        slots: &[&wgpu::Buffer],
        residents: &[&wgpu::Buffer],
    ) -> (wgpu::CommandBuffer, usize) {
        if self.bound.is_none() {
            self.bound = Some(self.bind(device, slots, residents));
        }
        let bound = self.bound.as_deref().unwrap_or_default();
        let mut encoder =
            device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for step in 0..steps {
            for (ready, group) in self.kernels.iter().zip(bound) {
                let mut offsets = [0; 2];
                let mut count = 0;
                for &memory in ready.dispatch.memories.iter().filter(|it| is_per_step(**it)) {
                    let stride = match memory {
                        Memory::Feeds => self.feed_stride,
                        _ => self.output_stride,
                    };
                    offsets[count] = (4 * step * stride) as u32;
                    count += 1;
                }
                pass.set_pipeline(&ready.pipeline.pipeline);
                pass.set_bind_group(0, group, &offsets[..count]);
                let [x, y] = ready.dispatch.groups;
                pass.dispatch_workgroups(x, y, self.members as u32);
            }
        }
        drop(pass);
        if self.plan.outputs_len() > 0 {
            let size = 4 * (steps * self.output_stride) as u64;
            encoder.copy_buffer_to_buffer(&self.outputs, 0, &self.staging, 0, size);
        }
        (encoder.finish(), steps * bound.len())
    }

    /// Runs the first `steps` of what was fed, for all members; gives their outputs.
    pub(crate) fn submit(
        &mut self,
        device: &Opened,
        steps: usize,
        slots: &[&wgpu::Buffer],
        residents: &[&wgpu::Buffer],
    ) -> Result<Vec<f32>, Error> {
        let (commands, _) = self.encode(device, steps, slots, residents);
        if self.plan.feed_len() > 0 {
            let fed = &self.fed[..steps * self.feed_stride];
            device.queue.write_buffer(&self.feeds, 0, bytemuck::cast_slice(fed));
        }
        device.queue.submit([commands]);
        if self.plan.outputs_len() > 0 {
            device.map(&self.staging, 4 * (steps * self.output_stride) as u64)
        } else {
            device.check().map(|()| Vec::new())
        }
    }
}
