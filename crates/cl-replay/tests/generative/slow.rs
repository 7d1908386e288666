//! Networks by loops in f64.

use cl_nn::Layout;

/// Parameters by name.
pub(crate) struct Weights<'a>(pub(crate) &'a Layout, pub(crate) &'a [f64]);

pub(crate) type Rows = Vec<Vec<f64>>;

impl Weights<'_> {
    pub(crate) fn get(&self, name: &str) -> &[f64] {
        &self.1[self.0.range(name).unwrap().floats()]
    }

    /// x W, row by row.
    pub(crate) fn linear(&self, x: &Rows, name: &str) -> Rows {
        let w = self.get(name);
        let units = w.len() / x[0].len();
        let unit = |x: &[f64], j: usize| -> f64 {
            x.iter().enumerate().map(|(i, x)| x * w[i * units + j]).sum()
        };
        x.iter().map(|x| (0..units).map(|j| unit(x, j)).collect()).collect()
    }

    /// x W + b with `w{name}` and `b{name}`.
    pub(crate) fn dense(&self, x: &Rows, name: &str) -> Rows {
        let b = self.get(&format!("b{name}"));
        let z = self.linear(x, &format!("w{name}"));
        z.into_iter().map(|row| row.iter().zip(b).map(|(z, b)| z + b).collect()).collect()
    }

    /// Features of the classifier 64-24-20 and its logits.
    pub(crate) fn classify(&self, x: &Rows) -> (Rows, Rows) {
        let features = relu(self.dense(&relu(self.dense(x, "1")), "2"));
        let logits = self.dense(&features, "3");
        (features, logits)
    }
}

pub(crate) fn rows(flat: &[f64], width: usize) -> Rows {
    flat.chunks(width).map(<[f64]>::to_vec).collect()
}

pub(crate) fn map(x: Rows, f: impl Fn(f64) -> f64) -> Rows {
    x.into_iter().map(|row| row.into_iter().map(&f).collect()).collect()
}

pub(crate) fn relu(x: Rows) -> Rows {
    map(x, |x| x.max(0.0))
}

pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

pub(crate) fn softmax(z: &[f64]) -> Vec<f64> {
    let sum: f64 = z.iter().map(|z| z.exp()).sum();
    z.iter().map(|z| z.exp() / sum).collect()
}

pub(crate) fn argmax(x: &[f64]) -> usize {
    (0..x.len()).fold(0, |best, i| if x[i] > x[best] { i } else { best })
}

/// −Σ x log p + (1 − x) log(1 − p) over the pixels of each row.
pub(crate) fn cross_entropy(p: &Rows, x: &Rows) -> Vec<f64> {
    let pixel = |(p, x): (&f64, &f64)| -(x * p.ln() + (1.0 - x) * (1.0 - p).ln());
    p.iter().zip(x).map(|(p, x)| p.iter().zip(x).map(pixel).sum()).collect()
}

/// |a − b| ≤ tolerance · max|b|.
pub(crate) fn miss(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let off = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    off.fold(0.0, f64::max) / largest
}
