//! Functional regularisation of the memorable past.

mod boundary;
mod kernel;
mod memory;
mod rows;

pub use memory::memorable;

use crate::fisher::{Divisor, Estimate, Fisher};
use crate::range::{expect, strength};
use cl_core::{Error, GradientMap, Needs, Parts, Penalty, Step, Strategy};
use cl_nn::clip_norm;
use cl_tensor::{Init, Scope, Var};
use memory::Memorable;
use rows::label_set;

/// What weighs differences of function values on the memorable points of a context.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kernel {
    /// K = J Σ Jᵀ + jitter I of every class, with Σ = 1 / (F + delta): `fromp`.
    Functional {
        /// δ, the precision of the prior over parameters; slot `delta`.
        delta: f64,
        /// What is added to the diagonal of K; slot `jitter`.
        jitter: f64,
    },
    /// K = I, without Fisher information: `fromp-l2`.
    Identity,
}

/// What τ multiplies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// g = (1/τ) ∇task + Σ Jᵀ K⁻¹ (m − m_old), as the authors do.
    #[default]
    TaskOverTau,
    /// g = ∇task + τ Σ Jᵀ K⁻¹ (m − m_old), as the code of van de Ven et al. 2022 does.
    TauOnMemory,
}

/// Functional regularisation of the memorable past: on a few points of every context that has ended,
/// the probabilities stay what they were.
///
/// g = clip((1/τ) ∇CE + Σ_t Σ_c J_{t,c}ᵀ K_{t,c}⁻¹ (m_{t,c} − m_{t,c}^old))
///
/// Pan et al. 2020, "Continual Deep Learning by Functional Regularisation of Memorable Past", eq. 10
/// and algorithm 1 (arXiv 2004.14070). m_{t,c} are the probabilities of class c on the memorable points
/// of context t, J_{t,c} their derivative by the parameters; c goes over the outputs that compete in
/// context t. The sum over classes and contexts is one backward pass: it is the gradient of
/// ½ Σ dᵀ K⁻¹ d, d = m − m_old, K constant.
///
/// When a context ends
///
/// * its memorable points are chosen: of every class the `per_class` rows with the highest
///   Σ_c s_c (1 − s_c), s the softmax ([`memorable`]); they stay for good;
/// * F ← F + Σ_x diag(Jᵀ (diag(s) − s sᵀ) J), J of the logits, over all its rows: this is the exact
///   [`Fisher`] information, Σ_x Σ_c s_c (∂ log s_c)², summed and not averaged;
/// * with Σ = 1 / (F + δ), of every context that has ended so far m^old and
///   K_c = J_c Σ J_cᵀ + jitter I are measured anew, in 64 bits, and K_c⁻¹ by its Cholesky factor is
///   kept. A kernel without one gets ten times the jitter, up to 10⁴ times; then it is an error that
///   names context and class. Slot `jitter_used` holds the largest of the boundary.
///
/// A step looks at ⌈batch / (t − 1)⌉ random points of every past context; of K⁻¹ it takes the
/// sub-block, which is not the inverse of the sub-block (as van de Ven et al. 2022 do; the authors
/// visit every point in every step). The task loss that is reported excludes all of this.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `tau` | 10 | > 0 (`TaskOverTau`), ≥ 0 | balance of task and memory; slot `tau` |
/// | `per_class` | 20 | ≥ 1 | memorable points of every class of a context |
/// | `balance` | `TaskOverTau` | | what τ multiplies |
/// | `clip` | 1 | > 0, or none | largest norm of the gradient; slot `max_norm` |
/// | `kernel` | `Functional` | | what weighs differences |
/// | `kernel.delta` | 1e-3 | > 0 | precision of the prior; slot `delta` |
/// | `kernel.jitter` | 1e-5 | > 0 | on the diagonal of K; slot `jitter` |
///
/// Defaults are those of the authors' code (team-approx-bayes/fromp; τ and the 40 points of a context
/// for split MNIST, where that script clips to 0.1 and has jitter 1e-6). They also zero Adam's moments
/// in every context: that is the run's setting `reset_optimizer`, which [`Fromp::vdv`] leaves off.
///
/// Neutral setting: τ = 0 under `TauOnMemory` without `clip`; the authors' form has none, as the task
/// gradient itself is scaled.
///
/// Slots, with T contexts, n the most points of a context, C the most outputs that compete for a row:
/// `fisher` `[theta]`, `anchor` `[T n, C]` (m^old), `units` u32 `[T, C]` (which outputs),
/// `inverse` `[T n, n C]` (K⁻¹); `fromp-l2` has `anchor` and `units` alone. So memory is
/// T n² C numbers, 8 MB for split MNIST with 100 points per class and ten competing outputs.
///
/// Does a step grow with the number of contexts? Its rows do not (but for rounding up; it is at least
/// one of each past context). Its classes do not: there are as many as outputs compete, which in a
/// class-incremental stream are all of them, as in the definition. The boundary does: kernels of all
/// past contexts are made anew. Its cost per context is n²/2 multiplications per weight, whatever the
/// number of classes; a member needs C floats per hidden unit and point at that moment.
///
/// Every parameter has to belong to a linear layer; others are refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fromp {
    /// τ.
    pub tau: f64,
    /// Memorable points of every class of a context.
    pub per_class: usize,
    /// What τ multiplies.
    pub balance: Balance,
    /// The largest norm of the total gradient.
    pub clip: Option<f64>,
    /// What weighs differences.
    pub kernel: Kernel,
}

