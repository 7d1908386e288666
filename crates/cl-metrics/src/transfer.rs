//! What training on one context does to others. Differences of fractions unless stated.

use crate::{AccuracyMatrix, Undefined, mean::mean};

/// `mean_{j<T} R[T][j] - R[j][j]`: backward transfer; negative when contexts are forgotten.
///
/// Lopez-Paz & Ranzato 2017, "Gradient episodic memory for continual learning", eq. 3.
///
/// # Errors
/// Undefined for one context, or with fewer rows than contexts.
pub fn bwt_gem(matrix: &AccuracyMatrix) -> Result<f64, Undefined> {
    let rows = matrix.require_past("bwt_gem")?;
    let end = rows.len() - 1;
    Ok(mean((0..end).map(|j| rows[end][j] - rows[j][j])))
}

/// `sum_{i=2..T} sum_{j<i} (R[i][j] - R[j][j]) / (T(T-1)/2)`: backward transfer over all pairs of a
/// later stage and an earlier context.
///
/// Diaz-Rodriguez et al. 2018 ("BWT").
///
/// # Errors
/// Undefined for one context, or with fewer rows than contexts.
pub fn bwt_pairs(matrix: &AccuracyMatrix) -> Result<f64, Undefined> {
    let rows = &*matrix.require_past("bwt_pairs")?;
    Ok(mean((1..rows.len()).flat_map(|i| (0..i).map(move |j| rows[i][j] - rows[j][j]))))
}

/// `mean_{j>1} R[j-1][j] - b_j`: forward transfer, what training on the contexts before `j` did for
/// `j` compared with the untrained model.
///
/// Lopez-Paz & Ranzato 2017, eq. 4.
///
/// # Errors
/// Undefined for one context, with fewer rows than contexts, without the accuracies before training, or
/// where not every context is tracked: the row right before a context is not there.
pub fn fwt_gem(matrix: &AccuracyMatrix) -> Result<f64, Undefined> {
    let rows = matrix.require_past("fwt_gem")?;
    if rows.len() < matrix.contexts() {
        return Err(Undefined::new(format!(
            "fwt_gem needs the row right before every context; this matrix tracks {} of {} contexts",
            rows.len(),
            matrix.contexts()
        )));
    }
    let before = matrix.require_before("fwt_gem")?;
    Ok(mean((1..rows.len()).map(|j| rows[j - 1][j] - before[j])))
}

/// `sum_{i<j} R[i][j] / (T(T-1)/2)`: the mean accuracy above the diagonal, a fraction, compared with
/// nothing.
///
/// Diaz-Rodriguez et al. 2018 ("FWT").
///
/// # Errors
/// Undefined for one context, or with fewer rows than contexts.
pub fn fwt_pairs(matrix: &AccuracyMatrix) -> Result<f64, Undefined> {
    let rows = matrix.require_past("fwt_pairs")?;
    Ok(mean(rows.iter().enumerate().flat_map(|(i, row)| row[i + 1..].iter().copied())))
}

/// `mean_{j>1} mean_{i<j} R[i][j]`: "transfer" of MTIL, the mean over contexts of each column's mean
/// above the diagonal, a fraction. [`fwt_pairs`] weighs every pair alike, this one every context.
///
/// Zheng et al. 2023; used by DIKI.
///
/// # Errors
/// Undefined for one context, or with fewer rows than contexts.
pub fn transfer(matrix: &AccuracyMatrix) -> Result<f64, Undefined> {
    let rows = matrix.require_past("transfer")?;
    Ok(mean((1..rows.len()).map(|j| mean(rows[..j].iter().map(|row| row[j])))))
}
