//! The number of operands, which every operation checks.

use crate::types::Type;

/// The operands of an operation that takes exactly `N`.
pub(super) fn operands<'t, const N: usize>(
    name: &str,
    inputs: &[&'t Type],
) -> Result<[&'t Type; N], String> {
    let noun = if N == 1 { "operand" } else { "operands" };
    inputs.try_into().map_err(|_| format!("{name}: expected {N} {noun}, got {}", inputs.len()))
}
