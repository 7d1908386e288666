//! Ranges of hyper-parameters.

use cl_core::{Error, Mix};

/// Refuses a value that is no number of at least 0 in 32 bits, which its slot holds.
pub(crate) fn at_least_0(
    strategy: &'static str,
    name: &'static str,
    value: f64,
) -> Result<(), Error> {
    if value >= 0.0 && (value as f32).is_finite() {
        return Ok(());
    }
    Err(Error::HyperParameter { strategy, name, value, expected: "a finite number of at least 0" })
}

/// Refuses a value that is no number above 0 in 32 bits.
pub(crate) fn above_0(strategy: &'static str, name: &'static str, value: f64) -> Result<(), Error> {
    if value > 0.0 && (value as f32).is_normal() {
        return Ok(());
    }
    Err(Error::HyperParameter { strategy, name, value, expected: "a finite number above 0" })
}

/// Refuses a count of 0.
pub(crate) fn at_least_1(
    strategy: &'static str,
    name: &'static str,
    value: usize,
) -> Result<(), Error> {
    match value {
        0 => Err(Error::HyperParameter { strategy, name, value: 0.0, expected: "at least 1" }),
        _ => Ok(()),
    }
}

/// Refuses a fixed weight outside of [0, 1].
pub(crate) fn mix(strategy: &'static str, mix: Option<Mix>) -> Result<(), Error> {
    match mix {
        Some(Mix::Fixed(current)) if !(0.0..=1.0).contains(&current) => {
            let (value, expected) = (f64::from(current), "a fraction in [0, 1]");
            Err(Error::HyperParameter { strategy, name: "mix", value, expected })
        }
        _ => Ok(()),
    }
}

/// A rule of a strategy's own, in words.
pub(crate) fn describe_mix(mix: Option<Mix>) -> String {
    mix.map_or_else(|| "that of the run".to_owned(), Mix::describe)
}
