//! Optimisers by name and number.

use cl_nn::{Adam, AdamW, Optimizer, Sgd};
use std::collections::BTreeMap;
use std::fmt;

/// An optimiser by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptimizerName {
    /// [`Adam`].
    Adam,
    /// [`AdamW`].
    AdamW,
    /// [`Sgd`].
    Sgd,
}

impl OptimizerName {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Adam, Self::AdamW, Self::Sgd];

    /// The optimiser with this learning rate, its other numbers at their defaults.
    #[must_use]
    pub fn at(self, lr: f64) -> OptimizerSpec {
        match self {
            Self::Adam => Adam::new(lr).into(),
            Self::AdamW => AdamW::new(lr).into(),
            Self::Sgd => Sgd::new(lr).into(),
        }
    }
}

impl fmt::Display for OptimizerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Adam => "adam",
            Self::AdamW => "adamw",
            Self::Sgd => "sgd",
        })
    }
}

/// An optimiser with its numbers; made from [`Adam`], [`AdamW`] or [`Sgd`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OptimizerSpec {
    /// [`Adam`].
    Adam(Adam),
    /// [`AdamW`].
    AdamW(AdamW),
    /// [`Sgd`].
    Sgd(Sgd),
}

impl From<Adam> for OptimizerSpec {
    fn from(adam: Adam) -> Self {
        Self::Adam(adam)
    }
}

impl From<AdamW> for OptimizerSpec {
    fn from(adamw: AdamW) -> Self {
        Self::AdamW(adamw)
    }
}

impl From<Sgd> for OptimizerSpec {
    fn from(sgd: Sgd) -> Self {
        Self::Sgd(sgd)
    }
}

impl OptimizerSpec {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> OptimizerName {
        match self {
            Self::Adam(_) => OptimizerName::Adam,
            Self::AdamW(_) => OptimizerName::AdamW,
            Self::Sgd(_) => OptimizerName::Sgd,
        }
    }

    /// Its learning rate.
    #[must_use]
    pub fn lr(&self) -> f64 {
        match self {
            Self::Adam(Adam { lr, .. })
            | Self::AdamW(AdamW { lr, .. })
            | Self::Sgd(Sgd { lr, .. }) => *lr,
        }
    }

    /// Its numbers besides the learning rate, by name; `nesterov` is 1 or 0.
    #[must_use]
    pub fn numbers(&self) -> BTreeMap<String, f64> {
        let numbers = match *self {
            Self::Adam(Adam { beta1, beta2, eps, .. }) => {
                vec![("beta1", beta1), ("beta2", beta2), ("eps", eps)]
            }
            Self::AdamW(AdamW { beta1, beta2, eps, weight_decay, .. }) => vec![
                ("beta1", beta1),
                ("beta2", beta2),
                ("eps", eps),
                ("weight_decay", weight_decay),
            ],
            Self::Sgd(Sgd { momentum, nesterov, weight_decay, .. }) => vec![
                ("momentum", momentum),
                ("nesterov", f64::from(u8::from(nesterov))),
                ("weight_decay", weight_decay),
            ],
        };
        numbers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// A number by its field's name, where the optimiser has it.
    pub(crate) fn number(&mut self, name: &str) -> Option<&mut f64> {
        match (self, name) {
            (Self::Adam(Adam { lr, .. }), "lr") => Some(lr),
            (Self::AdamW(AdamW { lr, .. }), "lr") => Some(lr),
            (Self::Sgd(Sgd { lr, .. }), "lr") => Some(lr),
            (Self::Adam(Adam { beta1, .. }), "beta1") => Some(beta1),
            (Self::AdamW(AdamW { beta1, .. }), "beta1") => Some(beta1),
            (Self::Adam(Adam { beta2, .. }), "beta2") => Some(beta2),
            (Self::AdamW(AdamW { beta2, .. }), "beta2") => Some(beta2),
            (Self::Adam(Adam { eps, .. }), "eps") => Some(eps),
            (Self::AdamW(AdamW { eps, .. }), "eps") => Some(eps),
            (Self::AdamW(AdamW { weight_decay, .. }), "weight_decay") => Some(weight_decay),
            (Self::Sgd(Sgd { weight_decay, .. }), "weight_decay") => Some(weight_decay),
            (Self::Sgd(Sgd { momentum, .. }), "momentum") => Some(momentum),
            _ => None,
        }
    }

    /// The optimiser.
    #[must_use]
    pub fn build(&self) -> Box<dyn Optimizer> {
        match *self {
            Self::Adam(adam) => Box::new(adam),
            Self::AdamW(adamw) => Box::new(adamw),
            Self::Sgd(sgd) => Box::new(sgd),
        }
    }
}

/// What is allowed of a number by this name; `Err` says it in words.
pub(crate) fn check_number(name: &str, value: f64) -> Result<(), &'static str> {
    // As 32 bits hold it: 1e-60 is 0 there, 0.999999999 is 1.
    let held = value as f32;
    let (within, expected) = match name {
        "lr" | "eps" => (held > 0.0 && held.is_finite(), "a positive number that 32 bits hold"),
        "weight_decay" => {
            (held >= 0.0 && held.is_finite(), "at least 0, a number that 32 bits hold")
        }
        _ => ((0.0..1.0).contains(&held), "at least 0, below 1"),
    };
    if within { Ok(()) } else { Err(expected) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_that_an_optimiser_tells_can_be_set_by_its_name() {
        for name in OptimizerName::ALL {
            let mut spec = name.at(0.5);
            assert_eq!((spec.name(), spec.lr(), *spec.number("lr").unwrap()), (name, 0.5, 0.5));
            for number in spec.numbers().into_keys().filter(|number| number != "nesterov") {
                *spec.number(&number).unwrap() = 0.25;
                assert_eq!(spec.numbers()[&number], 0.25, "{name} {number}");
            }
            assert!(spec.number("lambda").is_none());
        }
    }

    #[test]
    fn numbers_are_judged_as_32_bits_hold_them() {
        for (name, value, good) in [
            ("lr", 1e-3, true),
            ("lr", 0.0, false),
            ("lr", 1e-60, false),
            ("lr", f64::NAN, false),
            ("eps", f64::INFINITY, false),
            ("beta1", 0.0, true),
            ("beta2", 1.0, false),
            ("beta2", 0.999_999_999, false),
            ("momentum", -0.1, false),
            ("weight_decay", 0.0, true),
            ("weight_decay", 1e60, false),
        ] {
            assert_eq!(check_number(name, value).is_ok(), good, "{name} = {value}");
        }
    }
}
