//! How accurate the model is, at the end and on the way. All values are fractions.

use crate::{AccuracyMatrix, Undefined, mean::mean};

/// `mean_j R[T][j]`: the mean accuracy over all contexts after the last training.
///
/// Reads the matrix's last row, so it is defined for a joint model too.
///
/// # Errors
/// Undefined without a row.
pub fn final_accuracy(matrix: &AccuracyMatrix) -> Result<f64, Undefined> {
    Ok(mean(matrix.require_last_row("final_accuracy")?.iter().copied()))
}

/// `mean of the last row`: "last" of multi-domain task-incremental learning (MTIL), the same number
/// as [`final_accuracy`].
///
/// Zheng et al. 2023, "Preventing zero-shot transfer degradation in continual learning of
/// vision-language models".
///
/// # Errors
/// Undefined without a row.
pub fn last(matrix: &AccuracyMatrix) -> Result<f64, Undefined> {
    Ok(mean(matrix.require_last_row("last")?.iter().copied()))
}

/// `mean_i mean_{j<=i} R[i][j]`: the accuracy on the contexts seen so far, averaged over stages.
///
/// # Errors
/// Undefined with fewer rows than contexts.
pub fn average_incremental_accuracy(matrix: &AccuracyMatrix) -> Result<f64, Undefined> {
    let rows = matrix.require_square("average_incremental_accuracy")?;
    Ok(mean(rows.iter().enumerate().map(|(i, row)| mean(row[..=i].iter().copied()))))
}

/// `sum_{i>=j} R[i][j] / (T(T+1)/2)`: the mean over the lower triangle with its diagonal.
///
/// Diaz-Rodriguez et al. 2018, "Don't forget, there is more than forgetting" ("A").
///
/// # Errors
/// Undefined with fewer rows than contexts.
pub fn accuracy_a(matrix: &AccuracyMatrix) -> Result<f64, Undefined> {
    let rows = matrix.require_square("accuracy_a")?;
    Ok(mean(rows.iter().enumerate().flat_map(|(i, row)| row[..=i].iter().copied())))
}

/// `mean_j R[j][j]`: the accuracy on each context right after training on it.
///
/// # Errors
/// Undefined with fewer rows than contexts.
pub fn learning_accuracy(matrix: &AccuracyMatrix) -> Result<f64, Undefined> {
    let rows = matrix.require_square("learning_accuracy")?;
    Ok(mean(rows.iter().enumerate().map(|(j, row)| row[j])))
}

/// `mean_j mean_i R[i][j]`: "average" of MTIL, the mean over contexts of whole columns.
///
/// Zheng et al. 2023.
///
/// # Errors
/// Undefined with fewer rows than contexts.
pub fn average(matrix: &AccuracyMatrix) -> Result<f64, Undefined> {
    let rows = matrix.require_square("average")?;
    Ok(mean((0..rows.len()).map(|j| mean(rows.iter().map(|row| row[j])))))
}
