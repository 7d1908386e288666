//! The rows of a group, spelled out or not.

use cl_buffers::Row;
use cl_scenarios::Stream;
use std::sync::Arc;

/// Examples with their labels in the data set.
type Labelled = Arc<[(u32, u8)]>;

/// Rows by position.
#[derive(Debug)]
pub(super) enum Rows {
    /// Each for itself.
    Listed(Vec<Row>),
    /// A context's, one of very many: what they have in common is there once.
    Shared {
        context: u32,
        examples: Labelled,
        /// The output unit of each label.
        targets: Box<[u32]>,
        /// Rows of memories that joined them.
        more: Vec<Row>,
    },
}

impl Rows {
    /// The training rows of these contexts; where two have the same examples one behind the other, these are
    /// there once.
    pub(super) fn of_contexts(stream: &dyn Stream, labels: &[u8], contexts: &[usize]) -> Vec<Self> {
        let classes = labels.iter().max().map_or(0, |&most| most + 1);
        let mut last: Option<(&[u32], Labelled)> = None;
        let of = |&context: &usize| {
            let own = stream.train(context);
            let examples = match &last {
                Some((known, shared)) if std::ptr::eq(*known, own) => shared.clone(),
                _ => own.iter().map(|&example| (example, labels[example as usize])).collect(),
            };
            last = Some((own, examples.clone()));
            let targets = (0..classes).map(|label| stream.target(context, label)).collect();
            Self::Shared { context: context as u32, examples, targets, more: Vec::new() }
        };
        contexts.iter().map(of).collect()
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Listed(rows) => rows.len(),
            Self::Shared { examples, more, .. } => examples.len() + more.len(),
        }
    }

    /// The row at a position below the length.
    pub(super) fn get(&self, position: usize) -> Row {
        match self {
            Self::Listed(rows) => rows[position],
            Self::Shared { context, examples, targets, more } => match examples.get(position) {
                Some(&(example, label)) => {
                    Row { example, label: targets[usize::from(label)], context: *context }
                }
                None => more[position - examples.len()],
            },
        }
    }

    pub(super) fn extend<'r>(&mut self, rows: impl Iterator<Item = &'r Row>) {
        match self {
            Self::Listed(own) => own.extend(rows),
            Self::Shared { more, .. } => more.extend(rows),
        }
    }
}
