//! Streaming linear discriminant analysis.

use crate::features::Features;
use crate::linear;
use crate::problem::Problem;
use crate::range::{expect, positive};
use crate::running::{
    self, ByClass, COUNTS, MEANS, mean, of_known, outputs, update_counts, update_means,
};
use cl_core::{
    Boundary, Consolidate, Error, GradientMap, Needs, Now, Parts, Pass, Readout, SlotStore, Step,
    Strategy,
};
use cl_tensor::{Init, Var};
use faer::Scale;

/// Streaming linear discriminant analysis: a mean per class and one covariance, row by row.
///
/// Hayes & Kanan 2020, "Lifelong machine learning with deep streaming linear discriminant analysis"
/// (arXiv 1909.01520), eq. 2 and 3, and the authors' code (tyler-hayes/Deep_SLDA). After n rows, for the
/// next row x of class y, with the *old* mean:
///
/// Σ ← (n Σ + n/(n+1) (x − μ_y)(x − μ_y)ᵀ) / (n + 1),  μ_y ← μ_y + (x − μ_y) / (c_y + 1)
///
/// Scores: Λ = [(1 − ε) Σ + ε I]⁻¹, w_c = Λ μ_c, b_c = −½ μ_cᵀ Λ μ_c, f · w_c + b_c: no class prior.
/// −1e30 for a class of which no row was seen. The mean of a class is 0 before its first row, so that
/// row enters the covariance with its whole length, as in the authors' code.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `features` | `FirstContext` | | of which network; structure |
/// | `shrinkage` | 1e-4 | (0, 1] | ε; slot `shrinkage` |
///
/// Conventions. Every row is seen once, when its context ends, in the order of the data set's examples;
/// what the order does to Σ falls as 1/n. A chunk of rows is one product: each row's old mean and n
/// follow from the rows before it in the chunk. The authors start from a base phase with the
/// covariance of Chen et al. 2010 (OAS); here the stream is all there is. Neutral setting: none.
///
/// Slots: `shrinkage`; kept `sigma`, `[width, width]`, `means`, `[classes, width]`, `counts`,
/// `[classes]`; made of them at each boundary by Cholesky's factors in f64 `weights`, `[width, classes]`,
/// and `bias`. Nothing grows with the number of contexts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slda {
    /// Of which network.
    pub features: Features,
    /// ε: how much of the covariance is the identity.
    pub shrinkage: f32,
}

impl Default for Slda {
    fn default() -> Self {
        Self { features: Features::default(), shrinkage: 1e-4 }
    }
}

const SIGMA: &str = "sigma";
const SHRINKAGE: &str = "shrinkage";
const WEIGHTS: &str = "weights";
const BIAS: &str = "bias";

impl Slda {
    fn discriminant(self, slots: &SlotStore<'_>) -> Result<[Vec<f32>; 2], Problem> {
        let (counts, means) = (slots.read(COUNTS)?, slots.read(MEANS)?);
        let classes = counts.len();
        let width = means.len() / classes.max(1);
        let epsilon = f64::from(slots.read(SHRINKAGE)?[0]);
        let sigma = linear::matrix(&slots.read(SIGMA)?, width, width)? * Scale(1.0 - epsilon);
        let means = linear::matrix(&means, classes, width)?;
        let weights = linear::ridge(&sigma, epsilon, &means.transpose().to_owned())?;
        let bias = (0..classes).map(|class| {
            let terms = (0..width).map(|j| means[(class, j)] * weights[(j, class)]);
            (-0.5 * terms.sum::<f64>()) as f32
        });
        Ok([linear::values(&weights), bias.collect()])
    }
}

impl GradientMap for Slda {
    fn delta<'g>(&self, step: &Step<'_, 'g>, delta: Var<'g>) -> Var<'g> {
        self.features.delta(delta, || running::seen(step))
    }
}

impl Consolidate for Slda {
    fn passes(&self) -> Vec<Pass> {
        vec![Pass::default()]
    }

    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        let (graph, x, rows) = (step.graph(), self.features.of(step), ByClass::of(step));
        let [count, width] = [x.shape()[0], x.shape()[1]];
        let counts = running::counts(&step.scope, outputs(step));
        let means = update_means(step, MEANS, x, &rows);
        update_counts(step, &rows);
        // 1 where row j stands before row i, and where it is of its class too.
        let place = graph.iota(count).to_float();
        let before = place.column().greater(place) * rows.present;
        let of_class = before * rows.one_hot.matmul(rows.one_hot.t());
        let of_class_so_far = (rows.one_hot * counts).sum_axis(1) + of_class.sum_axis(1);
        let sums = rows.one_hot.matmul(means * counts.column()) + of_class.matmul(x);
        let so_far = counts.sum() + before.sum_axis(1);
        let weight = rows.present * so_far / (so_far + 1.0);
        // One operand on both sides: the sum is symmetric to the bit.
        let deviation = (x - mean(sums, of_class_so_far)) * weight.sqrt().column();
        let sigma = step.scope.kept(SIGMA, &[width, width], Init::Zeros);
        let (old, new) = (counts.sum(), rows.present.sum());
        let total = (old + new).maximum(graph.constant(1.0));
        step.scope.assign(SIGMA, (old * sigma + deviation.t().matmul(deviation)) / total);
    }

    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        // For the host, which reads it.
        at.scope.hyper(SHRINKAGE, self.shrinkage);
        theta
    }

    fn end_context(&self, now: Now, slots: &mut SlotStore<'_>) -> Result<(), Error> {
        let found = self.discriminant(slots);
        let [weights, bias] =
            found.map_err(|problem| problem.at("slda", now, "inverse of the covariance"))?;
        slots.write(WEIGHTS, &weights)?;
        slots.write(BIAS, &bias)
    }
}

impl Readout for Slda {
    fn scores<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let (x, classes) = (self.features.of(step), outputs(step));
        let weights = step.scope.slot(WEIGHTS, &[x.shape()[1], classes], Init::Zeros);
        let bias = step.scope.slot(BIAS, &[classes], Init::Zeros);
        of_known(running::counts(&step.scope, classes), x.matmul(weights) + bias)
    }
}

impl Strategy for Slda {
    fn name(&self) -> String {
        "slda".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        if self.features.freezes() {
            parts.gradient_map(self);
        }
        parts.consolidate(self).readout(self);
    }

    fn needs(&self) -> Needs {
        Needs { moments: true, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let order = "each row once, when its context ends, in the order of examples";
        vec![
            ("slda.features".to_owned(), self.features.to_string()),
            ("slda.shrinkage".to_owned(), self.shrinkage.to_string()),
            ("slda.stream".to_owned(), order.to_owned()),
            ("slda.start".to_owned(), "none: no base phase".to_owned()),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        positive("slda", "shrinkage", self.shrinkage)?;
        let value = f64::from(self.shrinkage);
        expect(value <= 1.0, "slda", "shrinkage", value, "a fraction in (0, 1]")
    }
}
