//! Dense symmetric matrices in f64, where recorded operations end.

use faer::{Mat, Side};

/// (A/α + I)⁻¹ of a symmetric A `[n, n]` that is positive semi-definite but for its rounding.
///
/// As I − V diag(λ/(λ + α)) Vᵀ of the eigenvalues λ and eigenvectors V of A, with λ below 0, which is
/// rounding, taken as 0. At small α a factorisation of A/α + I would meet those as large negative
/// numbers; here the result lies between 0 and I at any α, and is exactly I where A is 0.
pub(crate) fn damped(a: &[f32], n: usize, alpha: f64) -> Result<Vec<f32>, String> {
    if let Some(at) = a.iter().position(|x| !x.is_finite()) {
        let (row, column, value) = (at / n, at % n, a[at]);
        return Err(format!("entry [{row}, {column}] of A is {value}; expected a finite number"));
    }
    if !(alpha > 0.0 && alpha.is_finite()) {
        return Err(format!("alpha is {alpha}; expected a finite number above 0"));
    }
    let a = Mat::from_fn(n, n, |i, j| f64::from(a[i * n + j]));
    let eigen = a.self_adjoint_eigen(Side::Lower).map_err(|failed| {
        format!("A, [{n}, {n}], has no eigenvalues that could be found ({failed:?})")
    })?;
    let (vectors, values) = (eigen.U(), eigen.S().column_vector());
    let taken = |j: usize| {
        let value = values[j].max(0.0);
        value / (value + alpha)
    };
    let scaled = Mat::from_fn(n, n, |i, j| vectors[(i, j)] * taken(j));
    let taken = scaled * vectors.transpose();
    let entry = |i: usize, j: usize| f64::from(u8::from(i == j)) - taken[(i, j)];
    Ok((0..n * n).map(|at| entry(at / n, at % n) as f32).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test's own functions are tests too
mod tests {
    use super::*;

    #[test]
    fn one_direction_is_damped_and_the_others_are_free() {
        // A = 8 u uᵀ with u = (0.6, 0.8): I − 8/(8 + 2) u uᵀ.
        let a = [8.0 * 0.36, 8.0 * 0.48, 8.0 * 0.48, 8.0 * 0.64];
        let p = damped(&a, 2, 2.0).unwrap();
        let expected = [1.0 - 0.8 * 0.36, -0.8 * 0.48, -0.8 * 0.48, 1.0 - 0.8 * 0.64];
        for (got, want) in p.iter().zip(expected) {
            assert!((f64::from(*got) - want).abs() < 1e-7, "{p:?}");
        }
    }

    #[test]
    fn no_input_leaves_the_identity_and_rounding_below_zero_is_nothing() {
        assert_eq!(damped(&[0.0; 4], 2, 1e-10).unwrap(), [1.0, 0.0, 0.0, 1.0]);
        assert_eq!(damped(&[-1e-8, 0.0, 0.0, -1e-8], 2, 1e-10).unwrap(), [1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn what_is_not_a_number_is_refused_and_placed() {
        let message = damped(&[1.0, f32::NAN, 0.0, 1.0], 2, 1.0).unwrap_err();
        assert_eq!(message, "entry [0, 1] of A is NaN; expected a finite number");
        assert!(damped(&[1.0], 1, 0.0).is_err());
    }
}
