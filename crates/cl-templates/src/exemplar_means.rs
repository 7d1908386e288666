//! The nearest mean of exemplars.

use crate::features::Features;
use crate::ncm::Lengths;
use crate::running::{ByClass, COUNTS, MEANS, mean, of_known, outputs};
use cl_core::{At, Boundary, Consolidate, Over, Pass, Readout, Step};
use cl_tensor::{Init, Var};

/// Classifies by the nearest mean of exemplars: a consolidation before every evaluation and a read-out,
/// for any strategy that keeps rows.
///
/// −‖φ(x) − μ_c‖² with μ_c the mean of the features of the exemplars of class c (Rebuffi, Kolesnikov,
/// Sperl & Lampert 2017, algorithm 1; arXiv 1611.07725). Means are of the network as it is, so they
/// are computed anew whenever it is evaluated and nothing but the exemplars is kept. −1e30 for a class
/// without exemplars.
///
/// Slots, none of them kept: `means`, `[classes, width]`, `counts`, and the sums they are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExemplarMeans {
    /// Of which network.
    pub features: Features,
    /// Lengths of features and means; iCaRL's is [`Lengths::Averaged`].
    pub lengths: Lengths,
    /// The memory of this name; `None`: all of the composition.
    pub memory: Option<&'static str>,
}

impl ExemplarMeans {
    /// As iCaRL has it, over the memory of this name.
    #[must_use]
    pub const fn icarl(memory: &'static str) -> Self {
        let (features, lengths) = (Features::Finetuned, Lengths::Averaged);
        Self { features, lengths, memory: Some(memory) }
    }
}

impl Consolidate for ExemplarMeans {
    fn at(&self) -> At {
        At::Evaluation
    }

    fn passes(&self) -> Vec<Pass> {
        let over = self.memory.map_or(Over::Memories, |name| Over::Memory(name.to_owned()));
        vec![Pass { over, ..Pass::default() }]
    }

    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        add(step, self.lengths.averaged(self.features.of(step)));
    }

    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        take(at, self.features.width(at));
        theta
    }
}

impl Readout for ExemplarMeans {
    fn scores<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        scores(step, self.lengths, self.features.of(step))
    }
}

/// Adds rows, `[rows, width]`, to the sums of their classes.
pub(crate) fn add<'g>(step: &Step<'_, 'g>, x: Var<'g>) {
    let rows = ByClass::of(step);
    step.scope.accumulate("sums", rows.one_hot.t().matmul(x));
    step.scope.accumulate("rows", rows.counts);
}

/// Makes means of the sums.
pub(crate) fn take(at: &Boundary<'_, '_>, width: usize) {
    let classes = at.around.network.outputs();
    let (sums, rows) =
        (at.scope.take("sums", &[classes, width]), at.scope.take("rows", &[classes]));
    at.scope.slot(MEANS, &[classes, width], Init::Zeros);
    at.scope.slot(COUNTS, &[classes], Init::Zeros);
    at.scope.assign(MEANS, mean(sums, rows));
    at.scope.assign(COUNTS, rows);
}

/// How near rows, `[rows, width]`, are to the means, `[rows, classes]`.
pub(crate) fn scores<'g>(step: &Step<'_, 'g>, lengths: Lengths, x: Var<'g>) -> Var<'g> {
    let classes = outputs(step);
    let means = step.scope.slot(MEANS, &[classes, x.shape()[1]], Init::Zeros);
    let counts = step.scope.slot(COUNTS, &[classes], Init::Zeros);
    of_known(counts, lengths.scores(x, means))
}