impl Default for Fromp {
    fn default() -> Self {
        Self {
            tau: 10.0,
            per_class: 20,
            balance: Balance::TaskOverTau,
            clip: Some(1.0),
            kernel: Kernel::Functional { delta: 1e-3, jitter: 1e-5 },
        }
    }
}

/// The rehearsal of memorable points.
const MEMORY: &str = "memory";
const NAME: &str = "fromp";
const NAME_L2: &str = "fromp-l2";

impl Fromp {
    /// As in the code of van de Ven et al. 2022: τ on the memory's part, 100 points of every class,
    /// jitter 1e-6, clipped to norm 1. They choose τ per scenario.
    #[must_use]
    pub fn vdv(tau: f64) -> Self {
        let kernel = Kernel::Functional { delta: 1e-3, jitter: 1e-6 };
        Self { tau, per_class: 100, balance: Balance::TauOnMemory, kernel, ..Self::default() }
    }

    /// `fromp-l2`: the same without kernels, K = I (the ablation of Pan et al. 2020, section 4).
    #[must_use]
    pub fn l2(self) -> Self {
        Self { kernel: Kernel::Identity, ..self }
    }

    fn plain_name(&self) -> &'static str {
        match self.kernel {
            Kernel::Functional { .. } => NAME,
            Kernel::Identity => NAME_L2,
        }
    }

    /// n: the most memorable points of one context.
    fn per_context(&self, around: cl_core::Around<'_>) -> usize {
        self.per_class * around.classes_per_context
    }

    fn anchors<'g>(&self, scope: &Scope<'g>, around: cl_core::Around<'_>) -> [Var<'g>; 2] {
        let (contexts, outputs) = (around.contexts, around.competing);
        let cells = contexts * self.per_context(around);
        [
            scope.kept("anchor", &[cells, outputs], Init::Zeros),
            scope.kept_u32("units", &[contexts, outputs], Init::Zeros),
        ]
    }

    /// K⁻¹ by point, `[T n, n C]`.
    fn inverse<'g>(&self, scope: &Scope<'g>, around: cl_core::Around<'_>) -> Var<'g> {
        let n = self.per_context(around);
        scope.kept("inverse", &[around.contexts * n, n * around.competing], Init::Zeros)
    }
}

/// Sums over a context's rows; FROMP does not average.
const FISHER: Fisher = Fisher { estimate: Estimate::Exact, rows: None, divisor: Divisor::N };

