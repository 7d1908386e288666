//! Boundaries that nobody tells.

use crate::rehearse::Now;

/// Finds boundaries in a stream that does not tell them; a composition has at most one: drift
/// detectors, a count of steps. One per member, on the host.
///
/// Where a composition has one, methods consolidate when it says so, each member at its own steps,
/// and not when a stage ends.
pub trait Detect: Send {
    /// Sees the task loss of a step, in nats; whether a context ends behind it.
    fn ends_here(&mut self, now: Now, loss: f32) -> bool;

    /// Its state, for a checkpoint.
    fn save(&self) -> serde_json::Value;

    /// Takes up a saved state.
    ///
    /// # Errors
    /// A state that is not its own.
    fn restore(&mut self, state: &serde_json::Value) -> Result<(), crate::Error>;
}
