//! How many rows are generated.

use cl_core::Step;

/// Rows that are generated: as many as the stream brings, or as the batch has where it brings none.
pub(super) fn rows(step: &Step<'_, '_>) -> usize {
    match step.stream_rows().len() {
        0 => step.weight.len(),
        rows => rows,
    }
}
