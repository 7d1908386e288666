//! Pixel maps as tables of indices and weights.

/// A linear map of pixels: output pixel j is the sum over k of
/// `weight[k * features + j] * input[index[k * features + j]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Taps {
    /// Pixels of the input image; every index is below it.
    pub inputs: usize,
    /// Pixels of the output image; differs from `inputs` only where an image is padded.
    pub features: usize,
    /// Number of input pixels per output pixel.
    pub taps: usize,
    /// Input pixels, `[taps, features]`.
    pub index: Vec<u32>,
    /// Their weights, `[taps, features]`; 0 where the input has no such pixel.
    pub weight: Vec<f32>,
}

impl Taps {
    /// The same map with at least `taps` input pixels per output pixel; those added have weight 0.
    ///
    /// Contexts whose maps have one number of taps fit one table `[contexts, taps, features]`.
    #[must_use]
    pub fn pad_to(mut self, taps: usize) -> Self {
        self.taps = self.taps.max(taps);
        self.index.resize(self.taps * self.features, 0);
        self.weight.resize(self.taps * self.features, 0.0);
        self
    }

    /// The map of one image, `[inputs]` to `[features]`; taps are added in the order of k.
    ///
    /// # Panics
    /// If `input` is not of length `inputs`.
    #[must_use]
    pub fn apply(&self, input: &[f32]) -> Vec<f32> {
        assert_eq!(input.len(), self.inputs, "Taps::apply: {} pixels expected", self.inputs);
        let mut output = vec![0.0; self.features];
        let rows =
            self.index.chunks_exact(self.features).zip(self.weight.chunks_exact(self.features));
        for (index, weight) in rows {
            for ((out, &i), &w) in output.iter_mut().zip(index).zip(weight) {
                *out += w * input[i as usize];
            }
        }
        output
    }
}
