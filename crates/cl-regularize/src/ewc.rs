//! Elastic weight consolidation with one penalty per context.

use crate::factor::Factor;
use crate::fisher::{Divisor, Fisher};
use crate::range::strength;
use cl_core::{Boundary, Consolidate, Error, Needs, Parts, Pass, Penalty, Step, Strategy};
use cl_tensor::{Init, Scope, Var};

/// Elastic weight consolidation: one quadratic per context that has ended.
///
/// L = CE + λ/2 Σ_k Σ_i F_k,i (θ_i − θ*_k,i)²
///
/// Kirkpatrick et al. 2017, eq. 3, summed over contexts k; F_k is the [`Fisher`] information at θ*_k,
/// the parameters when context k ended.
///
/// The sum of quadratics is one quadratic, so memory does not grow with the number of contexts:
/// the precision P = Σ_k F_k, the mean m, and a constant that keeps the value right. A context that
/// ends adds
///
/// P' = P + F,  m' = m + F/P' (θ − m),  constant' = constant + Σ_i P F/P' (θ − m)²
///
/// where P' > 0; elsewhere nothing pulls. The linear form P θ − Σ_k F_k θ*_k would cancel at large λ.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `lambda` | 400 | ≥ 0 | strength; slot `lambda` |
/// | `factor` | `Half` | | λ/2 or λ |
/// | `fisher` | exact, all rows, N | | how the Fisher information is measured |
///
/// The paper gives no strength for digits; 400 is what it uses for Atari games (its table of
/// hyper-parameters). Neutral setting: `lambda` = 0. Memory: two numbers per parameter and a scalar.
/// A step costs the same in every context.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ewc {
    /// Strength λ.
    pub lambda: f64,
    /// Whether λ is halved.
    pub factor: Factor,
    /// How the Fisher information is measured.
    pub fisher: Fisher,
}

impl Default for Ewc {
    fn default() -> Self {
        Self { lambda: 400.0, factor: Factor::Half, fisher: Fisher::default() }
    }
}

/// The sum of all quadratics so far.
struct Quadratic<'g> {
    /// P = Σ_k F_k, `[theta]`.
    precision: Var<'g>,
    /// m, `[theta]`.
    mean: Var<'g>,
    /// Σ_k Σ_i F_k (θ*_k)² − Σ_i P m², a scalar.
    constant: Var<'g>,
}

impl Ewc {
    /// As in the code of van de Ven et al. 2022: the Fisher information divided by N − 1. They choose
    /// λ per scenario.
    #[must_use]
    pub fn vdv(lambda: f64) -> Self {
        let fisher = Fisher { divisor: Divisor::NMinusOne, ..Fisher::default() };
        Self { lambda, fisher, ..Self::default() }
    }

    /// As in Avalanche (`EWCPlugin`, mode `separate`): λ without ½, and the Fisher information of
    /// mini-batches, which depends on their size: there, that of training.
    #[must_use]
    pub fn avalanche(lambda: f64, batch: usize) -> Self {
        Self { lambda, factor: Factor::One, fisher: Fisher::avalanche(batch) }
    }

    fn kept<'g>(scope: &Scope<'g>, len: usize) -> Quadratic<'g> {
        Quadratic {
            precision: scope.kept("precision", &[len], Init::Zeros),
            mean: scope.kept("mean", &[len], Init::Zeros),
            constant: scope.kept("constant", &[], Init::Zeros),
        }
    }
}

impl Penalty for Ewc {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let lambda = step.scope.hyper("lambda", self.lambda as f32);
        let Quadratic { precision, mean, constant } = Self::kept(&step.scope, step.layout.len());
        let quadratic = (precision * (step.theta - mean).square()).sum() + constant;
        self.factor.of(lambda) * quadratic
    }
}

impl Consolidate for Ewc {
    fn passes(&self) -> Vec<Pass> {
        vec![self.fisher.pass()]
    }

    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        self.fisher.observe(step);
    }

    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let scope = &boundary.scope;
        let fisher = self.fisher.take(boundary, boundary.examples[0]);
        let Quadratic { precision, mean, constant } = Self::kept(scope, boundary.layout.len());
        let zero = theta.graph().constant(0.0);
        let total = precision + fisher;
        let share = total.greater(zero).select(fisher / total, zero);
        let distance = theta - mean;
        scope.assign("precision", total);
        scope.assign("mean", mean + share * distance);
        scope.assign("constant", constant + (precision * share * distance.square()).sum());
        theta
    }
}

impl Strategy for Ewc {
    fn name(&self) -> String {
        "ewc".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).consolidate(self);
    }

    fn needs(&self) -> Needs {
        Needs { boundaries: true, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        vec![
            ("ewc.lambda".to_owned(), self.lambda.to_string()),
            (
                "ewc.penalty".to_owned(),
                format!("{}, one term per context", self.factor.describe("lambda")),
            ),
            ("ewc.fisher".to_owned(), self.fisher.describe()),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        strength("ewc", "lambda", self.lambda)?;
        self.fisher.check("ewc")
    }
}
