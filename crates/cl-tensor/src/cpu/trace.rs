//! Every value of a plan, for people: the answer to "I cannot print inside a formula".

use crate::error::Error;
use crate::ops::SourceKind;
use crate::plan::Plan;
use crate::reference::{decode, interpret};
use std::fmt::Write as _;

/// Values shown per node.
const SHOWN: usize = 6;

/// Evaluates the plan's values in f64 at the given memory and lists them.
pub(super) fn render<'a>(
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
    let mut text = String::new();
    for (index, node) in plan.nodes.iter().enumerate() {
        let Some(values) = &snapshot.0[index] else { continue };
        let name = match plan.sources.get(&index) {
            Some((kind, name)) => format!("{kind} {name}"),
            None => node.op.name().to_owned(),
        };
        let inputs: Vec<String> = node.inputs.iter().map(|id| format!("%{}", id.0)).collect();
        let shown: Vec<String> =
            values.data.iter().take(SHOWN).map(|value| format!("{value:.6}")).collect();
        let more = if values.data.len() > SHOWN { ", .." } else { "" };
        let _ = writeln!(
            text,
            "%{index:<4} {name:<24} {:<16} ({}) = [{}{more}]  {}:{}",
            node.ty.to_string(),
            inputs.join(", "),
            shown.join(", "),
            node.at.file(),
            node.at.line(),
        );
    }
    Ok(text)
}
