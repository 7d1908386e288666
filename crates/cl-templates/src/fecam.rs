//! `FeCAM`: the Mahalanobis distance of each class.

use crate::features::Features;
use crate::linear;
use crate::problem::Problem;
use crate::range::{at_least_zero, positive};
use crate::running::{
    self, ByClass, COUNTS, MEANS, mean, of_known, outputs, update_counts, update_means,
};
use cl_core::{
    Boundary, Consolidate, Error, GradientMap, Needs, Now, Parts, Pass, Readout, SlotStore, Step,
    Strategy,
};
use cl_tensor::{Init, Var};
use faer::Mat;

/// `FeCAM`: a mean and a covariance per class, and the Mahalanobis distance.
///
/// Goswami, Liu, Twardowski & van de Weijer 2023, "`FeCAM`: exploiting the heterogeneity of class
/// distributions in exemplar-free continual learning" (arXiv 2309.14062), eq. 4 to 9, and the authors'
/// code (dipamgoswami/FeCAM), for features f ≥ 0:
/// - Tukey's transform t(f) = f^β; Σ_c the covariance (N − 1) of t(f) over the rows of class c;
/// - shrinkage, `times` times over: Σ + α₁ mean(diag Σ) I + α₂ mean(off-diagonal of Σ that is not 0) (1 − I);
/// - to correlations: Σ_ij / (σ_i σ_j), P_c its pseudo-inverse;
/// - distance d = (u − m_c)ᵀ P_c (u − m_c), u = t(f/‖f‖) and m_c = t(μ_c), both at length 1, μ_c the mean
///   of the features before Tukey's transform. The smallest wins: the score is −d, and −1e30 for a class
///   of which no row was seen.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `features` | `FirstContext` | | of which network; structure |
/// | `beta` | 0.5 | > 0 | β; slot `beta` |
/// | `alpha1` | 1 | ≥ 0 | α₁, of the diagonal; slot `alpha1` |
/// | `alpha2` | 1 | ≥ 0 | α₂, of what is beside it; slot `alpha2` |
/// | `times` | 2 | | how often Σ is shrunk; structure |
///
/// Defaults are the authors' for a `ResNet`; for a vision transformer they take (1, 0), once. Features
/// below 0 count as 0. In the authors' code the first context is classified by the distance to the
/// weights of its cosine classifier; here by the same rule as all others. A class that returns goes on with its
/// mean and covariance, which are kept up row by row (Chan, Golub & `LeVeque` 1983, eq. 2.1). Neutral
/// setting: none.
///
/// Slots: `beta`, `alpha1`, `alpha2`; kept `counts`, `[classes]`, `means` and `transformed`,
/// `[classes, width]`, `scatter`, `[classes, width, width]`; made of them at each boundary
/// `precision`, `[classes, width, width]`. Memory grows with classes, not with contexts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fecam {
    /// Of which network.
    pub features: Features,
    /// β of Tukey's transform.
    pub beta: f32,
    /// α₁: shrinkage of the diagonal.
    pub alpha1: f32,
    /// α₂: shrinkage of what is beside the diagonal.
    pub alpha2: f32,
    /// How often the covariance is shrunk.
    pub times: usize,
}

impl Default for Fecam {
    fn default() -> Self {
        Self { features: Features::default(), beta: 0.5, alpha1: 1.0, alpha2: 1.0, times: 2 }
    }
}

const TRANSFORMED: &str = "transformed";
const SCATTER: &str = "scatter";
const PRECISION: &str = "precision";

/// f^β for f > 0, else 0.
fn tukey<'g>(f: Var<'g>, beta: Var<'g>) -> Var<'g> {
    let (zero, one) = (f.graph().constant(0.0), f.graph().full(&f.shape(), 1.0));
    let above = f.greater(zero);
    above.select((above.select(f, one).log() * beta).exp(), f.graph().full(&f.shape(), 0.0))
}

/// Σ shrunk once.
fn shrink(sigma: &Mat<f64>, [alpha1, alpha2]: [f64; 2]) -> Mat<f64> {
    let n = sigma.nrows();
    let diagonal = (0..n).map(|i| sigma[(i, i)]).sum::<f64>() / n.max(1) as f64;
    let beside = (0..n).flat_map(|i| (0..n).filter(move |&j| j != i).map(move |j| (i, j)));
    let (sum, count) = beside
        .map(|at| sigma[at])
        .filter(|&value| value != 0.0)
        .fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    let beside = sum / count.max(1) as f64;
    Mat::from_fn(n, n, |i, j| {
        sigma[(i, j)] + if i == j { alpha1 * diagonal } else { alpha2 * beside }
    })
}

/// Σ_ij / (σ_i σ_j); 0 where a feature never varies.
fn correlation(sigma: &Mat<f64>) -> Mat<f64> {
    let n = sigma.nrows();
    let scale: Vec<f64> = (0..n)
        .map(|i| if sigma[(i, i)] > 0.0 { 1.0 / sigma[(i, i)].sqrt() } else { 0.0 })
        .collect();
    Mat::from_fn(n, n, |i, j| sigma[(i, j)] * scale[i] * scale[j])
}

