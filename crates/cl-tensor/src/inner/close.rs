//! From a recorded body to one operation of the graph around it.

use super::Leaving;
use super::capture::address;
use super::state::{stacked, stacked_init};
use crate::error::Error;
use crate::graph::{Graph, NodeId, Recording, SlotSpec};
use crate::ops::{Lanes, Operand, Poison, SourceKind};
use crate::plan::Plan;
use crate::reference::live;
use crate::types::{DType, Type};
use crate::var::Var;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::Location;
use std::sync::Arc;

/// Where a source of the body comes from: a value of the outer graph, whole or one part per lane.
type Origins<'g> = BTreeMap<usize, (Var<'g>, bool)>;

/// Records the lanes in `outer`; returns what leaves them.
pub(super) fn close<'g>(
    outer: &'g Graph,
    lanes: usize,
    body: Graph,
    mut leaving: Vec<Leaving>,
    at: &'static Location<'static>,
) -> Vec<Var<'g>> {
    let Graph { recording, enclosing } = body;
    let mut recording = recording.into_inner();
    let handed_out = leaving.len();
    let origins = origins(outer, &mut recording, &enclosing.slots, lanes);
    let assigned = recording.assigns.iter().map(|(_, id, _)| *id);
    let named = recording.outputs.iter().map(|(_, id)| *id);
    leaving.extend(assigned.chain(named).map(|node| Leaving { node, summed: false }));
    let outcome = match recording.error.take() {
        Some(error) => Err(error),
        None => lanes_of(outer, lanes, &mut recording, &origins, &leaving, at),
    };
    let mut values = outcome.unwrap_or_else(|error| {
        outer.recording.borrow_mut().error.get_or_insert(error);
        let ty = |leaving: &Leaving| recording.nodes[leaving.node.index()].ty.clone();
        leaving.iter().map(|leaving| outer.poison_at(at, ty(leaving))).collect()
    });
    let mut own = values.split_off(handed_out).into_iter();
    for ((slot, ..), value) in recording.assigns.iter().zip(&mut own) {
        outer.assign(slot, value);
    }
    for ((name, _), value) in recording.outputs.iter().zip(own) {
        outer.output(name, value);
    }
    recording.kept.iter().for_each(|slot| outer.keep(slot));
    outer.recording.borrow_mut().transforms.append(&mut recording.transforms);
    values
}

/// Finds or declares in the outer graph what the body reads; a slot that fits neither way, or that
/// must not be assigned, becomes the body's error.
fn origins<'g>(
    outer: &'g Graph,
    recording: &mut Recording,
    around: &BTreeMap<String, Type>,
    lanes: usize,
) -> Origins<'g> {
    let mut origins = Origins::new();
    for capture in &recording.captures {
        let node = &recording.nodes[capture.node.index()];
        let id = if capture.graph == address(outer) {
            capture.id
        } else {
            outer.pass_on(capture, node.ty.clone(), node.at)
        };
        origins.insert(capture.node.index(), (Var::new(outer, id), capture.each));
    }
    let names: BTreeMap<usize, (SourceKind, String)> =
        recording.source_names().into_iter().collect();
    let mut misfit = None;
    let mut shared = BTreeSet::new();
    for (index, (kind, name)) in names {
        let (ty, at) = (recording.nodes[index].ty.clone(), recording.nodes[index].at);
        let spec = recording.slots.iter().find(|slot| slot.name == name);
        let Some(spec) = spec.filter(|_| kind == SourceKind::Slot) else {
            origins.insert(index, (outer.source_at(kind, &name, ty, at), false));
            continue;
        };
        let per_lane = stacked(lanes, &ty);
        match around.get(&name) {
            Some(known) if *known == ty => {
                let slot = outer.declare_at(&name, ty, spec.init.clone(), at);
                origins.insert(index, (slot, false));
                shared.insert(name);
            }
            Some(known) if *known != per_lane => {
                let message = format!(
                    "inner: slot `{name}` is {ty} in the lanes and {known} outside: expected {ty}, \
                     shared, or {per_lane}, one per lane"
                );
                misfit.get_or_insert_with(|| Error::record(at, message));
            }
            _ => {
                let init = stacked_init(&spec.init, lanes, ty.len());
                origins.insert(index, (outer.declare_at(&name, per_lane, init, at), true));
            }
        }
    }
    for (slot, _, at) in recording.assigns.iter().filter(|(slot, ..)| shared.contains(slot)) {
        let message = format!(
            "assign: slot `{slot}` is shared by the inner lanes: hand the value out and assign it \
             outside"
        );
        misfit.get_or_insert_with(|| Error::record(at, message));
    }
    if let Some(assign) = recording.row_assigns.first() {
        let message = format!(
            "assign_rows: slot `{}` in inner lanes: hand the rows out and write them outside",
            assign.slot
        );
        misfit.get_or_insert_with(|| Error::record(assign.at, message));
    }
    if let Some((_, at)) = recording.condition {
        let message = "run_only_if: a member idles, not a lane: `select` by a flag per lane";
        misfit.get_or_insert_with(|| Error::record(at, message.to_owned()));
    }
    recording.error = recording.error.take().or(misfit);
    origins
}

