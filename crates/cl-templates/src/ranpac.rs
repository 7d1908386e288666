//! `RanPAC`: random projections and ridge regression.

use crate::features::Features;
use crate::linear;
use crate::normal::normal;
use crate::problem::Problem;
use crate::range::{at_least_zero, expect};
use crate::ridge::{GRID, choose_ridge};
use crate::running::{ByClass, of_known, outputs};
use cl_core::{
    Boundary, Consolidate, Error, GradientMap, Needs, Now, Parts, Pass, Readout, SlotStore, Step,
    Strategy,
};
use cl_random::{Address, Purpose};
use cl_tensor::{Init, Scope, Var};
use faer::Mat;

const PROJECTION: Purpose = Purpose::named("ranpac projection");
const SPLIT: Purpose = Purpose::named("ranpac choice of lambda");

/// By what λ the second moments are raised.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Ridge {
    /// Chosen anew at every boundary among 10⁻⁸, 10⁻⁷, .., 10⁸: the smallest mean squared error on the
    /// last fifth of the context's rows in a random order, fitted on the others of that context alone.
    #[default]
    Chosen,
    /// This one, in slot `lambda`.
    Given(f32),
}

/// `RanPAC`: ridge regression from random non-linear projections of the features to the classes.
///
/// McDonnell, Gong, Parvaneh, Abbasnejad & van den Hengel 2023, "`RanPAC`: random projections and pre-trained models for
/// continual learning" (arXiv 2307.02251), eq. 4 to 7 and algorithm 1:
///
/// h = relu(f W), W ~ N(0, 1) of `[width, M]`, fixed;  G ← G + hᵀh,  Q ← Q + hᵀy;
/// weights (G + λ I)⁻¹ Q, score h · w_c
///
/// y is one-hot over all classes of the run. −1e30 for a class of which no row was seen.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `features` | `FirstContext` | | of which network; structure |
/// | `projections` | 2,000 | ≥ 1 | M; structure. The paper's 10,000 keep 400 MB |
/// | `ridge` | `Chosen` | ≥ 0 | λ, chosen per context or given; structure, slot `lambda` |
///
/// Conventions. λ is chosen on the rows of the context that ends and serves the moments of all. Of n
/// rows, shuffled anew for each context, the first ⌊0.8 n⌋ are fitted; where that leaves none on either
/// side λ is 1. Where no boundaries are told, the rows since the last moment take the context's place.
/// The paper may tune its extractor on the first context; that is `FirstContext`. Neutral
/// setting: none.
///
/// Slots: `lambda`; kept `gram`, `[M, M]`, and `moments`, `[M, classes]`: 4 (M² + M · classes) bytes;
/// `projection`, `[width, M]`, which follows from the seed; made at each boundary `weights`,
/// `[M, classes]`. Nothing grows with the number of contexts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranpac {
    /// Of which network.
    pub features: Features,
    /// M: width of the projection.
    pub projections: usize,
    /// By what the second moments are raised.
    pub ridge: Ridge,
}

impl Default for Ranpac {
    fn default() -> Self {
        Self { features: Features::default(), projections: 2000, ridge: Ridge::default() }
    }
}

fn projection(seed: u64, slot: &mut [f32]) {
    normal(Address::new(seed, PROJECTION), slot);
}

