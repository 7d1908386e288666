//! A network that makes the rows it replays.

use super::album::{self, SAMPLED, SHOWN};
use super::answers::Heads;
use super::modes::{self, Modes};
use super::vae::compared;
use cl_core::{Around, At, Backbone, Boundary, Consolidate, Error, Pass, Penalty, Step, Targets};
use cl_nn::losses::weighted_sum;
use cl_nn::{Feedback, FeedbackLayers, Network, Reconstruction, Theta, Variational};
use cl_random::{Address, Purpose};
use cl_tensor::{Init, Scope, Var};

/// Where latent values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prior {
    /// N(0, I).
    StandardNormal,
    /// A learned mode per output.
    ModePerOutput,
}

/// What decides which units of the decoder are off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatedBy {
    /// The class of a row: of uncertain ones, the gates of all classes by their probabilities.
    Class,
    /// The context of a row.
    Context,
}

/// Gates of the decoder: for each class or context a random part of each hidden layer is off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecoderGates {
    /// Classes or contexts.
    pub by: GatedBy,
    /// The probability that a unit is off, in [0, 1); slot `gated`.
    pub gated: f32,
}

/// The classifier's feedback: it reconstructs the rows of every batch from its features, current and
/// generated ones, each with its weight in the task loss ([`Feedback`]).
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `latent` | 100 | ≥ 1 | latent values |
/// | `prior` | | | N(0, I), or a learned mode per output |
/// | `gates` | | `gated`: [0, 1) | whether the decoder is gated, by what and how much |
/// | `reconstruction` | cross-entropy | | how images are compared |
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FeedbackGenerator {
    /// Latent values.
    pub latent: usize,
    /// Where latent values come from.
    pub prior: Prior,
    /// Gates of the decoder.
    pub gates: Option<DecoderGates>,
    /// How images are compared.
    pub reconstruction: Reconstruction,
}

impl FeedbackGenerator {
    /// With a plain prior and no gates.
    #[must_use]
    pub fn plain(latent: usize) -> Self {
        let reconstruction = Reconstruction::CrossEntropy;
        Self { latent, prior: Prior::StandardNormal, gates: None, reconstruction }
    }

    /// Whether it makes rows of a class or context that is asked for.
    pub(super) fn conditional(&self) -> bool {
        self.prior == Prior::ModePerOutput || self.gates.is_some()
    }

    fn layers(&self, around: Around<'_>) -> FeedbackLayers {
        FeedbackLayers::of(around.network, self.latent, self.prior == Prior::ModePerOutput)
    }

