//! How much of a network can still learn: units that do nothing, directions that are in use, sizes of weights.
//!
//! Dohare et al. 2024, "Loss of plasticity in deep continual learning", as its released code computes them; names
//! differ in the field, so each formula says what it is.

use crate::{Error, Undefined};
use faer::Mat;
use serde::{Deserialize, Serialize};

/// How much of a network can still learn, measured once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plasticity {
    /// The share of hidden units, of all layers, that are dormant ([`Activations::dormant`]).
    pub dormant_units: f64,
    /// The effective rank of the last hidden layer; `None` where it is 0 throughout.
    pub effective_rank: Option<f64>,
    /// `mean |w|` over all weights.
    pub weight_magnitude: f64,
}

impl Plasticity {
    /// Of the hidden layers in their order, over the same examples, and of all weights without biases. `None` without a
    /// layer or a weight.
    #[must_use]
    pub fn of(layers: &[Activations<'_>], weights: &[f32]) -> Option<Self> {
        let units: usize = layers.iter().map(|layer| layer.units).sum();
        let dormant: f64 = layers.iter().map(|layer| layer.dormant() * layer.units as f64).sum();
        Some(Self {
            dormant_units: dormant / units as f64,
            effective_rank: layers.last()?.effective_rank(),
            weight_magnitude: weight_magnitude(weights)?,
        })
    }

    pub(crate) fn require_rank(&self) -> Result<f64, Undefined> {
        let why = "effective_rank needs a unit of the last hidden layer that is not 0";
        self.effective_rank.ok_or_else(|| Undefined::new(why))
    }
}

/// The activations of one layer over examples, `[examples, units]`, after its nonlinearity.
#[derive(Clone, Copy, Debug)]
pub struct Activations<'a> {
    values: &'a [f32],
    units: usize,
}

impl<'a> Activations<'a> {
    /// The activations of `units` units, example by example.
    ///
    /// # Errors
    /// If there is none, no whole number of examples, or one that is not finite.
    pub fn new(values: &'a [f32], units: usize) -> Result<Self, Error> {
        let whole = units > 0 && !values.is_empty() && values.len().is_multiple_of(units);
        if !whole || !values.iter().all(|value| value.is_finite()) {
            return Err(Error::Activations { found: values.len(), units });
        }
        Ok(Self { values, units })
    }

    /// Examples.
    #[must_use]
    pub fn examples(&self) -> usize {
        self.values.len() / self.units
    }

    /// The share of units that are 0 for every example: dead (Dohare et al. 2024, over 2,000 examples of the next
    /// task, before training on it).
    #[must_use]
    pub fn dead(&self) -> f64 {
        self.share(|unit| unit.clone().all(|value| value == 0.0))
    }

    /// The share of units that are not 0 for less than a hundredth of the examples: dormant (Dohare et al. 2024,
    /// over 1,000 examples).
    #[must_use]
    pub fn dormant(&self) -> f64 {
        let active = |unit: &Unit<'_>| unit.clone().filter(|&value| value != 0.0).count();
        self.share(|unit| (active(unit) as f64) < 0.01 * self.examples() as f64)
    }

    /// The share of units whose mean size is at most `tau` times the mean of the layer's: τ-dormant (Sokar et al.
    /// 2023, "The dormant neuron phenomenon in deep reinforcement learning", definition 3.1). Of a layer that is
    /// 0 throughout, all.
    #[must_use]
    pub fn tau_dormant(&self, tau: f64) -> f64 {
        let size = |values: Unit<'_>| values.map(|value| f64::from(value).abs()).sum::<f64>();
        let layer: f64 = (0..self.units).map(|unit| size(self.unit(unit))).sum::<f64>();
        let mean = layer / self.units as f64;
        self.share(|unit| size(unit.clone()) <= tau * mean)
    }

    /// The effective rank of the activations, not centred: how many directions the layer uses. `None` where all are
    /// 0. Singular values in f64.
    #[must_use]
    pub fn effective_rank(&self) -> Option<f64> {
        let at = |row, column| f64::from(self.values[row * self.units + column]);
        let matrix = Mat::from_fn(self.examples(), self.units, at);
        // It fails to converge on numbers that are not finite alone, and there are none.
        effective_rank(&matrix.singular_values().ok()?)
    }

    fn share(&self, counts: impl Fn(&Unit<'a>) -> bool) -> f64 {
        let counted = (0..self.units).filter(|&unit| counts(&self.unit(unit))).count();
        counted as f64 / self.units as f64
    }

    fn unit(&self, unit: usize) -> Unit<'a> {
        self.values[unit..].iter().step_by(self.units).copied()
    }
}

/// The activations of one unit, one per example.
type Unit<'a> = std::iter::Copied<std::iter::StepBy<std::slice::Iter<'a, f32>>>;

