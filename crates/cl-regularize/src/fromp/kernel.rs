//! Kernels K = J Σ Jᵀ of function values on memory points, without a Jacobian.
//!
//! Point i's gradient of a function f by a weight is a_i ⊗ δ_i, a_i what the layer saw and δ_i what
//! came back to its product. So with a diagonal Σ
//!
//! K_ij = Σ_layers Σ_units o δ_io δ_jo (Σ_k a_ik Σ_ko a_jk) + δ'_io Σ_bo δ'_jo
//!
//! The sum over k is a product of matrices per unit that all functions share. It is half of one, as
//! it is symmetric, and a point at which no function depends on the unit (a ReLU that is off) has no
//! part in it, nor has an input that is 0 at every point.

use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::linalg::solvers::{DenseSolveCore, Llt};
use faer::{Accum, Mat, MatMut, MatRef, Par, Side};

/// How often the jitter is raised tenfold before a kernel counts as singular.
pub(crate) const RAISES: i32 = 4;

/// What a linear layer saw of each point and what came back to it, row-major.
pub(crate) struct LayerRows<'a> {
    /// a, `[points, inputs]`.
    pub input: &'a [f32],
    /// δ at the product, `[points, functions, units]`.
    pub product: &'a [f32],
    /// δ' at the bias, `[points, functions, units]`; δ where nothing gates between the two.
    pub bias: &'a [f32],
    /// Σ of the weight, `[inputs, units]`.
    pub weight_variance: &'a [f64],
    /// Σ of the bias, `[units]`.
    pub bias_variance: &'a [f64],
}

