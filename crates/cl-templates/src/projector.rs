//! What Barlow Twins compares: a projection of the features, and the templates in that space.

use crate::exemplar_means::{add, scores, take};
use crate::features::Features;
use crate::icarl_ssl::NAME;
use crate::ncm::Lengths;
use cl_core::{Around, At, Boundary, Consolidate, Gate, Over, Pass, Readout, Step};
use cl_nn::{ParamSpec, dense_params};
use cl_tensor::Var;

/// The embedding of a row, relu(f W₁ + b₁) W₂ + b₂ of its features f, and the nearest mean of exemplars
/// in it. Its parameters are part of theta.
///
/// Means are of the network as it is, made anew before every evaluation; embeddings have length 1 before
/// they are averaged and the mean again, as iCaRL's features have. Without units or outputs the features
/// themselves are the embedding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Projector {
    /// Units of the hidden layer.
    pub units: usize,
    /// Values of an embedding.
    pub outputs: usize,
}

impl Projector {
    /// The features themselves.
    pub const NONE: Self = Self { units: 0, outputs: 0 };

    /// Whether the features themselves are compared.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.units == 0 || self.outputs == 0
    }

    /// The embedding of features `[rows, width]`, `[rows, outputs]`.
    #[must_use]
    pub fn of<'g>(self, step: &Step<'_, 'g>, features: Var<'g>) -> Var<'g> {
        if self.is_none() {
            return features;
        }
        let get = |name: &str| step.network().get(&step.scope.name(name));
        let hidden = (features.matmul(get("w1")) + get("b1")).relu();
        hidden.matmul(get("w2")) + get("b2")
    }
}

/// Brings the parameters into theta; gates nothing.
impl Gate for Projector {
    fn params(&self, around: Around<'_>) -> Vec<ParamSpec> {
        let network = around.network;
        let width = network.hidden().last().copied().unwrap_or_else(|| network.inputs());
        let Self { units, outputs } = *self;
        [dense_params("1", width, units), dense_params("2", units, outputs)].concat()
    }
}

impl Consolidate for Projector {
    fn at(&self) -> At {
        At::Evaluation
    }

    fn passes(&self) -> Vec<Pass> {
        vec![Pass { over: Over::Memory(NAME.to_owned()), ..Pass::default() }]
    }

    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        add(step, Lengths::Averaged.averaged(self.of(step, step.forward.features)));
    }

    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let width = if self.is_none() { Features::Finetuned.width(at) } else { self.outputs };
        take(at, width);
        theta
    }
}

impl Readout for Projector {
    fn scores<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        scores(step, Lengths::Averaged, self.of(step, step.forward.features))
    }
}
