//! Ranges of hyper-parameters.

use cl_core::Error;

/// Refuses a hyper-parameter unless it is `allowed`; NaN fails every comparison.
pub(crate) fn expect(
    allowed: bool,
    strategy: &'static str,
    name: &'static str,
    value: f64,
    expected: &'static str,
) -> Result<(), Error> {
    if allowed { Ok(()) } else { Err(Error::HyperParameter { strategy, name, value, expected }) }
}

/// Refuses a number that is negative or not finite.
pub(crate) fn at_least_zero(
    strategy: &'static str,
    name: &'static str,
    value: f32,
) -> Result<(), Error> {
    let allowed = value >= 0.0 && value.is_finite();
    expect(allowed, strategy, name, f64::from(value), "a finite number of at least 0")
}

/// Refuses a number that is not above 0 or not finite.
pub(crate) fn positive(
    strategy: &'static str,
    name: &'static str,
    value: f32,
) -> Result<(), Error> {
    let allowed = value > 0.0 && value.is_finite();
    expect(allowed, strategy, name, f64::from(value), "a finite number above 0")
}
