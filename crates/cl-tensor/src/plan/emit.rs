//! Writes the kernels.

use super::arena::{self, Memory};
use super::code::Code;
use super::fuse::Units;
use super::lower::{How, Lowered, Operand};
use super::program::{Builder, Load, Program, Source};
use super::schedule::Schedule;
use super::view::{Place, Strided};
use super::{Commit, FIRST_SLOT, Kernel, Matrix, Port, Product, Signature};
use crate::graph::Recording;
use crate::ops::SourceKind;
use std::collections::HashMap;

pub(super) fn kernels(
    low: &Lowered,
    units: &Units,
    schedule: &Schedule,
    memory: &Memory,
) -> Vec<Kernel> {
    let kept = arena::kept(low, units, schedule);
    let mut kernels = Vec::new();
    for &unit in &schedule.order {
        let members = &units.members[unit];
        let (first, value) = (members[0], &low.values[members[0]]);
        match &value.how {
            How::Kernel(op) => kernels.push(Kernel::Op {
                op: op.clone(),
                inputs: value.operands.iter().map(|o| place_of(memory, o)).collect(),
                input_types: value
                    .operands
                    .iter()
                    .map(|o| crate::types::Type {
                        shape: o.view.shape.clone(),
                        dtype: low.values[o.base].ty.dtype,
                    })
                    .collect(),
                output: memory.place[first].expect("a kernel's result has memory"),
                output_type: value.ty.clone(),
            }),
            How::Assemble(offsets) => {
                let place = memory.place[first].expect("an assembled vector has memory");
                let gaps = gaps(low, first, offsets, place);
                if !gaps.is_empty() {
                    kernels.push(Kernel::Zero(gaps));
                }
            }
            _ => kernels.push(fused(low, members, &kept, memory)),
        }
    }
    kernels
}

fn place_of(memory: &Memory, operand: &Operand) -> Place {
    let place = memory.place[operand.base].expect("an operand has memory");
    Place { offset: place.offset + operand.view.offset as u32, ..place }
}

/// The stretches of an assembled vector that no piece covers.
fn gaps(low: &Lowered, vector: usize, offsets: &[usize], place: Place) -> Vec<(Place, usize)> {
    let value = &low.values[vector];
    let mut covered: Vec<(usize, usize)> = offsets
        .iter()
        .zip(&value.operands)
        .map(|(&offset, piece)| (offset, piece.view.count()))
        .collect();
    covered.sort_unstable();
    let mut gaps = Vec::new();
    let mut at = 0;
    for (offset, len) in covered.into_iter().chain([(value.ty.len(), 0)]) {
        if offset > at {
            gaps.push((Place { offset: place.offset + at as u32, ..place }, offset - at));
        }
        at = offset + len;
    }
    gaps
}

/// A pointwise pass, alone or as the epilogue of a product.
fn fused(low: &Lowered, members: &[usize], kept: &[bool], memory: &Memory) -> Kernel {
    let product = members.iter().copied().find(|&v| matches!(low.values[v].how, How::Product));
    let pointwise: Vec<usize> =
        members.iter().copied().filter(|&v| low.values[v].is_pointwise()).collect();
    let program = (!pointwise.is_empty()).then(|| program(low, &pointwise, kept, memory));
    match (product, program) {
        (Some(v), epilogue) => Kernel::Product(matrices(low, v, memory, epilogue)),
        (None, Some(program)) => Kernel::Pointwise(program),
        (None, None) => unreachable!("a unit computes something"),
    }
}

fn program(low: &Lowered, members: &[usize], kept: &[bool], memory: &Memory) -> Program {
    let len = low.values[members[0]].ty.len();
    let mut builder = Builder::default();
    let mut register: HashMap<usize, u16> = HashMap::new();
    for &v in members {
        let value = &low.values[v];
        let How::Pointwise(code) = value.how else { unreachable!("filtered") };
        let mut from = [Source::Load(0); 3];
        for (slot, operand) in value.operands.iter().enumerate() {
            from[slot] = match register.get(&operand.base) {
                Some(&known) => Source::Register(known),
                None => builder.load(load(low, operand, memory, len)),
            };
        }
        let to = builder.push(code, from);
        register.insert(v, to);
        if kept[v] {
            builder.stores.push((to, memory.place[v].expect("a kept value has memory")));
        }
    }
    builder.finish(len)
}

