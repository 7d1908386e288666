//! Which units work in which context, and how much contexts share.

/// The mean gate of every hidden unit in every context.
///
/// The overlap of contexts a and b in a layer tells whether they use the same units. The mean product
/// is what LXDG's penalties are about (Tilley, Miller & Freedman 2023, arXiv 2301.07187); the cosine
/// does not depend on how much is open at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeanGates {
    /// By layer, then context, then unit.
    layers: Vec<Vec<Vec<f64>>>,
}

impl MeanGates {
    /// Adds a context: per layer the gates of its rows, `[rows, units]`.
    pub(crate) fn push_context(&mut self, rows: usize, layers: &[Vec<f32>]) {
        self.layers.resize(self.layers.len().max(layers.len()), Vec::new());
        for (means, gates) in self.layers.iter_mut().zip(layers) {
            let units = gates.len().checked_div(rows).unwrap_or(0);
            let mut mean = vec![0.0; units];
            for row in gates.chunks_exact(units.max(1)) {
                mean.iter_mut().zip(row).for_each(|(sum, &gate)| *sum += f64::from(gate));
            }
            mean.iter_mut().for_each(|sum| *sum /= rows as f64);
            means.push(mean);
        }
    }

    /// Mean gates, `[hidden layer][context][unit]`.
    #[must_use]
    pub fn layers(&self) -> &[Vec<Vec<f64>>] {
        &self.layers
    }

    /// Overlap of contexts as a mean over units of products, `[hidden layer][context][context]`:
    /// 1/units Σ_i a_i b_i.
    #[must_use]
    pub fn mean_products(&self) -> Vec<Vec<Vec<f64>>> {
        self.pairs(|a, b| dot(a, b) / a.len() as f64)
    }

    /// Overlap of contexts as a cosine, `[hidden layer][context][context]`: a·b / (‖a‖ ‖b‖); 0 where
    /// a context has every unit off.
    #[must_use]
    pub fn cosines(&self) -> Vec<Vec<Vec<f64>>> {
        self.pairs(|a, b| {
            let lengths = (dot(a, a) * dot(b, b)).sqrt();
            if lengths > 0.0 { dot(a, b) / lengths } else { 0.0 }
        })
    }

    fn pairs(&self, overlap: impl Fn(&[f64], &[f64]) -> f64) -> Vec<Vec<Vec<f64>>> {
        let of_layer = |contexts: &Vec<Vec<f64>>| {
            let of_context =
                |a: &Vec<f64>| contexts.iter().map(|b| overlap(a, b)).collect::<Vec<f64>>();
            contexts.iter().map(of_context).collect()
        };
        self.layers.iter().map(of_layer).collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_overlap_where_both_have_open_units() {
        let mut gates = MeanGates::default();
        gates.push_context(2, &[vec![1.0, 0.0, 1.0, 0.0, 1.0, 1.0]]);
        gates.push_context(1, &[vec![0.0, 0.0, 1.0]]);
        gates.push_context(1, &[vec![0.0, 0.0, 0.0]]);
        // Rows (1, 0, 1) and (0, 1, 1): their mean.
        assert_eq!(gates.layers(), [[[0.5, 0.5, 1.0], [0.0, 0.0, 1.0], [0.0; 3]]]);
        let third = 1.0 / 3.0;
        assert_eq!(gates.mean_products(), [[[0.5, third, 0.0], [third, third, 0.0], [0.0; 3]]]);
        // 1 / √(1.5 · 1).
        let cosine = 1.5_f64.sqrt().recip();
        assert_eq!(gates.cosines(), [[[1.0, cosine, 0.0], [cosine, 1.0, 0.0], [0.0; 3]]]);
    }
}
