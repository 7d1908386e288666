//! Why a metric has no value.

use crate::AccuracyMatrix;
use std::borrow::Cow;

/// The reason why a matrix does not define a metric, as a sentence that starts with its name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Undefined {
    reason: String,
}

impl Undefined {
    /// A reason in your own words, for a metric of your own.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }

    /// The reason.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// What metrics ask of a matrix; each answer is the data or the reason why it is missing.
impl AccuracyMatrix {
    /// The last row: accuracies after all training, \[tracked\].
    ///
    /// # Errors
    /// If there is no row yet.
    pub fn require_last_row(&self, metric: &str) -> Result<&[f64], Undefined> {
        self.rows().last().map(Vec::as_slice).ok_or_else(|| {
            Undefined::new(format!("{metric} needs at least one row; this matrix has none"))
        })
    }

    /// All rows, one per context: \[contexts, contexts\]; of a sparse matrix those right after the tracked
    /// contexts: \[tracked, tracked\].
    ///
    /// # Errors
    /// If there are fewer rows than contexts, as for a joint model; if a sparse matrix has no row right
    /// after a tracked context.
    pub fn require_square(&self, metric: &str) -> Result<Cow<'_, [Vec<f64>]>, Undefined> {
        let (rows, contexts) = (self.rows().len(), self.contexts());
        let (Some(tracked), Some(after)) = (self.tracked(), self.evaluated_after()) else {
            if rows == contexts {
                return Ok(Cow::Borrowed(self.rows()));
            }
            let (rows_s, contexts_s) =
                (if rows == 1 { "" } else { "s" }, if contexts == 1 { "" } else { "s" });
            return Err(Undefined::new(format!(
                "{metric} needs one row per context; \
                 this matrix has {rows} row{rows_s} for {contexts} context{contexts_s}"
            )));
        };
        let row_after = |context: &usize| {
            let row = after.binary_search(context).map(|at| self.rows()[at].clone());
            row.map_err(|_| {
                Undefined::new(format!(
                    "{metric} needs a row right after every tracked context; \
                     this matrix has none after context {}",
                    context + 1
                ))
            })
        };
        tracked.iter().map(row_after).collect::<Result<Vec<_>, _>>().map(Cow::Owned)
    }

    /// All rows, one per context, of a stream with a past: at least two contexts.
    ///
    /// # Errors
    /// If there is one context, or as [`require_square`](Self::require_square).
    pub fn require_past(&self, metric: &str) -> Result<Cow<'_, [Vec<f64>]>, Undefined> {
        if self.columns() < 2 {
            return Err(Undefined::new(format!(
                "{metric} needs at least two contexts; this matrix has {}",
                self.columns()
            )));
        }
        self.require_square(metric)
    }

    /// The accuracies before any training, \[tracked\].
    ///
    /// # Errors
    /// If they were not measured.
    pub fn require_before(&self, metric: &str) -> Result<&[f64], Undefined> {
        self.before()
            .ok_or_else(|| Undefined::new(format!("{metric} needs the accuracies before training")))
    }
}
