//! The slow f64 device: interprets a graph value by value, unfused, in double precision.

use crate::error::Error;
use crate::graph::{Graph, Node, NodeId, Recording, SlotSpec};
use crate::op::Kind;
use crate::ops::SourceKind;
use crate::plan::Plan;
use crate::session::{Feeds, Host};
use crate::types::{DType, Type};
use std::collections::BTreeMap;

/// A tensor of the reference device; indices and bytes are held as exact floats.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// Extent per axis.
    pub shape: Vec<usize>,
    /// Elements, row-major.
    pub data: Vec<f64>,
}

impl Values {
    /// A tensor of these elements.
    ///
    /// # Panics
    /// If the number of elements does not fit the shape.
    #[must_use]
    pub fn new(shape: &[usize], data: Vec<f64>) -> Self {
        assert_eq!(data.len(), shape.iter().product::<usize>(), "values for shape {shape:?}");
        Self { shape: shape.to_vec(), data }
    }

    /// A tensor of these 32-bit floats.
    ///
    /// # Panics
    /// If the number of elements does not fit the shape.
    #[must_use]
    pub fn from_f32(shape: &[usize], data: &[f32]) -> Self {
        Self::new(shape, data.iter().map(|&x| f64::from(x)).collect())
    }
}

/// What every value of a graph is at one run.
pub(crate) struct Snapshot(pub Vec<Option<Values>>);

/// Runs graphs in f64. Holds slots and residents by name.
#[derive(Clone, Debug, Default)]
pub struct ReferenceSession {
    seed: u64,
    slots: BTreeMap<String, Values>,
    residents: BTreeMap<String, Values>,
}

impl ReferenceSession {
    /// A session for one member.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Sets a slot before or between runs.
    pub fn set_slot(&mut self, name: &str, values: Values) {
        self.slots.insert(name.to_owned(), values);
    }

    /// A slot's present value.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<&Values> {
        self.slots.get(name)
    }

    /// Sets resident data.
    pub fn set_resident(&mut self, name: &str, values: Values) {
        self.residents.insert(name.to_owned(), values);
    }

    /// Runs the graph once: returns its outputs and updates the slots it assigns, these only where
    /// the graph's condition ([`Graph::run_only_if`]) is not 0.
    ///
    /// # Errors
    /// The graph's first misfit; a source that was not set or fed.
    pub fn run(
        &mut self,
        graph: &Graph,
        feeds: &[(&str, Values)],
    ) -> Result<BTreeMap<String, Values>, Error> {
        let recording = graph.recording.borrow();
        if let Some(error) = &recording.error {
            return Err(error.clone());
        }
        self.declare(&recording.slots);
        let fed: BTreeMap<&str, &Values> = feeds.iter().map(|(name, v)| (*name, v)).collect();
        let snapshot = self.evaluate(&recording, &recording.roots(), &fed)?;
        let read = |id: usize| snapshot.0[id].clone().expect("roots are evaluated");
        let idles = |(id, _): &(NodeId, _)| read(id.index()).data[0] == 0.0;
        if !recording.condition.as_ref().is_some_and(idles) {
            for (slot, id, _) in &recording.assigns {
                self.slots.insert(slot.clone(), read(id.index()));
            }
            for assign in &recording.row_assigns {
                let (index, rows) = (read(assign.index.index()), read(assign.rows.index()));
                self.write_rows(&assign.slot, &index, &rows);
            }
        }
        Ok(recording.outputs.iter().map(|(name, id)| (name.clone(), read(id.index()))).collect())
    }

    /// Element by element, the last row of an index stays.
    fn write_rows(&mut self, slot: &str, index: &Values, rows: &Values) {
        let table = self.slots.get_mut(slot).expect("a slot that is assigned is declared");
        let width: usize = rows.shape[1..].iter().product();
        for (flat, &value) in rows.data.iter().enumerate() {
            let at = index.data[flat / width] as usize * width + flat % width;
            if let Some(element) = table.data.get_mut(at) {
                *element = value;
            }
        }
    }

    fn declare(&mut self, slots: &[SlotSpec]) {
        for spec in slots {
            if self.slots.contains_key(&spec.name) {
                continue;
            }
            let mut buffer = vec![0.0_f32; spec.ty.len()];
            spec.init.fill(self.seed, &mut buffer);
            self.slots.insert(spec.name.clone(), decode(&spec.ty, &buffer));
        }
    }

    fn evaluate(
        &self,
        recording: &Recording,
        roots: &[usize],
        feeds: &BTreeMap<&str, &Values>,
    ) -> Result<Snapshot, Error> {
        let sources = recording.source_names();
        let live = live(&recording.nodes, roots);
        interpret(&recording.nodes, &live, |index| {
            let (kind, name) = &sources[&index];
            let found = match kind {
                SourceKind::Input => feeds.get(name.as_str()).copied(),
                SourceKind::Slot => self.slots.get(name),
                SourceKind::Resident => self.residents.get(name),
            };
            found.cloned().ok_or_else(|| Error::Unknown {
                kind: kind.name(),
                name: name.clone(),
                known: feeds.keys().copied().collect::<Vec<_>>().join(", "),
            })
        })
    }
}