/// Compiles the body and records the operation that runs it.
fn lanes_of<'g>(
    outer: &'g Graph,
    lanes: usize,
    recording: &mut Recording,
    origins: &Origins<'g>,
    leaving: &[Leaving],
    at: &'static Location<'static>,
) -> Result<Vec<Var<'g>>, Error> {
    let roots: Vec<usize> = leaving.iter().map(|leaving| leaving.node.index()).collect();
    if let Some(&root) = roots.iter().find(|&&r| recording.nodes[r].ty.dtype != DType::F32) {
        let ty = &recording.nodes[root].ty;
        let message = format!("inner: {ty} leaves the lanes: expected floats, see `to_float`");
        return Err(Error::record(at, message));
    }
    let nodes = recording.nodes.clone();
    let used = live(&nodes, &roots);
    let read: Vec<(usize, Var<'g>, bool)> = origins
        .iter()
        .filter(|(index, _)| used[**index])
        .map(|(&index, &(value, each))| (index, value, each))
        .collect();
    let slots =
        read.iter().enumerate().map(|(k, (index, ..))| SlotSpec::operand(k, &nodes[*index]));
    let slots: Vec<SlotSpec> = slots.collect();
    let sources = slots
        .iter()
        .zip(&read)
        .map(|(slot, (index, ..))| ((SourceKind::Slot, slot.name.clone()), NodeId(*index as u32)));
    let body = Recording {
        sources: sources.collect(),
        outputs: leaving.iter().enumerate().map(|(k, l)| (k.to_string(), l.node)).collect(),
        nodes,
        slots,
        ..Recording::default()
    };
    let body = Graph { recording: RefCell::new(body), ..Graph::default() };
    let operands = read.iter().map(|&(node, _, each)| Operand { node, each }).collect();
    let summed: Vec<bool> = leaving.iter().map(|leaving| leaving.summed).collect();
    let op = Lanes::new(lanes, Plan::compile(&body)?, operands, &summed);
    let stretches = op.results();
    let inputs: Vec<Var<'g>> = read.iter().map(|&(_, value, _)| value).collect();
    let all = outer.record_at(Arc::new(op), &inputs, at);
    if outer.recording.borrow().nodes[all.id().index()].op.name() == Poison::NAME {
        return Ok(stretches.into_iter().map(|(_, ty)| outer.poison_at(at, ty)).collect());
    }
    let cut = |(range, ty): (std::ops::Range<usize>, Type)| all.slice(0, range).reshape(&ty.shape);
    Ok(stretches.into_iter().map(cut).collect())
}
