//! Boundaries that nobody tells.

use crate::rehearse::Now;

/// Finds boundaries in a stream that does not tell them; a composition has at most one: drift
/// detectors, a count of steps. One per member, on the host.
///
/// Where a composition has one, methods consolidate when it says so, each member at its own steps,
/// and not when a stage ends.
///
/// ```
/// use cl_core::{Detect, Error, Now, from_state};
///
/// // A context ends where the loss is twice that of the step before.
/// struct Jump {
///     last: f32,
/// }
///
/// impl Detect for Jump {
///     fn ends_here(&mut self, _: Now, loss: f32) -> bool {
///         let jumped = loss > 2.0 * self.last;
///         self.last = loss;
///         jumped
///     }
///     fn save(&self) -> serde_json::Value {
///         self.last.into()
///     }
///     fn restore(&mut self, state: &serde_json::Value) -> Result<(), Error> {
///         self.last = from_state("jump", state)?;
///         Ok(())
///     }
/// }
///
/// let mut jump = Jump { last: 1.0 };
/// let mut step = 0..;
/// let mut ends = |loss| {
///     jump.ends_here(Now { seed: 2, stage: 0, step: step.next().unwrap_or(0) }, loss)
/// };
/// assert_eq!([0.9, 0.8, 1.7, 1.6].map(&mut ends), [false, false, true, false]);
/// ```
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
