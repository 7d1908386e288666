//! Random matrices with orthonormal columns or rows.

use cl_random::Rng;
use ndarray::{Array2, Axis};
use ndarray_rand::RandomExt;
use ndarray_rand::rand_distr::StandardNormal;

/// A `[rows, columns]` matrix whose columns (rows, if there are fewer rows) are orthonormal,
/// uniform over all such matrices.
///
/// Gram-Schmidt on Gaussian vectors is the QR decomposition with a positive diagonal of R, which is
/// what makes Q uniform (Mezzadri 2007, section 5). Each vector is projected twice: once loses
/// orthogonality where a vector is nearly dependent on the others (Giraud et al. 2005).
pub(crate) fn orthogonal(rows: usize, columns: usize, rng: &mut Rng) -> Array2<f64> {
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut q: Array2<f64> = Array2::random_using((count, length), StandardNormal, rng);
    for i in 0..count {
        let (done, mut rest) = q.view_mut().split_at(Axis(0), i);
        let mut vector = rest.row_mut(0);
        for _ in 0..2 {
            let overlap = done.dot(&vector);
            vector -= &overlap.dot(&done);
        }
        let norm = vector.dot(&vector).sqrt();
        vector /= norm;
    }
    if rows < columns { q } else { q.reversed_axes() }
}
