//! Exemplars that together lie near the mean of their class.

/// Herding (Rebuffi et al. 2017, algorithm 4): indices of `count` rows of `features`, `[rows, width]`,
/// or of all where there are fewer, in the order chosen. The k-th is the one that brings the mean of
/// the first k nearest to that of all rows,
///
/// p_k = argmin_x ‖μ / ‖μ‖ − (φ(x) + Σ_{j<k} φ(p_j)) / k‖, φ of length 1, μ = Σ φ;
///
/// the first one at a tie. Lengths have the guard √(Σ x² + 1e-20), so that a row of zeros stays one.
/// Sums are in f64.
#[must_use]
pub fn herd(features: &[f32], width: usize, count: usize) -> Vec<usize> {
    let rows = features.chunks_exact(width.max(1));
    let units: Vec<Vec<f64>> =
        rows.map(|row| unit(row.iter().map(|&x| f64::from(x)).collect())).collect();
    let mean = unit((0..width).map(|j| units.iter().map(|row| row[j]).sum()).collect());
    let (mut chosen, mut sum) = (Vec::new(), vec![0.0; width]);
    for k in 1..=count.min(units.len()) {
        let distance = |i: usize| -> f64 {
            let terms = mean.iter().zip(&sum).zip(&units[i]);
            terms.map(|((mean, sum), x)| (mean - (sum + x) / k as f64).powi(2)).sum()
        };
        let left = (0..units.len()).filter(|i| !chosen.contains(i));
        let distances = left.map(|i| (distance(i), i));
        if let Some((_, best)) = distances.min_by(|a, b| a.0.total_cmp(&b.0)) {
            sum.iter_mut().zip(&units[best]).for_each(|(sum, x)| *sum += x);
            chosen.push(best);
        }
    }
    chosen
}

fn unit(row: Vec<f64>) -> Vec<f64> {
    let length = (row.iter().map(|x| x * x).sum::<f64>() + 1e-20).sqrt();
    row.into_iter().map(|x| x / length).collect()
}
