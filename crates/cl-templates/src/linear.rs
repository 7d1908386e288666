//! Dense symmetric matrices in f64, where recorded operations end.

use faer::linalg::solvers::Solve;
use faer::{Mat, Side};

/// A matrix `[rows, columns]` out of row-major values.
pub(crate) fn matrix(values: &[f32], rows: usize, columns: usize) -> Result<Mat<f64>, String> {
    if values.len() != rows * columns {
        return Err(format!("{} values; expected [{rows}, {columns}]", values.len()));
    }
    if let Some(at) = values.iter().position(|x| !x.is_finite()) {
        let (row, column, value) = (at / columns, at % columns, values[at]);
        return Err(format!("entry [{row}, {column}] is {value}; expected a finite number"));
    }
    Ok(Mat::from_fn(rows, columns, |i, j| f64::from(values[i * columns + j])))
}

/// Row-major values of a matrix.
pub(crate) fn values(matrix: &Mat<f64>) -> Vec<f32> {
    let (rows, columns) = (matrix.nrows(), matrix.ncols());
    (0..rows * columns).map(|at| matrix[(at / columns, at % columns)] as f32).collect()
}

/// V and λ of a symmetric A = V diag(λ) Vᵀ; λ below 0, which is rounding in a sum of squares, as 0.
pub(crate) struct Eigen {
    pub vectors: Mat<f64>,
    pub values: Vec<f64>,
}

pub(crate) fn eigen(a: &Mat<f64>) -> Result<Eigen, String> {
    let n = a.nrows();
    let eigen = a.self_adjoint_eigen(Side::Lower).map_err(|failed| {
        format!("[{n}, {n}] has no eigenvalues that could be found ({failed:?})")
    })?;
    let found = eigen.S().column_vector();
    let values = (0..n).map(|j| found[j].max(0.0)).collect();
    let u = eigen.U();
    Ok(Eigen { vectors: Mat::from_fn(n, n, |i, j| u[(i, j)]), values })
}

/// f32 sums leave so much of the largest eigenvalue where there is nothing.
const ROUNDING: f64 = f32::EPSILON as f64;

impl Eigen {
    /// V diag(w) Vᵀ B with w = 1 / (λ + ridge), 0 where that is nothing but rounding.
    pub(crate) fn solve(&self, ridge: f64, b: &Mat<f64>) -> Mat<f64> {
        let largest = self.values.iter().fold(0.0_f64, |largest, &value| largest.max(value));
        let inverse = |j: usize| {
            let value = self.values[j] + ridge;
            if value > ROUNDING * largest { 1.0 / value } else { 0.0 }
        };
        let turned = self.vectors.transpose() * b;
        let scaled = Mat::from_fn(turned.nrows(), turned.ncols(), |j, column| {
            inverse(j) * turned[(j, column)]
        });
        &self.vectors * scaled
    }
}

/// The pseudo-inverse of a symmetric positive semi-definite matrix: eigenvalues that are nothing but the
/// rounding of f32 sums count as 0.
pub(crate) fn pseudo_inverse(a: &Mat<f64>) -> Result<Mat<f64>, String> {
    Ok(eigen(a)?.solve(0.0, &Mat::identity(a.nrows(), a.nrows())))
}

/// (A + ridge · I)⁻¹ B for a symmetric A that is positive semi-definite but for its rounding: by
/// Cholesky, and where that fails, because the ridge is below the rounding of A, by eigenvalues.
pub(crate) fn ridge(a: &Mat<f64>, ridge: f64, b: &Mat<f64>) -> Result<Mat<f64>, String> {
    let n = a.nrows();
    let raised = Mat::from_fn(n, n, |i, j| a[(i, j)] + if i == j { ridge } else { 0.0 });
    match raised.llt(Side::Lower) {
        Ok(factor) => Ok(factor.solve(b)),
        Err(_) => Ok(eigen(a)?.solve(ridge, b)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test's own functions are tests too
mod tests {
    use super::*;

    #[test]
    fn a_pseudo_inverse_leaves_out_what_is_not_there() {
        // 4 u uᵀ with u = (0.6, 0.8): 1/4 u uᵀ.
        let a = matrix(&[1.44, 1.92, 1.92, 2.56], 2, 2).unwrap();
        let found = values(&pseudo_inverse(&a).unwrap());
        for (got, want) in found.iter().zip([0.09, 0.12, 0.12, 0.16]) {
            assert!((got - want).abs() < 1e-6, "{found:?}");
        }
        let zero = matrix(&[0.0; 4], 2, 2).unwrap();
        assert_eq!(values(&pseudo_inverse(&zero).unwrap()), [0.0; 4]);
    }

    #[test]
    fn a_ridge_below_the_rounding_of_the_matrix_is_solved_by_eigenvalues() {
        // Rounding has left −1e-7 where 0 was: 1/2 along the first axis, and next to nothing seen of
        // the second.
        let a = matrix(&[2.0, 0.0, 0.0, -1e-7], 2, 2).unwrap();
        let b = matrix(&[1.0, 0.0], 2, 1).unwrap();
        let found = values(&ridge(&a, 1e-8, &b).unwrap());
        assert!((found[0] - 0.5).abs() < 1e-6 && found[1] == 0.0, "{found:?}");
        let found = values(&ridge(&a, 2.0, &b).unwrap());
        assert!((found[0] - 0.25).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn what_is_not_a_number_is_refused_and_placed() {
        let message = matrix(&[1.0, f32::NAN], 1, 2).unwrap_err();
        assert_eq!(message, "entry [0, 1] is NaN; expected a finite number");
        assert_eq!(matrix(&[1.0], 2, 2).unwrap_err(), "1 values; expected [2, 2]");
    }
}