impl Ranpac {
    fn projection<'g>(self, scope: &Scope<'g>, width: usize) -> Var<'g> {
        scope.slot("projection", &[width, self.projections], Init::seeded(projection))
    }

    /// h = relu(f W), `[rows, M]`.
    fn hidden<'g>(self, step: &Step<'_, 'g>) -> Var<'g> {
        let f = self.features.of(step);
        f.matmul(self.projection(&step.scope, f.shape()[1])).relu()
    }

    fn moments<'g>(self, step: &Step<'_, 'g>) -> Var<'g> {
        step.scope.kept("moments", &[self.projections, outputs(step)], Init::Zeros)
    }

    /// h and one-hot labels of the context's rows, in a random order.
    fn shuffled(self, slots: &SlotStore<'_>, at: Address) -> Result<[Mat<f64>; 2], Problem> {
        let labels = slots.report("labels").unwrap_or(&[]);
        let features = slots.report("features").unwrap_or(&[]);
        let (m, rows) = (self.projections, labels.len());
        let width = features.len().checked_div(rows).unwrap_or(0);
        let classes = slots.read("moments")?.len() / m.max(1);
        let mut order: Vec<usize> = (0..rows).collect();
        at.rng().shuffle(&mut order);
        let f = linear::matrix(features, rows, width)?;
        let w = linear::matrix(&slots.read("projection")?[..width * m], width, m)?;
        let f = Mat::from_fn(rows, width, |i, j| f[(order[i], j)]);
        let mut h = f * w;
        h.col_iter_mut().for_each(|column| {
            column.iter_mut().for_each(|value| *value = value.max(0.0));
        });
        let one = |i: usize, class: usize| labels[order[i]] as usize == class;
        let y = Mat::from_fn(rows, classes, |i, class| f64::from(u8::from(one(i, class))));
        Ok([h, y])
    }

    fn weights(self, now: Now, slots: &SlotStore<'_>) -> Result<(f32, Vec<f32>), Problem> {
        let lambda = match self.ridge {
            Ridge::Given(_) => slots.read("lambda")?[0],
            Ridge::Chosen => {
                let at = Address::new(now.seed, SPLIT).context(now.stage);
                let [h, y] = self.shuffled(slots, at)?;
                let fitted = h.nrows() * 4 / 5;
                match fitted {
                    0 => 1.0,
                    _ => choose_ridge(&h, &y, fitted, &GRID)?.0 as f32,
                }
            }
        };
        let m = self.projections;
        let (gram, moments) = (slots.read("gram")?, slots.read("moments")?);
        let classes = moments.len() / m.max(1);
        let (gram, moments) = (linear::matrix(&gram, m, m)?, linear::matrix(&moments, m, classes)?);
        Ok((lambda, linear::values(&linear::ridge(&gram, f64::from(lambda), &moments)?)))
    }
}

impl GradientMap for Ranpac {
    fn delta<'g>(&self, step: &Step<'_, 'g>, delta: Var<'g>) -> Var<'g> {
        // Hidden values are not negative: their sum is above 0 behind the first boundary.
        self.features.delta(delta, || self.moments(step).sum())
    }
}

impl Consolidate for Ranpac {
    fn passes(&self) -> Vec<Pass> {
        vec![Pass::default()]
    }

    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        let (rows, m) = (ByClass::of(step), self.projections);
        let h = self.hidden(step) * rows.present.column();
        let gram = step.scope.kept("gram", &[m, m], Init::Zeros);
        step.scope.assign("gram", gram + h.t().matmul(h));
        step.scope.assign("moments", self.moments(step) + h.t().matmul(rows.one_hot));
        if self.ridge == Ridge::Chosen {
            step.report("features", self.features.of(step));
            step.report("labels", step.target.to_float());
        }
    }

    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        // The host reads it, and writes it where it chooses.
        at.scope.hyper("lambda", if let Ridge::Given(lambda) = self.ridge { lambda } else { 1.0 });
        theta
    }

    fn end_context(&self, now: Now, slots: &mut SlotStore<'_>) -> Result<(), Error> {
        let (lambda, weights) = self
            .weights(now, slots)
            .map_err(|problem| problem.at("ranpac", now, "ridge regression"))?;
        slots.write("lambda", &[lambda])?;
        slots.write("weights", &weights)
    }
}

impl Readout for Ranpac {
    fn scores<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let shape = [self.projections, outputs(step)];
        let weights = step.scope.slot("weights", &shape, Init::Zeros);
        of_known(self.moments(step).sum_axis(0), self.hidden(step).matmul(weights))
    }
}

impl Strategy for Ranpac {
    fn name(&self) -> String {
        "ranpac".to_owned()
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
        let ridge = match self.ridge {
            Ridge::Chosen => "1e-8 .. 1e8, by the last fifth of each context's rows".to_owned(),
            Ridge::Given(lambda) => lambda.to_string(),
        };
        vec![
            ("ranpac.features".to_owned(), self.features.to_string()),
            ("ranpac.projections".to_owned(), self.projections.to_string()),
            ("ranpac.lambda".to_owned(), ridge),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        let m = self.projections;
        expect(m >= 1, "ranpac", "projections", m as f64, "at least 1")?;
        match self.ridge {
            Ridge::Chosen => Ok(()),
            Ridge::Given(lambda) => at_least_zero("ranpac", "lambda", lambda),
        }
    }
}
