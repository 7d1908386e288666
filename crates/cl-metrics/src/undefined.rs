//! Why a metric has no value.

use crate::AccuracyMatrix;

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
    /// The last row: accuracies after all training, \[contexts\].
    ///
    /// # Errors
    /// If there is no row yet.
    pub fn require_last_row(&self, metric: &str) -> Result<&[f64], Undefined> {
        self.rows().last().map(Vec::as_slice).ok_or_else(|| {
            Undefined::new(format!("{metric} needs at least one row; this matrix has none"))
        })
    }

    /// All rows, one per context: \[contexts, contexts\].
    ///
    /// # Errors
    /// If there are fewer rows than contexts, as for a joint model.
    pub fn require_square(&self, metric: &str) -> Result<&[Vec<f64>], Undefined> {
        let (rows, contexts) = (self.rows().len(), self.contexts());
        if rows == contexts {
            return Ok(self.rows());
        }
        let (rows_s, contexts_s) =
            (if rows == 1 { "" } else { "s" }, if contexts == 1 { "" } else { "s" });
        Err(Undefined::new(format!(
            "{metric} needs one row per context; \
             this matrix has {rows} row{rows_s} for {contexts} context{contexts_s}"
        )))
    }

    /// All rows, one per context, of a stream with a past: at least two contexts.
    ///
    /// # Errors
    /// If there is one context, or fewer rows than contexts.
    pub fn require_past(&self, metric: &str) -> Result<&[Vec<f64>], Undefined> {
        if self.contexts() < 2 {
            return Err(Undefined::new(format!(
                "{metric} needs at least two contexts; this matrix has {}",
                self.contexts()
            )));
        }
        self.require_square(metric)
    }

    /// The accuracies before any training, \[contexts\].
    ///
    /// # Errors
    /// If they were not measured.
    pub fn require_before(&self, metric: &str) -> Result<&[f64], Undefined> {
        self.before()
            .ok_or_else(|| Undefined::new(format!("{metric} needs the accuracies before training")))
    }
}