/// `exp(-sum p ln p)`, `p = sigma / sum sigma`: the effective rank of a matrix from its singular values, between
/// 1 and their number. Of activations, `[examples, units]`, not centred, it says how many directions a layer uses.
/// `None` where no singular value is above 0.
///
/// Roy & Vetterli 2007, "The effective rank"; used by Dohare et al. 2024 over 2,000 examples.
#[must_use]
pub fn effective_rank(singular_values: &[f64]) -> Option<f64> {
    let sum: f64 = singular_values.iter().sum();
    let shares = singular_values.iter().map(|sigma| sigma / sum).filter(|&p| p > 0.0);
    let entropy: f64 = shares.map(|p| -p * p.ln()).sum();
    (sum > 0.0 && entropy.is_finite()).then(|| entropy.exp())
}

/// `mean |w|` of a layer's weights: Dohare et al. 2024. `None` of no weights.
#[must_use]
pub fn weight_magnitude(weights: &[f32]) -> Option<f64> {
    let sum: f64 = weights.iter().map(|&weight| f64::from(weight).abs()).sum();
    (!weights.is_empty()).then(|| sum / weights.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 200 examples of four units: never on, on for one example, for two of them (1 %), always 1.
    fn layer() -> Vec<f32> {
        let on = |example: usize, first: usize| f32::from(u8::from(example < first));
        (0..200).flat_map(|example| [0.0, on(example, 1), on(example, 2), 1.0]).collect()
    }

    #[test]
    fn shares_are_those_worked_out_by_hand() {
        let values = layer();
        let layer = Activations::new(&values, 4).unwrap();
        assert_eq!(layer.examples(), 200);
        // Two of 200 are not less than 1 %.
        assert_eq!((layer.dead(), layer.dormant()), (0.25, 0.5));
        // Mean sizes 0, .005, .01, 1; the layer's .25375: shares of it 0, .0197, .0394, 3.94.
        assert_eq!((layer.tau_dormant(0.0), layer.tau_dormant(0.02)), (0.25, 0.5));
        assert_eq!(layer.tau_dormant(0.04), 0.75);
        let nothing = Activations::new(&[0.0; 6], 3).unwrap();
        assert_eq!((nothing.tau_dormant(0.0), nothing.dead()), (1.0, 1.0));
    }

    /// A sign is an activation too: tanh's units are not dead where they cancel.
    #[test]
    fn units_that_cancel_are_not_dead() {
        let layer = Activations::new(&[1.0, 0.0, -1.0, 0.0], 2).unwrap();
        assert_eq!((layer.dead(), layer.tau_dormant(0.1)), (0.5, 0.5));
    }

    /// Equal values use every direction; p = (1/2, 1/4, 1/4) has entropy 1.5 ln 2.
    #[test]
    fn an_effective_rank_is_that_worked_out_by_hand() {
        let near = |left: Option<f64>, right: f64| (left.unwrap() - right).abs() < 1e-12;
        assert!(near(effective_rank(&[3.0, 3.0, 3.0, 0.0]), 3.0));
        assert!(near(effective_rank(&[2.0, 1.0, 1.0]), 2_f64.powf(1.5)));
        assert_eq!(effective_rank(&[0.0, 0.0]), None);
        assert_eq!(effective_rank(&[]), None);
        assert!(near(weight_magnitude(&[-1.0, 0.5, 0.0]), 0.5));
        assert_eq!(weight_magnitude(&[]), None);
    }

    /// Two orthogonal columns of lengths 2 and 1: p = (2/3, 1/3). Layers count by their units: 2 of 4 dormant and 0 of 2.
    #[test]
    fn a_network_is_measured_as_worked_out_by_hand() {
        let last = Activations::new(&[2.0, 0.0, 0.0, 1.0], 2).unwrap();
        let rank = (3_f64).ln() - 2.0 / 3.0 * 2_f64.ln();
        let near = |left: f64, right: f64| (left - right).abs() < 1e-12;
        assert!(near(last.effective_rank().unwrap(), rank.exp()));
        let values = layer();
        let first = Activations::new(&values, 4).unwrap();
        let of = Plasticity::of(&[first, last], &[1.0, -2.0]).unwrap();
        assert!(near(of.dormant_units, 2.0 / 6.0), "{of:?}");
        assert!(near(of.effective_rank.unwrap(), rank.exp()) && near(of.weight_magnitude, 1.5));
        // More units than examples, and one direction.
        let flat = Activations::new(&[1.0, 2.0, 3.0, 2.0, 4.0, 6.0], 3).unwrap();
        assert!((flat.effective_rank().unwrap() - 1.0).abs() < 1e-6);
        let nothing = Activations::new(&[0.0; 4], 2).unwrap();
        let of = Plasticity::of(&[nothing], &[1.0]).unwrap();
        assert_eq!((of.dormant_units, of.effective_rank), (1.0, None));
        assert!(of.require_rank().is_err());
        assert_eq!(Plasticity::of(&[], &[1.0]), None);
    }

    #[test]
    fn what_is_no_layer_is_refused() {
        for (values, units) in [(&[1.0, f32::NAN][..], 2), (&[1.0; 3], 2), (&[], 2), (&[1.0], 0)] {
            assert!(Activations::new(values, units).is_err());
        }
    }
}
