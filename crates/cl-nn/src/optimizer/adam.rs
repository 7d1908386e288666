//! Adam, and Adam with decoupled weight decay.

use super::Optimizer;
use crate::layout::Layout;
use cl_tensor::{Init, Scope, Var};
use serde::{Deserialize, Serialize};

/// Adam, as `torch.optim.Adam` (Kingma & Ba 2015, algorithm 1).
///
/// m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²;
/// δ = −lr · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε).
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `lr` | 1e-3 | > 0 | learning rate |
/// | `beta1` | 0.9 | `[0, 1)` | decay of the first moment |
/// | `beta2` | 0.999 | `[0, 1)` | decay of the second moment |
/// | `eps` | 1e-8 | > 0 | keeps the divisor from 0, outside of the corrected root |
///
/// 1 − βᵗ is not formed by subtraction, which would lose its digits in f32: it follows
/// q ← β q + (1 − β) from q = 0, the sum of the weights that m (or v) gives to its gradients.
/// 1 − β is a number of its own, `one_minus_beta1` and `one_minus_beta2`: a sweep over β sets both.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adam {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Keeps the divisor from 0.
    pub eps: f64,
}

impl Adam {
    /// Adam with the paper's decays.
    #[must_use]
    pub fn new(lr: f64) -> Self {
        Self { lr, beta1: 0.9, beta2: 0.999, eps: 1e-8 }
    }
}

impl Default for Adam {
    fn default() -> Self {
        Self::new(1e-3)
    }
}

/// Adam whose weight decay acts on θ itself, as `torch.optim.AdamW`
/// (Loshchilov & Hutter 2019, algorithm 2): δ = δ of [`Adam`] − lr · weight_decay · θ.
///
/// Fields as [`Adam`]; `weight_decay` ≥ 0, default 0.01.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdamW {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Keeps the divisor from 0.
    pub eps: f64,
    /// Fraction of θ, times the learning rate, that goes at every step.
    pub weight_decay: f64,
}

impl AdamW {
    /// AdamW with the defaults of PyTorch.
    #[must_use]
    pub fn new(lr: f64) -> Self {
        let Adam { lr, beta1, beta2, eps } = Adam::new(lr);
        Self { lr, beta1, beta2, eps, weight_decay: 0.01 }
    }

    fn adam(&self) -> Adam {
        Adam { lr: self.lr, beta1: self.beta1, beta2: self.beta2, eps: self.eps }
    }
}

impl Default for AdamW {
    fn default() -> Self {
        Self::new(1e-3)
    }
}

/// An exponential moving average `name` of `value` that starts at 0: its new value, and the sum of
/// the weights in it, 1 − βᵗ.
fn moment<'g>(scope: &Scope<'g>, name: &str, decay: (&str, f64), value: Var<'g>) -> [Var<'g>; 2] {
    let (beta_name, beta) = decay;
    let complement = scope.hyper(&format!("one_minus_{beta_name}"), (1.0 - beta) as f32);
    let beta = scope.hyper(beta_name, beta as f32);
    let weight_name = format!("{name}_weight");
    let average = beta * scope.slot(name, &value.shape(), Init::Zeros) + complement * value;
    let weight = beta * scope.slot(&weight_name, &[], Init::Zeros) + complement;
    scope.assign(name, average);
    scope.assign(&weight_name, weight);
    [average, weight]
}

impl Optimizer for Adam {
    fn delta<'g>(
        &self,
        scope: &Scope<'g>,
        _: &Layout,
        _: Var<'g>,
        grad: Var<'g>,
        schedule: Var<'g>,
    ) -> Var<'g> {
        let [m, q1] = moment(scope, "m", ("beta1", self.beta1), grad);
        let [v, q2] = moment(scope, "v", ("beta2", self.beta2), grad.square());
        // Both fractions are expanded by √q2, so that per element one root, one sum, one quotient
        // and one product remain; everything else is a scalar.
        let root = q2.sqrt();
        let rate = -(scope.hyper("lr", self.lr as f32) * schedule) / q1 * root;
        let eps = scope.hyper("eps", self.eps as f32) * root;
        m / (v.sqrt() + eps) * rate
    }

    fn reset(&self, scope: &Scope<'_>) -> Vec<String> {
        ["m", "m_weight", "v", "v_weight"].map(|name| scope.name(name)).to_vec()
    }

    fn describe(&self) -> String {
        let Self { lr, beta1, beta2, eps } = self;
        format!("Adam lr {lr}, betas {beta1} {beta2}, eps {eps:e}")
    }
}

impl Optimizer for AdamW {
    fn delta<'g>(
        &self,
        scope: &Scope<'g>,
        layout: &Layout,
        theta: Var<'g>,
        grad: Var<'g>,
        schedule: Var<'g>,
    ) -> Var<'g> {
        let rate = scope.hyper("lr", self.lr as f32) * schedule;
        let decay = rate * scope.hyper("weight_decay", self.weight_decay as f32);
        self.adam().delta(scope, layout, theta, grad, schedule) - decay * theta
    }

    fn reset(&self, scope: &Scope<'_>) -> Vec<String> {
        self.adam().reset(scope)
    }

    fn describe(&self) -> String {
        let Self { lr, beta1, beta2, eps, weight_decay } = self;
        format!("AdamW lr {lr}, betas {beta1} {beta2}, eps {eps:e}, weight decay {weight_decay}")
    }
}