/// The kernel of each of `functions` functions over `points` points: lower triangles
/// `[points, points]`, without jitter.
pub(crate) fn kernels(points: usize, functions: usize, layers: &[LayerRows<'_>]) -> Vec<Mat<f64>> {
    let mut kernels = vec![Mat::zeros(points, points); functions];
    for layer in layers {
        of_weight(layer, points, &mut kernels);
        of_bias(layer, points, &mut kernels);
    }
    kernels
}

fn of_weight(layer: &LayerRows<'_>, points: usize, kernels: &mut [Mat<f64>]) {
    let (units, functions) = (layer.bias_variance.len(), kernels.len());
    let inputs = layer.weight_variance.len() / units;
    let seen = |i: usize, k: usize| f64::from(layer.input[i * inputs + k]);
    let used: Vec<usize> =
        (0..inputs).filter(|&k| (0..points).any(|i| seen(i, k) != 0.0)).collect();
    let a = Mat::from_fn(points, used.len(), |i, at| seen(i, used[at]));
    let mut scaled = Mat::<f64>::zeros(points, used.len());
    let mut gram = Mat::<f64>::zeros(points, points);
    for unit in 0..units {
        let delta = |i: usize, f: usize| layer.product[(i * functions + f) * units + unit];
        let alive: Vec<usize> =
            (0..points).filter(|&i| (0..functions).any(|f| delta(i, f) != 0.0)).collect();
        for (at, &k) in used.iter().enumerate() {
            let deviation = layer.weight_variance[k * units + unit].sqrt();
            let column = a.col_as_slice(at);
            for (to, &i) in scaled.col_as_slice_mut(at).iter_mut().zip(&alive) {
                *to = column[i] * deviation;
            }
        }
        let rows = scaled.as_ref().subrows(0, alive.len());
        lower_product(
            gram.as_mut().submatrix_mut(0, 0, alive.len(), alive.len()),
            Accum::Replace,
            rows,
        );
        for (f, kernel) in kernels.iter_mut().enumerate() {
            let deltas: Vec<f64> = alive.iter().map(|&i| f64::from(delta(i, f))).collect();
            for (at, &j) in alive.iter().enumerate() {
                let (gram, column) = (gram.col_as_slice(at), kernel.col_as_slice_mut(j));
                for (below, &i) in alive.iter().enumerate().skip(at) {
                    column[i] += deltas[below] * deltas[at] * gram[below];
                }
            }
        }
    }
}

fn of_bias(layer: &LayerRows<'_>, points: usize, kernels: &mut [Mat<f64>]) {
    let (units, functions) = (layer.bias_variance.len(), kernels.len());
    for (f, kernel) in kernels.iter_mut().enumerate() {
        let scaled = Mat::from_fn(points, units, |i, unit| {
            let delta = layer.bias[(i * functions + f) * units + unit];
            f64::from(delta) * layer.bias_variance[unit].sqrt()
        });
        lower_product(kernel.as_mut(), Accum::Add, scaled.as_ref());
    }
}

/// The lower triangle of `rows rowsᵀ`.
fn lower_product(to: MatMut<'_, f64>, accum: Accum, rows: MatRef<'_, f64>) {
    matmul(
        to,
        BlockStructure::TriangularLower,
        accum,
        rows,
        BlockStructure::Rectangular,
        rows.transpose(),
        BlockStructure::Rectangular,
        1.0,
        Par::Seq,
    );
}

/// (K + jitter I)⁻¹, symmetric, and the jitter that it took: where there is no Cholesky factor, or the
/// inverse does not fit 32-bit floats, ten times as much, [`RAISES`] times. `None`: not even then.
pub(crate) fn inverse(kernel: &Mat<f64>, jitter: f64) -> Option<(Mat<f64>, f64)> {
    let points = kernel.nrows();
    (0..=RAISES).find_map(|raises| {
        let jitter = jitter * 10_f64.powi(raises);
        let jittered = Mat::from_fn(points, points, |i, j| {
            kernel[(i.max(j), i.min(j))] + if i == j { jitter } else { 0.0 }
        });
        let inverse = Llt::new(jittered.as_ref(), Side::Lower).ok()?.inverse();
        let symmetric = Mat::from_fn(points, points, |i, j| inverse[(i.max(j), i.min(j))]);
        let fits = symmetric
            .col_iter()
            .all(|column| column.iter().all(|value| (*value as f32).is_finite()));
        fits.then_some((symmetric, jitter))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fixed numbers in [−1, 1), some of them 0.
    fn noise(len: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..len).map(|_| if next() > 0.4 { 0.0 } else { next() }).collect()
    }

    struct Layer {
        input: Vec<f32>,
        product: Vec<f32>,
        bias: Vec<f32>,
        weight_variance: Vec<f64>,
        bias_variance: Vec<f64>,
    }

    const POINTS: usize = 5;
    const FUNCTIONS: usize = 3;

    /// A layer whose gate acts before the bias: δ at the product is another than at the bias.
    fn layer(inputs: usize, units: usize, seed: u32) -> Layer {
        let variance = |len: usize, seed: u32| -> Vec<f64> {
            noise(len, seed).iter().map(|x| f64::from(x.abs()) + 0.01).collect()
        };
        let mut input = noise(POINTS * inputs, seed);
        input.chunks_mut(inputs).for_each(|row| row[1] = 0.0); // seen by nobody
        Layer {
            input,
            product: noise(POINTS * FUNCTIONS * units, seed + 1),
            bias: noise(POINTS * FUNCTIONS * units, seed + 2),
            weight_variance: variance(inputs * units, seed + 3),
            bias_variance: variance(units, seed + 4),
        }
    }

    #[test]
    fn kernels_are_those_of_materialised_jacobians() {
        let layers = [layer(6, 4, 1), layer(4, 3, 20)];
        let rows: Vec<LayerRows<'_>> = layers
            .iter()
            .map(|layer| LayerRows {
                input: &layer.input,
                product: &layer.product,
                bias: &layer.bias,
                weight_variance: &layer.weight_variance,
                bias_variance: &layer.bias_variance,
            })
            .collect();
        for (f, kernel) in kernels(POINTS, FUNCTIONS, &rows).iter().enumerate() {
            let gradient = |i: usize| -> Vec<f64> {
                layers
                    .iter()
                    .flat_map(|layer| {
                        let units = layer.bias_variance.len();
                        let inputs = layer.weight_variance.len() / units;
                        let own = (i * FUNCTIONS + f) * units;
                        let weight = (0..inputs * units).map(move |at| {
                            let a = f64::from(layer.input[i * inputs + at / units]);
                            a * f64::from(layer.product[own + at % units])
                        });
                        weight.chain((0..units).map(move |unit| layer.bias[own + unit].into()))
                    })
                    .collect()
            };
            let variance: Vec<f64> = layers
                .iter()
                .flat_map(|layer| [&layer.weight_variance[..], &layer.bias_variance].concat())
                .collect();
            for i in 0..POINTS {
                for j in 0..=i {
                    let pairs = gradient(i).into_iter().zip(gradient(j)).zip(&variance);
                    let expected: f64 = pairs.map(|((a, b), s)| a * s * b).sum();
                    assert!((kernel[(i, j)] - expected).abs() < 1e-12, "{f}: {i}, {j}");
                }
            }
        }
    }

    /// [[2, 1], [1, 2]] + I has the inverse [[3, −1], [−1, 3]] / 8; the upper triangle is not read.
    #[test]
    fn the_inverse_is_of_the_kernel_with_its_jitter() {
        let kernel = Mat::from_fn(2, 2, |i, j| [[2.0, f64::NAN], [1.0, 2.0]][i][j]);
        let (found, used) = inverse(&kernel, 1.0).unwrap();
        assert_eq!(used, 1.0);
        for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let expected = if i == j { 0.375 } else { -0.125 };
            assert!((found[(i, j)] - expected).abs() < 1e-15);
        }
    }

    /// Five points that are alike: with a jitter below what 64 bits resolve beside 1 there is no
    /// factor; raised tenfold often enough there is.
    #[test]
    fn the_jitter_of_a_singular_kernel_is_raised_tenfold_and_not_for_ever() {
        let kernel = Mat::from_fn(5, 5, |_, _| 1.0);
        assert_eq!(inverse(&kernel, 1e-6).unwrap().1, 1e-6);
        let (_, used) = inverse(&kernel, 1e-17).unwrap();
        assert!(used > 2e-17 && used < 1e-12, "{used}");
        assert!(inverse(&kernel, 1e-25).is_none());
        let broken = Mat::from_fn(2, 2, |_, _| f64::NAN);
        assert!(inverse(&broken, 1.0).is_none());
    }
}
