//! Loops in f64.

use cl_nn::Layout;

/// Parameters by name.
pub struct Weights<'a>(pub &'a Layout, pub &'a [f64]);

impl Weights<'_> {
    pub fn get(&self, name: &str) -> &[f64] {
        &self.1[self.0.range(name).unwrap().floats()]
    }

    /// x W + b, row by row.
    pub fn dense(&self, x: &[Vec<f64>], weight: &str, bias: &str) -> Vec<Vec<f64>> {
        let (w, b) = (self.get(weight), self.get(bias));
        let n = b.len();
        let unit = |x: &[f64], j: usize| {
            b[j] + x.iter().enumerate().map(|(i, x)| x * w[i * n + j]).sum::<f64>()
        };
        x.iter().map(|x| (0..n).map(|j| unit(x, j)).collect()).collect()
    }
}

pub fn rows(flat: &[f64], width: usize) -> Vec<Vec<f64>> {
    flat.chunks(width).map(<[f64]>::to_vec).collect()
}

pub fn map(x: Vec<Vec<f64>>, f: impl Fn(f64) -> f64) -> Vec<Vec<f64>> {
    x.into_iter().map(|row| row.into_iter().map(&f).collect()).collect()
}

pub fn relu(x: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    map(x, |x| x.max(0.0))
}

pub fn softmax(z: &[f64]) -> Vec<f64> {
    let sum: f64 = z.iter().map(|z| z.exp()).sum();
    z.iter().map(|z| z.exp() / sum).collect()
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub fn argmax(x: &[f64]) -> usize {
    (0..x.len()).fold(0, |best, i| if x[i] > x[best] { i } else { best })
}
