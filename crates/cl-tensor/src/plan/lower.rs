//! Live values, resolved views, unavoidable copies, and who owns which memory.

use super::code::Code;
use super::view::Strided;
use crate::graph::Recording;
use crate::op::{Kind, Op};
use crate::ops::SourceKind;
use crate::reference::live;
use crate::types::{DType, Type};
use std::collections::HashMap;
use std::sync::Arc;

/// How a value comes to be.
#[derive(Clone, Debug)]
pub(super) enum How {
    Source(SourceKind, String),
    Constant(f32),
    View,
    Pointwise(Code),
    Product,
    Assemble(Vec<usize>),
    Kernel(Arc<dyn Op>),
}

/// An operand: whose memory, and which elements of it.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub base: usize,
    pub view: Strided,
}

impl Operand {
    /// Whether this reads all of `base` (of `len` elements) in memory order.
    pub(super) fn is_whole(&self, len: usize) -> bool {
        self.view.offset == 0 && self.view.count() == len && self.view.is_contiguous()
    }
}

/// A value of the plan: a recorded one, or a copy that the plan needs.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub how: How,
    pub operands: Vec<Operand>,
    pub ty: Type,
    /// Values are ordered by this: copies stand right behind what they copy.
    pub order: u64,
}

impl Value {
    pub(super) fn is_computed(&self) -> bool {
        matches!(self.how, How::Pointwise(_) | How::Product | How::Assemble(_) | How::Kernel(_))
    }

    pub(super) fn is_pointwise(&self) -> bool {
        matches!(self.how, How::Pointwise(_))
    }
}

/// Where a value's memory is, apart from the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// Its own place in the arena.
    Arena,
    /// The slot with this number.
    Slot(usize),
    /// Inside an assembled vector, at an offset.
    Piece(usize, usize),
}

pub(super) struct Lowered {
    pub values: Vec<Value>,
    pub live: Vec<bool>,
    pub home: Vec<Home>,
    /// (slot number, value).
    pub assigns: Vec<(usize, usize)>,
    /// (slot number, index, rows).
    pub row_assigns: Vec<(usize, Operand, Operand)>,
    pub outputs: Vec<(String, Operand, Type)>,
    pub slot_names: Vec<String>,
    pub residents: Vec<(String, Type)>,
}

impl Lowered {
    /// Whether somebody reads the value's memory after the last kernel: its place is never given away.
    pub(super) fn is_read_last(&self, value: usize) -> bool {
        self.outputs.iter().any(|(_, operand, _)| operand.base == value)
            || self
                .row_assigns
                .iter()
                .any(|(_, index, rows)| [index.base, rows.base].contains(&value))
    }
}

struct Lowering {
    values: Vec<Value>,
    /// Per recorded value, the memory it resolves to.
    address: HashMap<usize, Operand>,
    copies: HashMap<usize, usize>,
}

impl Lowering {
    fn operand(&self, index: usize) -> Operand {
        self.address[&index].clone()
    }

    /// A contiguous value equal to the recorded value `index`.
    fn copied(&mut self, index: usize) -> Operand {
        let (ty, source) = (self.values[index].ty.clone(), self.operand(index));
        let copy = match self.copies.get(&index) {
            Some(&copy) => copy,
            None => {
                let copy = self.fresh_copy(source, ty.clone(), 2 * index as u64 + 1);
                self.copies.insert(index, copy);
                copy
            }
        };
        Operand { base: copy, view: Strided::contiguous(&ty) }
    }

    fn fresh_copy(&mut self, source: Operand, ty: Type, order: u64) -> usize {
        let how = How::Pointwise(Code::Move);
        self.values.push(Value { how, operands: vec![source], ty, order });
        self.values.len() - 1
    }

    /// The value as a kernel wants it: without gaps.
    fn contiguous(&mut self, index: usize) -> Operand {
        let operand = self.operand(index);
        if operand.view.is_contiguous() { operand } else { self.copied(index) }
    }

    /// The value as it can be read after the last kernel: without gaps, and not in a slot, whose new
    /// value may be there by then.
    fn lasting(&mut self, index: usize) -> Operand {
        let operand = self.operand(index);
        let slot = matches!(self.values[operand.base].how, How::Source(SourceKind::Slot, _));
        if operand.view.is_contiguous() && !slot {
            return operand;
        }
        let ty = self.values[index].ty.clone();
        let base = self.fresh_copy(operand, ty.clone(), u64::MAX);
        Operand { base, view: Strided::contiguous(&ty) }
    }

    /// The value as a matrix: any strides, but no stretched axis.
    fn matrix(&mut self, index: usize) -> Operand {
        let operand = self.operand(index);
        let stretched =
            operand.view.shape.iter().zip(&operand.view.strides).any(|(&n, &s)| n > 1 && s == 0);
        if stretched { self.copied(index) } else { operand }
    }
}

