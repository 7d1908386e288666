//! Slow dense f64 matrices, and a parameter that belongs to no linear layer.

use cl_core::{Around, Gate, GateSite, Parts, Strategy, Trial};
use cl_nn::{Initializer, ParamSpec, Point};
use cl_tensor::Var;

/// Rows of equal length.
pub(crate) type Matrix = Vec<Vec<f64>>;

pub(crate) fn matrix(values: &[f32], columns: usize) -> Matrix {
    let row = |row: &[f32]| row.iter().map(|&x| f64::from(x)).collect();
    values.chunks(columns).map(row).collect()
}

pub(crate) fn identity(n: usize) -> Matrix {
    (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect()
}

/// Entry (i, j) by a formula.
pub(crate) fn entries(rows: usize, columns: usize, of: impl Fn(usize, usize) -> f64) -> Matrix {
    (0..rows).map(|i| (0..columns).map(|j| of(i, j)).collect()).collect()
}

pub(crate) fn product(a: &Matrix, b: &Matrix) -> Matrix {
    let sum = |i: usize, j: usize| (0..b.len()).map(|k| a[i][k] * b[k][j]).sum();
    entries(a.len(), b[0].len(), sum)
}

/// a += weight · v vᵀ
pub(crate) fn add_outer(a: &mut Matrix, weight: f64, v: &[f64]) {
    for (row, x) in a.iter_mut().zip(v) {
        row.iter_mut().zip(v).for_each(|(entry, y)| *entry += weight * x * y);
    }
}

pub(crate) fn trace(a: &Matrix) -> f64 {
    (0..a.len()).map(|i| a[i][i]).sum()
}

/// By Gauss and Jordan, the largest pivot first.
pub(crate) fn inverse(a: &Matrix) -> Matrix {
    let n = a.len();
    let unit = identity(n);
    let mut rows: Matrix = a.iter().zip(unit).map(|(a, unit)| [a.clone(), unit].concat()).collect();
    for column in 0..n {
        let largest =
            |&i: &usize, &j: &usize| rows[i][column].abs().total_cmp(&rows[j][column].abs());
        let pivot = (column..n).max_by(|i, j| largest(i, j)).unwrap();
        rows.swap(column, pivot);
        let scale = rows[column][column];
        rows[column].iter_mut().for_each(|x| *x /= scale);
        let by = rows[column].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(i, _)| *i != column) {
            let factor = row[column];
            row.iter_mut().zip(&by).for_each(|(x, by)| *x -= factor * by);
        }
    }
    rows.into_iter().map(|row| row[n..].to_vec()).collect()
}

/// [W; b] of a layer, counted from 0, of a theta-sized slot: `[in + 1, out]`.
pub(crate) fn with_bias(trial: &Trial<'_>, slot: &str, layer: usize) -> Matrix {
    let tensors = trial.parameters(slot).unwrap();
    let (weight, bias) = (&tensors[2 * layer].1, &tensors[2 * layer + 1].1);
    matrix(&[&weight[..], bias].concat(), bias.len())
}

/// A gate whose one parameter per layer scales all units: part of theta, of no linear layer.
pub(crate) struct Scales;

impl Gate for Scales {
    fn params(&self, around: Around<'_>) -> Vec<ParamSpec> {
        let layers = 0..around.network.hidden().len();
        let init = Initializer::Constant(1.25);
        layers.map(|layer| ParamSpec { name: format!("{layer}"), shape: vec![1], init }).collect()
    }
    fn apply<'g>(&self, at: &GateSite<'_, 'g>, h: Var<'g>) -> Var<'g> {
        match at.site.point {
            Point::PostActivation => h * at.param(&at.site.layer.to_string()),
            _ => h,
        }
    }
}

impl Strategy for Scales {
    fn name(&self) -> String {
        "scales".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.gate(self);
    }
}

/// A borrowed strategy, to stand in a tuple.
pub(crate) struct Borrowed<'a>(pub(crate) &'a dyn Strategy);

impl Strategy for Borrowed<'_> {
    fn name(&self) -> String {
        self.0.name()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        self.0.parts(parts);
    }
}
