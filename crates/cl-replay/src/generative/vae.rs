//! A variational autoencoder beside the network.

use super::Labels;
use super::rows::{self, RowGenerator, sizes, wrong};
use cl_core::{At, Boundary, Consolidate, Error, Module, Parts, Step};
use cl_nn::losses::weighted_sum;
use cl_nn::{Adam, Optimizer, ParamSpec, Reconstruction, Theta, Vae};
use cl_tensor::Var;

/// A [`Vae`] trained beside the network on the rows of every batch and on those that its strategy
/// generates, each with its weight in the task loss.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `hidden` | 400, 400 | each ≥ 1 | units of the encoder's layers, mirrored in the decoder |
/// | `latent` | 100 | ≥ 1 | latent values |
/// | `lr` | 1e-3 | > 0 | learning rate of its Adam, slot `generator/optimizer/lr` |
/// | `reconstruction` | cross-entropy | | how images are compared |
///
/// The run's schedule applies to its optimiser, too.
#[derive(Clone, Debug, PartialEq)]
pub struct VaeGenerator {
    /// Units of the encoder's layers.
    pub hidden: Vec<usize>,
    /// Latent values.
    pub latent: usize,
    /// Learning rate.
    pub lr: f64,
    /// How images are compared.
    pub reconstruction: Reconstruction,
}

impl Default for VaeGenerator {
    /// The sizes of van de Ven, Tuytelaars & Tolias 2022 for split MNIST.
    fn default() -> Self {
        Self::new(&[400, 400], 100)
    }
}

impl VaeGenerator {
    /// Of these sizes, with a learning rate of 1e-3.
    #[must_use]
    pub fn new(hidden: &[usize], latent: usize) -> Self {
        let reconstruction = Reconstruction::CrossEntropy;
        Self { hidden: hidden.to_vec(), latent, lr: 1e-3, reconstruction }
    }

    fn vae(&self, inputs: usize) -> Vae {
        Vae { inputs, hidden: self.hidden.clone(), latent: self.latent }
    }
}

impl RowGenerator for VaeGenerator {
    fn strategy(&self, labels: Labels) -> &'static str {
        match labels {
            Labels::Hard => "dgr",
            Labels::Soft(_) => "dgr-distill",
        }
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.module(self).consolidate(self);
    }

    fn latent(&self) -> usize {
        self.latent
    }

    fn images<'g>(&self, generator: Theta<'_, 'g>, inputs: usize, noise: Var<'g>) -> Var<'g> {
        self.vae(inputs).decode(generator, noise).sigmoid()
    }

    fn describe(&self) -> String {
        let Self { hidden, latent, lr, reconstruction } = self;
        format!(
            "VAE, hidden {}, latent {latent}, mirrored, ReLU, Adam {lr}, {}",
            sizes(hidden),
            compared(*reconstruction)
        )
    }

    fn check(&self, strategy: &'static str) -> Result<(), Error> {
        match self {
            Self { hidden, .. } if hidden.contains(&0) => {
                wrong(strategy, "units", 0.0, "at least 1")
            }
            Self { latent: 0, .. } => wrong(strategy, "latent", 0.0, "at least 1"),
            Self { lr, .. } if !(*lr > 0.0 && lr.is_finite()) => {
                wrong(strategy, "lr", *lr, "above 0")
            }
            _ => Ok(()),
        }
    }
}

/// How images are compared, for the record of a run.
pub(super) fn compared(reconstruction: Reconstruction) -> &'static str {
    match reconstruction {
        Reconstruction::CrossEntropy => "binary cross-entropy, mean over pixels",
        Reconstruction::SquaredError => "half the squared error, mean over pixels",
    }
}

impl Module for VaeGenerator {
    fn name(&self) -> &'static str {
        Self::MODULE
    }

    fn params(&self, inputs: usize, _: usize) -> Vec<ParamSpec> {
        self.vae(inputs).params()
    }

    fn optimizer(&self) -> Box<dyn Optimizer> {
        Box::new(Adam::new(self.lr))
    }

    fn loss<'g>(&self, step: &Step<'_, 'g>, generator: Theta<'_, 'g>) -> Var<'g> {
        let (graph, replayed) = (step.graph(), step.generated());
        let x = graph.concat(&[step.x, replayed.x], 0);
        let weight = graph.concat(&[step.weight, replayed.weight], 0);
        let noise = step.normal("latent", &[weight.len(), self.latent]);
        let rows = self.vae(x.shape()[1]).loss(generator, x, noise, self.reconstruction);
        weighted_sum(rows, weight)
    }
}

/// Shows what it has learned.
impl Consolidate for VaeGenerator {
    fn at(&self) -> At {
        At::Evaluation
    }

    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        rows::show(self, at);
        theta
    }
}
