//! What a run writes when it ends, and the flag at which it writes nothing.

use crate::graph::{Graph, NodeId};
use crate::ops::SourceKind;
use crate::types::{DType, Type};
use crate::var::Var;
use std::panic::Location;

/// Rows of a slot that are written when the run ends.
#[derive(Clone, Debug)]
pub(crate) struct RowAssign {
    pub slot: String,
    pub index: NodeId,
    pub rows: NodeId,
    pub at: &'static Location<'static>,
}

impl Graph {
    /// Writes `value` to a slot when the run ends; all reads in the run see the old value.
    ///
    /// A slot is assigned once per run, here or by [`Graph::assign_rows`].
    #[track_caller]
    pub fn assign(&self, slot: &str, value: Var<'_>) {
        let fits = |ty: &Type| match value.ty() {
            value if value == *ty => Ok(()),
            value => Err(format!("assign: slot `{slot}` is {ty}, the value is {value}")),
        };
        if let Err(message) = self.writable("assign", slot, &[value], fits) {
            self.fail(message, Type::f32(&[]));
            return;
        }
        let assign = (slot.to_owned(), value.id(), Location::caller());
        self.recording.borrow_mut().assigns.push(assign);
    }

    /// Writes `rows[i]` to row `index[i]` of a slot when the run ends: slot `[n, ..]` (f32 or u32),
    /// index u32 `[r]`, rows `[r, ..]`. All reads in the run see the old slot, the other rows are not
    /// touched, and neither is their memory. A slot of one axis, `[n * w]`, takes rows `[r, w]`, too: it
    /// is n stretches of w elements, as parameters of n networks of one layout behind each other are.
    ///
    /// An index out of range is dropped, so a row that is not to be written has [`u32::MAX`]. Indices
    /// in range are distinct: whoever makes them keeps the last writer of a row. Where they are not,
    /// the CPU writes in order and the later row stays.
    ///
    /// A slot is assigned once per run, here or by [`Graph::assign`].
    #[track_caller]
    pub fn assign_rows(&self, slot: &str, index: Var<'_>, rows: Var<'_>) {
        let fits = |ty: &Type| {
            let (by, new) = (index.ty(), rows.ty());
            let stretches = match (&ty.shape[..], &new.shape[..]) {
                ([len], [_, width]) => *width > 0 && len % width == 0,
                _ => false,
            };
            let fits = by.dtype == DType::U32
                && by.shape.len() == 1
                && new.dtype == ty.dtype
                && !ty.shape.is_empty()
                && new.shape.first() == by.shape.first()
                && (stretches || new.shape.get(1..) == ty.shape.get(1..));
            if fits {
                return Ok(());
            }
            Err(format!(
                "assign_rows: slot `{slot}` is {ty}, rows {new} by {by}: expected a slot [n, ..], \
                 rows [r, ..] of its type and u32[r], or a slot [n * w] and rows [r, w]"
            ))
        };
        if let Err(message) = self.writable("assign_rows", slot, &[index, rows], fits) {
            self.fail(message, Type::f32(&[]));
            return;
        }
        let at = Location::caller();
        let assign = RowAssign { slot: slot.to_owned(), index: index.id(), rows: rows.id(), at };
        self.recording.borrow_mut().row_assigns.push(assign);
    }

    /// Drops every assign recorded so far: a run computes what it puts out and writes nothing. For a
    /// program that only looks at what another one would do.
    pub fn drop_assigns(&self) {
        let mut recording = self.recording.borrow_mut();
        recording.assigns.clear();
        recording.row_assigns.clear();
    }

    /// Lets a member idle: where the host feeds 0 for `flag`, a scalar float input of this graph, the
    /// run leaves that member's slots as they were, as if every assign were `where(flag, new, old)`,
    /// and [`crate::Host::collect`] is not called for it. The other inputs need not be fed then.
    ///
    /// At most one flag per graph. The CPU looks at the flag that was fed and skips the member's run,
    /// which gives the same bits; a device without branches selects.
    #[track_caller]
    pub fn run_only_if(&self, flag: Var<'_>) {
        let at = Location::caller();
        let misfit = {
            let recording = self.recording.borrow();
            let own = std::ptr::eq(flag.graph(), self);
            let input = || {
                let mut names = recording.source_names();
                matches!(names.remove(&flag.id().index()), Some((SourceKind::Input, _)))
            };
            if !own {
                Some("run_only_if: the flag belongs to another graph".to_owned())
            } else if !input() || flag.ty() != Type::f32(&[]) {
                let message = "expected a scalar float input of this graph";
                Some(format!("run_only_if: the flag is {flag:?}, {message}"))
            } else {
                recording.condition.map(|(_, first)| {
                    let first = line(first);
                    format!("run_only_if: a second flag for one run, the first at {first}")
                })
            }
        };
        if let Some(message) = misfit {
            self.fail(message, Type::f32(&[]));
            return;
        }
        self.recording.borrow_mut().condition = Some((flag.id(), at));
    }

    /// Whether these values can be written to a slot that nothing else writes.
    fn writable(
        &self,
        op: &str,
        slot: &str,
        values: &[Var<'_>],
        fits: impl FnOnce(&Type) -> Result<(), String>,
    ) -> Result<(), String> {
        let recording = self.recording.borrow();
        let Some(spec) = recording.slots.iter().find(|spec| spec.name == slot) else {
            return Err(format!("{op}: slot `{slot}` is not declared in this graph"));
        };
        if values.iter().any(|value| !std::ptr::eq(value.graph(), self)) {
            return Err(format!("{op}: a value for slot `{slot}` belongs to another graph"));
        }
        fits(&spec.ty)?;
        let whole = recording.assigns.iter().map(|(name, _, at)| (name, at));
        let rows = recording.row_assigns.iter().map(|assign| (&assign.slot, &assign.at));
        match whole.chain(rows).find(|(name, _)| *name == slot) {
            None => Ok(()),
            Some((_, first)) => {
                let first = line(first);
                Err(format!("{op}: slot `{slot}` is assigned twice in one run, first at {first}"))
            }
        }
    }
}

fn line(at: &Location<'_>) -> String {
    format!("{}:{}", at.file(), at.line())
}
