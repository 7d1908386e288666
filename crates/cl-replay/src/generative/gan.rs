//! A Wasserstein GAN beside the network.

use super::rows::{self, RowGenerator, sizes, wrong};
use super::{Labels, batch};
use cl_core::{
    At, Boundary, Consolidate, Error, Module, Parts, Phase, PhaseContext, Phases, Step, Trains,
};
use cl_nn::losses::weighted_sum;
use cl_nn::{Adam, Compared, Critic, Decoder, Optimizer, ParamSpec, Theta};
use cl_tensor::Var;

/// A Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, arXiv 1704.00028, algorithm 1),
/// trained beside the network on the rows of every batch and on those that its strategy generates, each
/// with its weight in the task loss.
///
/// In every step of a context the critic learns `critic.steps` times, each time from rows and noise
/// drawn for it; then the generator learns once, in one program with the network. Of a row with weight w,
/// real or replayed, the critic minimises w (D(made) − D(row) + λ (‖∇D‖₂ − 1)²), with a row made by the
/// present generator for each ([`Critic::loss`]): real and replayed rows are two data sets mixed as the
/// classifier has them (Shin et al. 2017, arXiv 1705.08690, section 4.2). The generator minimises −mean D(made)
/// over as many rows as the stream brings.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `hidden` | 400, 400 | each ≥ 1 | units of the generator's layers, the last one first |
/// | `latent` | 100 | ≥ 1 | latent values, N(0, 1) |
/// | `optimizer` | Adam 1e-4, 0.5, 0.9 | lr > 0, β in \[0, 1) | slots `generator/optimizer/lr`, .. |
/// | `critic` | | | [`GanCritic`] |
///
/// Shin et al. fix no recipe; this is that of Gulrajani et al. for λ, the steps and the learning rate,
/// with the β₁ of their MNIST program, 0.5 (algorithm 1 has 0), which a common unofficial program for
/// generative replay (kuc2477, "pytorch-deep-generative-replay") has, too. That one differs: latent values .1 · N(0, I), convolutions,
/// the generator trained before the classifier and not beside it, a norm over channels only.
/// ReLU in the generator, sigmoid behind it, leaky ReLU in the critic. The run's schedule applies to both optimisers.
///
/// Cost, beside the plain step over rows of the stream and, from the second context on, generated ones: one
/// forward pass of the frozen generator and of the frozen network over the generated rows; `critic.steps`
/// times a program of the critic, each with the frozen generator's rows, one row of the present generator
/// for every row of the batch and two gradients: with respect to the rows between and, through that one,
/// hence second order, with respect to the critic, in all eight times the products of the critic forward
/// for every row; and one gradient of the generator through the critic. A step does not grow
/// with the number of contexts; the first one already has generated rows, of weight 0.
///
/// It owns the phases: it does not go together with another strategy that does. Where its numbers
/// overflow the run goes on without it: see [`SPREAD`](super::SPREAD).
#[derive(Clone, Debug, PartialEq)]
pub struct GanGenerator {
    /// Units of the generator's layers, the last one first.
    pub hidden: Vec<usize>,
    /// Latent values.
    pub latent: usize,
    /// The generator's optimiser.
    pub optimizer: Adam,
    /// Its critic.
    pub critic: GanCritic,
}

/// The critic of a [`GanGenerator`].
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `hidden` | 400, 400 | each ≥ 1 | units of its layers |
/// | `optimizer` | Adam 1e-4, 0.5, 0.9 | lr > 0, β in \[0, 1) | slots `critic/optimizer/lr`, .. |
/// | `lambda` | 10 | ≥ 0 | weight of the gradient penalty, slot `lambda` |
/// | `steps` | 5 | ≥ 1 | its steps for each of the generator |
#[derive(Clone, Debug, PartialEq)]
pub struct GanCritic {
    /// Units of its layers.
    pub hidden: Vec<usize>,
    /// Its optimiser.
    pub optimizer: Adam,
    /// Weight of the gradient penalty.
    pub lambda: f32,
    /// Its steps for each of the generator.
    pub steps: u32,
}

const CRITIC: &str = "critic";

/// Adam as Gulrajani et al. 2017 have it.
fn adam(lr: f64) -> Adam {
    Adam { beta1: 0.5, beta2: 0.9, ..Adam::new(lr) }
}

impl Default for GanGenerator {
    /// The published recipe, with the sizes of the variational autoencoder for split MNIST.
    fn default() -> Self {
        Self::new(&[400, 400], 100)
    }
}

impl GanGenerator {
    /// The published recipe with these sizes, the same hidden layers for generator and critic.
    #[must_use]
    pub fn new(hidden: &[usize], latent: usize) -> Self {
        let (hidden, optimizer) = (hidden.to_vec(), adam(1e-4));
        let critic = GanCritic { hidden: hidden.clone(), optimizer, lambda: 10.0, steps: 5 };
        Self { hidden, latent, optimizer, critic }
    }

    /// The same with another learning rate of both optimisers.
    #[must_use]
    pub fn lr(self, lr: f64) -> Self {
        let critic = GanCritic { optimizer: Adam { lr, ..self.critic.optimizer }, ..self.critic };
        Self { optimizer: Adam { lr, ..self.optimizer }, critic, ..self }
    }
}

impl GanCritic {
    fn critic(&self, inputs: usize) -> Critic {
        Critic { inputs, hidden: self.hidden.clone(), leak: Critic::LEAK }
    }
}

