//! A multi-layer perceptron by loops in f64, and the digits that it sees.
#![allow(clippy::unwrap_used, dead_code)] // each test binary uses a part

use cl_nn::Layout;
use cl_scenarios::digits;

/// Parameters by name.
pub(crate) struct Weights<'a>(pub &'a Layout, pub &'a [f64]);

impl Weights<'_> {
    pub(crate) fn get(&self, name: &str) -> &[f64] {
        &self.1[self.0.range(name).unwrap().floats()]
    }

    /// x W + b, row by row, with the parameters `w{name}` and `b{name}`.
    pub(crate) fn dense(&self, x: &[Vec<f64>], name: &str) -> Vec<Vec<f64>> {
        let (w, b) = (self.get(&format!("w{name}")), self.get(&format!("b{name}")));
        let n = b.len();
        let unit = |x: &[f64], j: usize| {
            b[j] + x.iter().enumerate().map(|(i, x)| x * w[i * n + j]).sum::<f64>()
        };
        x.iter().map(|x| (0..n).map(|j| unit(x, j)).collect()).collect()
    }

    /// Layers `w1`, `b1`, `w2`, ..
    fn depth(&self) -> usize {
        (1..).take_while(|layer| self.0.range(&format!("w{layer}")).is_some()).count()
    }

    /// What goes into every layer for one example, and at last the logits: h ← relu(h W + b), the
    /// last without relu.
    pub(crate) fn forward(&self, x: &[f64]) -> Vec<Vec<f64>> {
        let mut h = vec![x.to_vec()];
        for layer in 1..=self.depth() {
            let z = self.dense(&h[layer - 1..], &layer.to_string());
            h.extend(if layer < self.depth() { relu(z) } else { z });
        }
        h
    }

    /// The derivative of a loss at the pre-activations of every layer, from that at the logits:
    /// δ ← W δ where the unit below is on.
    pub(crate) fn backward(&self, h: &[Vec<f64>], logits: Vec<f64>) -> Vec<Vec<f64>> {
        let mut deltas = vec![logits];
        for layer in (1..self.depth()).rev() {
            let above = &deltas[deltas.len() - 1];
            let weights = rows(self.get(&format!("w{}", layer + 1)), above.len());
            let units = weights.iter().zip(&h[layer]);
            deltas.push(units.map(|(w, &h)| if h > 0.0 { dot(w, above) } else { 0.0 }).collect());
        }
        deltas.reverse();
        deltas
    }

    /// −log softmax(logits)\[target\], in nats, and its gradient with respect to theta.
    pub(crate) fn cross_entropy(&self, x: &[f64], target: u32) -> (f64, Vec<f64>) {
        let h = self.forward(x);
        let mut delta = softmax(&h[h.len() - 1]);
        let loss = -delta[target as usize].ln();
        delta[target as usize] -= 1.0;
        let mut gradient = vec![0.0; self.1.len()];
        for (layer, delta) in self.backward(&h, delta).into_iter().enumerate() {
            let range = |of| self.0.range(&format!("{of}{}", layer + 1)).unwrap().floats();
            let outer = h[layer].iter().flat_map(|h| delta.iter().map(move |d| h * d));
            gradient[range("w")].copy_from_slice(&outer.collect::<Vec<_>>());
            gradient[range("b")].copy_from_slice(&delta);
        }
        (loss, gradient)
    }
}

pub(crate) fn rows(flat: &[f64], width: usize) -> Vec<Vec<f64>> {
    flat.chunks(width).map(<[f64]>::to_vec).collect()
}

pub(crate) fn map(x: Vec<Vec<f64>>, f: impl Fn(f64) -> f64) -> Vec<Vec<f64>> {
    x.into_iter().map(|row| row.into_iter().map(&f).collect()).collect()
}

pub(crate) fn relu(x: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    map(x, |x| x.max(0.0))
}

pub(crate) fn softmax(z: &[f64]) -> Vec<f64> {
    let sum: f64 = z.iter().map(|z| z.exp()).sum();
    z.iter().map(|z| z.exp() / sum).collect()
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub(crate) fn argmax(x: &[f64]) -> usize {
    (0..x.len()).fold(0, |best, i| if x[i] > x[best] { i } else { best })
}

/// The pixels of examples of the digits, row after row.
pub(crate) fn pixels(examples: impl IntoIterator<Item = u32>) -> Vec<f32> {
    let data = digits();
    let image =
        |example: u32| &data.images[example as usize * data.features()..][..data.features()];
    let bytes = examples.into_iter().flat_map(image);
    bytes.map(|&byte| f32::from(byte) * data.scale).collect()
}

pub(crate) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}
