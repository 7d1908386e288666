//! Memory aware synapses.

use crate::factor::Factor;
use crate::range::{expect, strength};
use cl_core::{Boundary, Consolidate, Error, Needs, Parts, Pass, Penalty, Step, Strategy};
use cl_tensor::{Init, Scope, Var};
use std::ops::Range;

/// Of what function of the logits z the gradient is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Norm {
    /// ‖z‖², as the paper.
    #[default]
    Squared,
    /// ‖z‖, as FACIL; its derivative at z = 0 is taken as 0.
    Plain,
}

/// Which logits count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Logits {
    /// Those that compete for the row: of its context's head where there are several.
    #[default]
    Active,
    /// All, as FACIL, which joins all heads.
    All,
}

/// Whose gradients the absolute values are taken of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gradients {
    /// Ω = 1/N Σ_x |∂ f(x)|, as the paper.
    #[default]
    PerExample,
    /// Ω = 1/N Σ_batches |∂ Σ_x f(x)| over b consecutive rows, as the authors' released code (b = 200)
    /// and FACIL: signs cancel within a batch, so **it depends on b**.
    BatchSum(usize),
    /// Ω = 1/batches Σ_batches |∂ mean_x f(x)|, as Avalanche: the same but for a smaller last batch,
    /// which counts in full.
    BatchMean(usize),
}

/// How the importance of a context joins that of the past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accumulation {
    /// Ω ← Ω + Ω_t, as the paper.
    #[default]
    Sum,
    /// Ω ← Ω_1 first, then α Ω + (1 − α) Ω_t, as Avalanche.
    Average,
    /// Ω ← α Ω + (1 − α) Ω_t from Ω = 0 on, as FACIL: (1 − α) Ω_1 after the first context.
    AverageFromZero,
}

/// Whether the last linear layer of the network is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputLayer {
    /// Its importance is 0, as in the paper, its code and FACIL: the head is not penalised.
    #[default]
    Free,
    /// Its importance counts like any other, as in Avalanche.
    Held,
}

/// Memory aware synapses: a parameter is important if the output is sensitive to it. No labels are
/// read.
///
/// L = CE + λ Σ_i Ω_i (θ_i − θ*_i)², without ½;
/// Ω_i ← Ω_i + 1/N Σ_x |∂ ‖z(x)‖² / ∂θ_i| over the N rows of a context, θ* ← θ when it ends.
///
/// Aljundi et al. 2018, arXiv 1711.09601, eq. 2 to 4.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `lambda` | 1 | ≥ 0 | strength; slot `lambda` |
/// | `alpha` | 0.5 | [0, 1] | what stays of the past in an average, unused by `Sum`; slot `alpha` |
/// | `factor` | `One` | | λ or λ/2 |
/// | `norm` | `Squared` | | ‖z‖² or ‖z‖ |
/// | `logits` | `Active` | | which logits count |
/// | `gradients` | `PerExample` | batches of at least 1 | whose gradients |
/// | `accumulation` | `Sum` | | how contexts add up |
/// | `output_layer` | `Free` | | whether the last linear layer is held |
///
/// λ = 1 is what the paper uses for object recognition. Neutral setting: `lambda` = 0. Memory: Ω and
/// θ*, two numbers per parameter. A step costs the same in every context.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mas {
    /// Strength λ.
    pub lambda: f64,
    /// What stays of the past in an average, α.
    pub alpha: f64,
    /// Whether λ is halved.
    pub factor: Factor,
    /// Of what function of the logits the gradient is taken.
    pub norm: Norm,
    /// Which logits count.
    pub logits: Logits,
    /// Whose gradients the absolute values are taken of.
    pub gradients: Gradients,
    /// How the importance of a context joins that of the past.
    pub accumulation: Accumulation,
    /// Whether the last linear layer is held.
    pub output_layer: OutputLayer,
}

