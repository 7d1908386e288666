//! The loss of Barlow Twins.

use cl_tensor::Var;

/// L = Σ_i (1 − C_ii)² + λ Σ_i Σ_{j≠i} C_ij², C the correlation of two embeddings over the rows of a batch,
/// `[units, units]`: Zbontar, Jing, Misra, `LeCun` & Deny 2021, "Barlow Twins: self-supervised learning via
/// redundancy reduction" (arXiv 2103.03230), eq. 1 and 2.
///
/// `a` and `b` are `[rows, units]`; means, variances and C are weighted by `weight`, `[rows]`, which the
/// loss divides by its sum. A unit that never varies correlates with nothing: variances have the guard
/// 1e-5 of the authors' batch normalisation. A scalar.
#[must_use]
pub fn barlow_twins<'g>(a: Var<'g>, b: Var<'g>, weight: Var<'g>, lambda: Var<'g>) -> Var<'g> {
    let (graph, units) = (a.graph(), a.shape()[1]);
    let total = weight.sum();
    let share = (weight / total.select(total, graph.constant(1.0))).column();
    let standard = |z: Var<'g>| {
        let centred = z - (share * z).sum_axis(0);
        centred / ((share * centred.square()).sum_axis(0) + 1e-5).sqrt()
    };
    let correlations = (standard(a) * share).t().matmul(standard(b));
    let diagonal = graph.iota(units).one_hot(units);
    let same = (diagonal * (1.0 - correlations).square()).sum();
    same + lambda * ((1.0 - diagonal) * correlations.square()).sum()
}
