//! What can be wrong with the numbers given to this crate.

/// An input that is not a set of accuracies or of measured values.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A matrix over no contexts.
    #[error("accuracy matrix: a stream has at least one context, got 0")]
    NoContexts,
    /// A row whose length is not the number of contexts.
    #[error(
        "accuracy matrix: {what} has length {found}, expected one value per context ({contexts})"
    )]
    Length {
        /// Which row.
        what: String,
        /// Its length.
        found: usize,
        /// The number of contexts.
        contexts: usize,
    },
    /// An accuracy that is no fraction.
    #[error(
        "accuracy matrix: {what}, context {context}: {value} is not a fraction between 0 and 1"
    )]
    NotAFraction {
        /// Which row.
        what: String,
        /// The context, counted from 0.
        context: usize,
        /// The value found.
        value: f64,
    },
    /// More rows than contexts.
    #[error("accuracy matrix: {found} rows for {contexts} contexts, expected at most {contexts}")]
    TooManyRows {
        /// The number of rows with the refused one.
        found: usize,
        /// The number of contexts.
        contexts: usize,
    },
    /// Tracked contexts that are none, or not in order.
    #[error(
        "accuracy matrix: {tracked} tracked contexts, expected at least one, ascending and below {contexts}"
    )]
    Tracked {
        /// How many there are.
        tracked: usize,
        /// The number of contexts.
        contexts: usize,
    },
    /// A row after a stage that cannot come next.
    #[error("accuracy matrix: a row after stage {found}, expected {first} or later, below {end}")]
    Stage {
        /// The stage, counted from 0.
        found: usize,
        /// The first that could come.
        first: usize,
        /// One behind the last that could.
        end: usize,
    },
    /// An evaluation on the way that cannot come next.
    #[error(
        "anytime accuracy: an evaluation in context {context} at step {step}, \
         expected a later step than before, in the same context or the next"
    )]
    Glance {
        /// The context, counted from 0.
        context: usize,
        /// The step.
        step: u64,
    },
    /// A confidence that is no fraction.
    #[error("calibration: confidence {index} is {value}, expected a fraction between 0 and 1")]
    Confidence {
        /// Its position, counted from 0.
        index: usize,
        /// The value found.
        value: f64,
    },
    /// Activations that are no table of finite numbers.
    #[error(
        "plasticity: {found} activations of {units} units, expected whole rows of finite numbers"
    )]
    Activations {
        /// How many there are.
        found: usize,
        /// Units of the layer.
        units: usize,
    },
    /// A summary of no values.
    #[error("summary over seeds: no values, expected at least one")]
    NoValues,
    /// A summary over a value that is NaN or infinite.
    #[error("summary over seeds: value {index} is {value}, expected a finite number")]
    NotFinite {
        /// Its position, counted from 0.
        index: usize,
        /// The value found.
        value: f64,
    },
    /// Two series that are not of the same seeds.
    #[error("paired comparison: {left} and {right} values, expected one of each per seed")]
    Pairs {
        /// The length of the first.
        left: usize,
        /// The length of the second.
        right: usize,
    },
}
