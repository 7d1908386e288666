//! Optimisers: from a gradient to a step, recorded.

mod adam;
mod rule;
mod sgd;

pub use adam::{Adam, AdamW};
pub use rule::Optimizer;
pub use sgd::Sgd;