    /// The gate of each unit of a layer, for each class or context, `[n, units]` of 0 and 1: a unit is
    /// off where its threshold, uniform in [0, 1), is below `gated`.
    fn masks<'g>(
        gates: &DecoderGates,
        scope: &Scope<'g>,
        [n, units]: [usize; 2],
        layer: usize,
    ) -> Var<'g> {
        let gated = scope.hyper("gated", gates.gated);
        let thresholds = Init::seeded(move |seed, slot| {
            let address = Address::new(seed, Purpose::named("decoder gates"));
            for (row, values) in slot.chunks_exact_mut(units).enumerate() {
                let mut rng = address.context(row as u32).ordinal(layer as u32).rng();
                values.fill_with(|| rng.below(1 << 24) as f32 / (1 << 24) as f32);
            }
        });
        let name = format!("threshold{}", layer + 1);
        1.0 - gated.greater(scope.kept(&name, &[n, units], thresholds))
    }

    /// Decoded rows: `by` turns the masks of a layer `[n, units]` into those of the rows.
    fn gate<'g>(
        &self,
        scope: &Scope<'g>,
        around: Around<'_>,
        by: impl Fn(GatedBy, Var<'g>) -> Var<'g>,
    ) -> impl Fn(usize, Var<'g>) -> Var<'g> {
        let masks: Vec<Option<Var<'g>>> = self
            .layers(around)
            .decoder
            .hidden()
            .iter()
            .enumerate()
            .map(|(layer, &units)| {
                let gates = self.gates.as_ref()?;
                let n = match gates.by {
                    GatedBy::Class => around.network.outputs(),
                    GatedBy::Context => around.contexts,
                };
                Some(by(gates.by, Self::masks(gates, scope, [n, units], layer)))
            })
            .collect();
        move |layer, h| masks[layer].map_or(h, |mask| h * mask)
    }

    /// Images `[rows, pixels]` of `noise` `[rows, latent]`; `context` and `class`, u32 `[rows]`, say of
    /// what.
    pub(super) fn images<'g>(
        &self,
        (scope, around): (&Scope<'g>, Around<'_>),
        theta: Theta<'_, 'g>,
        [context, class]: [Var<'g>; 2],
        noise: Var<'g>,
    ) -> Var<'g> {
        let layers = self.layers(around);
        let z = layers.prior.map_or(noise, |prior| prior.sample(theta, class, noise));
        let gate = self.gate(scope, around, |by, masks| match by {
            GatedBy::Class => masks.gather(class),
            GatedBy::Context => masks.gather(context),
        });
        layers.decoder.gated(theta, z, &gate).sigmoid()
    }

    /// What a row to be generated looks like in the frozen network.
    pub(super) fn replayed<'g>(
        &self,
        step: &Step<'_, 'g>,
        teacher: Theta<'_, 'g>,
        modes: &Modes<'g>,
    ) -> Var<'g> {
        let noise = step.normal("replay", &[modes.class.len(), self.latent]);
        let places = (&step.scope, step.around());
        self.images(places, teacher, [modes.context, modes.class], noise)
    }

    /// Σ_rows weight (reconstruction + divergence), per pixel, of rows with their features.
    fn of_rows<'g>(&self, whole: &Step<'_, 'g>, rows: &Step<'_, 'g>, noise: &str) -> Var<'g> {
        let outputs = rows.forward.logits.shape()[1];
        let probabilities = match rows.targets {
            Targets::Soft { probabilities, .. } => *probabilities,
            Targets::Units(_) | Targets::Heads(_) => rows.target.one_hot(outputs),
        };
        let gate = self.gate(&whole.scope, whole.around(), |by, masks| match by {
            GatedBy::Class => probabilities.matmul(masks),
            GatedBy::Context => masks.gather(rows.context),
        });
        let variational = Variational {
            x: rows.x,
            features: rows.forward.features,
            noise: whole.normal(noise, &[rows.weight.len(), self.latent]),
            probabilities,
            gate: &gate,
            reconstruction: self.reconstruction,
        };
        let layers = self.layers(whole.around());
        let [reconstruction, divergence] = layers.losses(whole.network(), &variational);
        weighted_sum(reconstruction + divergence, rows.weight)
    }

    pub(super) fn describe(&self) -> Vec<(&'static str, String)> {
        let prior = match self.prior {
            Prior::StandardNormal => "N(0, I)",
            Prior::ModePerOutput => "a learned mode per output, KL by one sample",
        };
        let gates = self.gates.as_ref().map_or_else(
            || "none".to_owned(),
            |DecoderGates { by, gated }| {
                let by = match by {
                    GatedBy::Class => "class",
                    GatedBy::Context => "context",
                };
                format!("by {by}, each unit off with probability {gated}, bias included")
            },
        );
        vec![
            ("latent", self.latent.to_string()),
            ("prior", prior.to_owned()),
            ("gates", gates),
            ("reconstruction", compared(self.reconstruction).to_owned()),
        ]
    }

    pub(super) fn check(&self, strategy: &'static str) -> Result<(), Error> {
        let wrong =
            |name, value, expected| Err(Error::HyperParameter { strategy, name, value, expected });
        match self {
            Self { latent: 0, .. } => wrong("latent", 0.0, "at least 1"),
            Self { gates: Some(DecoderGates { gated, .. }), .. } if !(0.0..1.0).contains(gated) => {
                wrong("gated", f64::from(*gated), "a fraction in [0, 1)")
            }
            _ => Ok(()),
        }
    }
}

impl Backbone for FeedbackGenerator {
    fn network(&self, around: Around<'_>) -> Result<Box<dyn Network>, Error> {
        let network = around.network;
        let own = network.with_outputs(network.outputs()).ok_or_else(|| {
            Error::Misfit(format!("feedback: {} cannot be copied", network.describe()))
        })?;
        Ok(Box::new(Feedback::new(own, self.latent, self.prior == Prior::ModePerOutput)))
    }
}

impl Penalty for FeedbackGenerator {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        self.of_rows(step, step, "latent")
            + self.of_rows(step, &step.generated(), "latent of generated")
    }
}

/// Shows what it has learned: image j of class j, the contexts in turn; samples of the classes that were
/// seen in the contexts up to this one, the one that nobody replays included.
impl Consolidate for FeedbackGenerator {
    fn at(&self) -> At {
        At::Evaluation
    }

    fn passes(&self) -> Vec<Pass> {
        if self.conditional() { vec![Pass::default()] } else { Vec::new() }
    }

    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        step.scope.accumulate(MET, modes::counted(step));
    }

    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let (graph, around) = (at.scope.graph(), at.around);
        let (contexts, outputs) = (around.contexts, around.network.outputs());
        let table = |name: &str, n: usize| {
            let turns: Vec<u32> = (0..SHOWN).map(|image| (image % n) as u32).collect();
            graph.slot_u32(&at.scope.name(name), &[SHOWN], Init::Indices(turns.into()))
        };
        let of = [table("album_contexts", contexts), table("album_classes", outputs)];
        let net = Theta { flat: theta, layout: at.layout };
        let images = |of, noise| self.images((&at.scope, around), net, of, noise);
        album::add(at, images(of, album::noise(at, self.latent)));
        let met = at.scope.slot(MET, &[contexts, outputs], Init::Zeros);
        let drawn = |what, n| graph.uniform(album::address(at), Purpose::named(what), 0, &[n]);
        let drawn = [drawn("turn of samples", 1), drawn("classes of samples", SAMPLED)];
        let Modes { context, class, .. } = modes::of_seen(met, Heads::One, drawn);
        album::sample(at, images([context, class], album::sample_noise(at, self.latent)));
        theta
    }
}

/// Rows of each context and output that evaluations came behind.
const MET: &str = "met";