fn load(low: &Lowered, operand: &Operand, memory: &Memory, len: usize) -> Load {
    let place = place_of(memory, operand);
    let view = operand.view.collapsed();
    if view.strides.iter().all(|&stride| stride == 0) {
        return Load::Splat(place);
    }
    debug_assert_eq!(view.count(), len, "{:?}", low.values[operand.base]);
    if view.is_contiguous() {
        return Load::Aligned(place);
    }
    let base = memory.place[operand.base].expect("an operand has memory");
    Load::Strided(base, Strided { offset: operand.view.offset, ..view })
}

fn matrices(low: &Lowered, v: usize, memory: &Memory, epilogue: Option<Program>) -> Product {
    let value = &low.values[v];
    let (m, k) = extents(&value.operands[0]);
    let (_, n) = extents(&value.operands[1]);
    Product {
        batch: if value.ty.shape.len() == 3 { value.ty.shape[0] } else { 1 },
        m,
        k,
        n,
        a: matrix(&value.operands[0], memory),
        b: matrix(&value.operands[1], memory),
        out: memory.place[v].expect("a product's result has memory"),
        epilogue,
    }
}

fn extents(operand: &Operand) -> (usize, usize) {
    let shape = &operand.view.shape;
    (shape[shape.len() - 2], shape[shape.len() - 1])
}

fn matrix(operand: &Operand, memory: &Memory) -> Matrix {
    let strides = &operand.view.strides;
    let rank = strides.len();
    Matrix {
        place: place_of(memory, operand),
        batch_stride: if rank == 3 { strides[0] } else { 0 },
        row_stride: strides[rank - 2],
        column_stride: strides[rank - 1],
    }
}

/// Inputs, outputs and the slots that are written when the run ends.
pub(super) fn borders(
    recording: &Recording,
    low: &Lowered,
    schedule: &Schedule,
    memory: &Memory,
) -> (Signature, Vec<Commit>) {
    let inputs: Vec<Port> = memory
        .feeds
        .iter()
        .map(|&(v, offset)| {
            let How::Source(_, name) = &low.values[v].how else {
                unreachable!("feeds are sources")
            };
            let place = memory.place[v].expect("a feed has memory");
            Port { name: name.clone(), ty: low.values[v].ty.clone(), offset, place }
        })
        .collect();
    let mut unused_inputs: Vec<String> = recording
        .source_names()
        .into_values()
        .filter(|(kind, name)| {
            *kind == SourceKind::Input && !inputs.iter().any(|input| input.name == *name)
        })
        .map(|(_, name)| name)
        .collect();
    unused_inputs.sort();
    let outputs = low
        .outputs
        .iter()
        .map(|(name, operand, ty)| Port {
            name: name.clone(),
            ty: ty.clone(),
            offset: 0,
            place: place_of(memory, operand),
        })
        .collect();
    let condition = recording
        .condition
        .and_then(|(id, _)| memory.feeds.iter().position(|&(v, _)| v == id.index()));
    let commits = commits(recording, low, schedule, memory);
    (Signature { inputs, unused_inputs, outputs, condition, feed_len: memory.feed_len }, commits)
}

fn commits(
    recording: &Recording,
    low: &Lowered,
    schedule: &Schedule,
    memory: &Memory,
) -> Vec<Commit> {
    let slot_place = |slot: usize| Place { base: FIRST_SLOT + slot as u32, offset: 0 };
    let whole = schedule.commits.iter().map(|&(slot, value)| Commit::Whole {
        from: memory.place[value].expect("a committed value has memory"),
        to: slot_place(slot),
        len: low.values[value].ty.len(),
    });
    let rows = low.row_assigns.iter().map(|(slot, index, rows)| Commit::Rows {
        index: place_of(memory, index),
        rows: place_of(memory, rows),
        to: slot_place(*slot),
        count: index.view.count(),
        width: rows.view.shape[1..].iter().product(),
        len: recording.slots[*slot].ty.len(),
    });
    whole.chain(rows).collect()
}

/// Whether a program only moves memory: a copy that fusion could not avoid. Spreading one number
/// over a vector is not a copy.
pub(super) fn is_copy(program: &Program) -> bool {
    program.instructions.iter().all(|i| i.code == Code::Move)
        && program.loads.iter().any(|load| !matches!(load, Load::Splat(_)))
}
