//! Stochastic gradient descent.

use super::Optimizer;
use crate::layout::Layout;
use cl_tensor::{Init, Scope, Var};
use serde::{Deserialize, Serialize};

/// Gradient descent with momentum, as `torch.optim.SGD` without dampening.
///
/// g ← g + weight_decay · θ; buffer ← momentum · buffer + g; δ = −lr · buffer, or with Nesterov's
/// look-ahead δ = −lr · (g + momentum · buffer) (Sutskever et al. 2013, section 2).
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `lr` | | > 0 | learning rate |
/// | `momentum` | 0 | `[0, 1)` | what stays of the buffer per step |
/// | `nesterov` | false | | look-ahead |
/// | `weight_decay` | 0 | ≥ 0 | λ of the penalty λ/2 ‖θ‖² that joins the gradient |
///
/// A momentum or weight decay of 0 is not recorded at all: whether it is 0 belongs to the structure
/// of the program, its value does not.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sgd {
    /// Learning rate.
    pub lr: f64,
    /// What stays of the buffer per step.
    pub momentum: f64,
    /// Whether the step looks ahead.
    pub nesterov: bool,
    /// Strength of the L2 penalty.
    pub weight_decay: f64,
}

impl Sgd {
    /// Plain gradient descent.
    #[must_use]
    pub fn new(lr: f64) -> Self {
        Self { lr, momentum: 0.0, nesterov: false, weight_decay: 0.0 }
    }
}

impl Optimizer for Sgd {
    fn delta<'g>(
        &self,
        scope: &Scope<'g>,
        layout: &Layout,
        theta: Var<'g>,
        grad: Var<'g>,
        schedule: Var<'g>,
    ) -> Var<'g> {
        let rate = -(scope.hyper("lr", self.lr as f32) * schedule);
        let mut direction = grad;
        if self.weight_decay != 0.0 {
            direction = grad + scope.hyper("weight_decay", self.weight_decay as f32) * theta;
        }
        if self.momentum != 0.0 {
            let momentum = scope.hyper("momentum", self.momentum as f32);
            let old = scope.slot("buffer", &[layout.len()], Init::Zeros);
            let buffer = momentum * old + direction;
            scope.assign("buffer", buffer);
            direction = if self.nesterov { direction + momentum * buffer } else { buffer };
        }
        direction * rate
    }

    fn reset(&self, scope: &Scope<'_>) -> Vec<String> {
        if self.momentum == 0.0 { Vec::new() } else { vec![scope.name("buffer")] }
    }

    fn describe(&self) -> String {
        let Self { lr, momentum, nesterov, weight_decay } = self;
        let kind = if *nesterov { "Nesterov momentum" } else { "momentum" };
        format!("SGD lr {lr}, {kind} {momentum}, weight decay {weight_decay}")
    }
}
