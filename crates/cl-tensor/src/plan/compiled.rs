//! The compiled program.

use super::program::Program;
use super::view::Place;
use super::{arena, emit, fuse, lower, schedule};
use crate::error::Error;
use crate::graph::{Graph, Node, SlotSpec};
use crate::op::Op;
use crate::ops::SourceKind;
use crate::transform::Transform;
use crate::types::{DType, Type};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The block of memory that holds temporaries.
pub(crate) const ARENA: u32 = 0;
/// The block of memory that holds what is fed.
pub(crate) const FEEDS: u32 = 1;
/// The first slot's block; residents follow the slots.
pub(crate) const FIRST_SLOT: u32 = 2;
/// Values start at multiples of this many elements: a cache line.
pub(crate) const ALIGNMENT: usize = 16;

/// Inputs of a plan: one bit of a word says whether each was fed.
const MAX_INPUTS: usize = 64;

/// A named value at the border of a plan.
#[derive(Clone, Debug)]
pub(crate) struct Port {
    pub name: String,
    pub ty: Type,
    /// Inputs: offset in the feed block.
    pub offset: usize,
    /// Outputs: where the value lies after the run.
    pub place: Place,
}

/// What goes in and comes out of a plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signature {
    pub inputs: Vec<Port>,
    /// Declared, but nothing that is kept depends on them.
    pub unused_inputs: Vec<String>,
    pub outputs: Vec<Port>,
    /// The input whose 0 lets a member idle.
    pub condition: Option<usize>,
    pub feed_len: usize,
}

impl Signature {
    pub(crate) fn input_names(&self) -> String {
        join(&self.inputs)
    }

    pub(crate) fn output_names(&self) -> String {
        join(&self.outputs)
    }
}

fn join(ports: &[Port]) -> String {
    ports.iter().map(|port| port.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// A matrix product `[batch, m, k] x [batch, k, n]`, with what is done to each finished block.
#[derive(Debug)]
pub(crate) struct Product {
    pub batch: usize,
    pub m: usize,
    pub k: usize,
    pub n: usize,
    pub a: Matrix,
    pub b: Matrix,
    pub out: Place,
    /// Run over each finished block of rows while it is in cache.
    pub epilogue: Option<Program>,
}

/// An operand of a product: place and strides in elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix {
    pub place: Place,
    pub batch_stride: usize,
    pub row_stride: usize,
    pub column_stride: usize,
}

/// One kernel.
#[derive(Debug)]
pub(crate) enum Kernel {
    Pointwise(Program),
    Product(Product),
    Op {
        op: Arc<dyn Op>,
        inputs: Vec<Place>,
        input_types: Vec<Type>,
        output: Place,
        output_type: Type,
    },
    /// Clears the gaps between the pieces of an assembled vector.
    Zero(Vec<(Place, usize)>),
}

/// What is written to a slot when everything has been read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Commit {
    /// All of it.
    Whole { from: Place, to: Place, len: usize },
    /// Row `index[i]` becomes `rows[i]`, in order; an index out of range is dropped.
    Rows {
        index: Place,
        rows: Place,
        to: Place,
        /// Rows that are written.
        count: usize,
        /// Elements of a row.
        width: usize,
        /// Elements of the slot.
        len: usize,
    },
}

/// A compiled program: what a [`crate::Session`] replays.
#[derive(Debug)]
pub struct Plan {
    pub(crate) signature: Signature,
    pub(crate) kernels: Vec<Kernel>,
    pub(crate) commits: Vec<Commit>,
    pub(crate) slots: Vec<SlotSpec>,
    pub(crate) residents: Vec<(String, Type)>,
    /// Constants that live in the arena: offset and value.
    pub(crate) constants: Vec<(usize, f32)>,
    pub(crate) arena_len: usize,
    pub(crate) nodes: Vec<Node>,
    pub(crate) live: Vec<bool>,
    /// The values behind the outputs, in order.
    pub(crate) roots: Vec<usize>,
    pub(crate) transforms: Vec<Transform>,
    pub(crate) sources: HashMap<usize, (SourceKind, String)>,
    pub(crate) kept: BTreeSet<String>,
}

impl Plan {
    /// Compiles what the graph's assigns and outputs need.
    ///
    /// # Errors
    /// The first misfit that was recorded, with the line that caused it; a slot, or temporaries, of
    /// 2³² floats or more.
    pub fn compile(graph: &Graph) -> Result<Self, Error> {
        let recording = graph.recording.borrow();
        if let Some(error) = &recording.error {
            return Err(error.clone());
        }
        // Places count floats in 32 bits.
        if let Some(slot) = recording.slots.iter().find(|slot| slot.ty.len() > u32::MAX as usize) {
            return Err(Error::Memory {
                what: format!("slot `{}`", slot.name),
                bytes: (slot.ty.len() as u64).saturating_mul(4),
            });
        }
        let mut lowered = lower::lower(&recording);
        let mut units = fuse::fuse(&lowered);
        let schedule = schedule::schedule(&mut lowered, &mut units);
        let memory = arena::allocate(&lowered, &units, &schedule);
        if memory.arena_len > u32::MAX as usize {
            let bytes = (memory.arena_len as u64).saturating_mul(4);
            return Err(Error::Memory { what: "temporaries".to_owned(), bytes });
        }
        let kernels = emit::kernels(&lowered, &units, &schedule, &memory);
        let (signature, commits) = emit::borders(&recording, &lowered, &schedule, &memory);
        if signature.inputs.len() > MAX_INPUTS {
            return Err(Error::TooManyInputs { inputs: signature.inputs.len() });
        }
        Ok(Self {
            signature,
            kernels,
            commits,
            slots: recording.slots.clone(),
            residents: lowered.residents.clone(),
            constants: memory.constants.clone(),
            arena_len: memory.arena_len,
            sources: recording.source_names(),
            live: lowered.live.clone(),
            roots: recording.outputs.iter().map(|(_, id)| id.index()).collect(),
            transforms: recording.transforms.clone(),
            nodes: recording.nodes.clone(),
            kept: recording.kept.clone(),
        })
    }

    /// Names of the outputs, in the order in which they were recorded.
    #[must_use]
    pub fn outputs(&self) -> Vec<String> {
        self.signature.outputs.iter().map(|output| output.name.clone()).collect()
    }

    /// Names of the inputs that it needs, in the order in which they were recorded.
    #[must_use]
    pub fn inputs(&self) -> Vec<String> {
        self.signature.inputs.iter().map(|input| input.name.clone()).collect()
    }

    /// Number of multiples of 4 bytes that a resident of this type occupies.
    pub(crate) fn words(ty: &Type) -> usize {
        match ty.dtype {
            DType::U8 => ty.len().div_ceil(4),
            _ => ty.len(),
        }
    }
}
