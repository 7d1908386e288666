//! A slow f64 network: one example and one label at a time.

use cl_core::Trial;

/// A layer's input with a 1; (probability, derivative at the pre-activation) of each label.
pub(crate) type Trace = (Vec<f64>, Vec<(f64, Vec<f64>)>);

/// Weights `[in, out]` and biases, layer by layer; ReLU between layers.
#[derive(Clone)]
pub(crate) struct SlowMlp {
    pub(crate) sizes: Vec<usize>,
    /// w1, b1, w2, b2, ...
    pub(crate) tensors: Vec<Vec<f64>>,
    /// Per hidden layer, what x W is multiplied by before the bias is added.
    pub(crate) gates: Vec<Vec<f64>>,
    /// The outputs that compete.
    pub(crate) active: Vec<bool>,
}

impl SlowMlp {
    /// The network 6-5-4-4 of a trial as it is now.
    pub(crate) fn of(trial: &Trial<'_>, gates: Vec<Vec<f64>>, active: Vec<bool>) -> Self {
        let theta = trial.parameters("theta").unwrap();
        let tensors = theta.iter().map(|(_, values)| wide(values)).collect();
        Self { sizes: vec![6, 5, 4, 4], tensors, gates, active }
    }

    /// Σ over examples and active labels c of p(c|x) (∂ −log p(c|x) / ∂θ)², per tensor.
    pub(crate) fn fisher_sum(&self, x: &[f32]) -> Vec<Vec<f64>> {
        self.squares(x, |_, p| {
            p.iter().copied().enumerate().filter(|&(c, _)| self.active[c]).collect()
        })
    }

    /// Σ over examples and the labels that `of` gives with their weights, from the number of the
    /// example and its probabilities, of weight (∂ −log p(label|x) / ∂θ)², per tensor.
    pub(crate) fn squares(
        &self,
        x: &[f32],
        of: impl Fn(usize, &[f64]) -> Vec<(usize, f64)>,
    ) -> Vec<Vec<f64>> {
        let mut sum = self.zeros();
        for (row, x) in x.chunks(self.sizes[0]).enumerate() {
            let (inputs, p) = self.forward(&wide(x));
            for (c, weight) in of(row, &p) {
                add(&mut sum, &self.gradient(&inputs, &p, c), |g| weight * g * g);
            }
        }
        sum
    }

    /// What one example brings to each layer: the input with a 1, and for every active label its
    /// probability and the derivative at the pre-activation.
    pub(crate) fn traces(&self, x: &[f64]) -> Vec<Trace> {
        let (inputs, p) = self.forward(x);
        let mut layers: Vec<Trace> =
            inputs.iter().map(|a| ([&a[..], &[1.0]].concat(), Vec::new())).collect();
        for c in (0..p.len()).filter(|&c| self.active[c]) {
            let gradient = self.gradient(&inputs, &p, c);
            for (layer, bias) in layers.iter_mut().zip(gradient.into_iter().skip(1).step_by(2)) {
                layer.1.push((p[c], bias));
            }
        }
        layers
    }

    /// The gradient of the mean of −log p(label|x) over examples, per tensor.
    pub(crate) fn mean_gradient(&self, x: &[f32], label: &[u32]) -> Vec<Vec<f64>> {
        let (mut sum, rows) = (self.zeros(), label.len() as f64);
        for (x, &label) in x.chunks(self.sizes[0]).zip(label) {
            let (inputs, p) = self.forward(&wide(x));
            add(&mut sum, &self.gradient(&inputs, &p, label as usize), |g| g / rows);
        }
        sum
    }

    /// The gradient of ‖z(x)‖², z the logits, per tensor.
    pub(crate) fn norm_gradient(&self, x: &[f32]) -> Vec<Vec<f64>> {
        let (inputs, logits) = self.logits(&wide(x));
        self.backward(&inputs, logits.iter().map(|z| 2.0 * z).collect())
    }

    pub(crate) fn zeros(&self) -> Vec<Vec<f64>> {
        self.tensors.iter().map(|t| vec![0.0; t.len()]).collect()
    }

    fn gate(&self, layer: usize, unit: usize) -> f64 {
        self.gates.get(layer).map_or(1.0, |gate| gate[unit])
    }

    /// The input of every layer, and the logits.
    fn logits(&self, x: &[f64]) -> (Vec<Vec<f64>>, Vec<f64>) {
        let layers = self.sizes.len() - 1;
        let mut inputs = vec![x.to_vec()];
        for layer in 0..layers {
            let (weight, bias) = (&self.tensors[2 * layer], &self.tensors[2 * layer + 1]);
            let units = self.sizes[layer + 1];
            let out = (0..units).map(|j| {
                let product: f64 =
                    inputs[layer].iter().enumerate().map(|(i, x)| x * weight[i * units + j]).sum();
                let z = product * self.gate(layer, j) + bias[j];
                if layer + 1 < layers { z.max(0.0) } else { z }
            });
            inputs.push(out.collect());
        }
        let logits = inputs.pop().unwrap_or_default();
        (inputs, logits)
    }

    /// The input of every layer, and the probabilities of the outputs.
    pub(crate) fn forward(&self, x: &[f64]) -> (Vec<Vec<f64>>, Vec<f64>) {
        let (inputs, logits) = self.logits(x);
        let exp = |c: usize| if self.active[c] { logits[c].exp() } else { 0.0 };
        let total: f64 = (0..logits.len()).map(exp).sum();
        (inputs, (0..logits.len()).map(|c| exp(c) / total).collect())
    }

    /// ∂ −log p\[c\] / ∂θ by the chain rule.
    pub(crate) fn gradient(&self, inputs: &[Vec<f64>], p: &[f64], c: usize) -> Vec<Vec<f64>> {
        let delta = p.iter().enumerate().map(|(k, p)| p - f64::from(u8::from(k == c)));
        self.backward(inputs, delta.collect())
    }

    /// From the derivative by the logits to that by every tensor.
    fn backward(&self, inputs: &[Vec<f64>], mut delta: Vec<f64>) -> Vec<Vec<f64>> {
        let mut gradient = self.zeros();
        for layer in (0..inputs.len()).rev() {
            let units = self.sizes[layer + 1];
            let mut below = vec![0.0; self.sizes[layer]];
            for (j, &delta) in delta.iter().enumerate() {
                gradient[2 * layer + 1][j] = delta;
                let gated = delta * self.gate(layer, j);
                for (i, &input) in inputs[layer].iter().enumerate() {
                    gradient[2 * layer][i * units + j] = input * gated;
                    // The input of a hidden layer is a ReLU's output: positive where it passes on.
                    if layer > 0 && input > 0.0 {
                        below[i] += self.tensors[2 * layer][i * units + j] * gated;
                    }
                }
            }
            delta = below;
        }
        gradient
    }
}

pub(crate) fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

/// sum += f(gradient), element by element.
pub(crate) fn add(sum: &mut [Vec<f64>], gradient: &[Vec<f64>], f: impl Fn(f64) -> f64) {
    for (sum, gradient) in sum.iter_mut().zip(gradient) {
        sum.iter_mut().zip(gradient).for_each(|(sum, &g)| *sum += f(g));
    }
}
