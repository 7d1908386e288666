//! A prior with a mode for every class.

use super::gaussian::LOG_TAU;
use crate::init::Initializer;
use crate::layout::ParamSpec;
use crate::theta::Theta;
use cl_tensor::Var;

/// What stands for log 0: its exponential is 0 and, unlike −∞, 0 times it is 0.
const NEVER: f32 = -1e30;

/// p(z | p) = Σ_c p_c N(z; μ_c, diag(σ_c²)): learned means and log-variances, one mode per class
/// (van de Ven, Siegelmann & Tolias 2020, "Brain-inspired replay", Methods).
///
/// Parameters, both `[latent, classes]` and N(0, 1) at the start: `prior_mean`, `prior_log_variance`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MixturePrior {
    /// Modes.
    pub classes: usize,
    /// Latent values.
    pub latent: usize,
}

impl MixturePrior {
    /// Its parameters, in order.
    #[must_use]
    pub fn params(&self) -> Vec<ParamSpec> {
        let spec = |name: &str| ParamSpec {
            name: name.to_owned(),
            shape: vec![self.latent, self.classes],
            init: Initializer::Normal { deviation: 1.0 },
        };
        vec![spec("prior_mean"), spec("prior_log_variance")]
    }

    /// log Σ_c p_c N(z; μ_c, σ_c²), `[rows]`, in nats; `z` is `[rows, latent]`, `probabilities` p is
    /// `[rows, classes]` (a class for certain: one-hot) and takes no gradient.
    #[track_caller]
    #[must_use]
    pub fn log_density<'g>(
        &self,
        theta: Theta<'_, 'g>,
        z: Var<'g>,
        probabilities: Var<'g>,
    ) -> Var<'g> {
        let (graph, rows) = (z.graph(), z.shape().first().copied().unwrap_or(1));
        let across = [1, self.latent, self.classes];
        let mean = theta.get("prior_mean").reshape(&across);
        let log_variance = theta.get("prior_log_variance").reshape(&across);
        let z = z.reshape(&[rows, self.latent, 1]);
        // [rows, latent, classes] -> [rows, classes].
        let terms = log_variance + (z - mean).square() / log_variance.exp() + LOG_TAU;
        let modes = terms.sum_axis(1) * -0.5;
        let p = probabilities.detach();
        let none = graph.constant(0.0);
        let log_p = p.greater(none).select(p.log(), graph.full(&p.shape(), NEVER));
        log_sum_exp(modes + log_p)
    }

    /// One draw of each row's mode: μ_c + σ_c ⊙ noise, `[rows, latent]`; `class` is u32 `[rows]`.
    #[track_caller]
    #[must_use]
    pub fn sample<'g>(&self, theta: Theta<'_, 'g>, class: Var<'g>, noise: Var<'g>) -> Var<'g> {
        let of = |name: &str| theta.get(name).t().gather(class);
        of("prior_mean") + (of("prior_log_variance") * 0.5).exp() * noise
    }
}

/// log Σ exp over the columns, `[rows, columns]` -> `[rows]`.
pub(super) fn log_sum_exp(x: Var<'_>) -> Var<'_> {
    let largest = x.max_row().detach();
    (x - largest.column()).exp().sum_axis(1).log() + largest
}