impl Plan {
    /// What a host feeds at a step, by name: as [`ReferenceSession::run`] takes it. Inputs that the
    /// plan does not need are left out; what the host does not feed is 0.
    ///
    /// # Errors
    /// What the host returns.
    pub fn feeds(&self, host: &mut dyn Host, step: u32) -> Result<Vec<(String, Values)>, Error> {
        let signature = &self.signature;
        let mut memory = vec![0.0; signature.feed_len];
        host.feed(step, &mut Feeds { signature, memory: &mut memory, fed: 0 })?;
        let inputs = signature.inputs.iter();
        let values = inputs.map(|input| {
            let fed = &memory[input.offset..][..input.ty.len()];
            (input.name.clone(), decode(&input.ty, fed))
        });
        Ok(values.collect())
    }
}

/// 32-bit memory as reference values.
pub(crate) fn decode(ty: &Type, memory: &[f32]) -> Values {
    let data = match ty.dtype {
        DType::F32 => memory.iter().map(|&x| f64::from(x)).collect(),
        DType::U32 => memory.iter().map(|x| f64::from(x.to_bits())).collect(),
        DType::U8 => {
            let bytes: &[u8] = bytemuck::must_cast_slice(memory);
            bytes[..ty.len()].iter().map(|&b| f64::from(b)).collect()
        }
    };
    Values { shape: ty.shape.clone(), data }
}

/// Which values are needed for the roots.
pub(crate) fn live(nodes: &[Node], roots: &[usize]) -> Vec<bool> {
    let mut live = vec![false; nodes.len()];
    for &root in roots {
        live[root] = true;
    }
    for index in (0..nodes.len()).rev() {
        if live[index] {
            for input in &nodes[index].inputs {
                live[input.index()] = true;
            }
        }
    }
    live
}

/// Evaluates the live nodes in record order.
pub(crate) fn interpret(
    nodes: &[Node],
    live: &[bool],
    source: impl Fn(usize) -> Result<Values, Error>,
) -> Result<Snapshot, Error> {
    let mut values: Vec<Option<Values>> = vec![None; nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        if !live[index] {
            continue;
        }
        let value = if matches!(node.op.kind(), Kind::Source) {
            source(index)?
        } else {
            let inputs: Vec<&Values> = node
                .inputs
                .iter()
                .map(|id| values[id.index()].as_ref().expect("inputs come first"))
                .collect();
            let data = node.op.reference(&inputs, &node.ty);
            Values { shape: node.ty.shape.clone(), data }
        };
        values[index] = Some(value);
    }
    Ok(Snapshot(values))
}