impl Fecam {
    fn precisions(self, slots: &SlotStore<'_>) -> Result<Vec<f32>, Problem> {
        let (counts, scatter) = (slots.read(COUNTS)?, slots.read(SCATTER)?);
        let width = slots.read(TRANSFORMED)?.len() / counts.len().max(1);
        let alpha = [slots.read("alpha1")?[0], slots.read("alpha2")?[0]].map(f64::from);
        let mut all = Vec::with_capacity(scatter.len());
        for (&count, scatter) in counts.iter().zip(scatter.chunks_exact((width * width).max(1))) {
            if count == 0.0 {
                all.extend(scatter.iter().map(|_| 0.0));
                continue;
            }
            let scatter = linear::matrix(scatter, width, width)?;
            let divisor = f64::from(count - 1.0).max(1.0);
            let sigma = Mat::from_fn(width, width, |i, j| scatter[(i, j)] / divisor);
            let sigma = (0..self.times).fold(sigma, |sigma, _| shrink(&sigma, alpha));
            all.extend(linear::values(&linear::pseudo_inverse(&correlation(&sigma))?));
        }
        Ok(all)
    }
}

impl GradientMap for Fecam {
    fn delta<'g>(&self, step: &Step<'_, 'g>, delta: Var<'g>) -> Var<'g> {
        self.features.delta(delta, || running::seen(step))
    }
}

impl Consolidate for Fecam {
    fn passes(&self) -> Vec<Pass> {
        vec![Pass::default()]
    }

    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        let (f, rows) = (self.features.of(step), ByClass::of(step));
        let t = tukey(f, step.scope.hyper("beta", self.beta));
        let [count, width, classes] = [f.shape()[0], f.shape()[1], outputs(step)];
        let old = running::counts(&step.scope, classes);
        update_means(step, MEANS, f, &rows);
        let before = update_means(step, TRANSFORMED, t, &rows);
        update_counts(step, &rows);
        // About the chunk's own mean, then that mean about the old one.
        let own = mean(rows.one_hot.t().matmul(t), rows.counts);
        let centred = t - rows.one_hot.matmul(own);
        let per_class = rows.one_hot.t().reshape(&[classes, count, 1])
            * centred.reshape(&[1, count, width]).expand(&[classes, count, width]);
        let within = per_class.t().matmul(per_class);
        let between = old * rows.counts / (old + rows.counts).maximum(f.graph().constant(1.0));
        let apart = (own - before) * between.sqrt().column();
        let apart = apart.reshape(&[classes, width, 1]) * apart.reshape(&[classes, 1, width]);
        let scatter = step.scope.kept(SCATTER, &[classes, width, width], Init::Zeros);
        step.scope.assign(SCATTER, scatter + within + apart);
    }

    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        // For the host, which reads them.
        at.scope.hyper("alpha1", self.alpha1);
        at.scope.hyper("alpha2", self.alpha2);
        theta
    }

    fn end_context(&self, now: Now, slots: &mut SlotStore<'_>) -> Result<(), Error> {
        let found = self.precisions(slots);
        let what = "inverse of a class's correlations";
        slots.write(PRECISION, &found.map_err(|problem| problem.at("fecam", now, what))?)
    }
}

impl Readout for Fecam {
    fn scores<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let (f, classes, beta) =
            (self.features.of(step), outputs(step), step.scope.hyper("beta", self.beta));
        let [count, width] = [f.shape()[0], f.shape()[1]];
        let means = step.scope.kept(MEANS, &[classes, width], Init::Zeros);
        let precision = step.scope.slot(PRECISION, &[classes, width, width], Init::Zeros);
        let row = tukey(f.unit_rows(), beta).unit_rows().reshape(&[1, count, width]);
        let mean = tukey(means, beta).unit_rows().reshape(&[classes, 1, width]);
        let apart = row - mean; // [classes, rows, width]
        let distances = (apart.matmul(precision) * apart).sum_axis(2);
        of_known(running::counts(&step.scope, classes), -distances.t())
    }
}

impl Strategy for Fecam {
    fn name(&self) -> String {
        "fecam".to_owned()
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
        let Self { features, beta, alpha1, alpha2, times } = self;
        let shrinkage = format!("alpha ({alpha1}, {alpha2}), {times} times, then correlations");
        vec![
            ("fecam.features".to_owned(), features.to_string()),
            ("fecam.beta".to_owned(), beta.to_string()),
            ("fecam.shrinkage".to_owned(), shrinkage),
            ("fecam.covariance".to_owned(), "full, per class, N - 1".to_owned()),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        positive("fecam", "beta", self.beta)?;
        at_least_zero("fecam", "alpha1", self.alpha1)?;
        at_least_zero("fecam", "alpha2", self.alpha2)
    }
}
