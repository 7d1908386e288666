//! Classes by the nearest mean of exemplars' features: a consolidation before every evaluation and a
//! read-out.

use cl_core::{At, Boundary, Consolidate, Over, Pass, Readout, Step};
use cl_tensor::{Init, Var};

/// Rebuffi et al. 2017, algorithm 1: −‖φ(x) − μ_c‖² with features and means of length 1.
pub struct NearestMean {
    /// Of which memory.
    pub memory: &'static str,
}

impl Consolidate for NearestMean {
    fn at(&self) -> At {
        At::Evaluation
    }
    fn passes(&self) -> Vec<Pass> {
        vec![Pass { over: Over::Memory(self.memory.to_owned()), ..Pass::default() }]
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        let one_hot = step.target.one_hot(step.forward.logits.shape()[1]);
        let weighted = one_hot * step.weight.column();
        step.scope.accumulate("sums", weighted.t().matmul(step.forward.features.unit_rows()));
    }
    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        if let Some(head) = at.layers().last() {
            let shape = [head.weight.shape[1], head.weight.shape[0]];
            at.scope.remember("means", at.scope.take("sums", &shape).unit_rows());
        }
        theta
    }
}

impl Readout for NearestMean {
    /// −1e30 for a class without exemplars, whose mean is 0.
    fn scores<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let (features, scores) = (step.forward.features.unit_rows(), step.forward.logits.shape());
        let means = step.scope.kept("means", &[scores[1], features.shape()[1]], Init::Zeros);
        let known = means.square().sum_axis(1).expand(&scores);
        let nothing = step.graph().full(&scores, -1e30);
        known.select(-features.square_distances(means), nothing)
    }
}
