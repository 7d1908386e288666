//! What templates are made of.

use cl_core::{Around, Boundary, Step};
use cl_nn::Network;
use cl_tensor::Var;
use std::fmt;

/// What a template method compares, and whether the network that makes it goes on learning.
///
/// Features are the last hidden activation, `[rows, units]`, or the input where there is no hidden
/// layer, as at test: without dropout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Features {
    /// The network is trained until the first boundary and does not move afterwards: what is kept of
    /// a class stays true.
    #[default]
    FirstContext,
    /// The network goes on learning, by whatever else is in the composition; what is kept of earlier
    /// classes is of the network as it was.
    Finetuned,
    /// The network never moves: its initial values, drawn or those of a network trained elsewhere
    /// ([`cl_nn::Pretrained`]).
    Random,
    /// No network: the example itself.
    Pixels,
}

impl Features {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::FirstContext, Self::Finetuned, Self::Random, Self::Pixels];

    /// The features of the rows, `[rows, width]`.
    #[must_use]
    pub fn of<'g>(self, step: &Step<'_, 'g>) -> Var<'g> {
        match self {
            Self::Pixels => step.x,
            Self::FirstContext | Self::Finetuned | Self::Random => step.forward.features,
        }
    }

    /// Whether it keeps the network from moving, at least in the end.
    pub(crate) fn freezes(self) -> bool {
        matches!(self, Self::FirstContext | Self::Random)
    }

    /// The step that is taken; `begun`, a scalar, is above 0 behind the first boundary.
    pub(crate) fn delta<'g>(self, delta: Var<'g>, begun: impl FnOnce() -> Var<'g>) -> Var<'g> {
        let zero = delta.graph().full(&delta.shape(), 0.0);
        match self {
            Self::FirstContext => {
                let frozen = begun().greater(delta.graph().constant(0.0));
                frozen.expand(&delta.shape()).select(zero, delta)
            }
            Self::Random => zero,
            Self::Finetuned | Self::Pixels => delta,
        }
    }

    /// Values of one row, where a network is all there is to ask.
    pub(crate) fn width(self, at: &Boundary<'_, '_>) -> usize {
        let Around { network, .. } = at.around;
        match self {
            Self::Pixels => network.inputs(),
            Self::FirstContext | Self::Finetuned | Self::Random => {
                let head = at.layers().last().and_then(|head| head.weight.shape.first());
                head.copied().unwrap_or_else(|| last_hidden(network))
            }
        }
    }
}

fn last_hidden(network: &dyn Network) -> usize {
    network.hidden().last().copied().unwrap_or_else(|| network.inputs())
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::FirstContext => "first-context",
            Self::Finetuned => "finetuned",
            Self::Random => "random",
            Self::Pixels => "pixels",
        })
    }
}
