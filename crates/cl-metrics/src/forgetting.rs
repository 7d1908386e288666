//! How much was forgotten: three conventions, all differences of fractions.

use crate::{AccuracyMatrix, Undefined, mean::mean};

/// `mean_{j<T} R[j][j] - R[T][j]`: from right after training to the end; negative where a context
/// improved. It is [`bwt_gem`](crate::bwt_gem) with the sign turned.
///
/// # Errors
/// Undefined for one context, or with fewer rows than contexts.
pub fn forgetting_first_last(matrix: &AccuracyMatrix) -> Result<f64, Undefined> {
    let rows = matrix.require_past("forgetting_first_last")?;
    let end = rows.len() - 1;
    Ok(mean((0..end).map(|j| rows[j][j] - rows[end][j])))
}

/// `mean_{j<T} max_{l<T} R[l][j] - R[T][j]`: from the best stage before the last to the end;
/// negative where the last stage is the best.
///
/// The maximum runs over all earlier rows, also those before context `j` was trained. Chaudhry et
/// al. 2018, "Riemannian walk for incremental learning".
///
/// # Errors
/// Undefined for one context, or with fewer rows than contexts.
pub fn forgetting_chaudhry(matrix: &AccuracyMatrix) -> Result<f64, Undefined> {
    let rows = matrix.require_past("forgetting_chaudhry")?;
    let end = rows.len() - 1;
    Ok(mean((0..end).map(|j| best(&rows[..end], j) - rows[end][j])))
}

/// `mean_{j<T} max_{l<=T} R[l][j] - R[T][j]`: from the best stage, the last included, to the end;
/// never negative.
///
/// # Errors
/// Undefined for one context, or with fewer rows than contexts.
pub fn forgetting_max_incl(matrix: &AccuracyMatrix) -> Result<f64, Undefined> {
    let rows = matrix.require_past("forgetting_max_incl")?;
    let end = rows.len() - 1;
    Ok(mean((0..end).map(|j| best(&rows, j) - rows[end][j])))
}

/// The highest accuracy on context `j` in any of these rows.
fn best(rows: &[Vec<f64>], j: usize) -> f64 {
    rows.iter().map(|row| row[j]).fold(0.0, f64::max)
}
