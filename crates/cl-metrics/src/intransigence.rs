//! What a joint model could learn and this one did not.

use crate::{AccuracyMatrix, Undefined, matrix::check, mean::mean};

/// `a_j - R[j][j]` for each context, where `a_j` = `joint[j]` is the accuracy on context `j` of a
/// model trained jointly on contexts 1 to `j`: \[contexts\], differences of fractions.
///
/// Chaudhry et al. 2018, "Riemannian walk for incremental learning".
///
/// # Errors
/// Undefined with fewer rows than contexts, or if `joint` is not one fraction per context.
pub fn intransigence_per_context(
    matrix: &AccuracyMatrix,
    joint: &[f64],
) -> Result<Vec<f64>, Undefined> {
    let rows = matrix.require_square("intransigence")?;
    check("the joint accuracies", joint, matrix.columns())
        .map_err(|error| Undefined::new(format!("intransigence needs valid input: {error}")))?;
    Ok(joint.iter().enumerate().map(|(j, accuracy)| accuracy - rows[j][j]).collect())
}

/// The mean over contexts of [`intransigence_per_context`].
///
/// # Errors
/// As there.
pub fn intransigence(matrix: &AccuracyMatrix, joint: &[f64]) -> Result<f64, Undefined> {
    Ok(mean(intransigence_per_context(matrix, joint)?))
}
