//! Learning rates over time.

use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// The factor on the learning rate at each step, computed on the host and fed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Schedule {
    /// 1 at every step.
    #[default]
    Constant,
    /// Linear warm-up, then half a cosine from 1 down to `floor`; `floor` for ever after.
    ///
    /// s / warmup for s ≤ warmup, then floor + (1 − floor) / 2 · (1 + cos πx) with
    /// x = (s − warmup) / (steps − warmup). Loshchilov & Hutter 2017, eq. 5, with the warm-up of
    /// GPT-NeoX: with one, step 0 has factor 0.
    Cosine {
        /// Steps until the factor is 1; 0 for none.
        warmup: u32,
        /// Step at which the floor is reached.
        steps: u32,
        /// The last factor, a fraction of the learning rate in [0, 1].
        floor: f64,
    },
}

impl Schedule {
    /// The factor at a step, counted from 0.
    #[must_use]
    pub fn factor(&self, step: u32) -> f64 {
        match *self {
            Self::Constant => 1.0,
            Self::Cosine { warmup, .. } if step < warmup => f64::from(step) / f64::from(warmup),
            Self::Cosine { steps, floor, .. } if step >= steps => floor,
            Self::Cosine { warmup, steps, floor } => {
                let x = f64::from(step - warmup) / f64::from(steps - warmup);
                floor + (1.0 - floor) / 2.0 * (1.0 + (PI * x).cos())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warmup_as_long_as_the_schedule_divides_by_nothing() {
        let schedule = Schedule::Cosine { warmup: 4, steps: 4, floor: 0.25 };
        let factors: Vec<f64> = (0..6).map(|step| schedule.factor(step)).collect();
        assert_eq!(factors, [0.0, 0.25, 0.5, 0.75, 0.25, 0.25]);
        assert_eq!(Schedule::Cosine { warmup: 0, steps: 0, floor: 0.5 }.factor(0), 0.5);
    }

    #[test]
    fn the_constant_schedule_is_one_and_the_default() {
        assert_eq!(Schedule::default().factor(u32::MAX), 1.0);
    }
}