impl RowGenerator for GanGenerator {
    fn strategy(&self, _: Labels) -> &'static str {
        "dgr-gan"
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.module(&self.critic).module(self).phases(self).consolidate(self);
    }

    fn latent(&self) -> usize {
        self.latent
    }

    fn images<'g>(&self, generator: Theta<'_, 'g>, _: usize, noise: Var<'g>) -> Var<'g> {
        images(generator, noise)
    }

    fn describe(&self) -> String {
        let Self { hidden, latent, optimizer, critic } = self;
        let adam = |Adam { lr, beta1, beta2, .. }: &Adam| format!("Adam {lr} ({beta1}, {beta2})");
        format!(
            "Wasserstein GAN, hidden {}, latent {latent}, ReLU, sigmoid, {}; critic: hidden {}, leaky \
             ReLU {}, {}, gradient penalty {}, {} per step of the generator",
            sizes(hidden),
            adam(optimizer),
            sizes(&critic.hidden),
            Critic::LEAK,
            adam(&critic.optimizer),
            critic.lambda,
            critic.steps
        )
    }

    fn check(&self, strategy: &'static str) -> Result<(), Error> {
        let Self { hidden, latent, optimizer, critic } = self;
        if hidden.contains(&0) || critic.hidden.contains(&0) {
            return wrong(strategy, "units", 0.0, "at least 1");
        }
        if *latent == 0 {
            return wrong(strategy, "latent", 0.0, "at least 1");
        }
        for Adam { lr, beta1, beta2, .. } in [optimizer, &critic.optimizer] {
            if !(*lr > 0.0 && lr.is_finite()) {
                return wrong(strategy, "lr", *lr, "above 0");
            }
            if let Some(beta) = [*beta1, *beta2].into_iter().find(|beta| !(0.0..1.0).contains(beta))
            {
                return wrong(strategy, "beta", beta, "at least 0, below 1");
            }
        }
        match critic {
            GanCritic { lambda, .. } if !(*lambda >= 0.0 && lambda.is_finite()) => {
                wrong(strategy, "lambda", f64::from(*lambda), "at least 0")
            }
            GanCritic { steps: 0, .. } => wrong(strategy, "critic_steps", 0.0, "at least 1"),
            _ => Ok(()),
        }
    }
}

/// Images `[rows, pixels]` in [0, 1].
fn images<'g>(generator: Theta<'_, 'g>, noise: Var<'g>) -> Var<'g> {
    Decoder::of(generator.layout).logits(generator, noise).sigmoid()
}

/// Images of the present generator, from noise that differs by step and name.
fn made<'g>(step: &Step<'_, 'g>, generator: Theta<'_, 'g>, name: &str, rows: usize) -> Var<'g> {
    let latent = Decoder::of(generator.layout).sizes.first().copied().unwrap_or(1);
    images(generator, step.normal(name, &[rows, latent]))
}

impl Module for GanGenerator {
    fn name(&self) -> &'static str {
        Self::MODULE
    }

    fn params(&self, inputs: usize, _: usize) -> Vec<ParamSpec> {
        Decoder::mirror(inputs, &self.hidden, self.latent).params()
    }

    fn optimizer(&self) -> Box<dyn Optimizer> {
        Box::new(self.optimizer)
    }

    fn loss<'g>(&self, step: &Step<'_, 'g>, generator: Theta<'_, 'g>) -> Var<'g> {
        let made = made(step, generator, "latent", batch::rows(step));
        let critic = self.critic.critic(step.x.shape()[1]);
        critic.generator_loss(step.module(CRITIC), made).mean()
    }
}

impl Module for GanCritic {
    fn name(&self) -> &'static str {
        CRITIC
    }

    fn params(&self, inputs: usize, _: usize) -> Vec<ParamSpec> {
        self.critic(inputs).params()
    }

    fn optimizer(&self) -> Box<dyn Optimizer> {
        Box::new(self.optimizer)
    }

    fn loss<'g>(&self, step: &Step<'_, 'g>, critic: Theta<'_, 'g>) -> Var<'g> {
        let (graph, replayed) = (step.graph(), step.generated());
        // Nothing else brings it into the next context.
        let _ = step.scope.kept(CRITIC, &[critic.layout.len()], critic.layout.init());
        let real = graph.concat(&[step.x, replayed.x], 0);
        let weight = graph.concat(&[step.weight, replayed.weight], 0);
        let made = made(step, step.module(GanGenerator::MODULE), "latent of critic", weight.len());
        let between = step.uniform("between", &[weight.len(), 1]);
        let lambda = step.scope.hyper("lambda", self.lambda);
        let rows = Compared { real, made, between };
        let loss = weighted_sum(self.critic(step.x.shape()[1]).loss(critic, rows, lambda), weight);
        // A program of the critic alone has no other loss, and a generator that makes no numbers must
        // not end the run: 0 times what is no number is none.
        let zero = graph.constant(0.0);
        (loss * 0.0).equal(zero).select(loss, zero)
    }
}

impl Phases for GanGenerator {
    fn phases(&self, at: PhaseContext) -> Vec<Phase> {
        let mut cycle = vec![Trains::Module(CRITIC); self.critic.steps as usize];
        cycle.push(Trains::AllBut(CRITIC));
        vec![Phase { cycle, ..Phase::stream("train", at.steps) }]
    }
}

/// Shows what it has learned.
impl Consolidate for GanGenerator {
    fn at(&self) -> At {
        At::Evaluation
    }

    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        rows::show(self, at);
        theta
    }
}