impl Penalty for Fromp {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let (scope, around) = (&step.scope, step.around());
        let (memory, cells) = (step.rows(MEMORY), step.cells(MEMORY));
        let [anchor, units] = self.anchors(scope, around);
        let now = label_set(memory.forward.logits, units.gather(memory.context));
        let present = memory.weight.greater(step.graph().constant(0.0)).column();
        let d = (now - anchor.gather(cells)) * present;
        let pull = match self.kernel {
            Kernel::Identity => d,
            Kernel::Functional { .. } => {
                let [rows, outputs] = d.shape()[..] else { return d.sum() };
                let (contexts, n) = (around.contexts, self.per_context(around));
                let inverse = self.inverse(scope, around).gather(cells);
                // d over all points of a context, 0 where the step does not look.
                let all = d.scatter_add(cells, contexts * n).reshape(&[contexts, n * outputs]);
                let products = inverse * all.gather(memory.context);
                products.reshape(&[rows, n, outputs]).sum_axis(1)
            }
        };
        // K is symmetric: the derivative of ½ dᵀ K⁻¹ d is that of d K⁻¹ d with K⁻¹ d taken as given.
        let product = (d * pull.detach()).sum();
        let half = product - 0.5 * product.detach();
        match self.balance {
            Balance::TaskOverTau => half,
            Balance::TauOnMemory => scope.hyper("tau", self.tau as f32) * half,
        }
    }
}

impl GradientMap for Fromp {
    fn task<'g>(&self, step: &Step<'_, 'g>, gradient: Var<'g>) -> Var<'g> {
        match self.balance {
            Balance::TaskOverTau => gradient / step.scope.hyper("tau", self.tau as f32),
            Balance::TauOnMemory => gradient,
        }
    }

    fn total<'g>(&self, step: &Step<'_, 'g>, gradient: Var<'g>) -> Var<'g> {
        match self.clip {
            None => gradient,
            Some(norm) => clip_norm(gradient, step.scope.hyper("max_norm", norm as f32)),
        }
    }
}

impl Strategy for Fromp {
    fn name(&self) -> String {
        self.plain_name().to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).gradient_map(self).consolidate(self);
        parts.rehearse_apart(MEMORY, |member| Ok(Box::new(Memorable::new(self.per_class, member))));
    }

    fn needs(&self) -> Needs {
        Needs { boundaries: true, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let balance = match self.balance {
            Balance::TaskOverTau => "gradient of the task / tau + memory",
            Balance::TauOnMemory => "gradient of the task + tau * memory",
        };
        let kernel = match self.kernel {
            Kernel::Functional { delta, jitter } => format!(
                "J Sigma J' + {jitter} I per class, Sigma = 1 / (Fisher + {delta}), Fisher exact, \
                 summed over all rows; sub-block of the inverse"
            ),
            Kernel::Identity => "I".to_owned(),
        };
        let points = format!("{} per class, highest sum of s (1 - s)", self.per_class);
        let clip = self.clip.map_or("none".to_owned(), |norm| format!("norm {norm}"));
        let all = [
            ("tau", self.tau.to_string()),
            ("balance", balance.to_owned()),
            ("points", points),
            ("kernel", kernel),
            ("clip", clip),
        ];
        let name = self.plain_name();
        all.into_iter().map(|(what, value)| (format!("{name}.{what}"), value)).collect()
    }

    fn check(&self) -> Result<(), Error> {
        let name = self.plain_name();
        let positive = |what: &'static str, value: f64| {
            let single = value as f32;
            let fits = single.is_finite() && single > 0.0;
            expect(fits, name, what, value, "a finite number above 0")
        };
        match self.balance {
            Balance::TaskOverTau => positive("tau", self.tau)?,
            Balance::TauOnMemory => strength(name, "tau", self.tau)?,
        }
        expect(self.per_class > 0, name, "per_class", 0.0, "at least 1")?;
        self.clip.map_or(Ok(()), |norm| positive("clip", norm))?;
        match self.kernel {
            Kernel::Identity => Ok(()),
            Kernel::Functional { delta, jitter } => {
                positive("delta", delta)?;
                positive("jitter", jitter)
            }
        }
    }
}
