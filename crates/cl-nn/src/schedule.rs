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
    /// A phase of `passes` passes of equal length with one factor each: `warmup` in the first, then
    /// cosines from 1 down towards `floor` that start again, the first one pass long and each `growth`
    /// times as long as the one before.
    ///
    /// With t passes since the last restart, of T: floor + (1 − floor) / 2 · (1 + cos πt/T).
    /// Loshchilov & Hutter 2017 ("SGDR"), eq. 5, once per pass as GDumb has it (Prabhu et al. 2020).
    Restarts {
        /// Passes of the phase; [`Schedule::factor`] takes each step for one.
        passes: u32,
        /// Factor of the first pass.
        warmup: f64,
        /// By how much each cosine is longer than the one before, at least 1.
        growth: u32,
        /// The factor that a cosine goes down to, in [0, 1].
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
                cosine(x, floor)
            }
            Self::Restarts { warmup, .. } if step == 0 => warmup,
            Self::Restarts { growth, floor, .. } => {
                let (mut since, mut length) = (step - 1, 1_u32);
                while since >= length {
                    since -= length;
                    length = length.saturating_mul(growth.max(1));
                }
                cosine(f64::from(since) / f64::from(length), floor)
            }
        }
    }

    /// The factor at a step of a phase of `length` steps: what a schedule says of passes is spread over
    /// them.
    #[must_use]
    pub fn factor_within(&self, step: u32, length: u32) -> f64 {
        match *self {
            Self::Constant | Self::Cosine { .. } => self.factor(step),
            Self::Restarts { passes, .. } => {
                let pass = u64::from(step) * u64::from(passes) / u64::from(length.max(1));
                self.factor(u32::try_from(pass).unwrap_or(u32::MAX))
            }
        }
    }
}

/// Half a cosine from 1 at x = 0 to `floor` at x = 1.
fn cosine(x: f64, floor: f64) -> f64 {
    floor + (1.0 - floor) / 2.0 * (1.0 + (PI * x).cos())
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

    /// Passes of 3 steps: 0.1; then cosines of 1, 2 and 4 passes.
    #[test]
    fn cosines_start_again_each_twice_as_long() {
        let schedule = Schedule::Restarts { passes: 8, warmup: 0.1, growth: 2, floor: 0.0 };
        let half = 0.5_f64.sqrt();
        let expected = [0.1, 1.0, 1.0, 0.5, 1.0, (1.0 + half) / 2.0, 0.5, (1.0 - half) / 2.0];
        for step in 0..24 {
            let factor = schedule.factor_within(step, 24);
            assert!((factor - expected[step as usize / 3]).abs() < 1e-12, "{step}: {factor}");
        }
        let flat = Schedule::Restarts { passes: 8, warmup: 0.1, growth: 2, floor: 1.0 };
        assert_eq!(flat.factor(5), 1.0);
        assert_eq!(Schedule::Constant.factor_within(3, 4), 1.0);
    }

    #[test]
    fn the_constant_schedule_is_one_and_the_default() {
        assert_eq!(Schedule::default().factor(u32::MAX), 1.0);
    }
}