pub(super) fn lower(recording: &Recording) -> Lowered {
    let live = live(&recording.nodes, &recording.roots());
    let sources = recording.source_names();
    let mut low = Lowering {
        values: Vec::with_capacity(recording.nodes.len() + 16),
        address: HashMap::new(),
        copies: HashMap::new(),
    };
    for (index, node) in recording.nodes.iter().enumerate() {
        let how = match node.op.kind() {
            Kind::Source => match sources.get(&index) {
                Some((kind, name)) => How::Source(*kind, name.clone()),
                None => How::View,
            },
            Kind::Constant(value) => How::Constant(value),
            Kind::View => How::View,
            Kind::Pointwise(code) => How::Pointwise(code),
            Kind::Product => How::Product,
            Kind::Assemble(offsets) => How::Assemble(offsets),
            Kind::Kernel => How::Kernel(node.op.clone()),
        };
        let order = 2 * index as u64;
        low.values.push(Value { how, operands: Vec::new(), ty: node.ty.clone(), order });
    }
    for (index, node) in recording.nodes.iter().enumerate() {
        if !live[index] {
            continue;
        }
        let inputs: Vec<usize> = node.inputs.iter().map(|id| id.index()).collect();
        let whole = Operand { base: index, view: Strided::contiguous(&node.ty) };
        let (operands, address) = match low.values[index].how.clone() {
            How::Source(..) | How::Constant(_) => (Vec::new(), whole),
            How::View => {
                let input = low.operand(inputs[0]);
                let resolved = match node.op.view(&input.view, &node.ty) {
                    Some(view) => Operand { base: input.base, view },
                    None => {
                        let copy = low.copied(inputs[0]);
                        let view = node.op.view(&copy.view, &node.ty);
                        Operand {
                            base: copy.base,
                            view: view.expect("every view applies to a contiguous value"),
                        }
                    }
                };
                let Operand { base, view } = &resolved;
                let len = low.values[*base].ty.len();
                assert!(view.is_within(len), "{}: a view beyond its operand", node.op.name());
                (Vec::new(), resolved)
            }
            How::Pointwise(_) => {
                let stretch = |input: &usize| {
                    let operand = low.operand(*input);
                    let view = operand.view.expanded(&node.ty.shape);
                    Operand { base: operand.base, view }
                };
                (inputs.iter().map(stretch).collect(), whole)
            }
            How::Product => (inputs.iter().map(|&i| low.matrix(i)).collect(), whole),
            How::Kernel(_) | How::Assemble(_) => {
                (inputs.iter().map(|&i| low.contiguous(i)).collect(), whole)
            }
        };
        low.values[index].operands = operands;
        low.address.insert(index, address);
    }
    borders(recording, low, live)
}

/// Decides which values are written straight into slots and into assembled vectors.
fn borders(recording: &Recording, mut low: Lowering, live: Vec<bool>) -> Lowered {
    let slot_names: Vec<String> = recording.slots.iter().map(|slot| slot.name.clone()).collect();
    let mut home: HashMap<usize, Home> = HashMap::new();
    let mut assigns = Vec::new();
    for (slot, id, _) in &recording.assigns {
        let slot = slot_names.iter().position(|name| name == slot).expect("declared");
        let operand = low.operand(id.index());
        let value = &low.values[operand.base];
        let direct = value.is_computed()
            && !matches!(value.how, How::Assemble(_))
            && operand.is_whole(value.ty.len())
            && !home.contains_key(&operand.base);
        let base = if direct {
            operand.base
        } else {
            low.fresh_copy(operand, recording.slots[slot].ty.clone(), u64::MAX)
        };
        home.insert(base, Home::Slot(slot));
        assigns.push((slot, base));
    }
    let mut row_assigns = Vec::new();
    for assign in &recording.row_assigns {
        let slot = slot_names.iter().position(|name| *name == assign.slot).expect("declared");
        let [index, rows] = [assign.index, assign.rows].map(|id| low.lasting(id.index()));
        row_assigns.push((slot, index, rows));
    }
    let mut outputs = Vec::new();
    for (name, id) in &recording.outputs {
        let mut operand = low.operand(id.index());
        let value = &low.values[operand.base];
        let stays = (value.is_computed() || matches!(value.how, How::Constant(_)))
            && operand.view.is_contiguous();
        let ty = recording.nodes[id.index()].ty.clone();
        if !stays {
            let base = low.fresh_copy(operand, ty.clone(), u64::MAX);
            operand = Operand { base, view: Strided::contiguous(&ty) };
        }
        outputs.push((name.clone(), operand, ty));
    }
    for (vector, &needed) in live.iter().enumerate() {
        let How::Assemble(offsets) = low.values[vector].how.clone() else { continue };
        if !needed {
            continue;
        }
        for (position, offset) in offsets.into_iter().enumerate() {
            let operand = low.values[vector].operands[position].clone();
            let piece = &low.values[operand.base];
            let lands = piece.is_computed()
                && operand.is_whole(piece.ty.len())
                && !home.contains_key(&operand.base);
            let base = if lands {
                operand.base
            } else {
                let ty = Type { shape: operand.view.shape.clone(), dtype: DType::F32 };
                let copy = low.fresh_copy(operand, ty.clone(), 2 * vector as u64 - 1);
                low.values[vector].operands[position] =
                    Operand { base: copy, view: Strided::contiguous(&ty) };
                copy
            };
            home.insert(base, Home::Piece(vector, offset));
        }
    }
    let mut live = live;
    live.resize(low.values.len(), true);
    let residents = low
        .values
        .iter()
        .zip(&live)
        .filter_map(|(value, live)| match &value.how {
            How::Source(SourceKind::Resident, name) if *live => {
                Some((name.clone(), value.ty.clone()))
            }
            _ => None,
        })
        .collect();
    let home =
        (0..low.values.len()).map(|v| home.get(&v).copied().unwrap_or(Home::Arena)).collect();
    Lowered { values: low.values, live, home, assigns, row_assigns, outputs, slot_names, residents }
}
