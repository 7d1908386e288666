//! Every value of a plan, for people: the answer to "I cannot print inside a formula".

use crate::error::Error;
use crate::graph::Node;
use crate::op::Kind;
use crate::ops::SourceKind;
use crate::plan::Plan;
use crate::reference::{Values, decode, interpret};
use std::fmt::Write as _;

/// Values shown per node.
const SHOWN: usize = 6;

/// Evaluates the plan's values in f64 at the given memory and lists them.
pub(crate) fn render<'a>(
    plan: &Plan,
    feeds: &[f32],
    slot: impl Fn(&str) -> Result<&'a [f32], Error>,
    resident: impl Fn(&str) -> &'a [f32],
) -> Result<String, Error> {
    let snapshot = interpret(&plan.nodes, &plan.live, |index| {
        let (kind, name) = &plan.sources[&index];
        let ty = &plan.nodes[index].ty;
        match kind {
            SourceKind::Slot => Ok(decode(ty, slot(name)?)),
            SourceKind::Resident => Ok(decode(ty, resident(name))),
            SourceKind::Input => {
                let port = plan.signature.inputs.iter().find(|input| input.name == *name);
                let offset = port.map_or(0, |port| port.offset);
                Ok(decode(ty, &feeds[offset..offset + ty.len()]))
            }
        }
    })?;
    let name = |index| plan.sources.get(&index).map(|(kind, name)| format!("{kind} {name}"));
    let mut text = list(&plan.nodes, &snapshot.0, name);
    for transform in plan.transforms() {
        let _ = writeln!(text, "{transform}");
    }
    Ok(text)
}

/// One line per value: its number, name, type, operands, first elements and line. What an operation
/// computes inside follows it, indented.
pub(crate) fn list(
    nodes: &[Node],
    values: &[Option<Values>],
    source: impl Fn(usize) -> Option<String>,
) -> String {
    let mut text = String::new();
    for (index, node) in nodes.iter().enumerate() {
        let Some(own) = &values[index] else { continue };
        let name = source(index).unwrap_or_else(|| node.op.name().to_owned());
        let inputs: Vec<String> = node.inputs.iter().map(|id| format!("%{}", id.0)).collect();
        let shown: Vec<String> =
            own.data.iter().take(SHOWN).map(|value| format!("{value:.6}")).collect();
        let more = if own.data.len() > SHOWN { ", .." } else { "" };
        let _ = writeln!(
            text,
            "%{index:<4} {name:<24} {:<16} ({}) = [{}{more}]  {}:{}",
            node.ty.to_string(),
            inputs.join(", "),
            shown.join(", "),
            node.at.file(),
            node.at.line(),
        );
        if matches!(node.op.kind(), Kind::Kernel) {
            let operands: Vec<&Values> =
                node.inputs.iter().filter_map(|id| values[id.index()].as_ref()).collect();
            for line in node.op.trace(&operands).iter().flat_map(|inside| inside.lines()) {
                let _ = writeln!(text, "    {line}");
            }
        }
    }
    text
}
