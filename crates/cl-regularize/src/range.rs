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

/// Refuses a strength that is negative or not finite.
pub(crate) fn strength(
    strategy: &'static str,
    name: &'static str,
    value: f64,
) -> Result<(), Error> {
    // The slot is a 32-bit float.
    let finite = (value as f32).is_finite();
    expect(finite && value >= 0.0, strategy, name, value, "a finite number of at least 0")
}

/// Refuses a number that is not above 0 or not finite.
pub(crate) fn positive(
    strategy: &'static str,
    name: &'static str,
    value: f64,
) -> Result<(), Error> {
    // The slot is a 32-bit float.
    let allowed = value as f32 > 0.0 && (value as f32).is_finite();
    expect(allowed, strategy, name, value, "a finite number above 0")
}
