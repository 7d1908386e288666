//! Normal distributions over latent values.

use crate::dense::dense_params;
use crate::layout::ParamSpec;
use crate::theta::Theta;
use cl_tensor::Var;

/// log 2π.
pub(super) const LOG_TAU: f32 = 1.837_877_1;

/// N(mean, diag(exp(log_variance))), one per row; both `[rows, latent]`.
#[derive(Clone, Copy, Debug)]
pub struct Gaussian<'g> {
    /// μ.
    pub mean: Var<'g>,
    /// log σ².
    pub log_variance: Var<'g>,
}

impl<'g> Gaussian<'g> {
    /// μ + σ ⊙ noise, `[rows, latent]`, with standard normal `noise` of that shape: gradients pass to
    /// μ and σ (Kingma & Welling 2014, section 2.4).
    #[track_caller]
    #[must_use]
    pub fn sample(self, noise: Var<'g>) -> Var<'g> {
        self.mean + (self.log_variance * 0.5).exp() * noise
    }

    /// KL(N(μ, σ²) ‖ N(0, I)) = −½ Σ_d (1 + log σ² − μ² − σ²), `[rows]`, in nats (Kingma & Welling
    /// 2014, appendix B).
    #[track_caller]
    #[must_use]
    pub fn kl_to_standard_normal(self) -> Var<'g> {
        let Self { mean, log_variance } = self;
        (mean.square() + log_variance.exp() - 1.0 - log_variance).sum_axis(1) * 0.5
    }

    /// log N(z; μ, σ²) = −½ Σ_d (log 2π + log σ² + (z − μ)² / σ²), `[rows]`, in nats.
    #[track_caller]
    #[must_use]
    pub fn log_density(self, z: Var<'g>) -> Var<'g> {
        let Self { mean, log_variance } = self;
        let terms = log_variance + (z - mean).square() / log_variance.exp() + LOG_TAU;
        terms.sum_axis(1) * -0.5
    }
}

/// The linear layers from features to a [`Gaussian`]: `w_mean`, `b_mean` and `w_log_variance`, which
/// has no bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatentHead {
    /// Features per row.
    pub features: usize,
    /// Latent values per row.
    pub latent: usize,
}

impl LatentHead {
    /// Its parameters, in order.
    #[must_use]
    pub fn params(&self) -> Vec<ParamSpec> {
        let [log_variance, _] = dense_params("_log_variance", self.features, self.latent);
        let mut params = dense_params("_mean", self.features, self.latent).to_vec();
        params.push(log_variance);
        params
    }

    /// `[rows, features]` -> where each row lies.
    #[track_caller]
    #[must_use]
    pub fn gaussian<'g>(&self, theta: Theta<'_, 'g>, features: Var<'g>) -> Gaussian<'g> {
        Gaussian {
            mean: theta.dense("_mean", features),
            log_variance: features.matmul(theta.get("w_log_variance")),
        }
    }
}