impl Default for Mas {
    fn default() -> Self {
        Self {
            lambda: 1.0,
            alpha: 0.5,
            factor: Factor::One,
            norm: Norm::Squared,
            logits: Logits::Active,
            gradients: Gradients::PerExample,
            accumulation: Accumulation::Sum,
            output_layer: OutputLayer::Free,
        }
    }
}

/// Σ over rows or batches seen so far, `[theta]`; 0 outside of a boundary.
const SUM: &str = "sensitivity_sum";
/// Batches seen so far, where they count; 0 outside of a boundary.
const BATCHES: &str = "batches";

impl Mas {
    /// As the authors' released code (MAS-Memory-Aware-Synapses): the gradient of a whole batch. It
    /// equals the paper with `batch` = 1; otherwise the code takes 200. (Its weight decay by the sign
    /// of θ belongs to the optimiser and is left out.)
    #[must_use]
    pub fn authors(lambda: f64, batch: usize) -> Self {
        Self { lambda, gradients: Gradients::BatchSum(batch), ..Self::default() }
    }

    /// As Avalanche (`MASPlugin`): mean gradients of batches, a running average, the head held. Its
    /// defaults: λ = 1, α = 0.5.
    #[must_use]
    pub fn avalanche(lambda: f64, alpha: f64, batch: usize) -> Self {
        Self {
            lambda,
            alpha,
            gradients: Gradients::BatchMean(batch),
            accumulation: Accumulation::Average,
            output_layer: OutputLayer::Held,
            ..Self::default()
        }
    }

    /// As FACIL (`mas.py`): ‖z‖ of all heads, whole batches, a running average from 0, λ/2. Its
    /// defaults: λ = 1, α = 0.5. (It leaves a smaller last batch out; here it counts.)
    #[must_use]
    pub fn facil(lambda: f64, alpha: f64, batch: usize) -> Self {
        Self {
            lambda,
            alpha,
            factor: Factor::Half,
            norm: Norm::Plain,
            logits: Logits::All,
            gradients: Gradients::BatchSum(batch),
            accumulation: Accumulation::AverageFromZero,
            output_layer: OutputLayer::Free,
        }
    }

    /// f(x) of each row, `[rows]`.
    fn output<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let squares = step.forward.logits.square();
        let squares = match (self.logits, step.active) {
            (Logits::Active, Some(active)) => squares * active,
            _ => squares,
        };
        let squared = squares.sum_axis(1);
        match self.norm {
            Norm::Squared => squared,
            // Where z = 0 the larger one is constant, so its derivative is 0 and not 0 · ∞.
            Norm::Plain => squared.maximum(squared.graph().constant(1e-30)).sqrt(),
        }
    }

    fn batch(&self) -> Option<usize> {
        match self.gradients {
            Gradients::PerExample => None,
            Gradients::BatchSum(batch) | Gradients::BatchMean(batch) => Some(batch),
        }
    }
}

/// Ω, `[theta]`.
fn omega<'g>(scope: &Scope<'g>, len: usize) -> Var<'g> {
    scope.kept("omega", &[len], Init::Zeros)
}

/// `[theta]` with zeros in these ranges, which are in order.
fn without<'g>(flat: Var<'g>, ranges: &[Range<usize>]) -> Var<'g> {
    let (graph, mut parts, mut end) = (flat.graph(), Vec::new(), 0);
    for range in ranges {
        if range.start > end {
            parts.push(flat.slice(0, end..range.start));
        }
        parts.push(graph.full(&[range.len()], 0.0));
        end = range.end;
    }
    if end < flat.len() {
        parts.push(flat.slice(0, end..flat.len()));
    }
    graph.concat(&parts, 0)
}

impl Penalty for Mas {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let lambda = step.scope.hyper("lambda", self.lambda as f32);
        let omega = omega(&step.scope, step.layout.len());
        let anchor = step.scope.kept("anchor", &[step.layout.len()], Init::Zeros);
        self.factor.of(lambda) * (omega * (step.theta - anchor).square()).sum()
    }
}

