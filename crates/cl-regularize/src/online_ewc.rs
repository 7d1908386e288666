//! Elastic weight consolidation with one running penalty.

use crate::factor::Factor;
use crate::fisher::{Divisor, Estimate, Fisher};
use crate::range::{expect, strength};
use cl_core::{Boundary, Consolidate, Error, Needs, Parts, Pass, Penalty, Step, Strategy};
use cl_tensor::{Init, Var};

/// Where γ stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Discount {
    /// In the recursion and once more in the loss, as Schwarz et al. 2018 and van de Ven et al. 2022.
    #[default]
    RecursionAndLoss,
    /// In the recursion alone, as Avalanche and mammoth.
    Recursion,
}

/// Online elastic weight consolidation: one anchor, a decayed Fisher information.
///
/// L = CE + λ/2 Σ_i γ F_i (θ_i − θ*_i)²,  and when context t ends F ← γ F + F_t, θ* ← θ
///
/// Schwarz et al. 2018, arXiv 1805.06370, online EWC. γ stands in the loss as well as in the recursion: the
/// past is discounted once more while the next context is learned. F_t is the [`Fisher`] information
/// of context t alone.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `lambda` | 400 | ≥ 0 | strength; slot `lambda` |
/// | `gamma` | 1 | [0, 1] | what stays of the past per context; slot `gamma` |
/// | `factor` | `Half` | | λ/2 or λ |
/// | `discount` | `RecursionAndLoss` | | where γ stands |
/// | `fisher` | exact, all rows, N | | how the Fisher information is measured |
///
/// Schwarz et al. choose λ and γ per domain; the defaults are the λ of [`crate::Ewc`] and the γ of the
/// code of van de Ven et al. 2022. Neutral setting: `lambda` = 0. Memory: two numbers per parameter.
/// A step costs the same in every context.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnlineEwc {
    /// Strength λ.
    pub lambda: f64,
    /// What stays of the past per context, γ.
    pub gamma: f64,
    /// Whether λ is halved.
    pub factor: Factor,
    /// Where γ stands.
    pub discount: Discount,
    /// How the Fisher information is measured.
    pub fisher: Fisher,
}

impl Default for OnlineEwc {
    fn default() -> Self {
        Self {
            lambda: 400.0,
            gamma: 1.0,
            factor: Factor::Half,
            discount: Discount::RecursionAndLoss,
            fisher: Fisher::default(),
        }
    }
}

impl OnlineEwc {
    /// As in the code of van de Ven et al. 2022: the Fisher information divided by N − 1.
    #[must_use]
    pub fn vdv(lambda: f64, gamma: f64) -> Self {
        let fisher = Fisher { divisor: Divisor::NMinusOne, ..Fisher::default() };
        Self { lambda, gamma, fisher, ..Self::default() }
    }

    /// As in Avalanche (`EWCPlugin`, mode `online`; its `decay_factor` is γ): λ without ½, γ in the
    /// recursion alone, the Fisher information of mini-batches of the size that is trained with.
    #[must_use]
    pub fn avalanche(lambda: f64, gamma: f64, batch: usize) -> Self {
        let (factor, discount) = (Factor::One, Discount::Recursion);
        Self { lambda, gamma, factor, discount, fisher: Fisher::avalanche(batch) }
    }

    /// As in mammoth (`ewc_on`): λ without ½, γ in the recursion alone; true labels weighted by their
    /// probability, summed over rows and divided by batches times batch size. Its settings for
    /// sequential MNIST: λ = 90, γ = 1.
    #[must_use]
    pub fn mammoth(lambda: f64, gamma: f64, batch: usize) -> Self {
        let (factor, discount) = (Factor::One, Discount::Recursion);
        let (estimate, divisor) = (Estimate::TrueByProbability, Divisor::WholeBatches(batch));
        let fisher = Fisher { estimate, divisor, ..Fisher::default() };
        Self { lambda, gamma, factor, discount, fisher }
    }
}

impl Penalty for OnlineEwc {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let lambda = step.scope.hyper("lambda", self.lambda as f32);
        let strength = match self.discount {
            Discount::RecursionAndLoss => lambda * step.scope.hyper("gamma", self.gamma as f32),
            Discount::Recursion => lambda,
        };
        let fisher = step.scope.kept("fisher", &[step.layout.len()], Init::Zeros);
        let anchor = step.scope.kept("anchor", &[step.layout.len()], Init::Zeros);
        self.factor.of(strength) * (fisher * (step.theta - anchor).square()).sum()
    }
}

impl Consolidate for OnlineEwc {
    fn passes(&self) -> Vec<Pass> {
        vec![self.fisher.pass()]
    }

    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        self.fisher.observe(step);
    }

    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let scope = &boundary.scope;
        let gamma = scope.hyper("gamma", self.gamma as f32);
        let fisher = scope.kept("fisher", &[boundary.layout.len()], Init::Zeros);
        scope.kept("anchor", &[boundary.layout.len()], Init::Zeros);
        let of_context = self.fisher.take(boundary, boundary.examples[0]);
        scope.assign("fisher", gamma * fisher + of_context);
        scope.assign("anchor", theta);
        theta
    }
}

impl Strategy for OnlineEwc {
    fn name(&self) -> String {
        "ewc-online".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).consolidate(self);
    }

    fn needs(&self) -> Needs {
        Needs { boundaries: true, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let strength = match self.discount {
            Discount::RecursionAndLoss => "lambda gamma",
            Discount::Recursion => "lambda",
        };
        vec![
            ("ewc-online.lambda".to_owned(), self.lambda.to_string()),
            ("ewc-online.gamma".to_owned(), self.gamma.to_string()),
            (
                "ewc-online.penalty".to_owned(),
                format!("{}, one running term", self.factor.describe(strength)),
            ),
            ("ewc-online.fisher".to_owned(), self.fisher.describe()),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        strength("ewc-online", "lambda", self.lambda)?;
        let within = (0.0..=1.0).contains(&self.gamma);
        expect(within, "ewc-online", "gamma", self.gamma, "a number in [0, 1]")?;
        self.fisher.check("ewc-online")
    }
}
