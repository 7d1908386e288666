//! A multi-layer perceptron by loops in f64, on the digits.

use cl_nn::Layout;
use cl_scenarios::digits;

/// The pixels of examples of the digits, row after row.
pub fn pixels(examples: impl IntoIterator<Item = u32>) -> Vec<f32> {
    let data = digits();
    let image =
        |example: u32| &data.images[example as usize * data.features()..][..data.features()];
    let bytes = examples.into_iter().flat_map(image);
    bytes.map(|&byte| f32::from(byte) * data.scale).collect()
}

/// What goes into every layer for one example, and at last the logits: h ← relu(h W + b), the last
/// without relu.
pub fn forward(layout: &Layout, theta: &[f64], x: &[f32]) -> Vec<Vec<f64>> {
    let mut h: Vec<Vec<f64>> = vec![x.iter().copied().map(f64::from).collect()];
    for layer in 0..layout.ranges().len() / 2 {
        let (w, b) = layer_of(layout, layer);
        let (w, b) = (&theta[w], &theta[b]);
        let unit = |j: usize| {
            let weighed = h[layer].iter().enumerate().map(|(i, h)| h * w[i * b.len() + j]);
            let z = weighed.sum::<f64>() + b[j];
            if layer + 1 < layout.ranges().len() / 2 { z.max(0.0) } else { z }
        };
        h.push((0..b.len()).map(unit).collect());
    }
    h
}

fn layer_of(layout: &Layout, layer: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
    (layout.ranges()[2 * layer].floats(), layout.ranges()[2 * layer + 1].floats())
}

/// −log softmax(logits)\[target\], in nats, and its gradient with respect to theta.
pub fn cross_entropy(layout: &Layout, theta: &[f64], x: &[f32], target: u32) -> (f64, Vec<f64>) {
    let h = forward(layout, theta, x);
    let logits = &h[h.len() - 1];
    let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
    let hit = |class: usize| f64::from(u8::from(class == target as usize));
    let mut delta: Vec<f64> =
        logits.iter().enumerate().map(|(class, logit)| logit.exp() / sum - hit(class)).collect();
    let mut gradient = vec![0.0; theta.len()];
    for layer in (0..h.len() - 1).rev() {
        let (w, b) = layer_of(layout, layer);
        gradient[b].copy_from_slice(&delta);
        let below = |i: usize| {
            let weights = &theta[w.start + i * delta.len()..][..delta.len()];
            let back: f64 = weights.iter().zip(&delta).map(|(w, d)| w * d).sum();
            if h[layer][i] > 0.0 { back } else { 0.0 }
        };
        let next: Vec<f64> = (0..h[layer].len()).map(below).collect();
        for (i, &h) in h[layer].iter().enumerate() {
            for (j, &d) in delta.iter().enumerate() {
                gradient[w.start + i * delta.len() + j] = h * d;
            }
        }
        delta = next;
    }
    (sum.ln() - logits[target as usize], gradient)
}
