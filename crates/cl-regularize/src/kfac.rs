//! Elastic weight consolidation with Kronecker factors.

use crate::fisher::Divisor;
use crate::kronecker::{Factors, KroneckerFisher};
use crate::range::{expect, strength};
use cl_core::{Boundary, Consolidate, Error, Needs, Parts, Pass, Penalty, Step, Strategy};
use cl_nn::Theta;
use cl_tensor::{Init, Var};

/// Elastic weight consolidation whose Fisher information keeps what parameters of one layer have in
/// common: per linear layer the product of two factors instead of a diagonal.
///
/// L = CE + λ/2 Σ_layers ⟨D, A D G⟩,  D = [W; b] − [W*; b*],  weights `[in, out]`
///
/// and when a context ends, with the [`KroneckerFisher`] A₁, G₁ of its rows,
///
/// A ← γ A + A₁/π,  G ← G + π G₁,  π = √(tr G tr A₁ / (tr G₁ tr γA)),  [W*; b*] ← [W; b]
///
/// Ritter, Botev & Barber 2018 (arXiv 1805.07810), the online Laplace approximation: one anchor, one
/// pair of factors per layer. Theirs sums over contexts exactly, Σ_k ⟨D, A_k D G_k⟩; keeping one
/// product by matching traces is the usual approximation, with the π of Martens & Grosse 2015 (arXiv
/// 1503.05671), and what the code of van de Ven et al. 2022 does. γ multiplies the stored A alone,
/// hence the stored product once. Where one of the pairs has no positive trace the sum is the other.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `lambda` | 1 | ≥ 0 | strength; slot `lambda` |
/// | `gamma` | 1 | [0, 1] | what stays of the past per context; slot `gamma` |
/// | `fisher` | exact, all rows, N | | how the factors are measured |
///
/// λ = 1 is the Laplace approximation itself where contexts have equally many rows, since loss and
/// factors are means over rows; Ritter et al. choose λ by search. **No published figure belongs to
/// this method on van de Ven's benchmark**: their option `--ewc-kfac` is stored under one name and
/// read under another, so it does nothing.
///
/// **Only linear layers are penalised.** Parameters outside of them, such as those of gates, are
/// neither measured nor held; [`crate::Ewc`] beside it holds all. Neutral setting: `lambda` = 0.
/// Memory: (in + 1)² + out² numbers per layer, and an anchor of theta's size. A step multiplies D by
/// both factors, whatever the number of contexts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KfacEwc {
    /// Strength λ.
    pub lambda: f64,
    /// What stays of the past per context, γ.
    pub gamma: f64,
    /// How the factors are measured.
    pub fisher: KroneckerFisher,
}

impl Default for KfacEwc {
    fn default() -> Self {
        Self { lambda: 1.0, gamma: 1.0, fisher: KroneckerFisher::default() }
    }
}

impl KfacEwc {
    /// As in the code of van de Ven et al. 2022. With its `fisher_n = n` the loop sees n + 1 rows and
    /// divides by n; without, all N rows and N.
    #[must_use]
    pub fn vdv(lambda: f64, fisher_n: Option<usize>) -> Self {
        let (rows, divisor) = match fisher_n {
            None => (None, Divisor::N),
            Some(n) => (Some(n.saturating_add(1)), Divisor::NMinusOne),
        };
        let fisher = KroneckerFisher { rows, divisor, ..KroneckerFisher::default() };
        Self { lambda, gamma: 1.0, fisher }
    }
}

/// [W; b], `[in + 1, out]`.
fn with_bias<'g>(theta: Theta<'_, 'g>, weight: &str, bias: &str) -> Var<'g> {
    let bias = theta.get(bias);
    theta.flat.graph().concat(&[theta.get(weight), bias.reshape(&[1, bias.len()])], 0)
}

impl Penalty for KfacEwc {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let (scope, layout) = (&step.scope, step.layout);
        let lambda = scope.hyper("lambda", self.lambda as f32);
        let flat = scope.kept("anchor", &[layout.len()], Init::Zeros);
        let anchor = Theta { flat, layout };
        let of_layers = step.forward.layers.iter().map(|layer| {
            let [now, then] =
                [step.network(), anchor].map(|it| with_bias(it, &layer.weight, &layer.bias));
            let d = now - then;
            let shape = step.network().get(&layer.weight).shape();
            let Factors { a, g } = Factors::kept(scope, &layer.weight, &shape);
            half_quadratic(d, a.matmul(d).matmul(g))
        });
        let sum = of_layers.reduce(|sum, more| sum + more);
        lambda * sum.unwrap_or_else(|| step.graph().constant(0.0))
    }
}

/// ½ ⟨d, m⟩ for m = M d with a symmetric M, whose gradient is m: said outright, because the derivative
/// of ½ ⟨d, M d⟩ would multiply by every factor of M once more on each side.
fn half_quadratic<'g>(d: Var<'g>, m: Var<'g>) -> Var<'g> {
    let product = (d * m.detach()).sum();
    product - 0.5 * product.detach()
}

impl Consolidate for KfacEwc {
    fn passes(&self) -> Vec<Pass> {
        vec![self.fisher.pass()]
    }

    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        self.fisher.observe(step);
    }

    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let scope = &boundary.scope;
        let gamma = scope.hyper("gamma", self.gamma as f32);
        for layer in boundary.layers() {
            let weight = &layer.weight;
            let Factors { a, g } = Factors::kept(scope, &weight.name, &weight.shape);
            let of_context = self.fisher.take(boundary, layer, boundary.examples[0]);
            let sum = Factors { a: gamma * a, g }.plus(of_context);
            sum.keep(scope, &weight.name);
        }
        scope.remember("anchor", theta);
        theta
    }
}

impl Strategy for KfacEwc {
    fn name(&self) -> String {
        "ewc-kfac".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).consolidate(self);
    }

    fn needs(&self) -> Needs {
        Needs { boundaries: true, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let penalty =
            "lambda/2, one anchor, factors summed with matched traces; linear layers only";
        vec![
            ("ewc-kfac.lambda".to_owned(), self.lambda.to_string()),
            ("ewc-kfac.gamma".to_owned(), self.gamma.to_string()),
            ("ewc-kfac.penalty".to_owned(), penalty.to_owned()),
            ("ewc-kfac.fisher".to_owned(), self.fisher.describe()),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        strength("ewc-kfac", "lambda", self.lambda)?;
        let within = (0.0..=1.0).contains(&self.gamma);
        expect(within, "ewc-kfac", "gamma", self.gamma, "a number in [0, 1]")?;
        self.fisher.check("ewc-kfac")
    }
}
