//! How likely an image is, by importance sampling.

use super::Gaussian;
use super::mixture::log_sum_exp;
use cl_tensor::Var;

/// log w = log p(x|z) + log p(z) − log q(z|x), `[rows]`, in nats, for z ~ q(z|x), `[rows, latent]`.
///
/// p(x|z) = N(x; `mean`, I) without its constant, −½ log 2π per value of `x`; p(z) = N(0, I); `x` and
/// `mean` are `[rows, values]`. The mean of w over draws estimates p(x) without bias (Burda, Grosse &
/// Salakhutdinov 2016, "Importance weighted autoencoders", eq. 8).
#[track_caller]
#[must_use]
pub fn log_importance_weight<'g>(
    x: Var<'g>,
    mean: Var<'g>,
    posterior: Gaussian<'g>,
    z: Var<'g>,
) -> Var<'g> {
    let zero = z.graph().full(&z.shape(), 0.0);
    let prior = Gaussian { mean: zero, log_variance: zero };
    (x - mean).square().sum_axis(1) * -0.5 + prior.log_density(z) - posterior.log_density(z)
}

/// log of the mean of exp over the first axis, `[samples, rows]` -> `[rows]`; the largest term of a row
/// is taken out first, so that no row is too unlikely.
#[track_caller]
#[must_use]
pub fn log_mean_exp(terms: Var<'_>) -> Var<'_> {
    let samples = terms.shape().first().copied().unwrap_or(1);
    log_sum_exp(terms.t()) - (samples as f32).ln()
}
