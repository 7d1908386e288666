//! The choice of a ridge on held-out rows.

use crate::linear::{Eigen, eigen};
use faer::{Mat, MatRef};

/// 10⁻⁸, 10⁻⁷, .., 10⁸.
pub(crate) const GRID: [f64; 17] =
    [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];

/// The λ of `grid` with the smallest mean squared error of (H ᵀH + λ I)⁻¹ HᵀY, fitted on the first
/// `fitted` rows, on the others; of equal ones the first. With the error of each.
///
/// One eigendecomposition serves the whole grid: that of HᵀH, or of HHᵀ where there are fewer rows than
/// columns, for (HᵀH + λ I)⁻¹ Hᵀ = Hᵀ (HHᵀ + λ I)⁻¹.
pub(crate) fn choose_ridge(
    h: &Mat<f64>,
    y: &Mat<f64>,
    fitted: usize,
    grid: &[f64],
) -> Result<(f64, Vec<f64>), String> {
    let rows = |of: MatRef<'_, f64>, from: usize, to: usize| of.subrows(from, to - from).to_owned();
    let n = h.nrows();
    let (fit, held) = (rows(h.as_ref(), 0, fitted), rows(h.as_ref(), fitted, n));
    let (y_fit, y_held) = (rows(y.as_ref(), 0, fitted), rows(y.as_ref(), fitted, n));
    // Predictions of held rows are left · V diag(1 / (s + λ)) Vᵀ · right.
    let (Eigen { vectors, values }, left, right) = if fitted < h.ncols() {
        (eigen(&(&fit * fit.transpose()))?, &held * fit.transpose(), y_fit)
    } else {
        (eigen(&(fit.transpose() * &fit))?, held, fit.transpose() * y_fit)
    };
    let (left, right) = (left * &vectors, vectors.transpose() * right);
    let mut errors = Vec::with_capacity(grid.len());
    for lambda in grid {
        let damped =
            Mat::from_fn(right.nrows(), right.ncols(), |i, j| right[(i, j)] / (values[i] + lambda));
        let off = &left * damped - &y_held;
        let squares = off.squared_norm_l2();
        errors.push(squares / (off.nrows() * off.ncols()).max(1) as f64);
    }
    let best = grid.iter().zip(&errors).min_by(|a, b| a.1.total_cmp(b.1));
    let (lambda, _) = best.ok_or_else(|| "an empty grid".to_owned())?;
    Ok((*lambda, errors))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test's own functions are tests too
mod tests {
    use super::*;
    use serde_json::Value;

    fn numbers(value: &Value) -> Vec<f64> {
        match value {
            Value::Array(items) => items.iter().flat_map(numbers).collect(),
            one => vec![one.as_f64().unwrap()],
        }
    }

    /// The 10 rows of the golden file's last task: 8 to fit and 2 held, 8 columns. Then the same with
    /// a column of zeros, which takes the other way round and changes nothing.
    #[test]
    fn errors_over_the_grid_are_those_of_the_loop_by_either_matrix() {
        let file: Value = serde_json::from_str(include_str!("../tests/data/ranpac.json")).unwrap();
        let (inputs, expected) = (&file["inputs"], &file["expected"]);
        let (hidden, labels) = (numbers(&expected["hidden"]), numbers(&inputs["labels"]));
        let grid = numbers(&inputs["lambda_grid"]);
        let y = Mat::from_fn(10, 4, |i, j| f64::from(u8::from(labels[10 + i] as usize == j)));
        for columns in [8, 9] {
            let h = Mat::from_fn(
                10,
                columns,
                |i, j| {
                    if j < 8 { hidden[(10 + i) * 8 + j] } else { 0.0 }
                },
            );
            let (lambda, errors) = choose_ridge(&h, &y, 8, &grid).unwrap();
            assert_eq!(lambda, expected["chosen_lambda"].as_f64().unwrap());
            for (got, want) in errors.iter().zip(numbers(&expected["grid_mse"])) {
                assert!((got - want).abs() <= 1e-9 * want, "{got} {want}");
            }
        }
    }
}