impl Consolidate for Mas {
    fn passes(&self) -> Vec<Pass> {
        vec![Pass { chunk: self.batch(), ..Pass::default() }]
    }

    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        let (graph, output) = (step.graph(), self.output(step));
        let of_batch = || graph.grad((output * step.weight).sum(), step.theta).abs();
        let sensitivity = match self.gradients {
            Gradients::PerExample => graph.grad_abs_rows(&[(output, step.weight)], step.theta),
            Gradients::BatchSum(_) => of_batch(),
            // A batch has at least one row: one without is not observed.
            Gradients::BatchMean(_) => of_batch() / step.weight.sum().maximum(graph.constant(1.0)),
        };
        step.scope.accumulate(SUM, sensitivity);
        if matches!(self.gradients, Gradients::BatchMean(_)) {
            step.scope.accumulate(BATCHES, graph.constant(1.0));
        }
    }

    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let (scope, len, graph) = (&boundary.scope, boundary.layout.len(), theta.graph());
        let count = match self.gradients {
            Gradients::BatchMean(_) => scope.take(BATCHES, &[]),
            _ => boundary.examples[0],
        };
        let mut of_context = scope.take(SUM, &[len]) / count.maximum(graph.constant(1.0));
        if let (OutputLayer::Free, Some(last)) = (self.output_layer, boundary.layers().last()) {
            let mut ranges = [last.weight.floats(), last.bias.floats()];
            ranges.sort_by_key(|range| range.start);
            of_context = without(of_context, &ranges);
        }
        let omega = omega(scope, len);
        scope.kept("anchor", &[len], Init::Zeros);
        let average = |alpha: Var<'g>| alpha * omega + (1.0 - alpha) * of_context;
        let alpha = || scope.hyper("alpha", self.alpha as f32);
        let importance = match self.accumulation {
            Accumulation::Sum => omega + of_context,
            Accumulation::AverageFromZero => average(alpha()),
            Accumulation::Average => {
                let first = boundary.index.equal_index(graph.iota(1)).reshape(&[]);
                average((1.0 - first) * alpha())
            }
        };
        scope.assign("omega", importance);
        scope.assign("anchor", theta);
        theta
    }
}

impl Strategy for Mas {
    fn name(&self) -> String {
        "mas".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).consolidate(self);
    }

    fn needs(&self) -> Needs {
        Needs { boundaries: true, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let norm = match self.norm {
            Norm::Squared => "squared norm",
            Norm::Plain => "norm",
        };
        let logits = match self.logits {
            Logits::Active => "the active logits",
            Logits::All => "all logits",
        };
        let gradients = match self.gradients {
            Gradients::PerExample => "per example, mean over rows".to_owned(),
            Gradients::BatchSum(batch) => format!("sum over batches of {batch}, divided by rows"),
            Gradients::BatchMean(batch) => format!("mean over batches of {batch}, mean of batches"),
        };
        let alpha = self.alpha;
        let accumulation = match self.accumulation {
            Accumulation::Sum => "sum".to_owned(),
            Accumulation::Average => format!("average, alpha {alpha}, from the first importance"),
            Accumulation::AverageFromZero => format!("average, alpha {alpha}, from 0"),
        };
        let output_layer = match self.output_layer {
            OutputLayer::Free => "not penalised",
            OutputLayer::Held => "penalised",
        };
        vec![
            ("mas.lambda".to_owned(), self.lambda.to_string()),
            ("mas.penalty".to_owned(), self.factor.describe("lambda")),
            ("mas.importance".to_owned(), format!("{norm} of {logits}, {gradients}")),
            ("mas.accumulation".to_owned(), accumulation),
            ("mas.output-layer".to_owned(), output_layer.to_owned()),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        strength("mas", "lambda", self.lambda)?;
        let within = (0.0..=1.0).contains(&self.alpha);
        expect(within, "mas", "alpha", self.alpha, "a number in [0, 1]")?;
        expect(self.batch() != Some(0), "mas", "batch", 0.0, "at least 1")
    }
}
