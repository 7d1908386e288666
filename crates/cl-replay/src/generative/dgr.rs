//! Deep generative replay.

use super::answers::{self, Heads, Labels};
use super::gan::GanGenerator;
use super::rows::RowGenerator;
use super::spread;
use super::vae::VaeGenerator;
use cl_core::{Boundary, Consolidate, Error, Generate, Needs, Parts, RecordedRows, Step, Strategy};
use cl_scenarios::Scenario;
use cl_tensor::Var;

/// Deep generative replay with a variational autoencoder, `dgr`; with soft labels, `dgr-distill`; with a
/// generative adversarial network, `dgr-gan`.
///
/// L = w · CE(current rows) + (1 − w) · CE(generated rows), both means, and the same weights for the
/// generator's own loss over the same generated rows, (reconstruction + KL) / pixels ([`cl_nn::Vae`]) or that of
/// a critic ([`GanGenerator`]); w is the run's [`Mix`](cl_core::Mix), 1/t in the t-th context (Shin, Lee, Kim & Kim 2017, arXiv 1705.08690,
/// eq. 1, with r = 1/t; van de Ven, Tuytelaars & Tolias 2022, Methods, "DGR").
///
/// When a context ends the generator and the classifier are frozen. From then on the frozen generator
/// makes as many rows per step as the stream brings, the frozen classifier labels them, and both of the
/// present ones learn from them, in the same program: no row leaves the device. Generated rows bear the
/// context that ended last. In a task-incremental stream the same rows are labelled by the head of every
/// past context and their losses averaged; these terms grow with the number of contexts, by rows ×
/// outputs numbers each, as they do in the definition, the forward passes do not. With gates per context
/// all heads answer through the gates of the context that ended last.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `generator` | 400-400-z100 | | [`VaeGenerator`], [`GanGenerator`]: sizes, learning rate and loss |
/// | `labels` | hard | T > 0 | hard, or soft at a temperature (slot `temperature`) |
/// | `heads` | one | | whose outputs answer: [`Heads::of`] the scenario |
///
/// Conventions: the paper's generator is a GAN, [`Dgr::gan`], by a recipe that it does not say; with an
/// autoencoder this is the form of van de Ven et al. 2022, whose sizes are the defaults ([`Dgr::vdv`]);
/// their distilled labels have T = 2. The schedule of the run
/// applies to the generator, too. There is no neutral setting: how much replay counts is the run's mix,
/// under `Mix::Fixed(1.0)` it counts nothing.
///
/// Memory: a copy of the generator and of the network, the number of the last context; a critic, which
/// goes on learning in the next context and which nobody else could train again. Slots besides:
/// [`SPREAD`](super::SPREAD), [`ALBUM`](super::ALBUM), [`SAMPLES`](super::SAMPLES). A row that is no number counts nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Dgr<G = VaeGenerator> {
    /// What makes rows.
    pub generator: G,
    /// What the teacher says of generated rows.
    pub labels: Labels,
    /// Whose outputs answer.
    pub heads: Heads,
}

impl Default for Dgr {
    fn default() -> Self {
        Self { generator: VaeGenerator::default(), labels: Labels::Hard, heads: Heads::One }
    }
}

impl Dgr {
    /// As in the code of van de Ven et al. 2022 for split MNIST.
    #[must_use]
    pub fn vdv(scenario: Scenario) -> Self {
        Self { heads: Heads::of(scenario), ..Self::default() }
    }
}

impl Dgr<GanGenerator> {
    /// With a GAN and the labels and heads of the paper.
    #[must_use]
    pub fn gan(generator: GanGenerator, scenario: Scenario) -> Self {
        Self { generator, labels: Labels::Hard, heads: Heads::of(scenario) }
    }
}

impl<G: RowGenerator> Dgr<G> {
    /// The same with the teacher's probabilities as labels.
    #[must_use]
    pub fn distill(self, temperature: f32) -> Self {
        Self { labels: Labels::Soft(temperature), ..self }
    }

    fn label(&self) -> &'static str {
        self.generator.strategy(self.labels)
    }
}

impl<G: RowGenerator> Strategy for Dgr<G> {
    fn name(&self) -> String {
        self.label().to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.generate(self).consolidate(self);
        self.generator.parts(parts);
    }

    fn needs(&self) -> Needs {
        Needs { boundaries: true, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let name = self.label();
        let named = |what: &str, value: String| (format!("{name}.{what}"), value);
        vec![
            named("generator", self.generator.describe()),
            named("labels", self.labels.describe()),
            named("heads", self.heads.describe().to_owned()),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        let strategy = self.label();
        self.generator.check(strategy)?;
        self.labels.check(strategy)
    }
}

impl<G: RowGenerator> Consolidate for Dgr<G> {
    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        at.freeze("labeller", theta);
        at.freeze_module(G::MODULE);
        answers::end(at);
        theta
    }
}

impl<G: RowGenerator> Generate for Dgr<G> {
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> RecordedRows<'g> {
        let rows = super::batch::rows(step);
        let noise = step.normal("replay", &[rows, self.generator.latent()]);
        let made = self.generator.images(step.frozen_module(G::MODULE), step.x.shape()[1], noise);
        spread::watch(step, made);
        let (x, whole) = spread::numbers(made);
        let last = answers::last(&step.scope);
        let context = last.expand(&[rows]);
        let logits = step.predict(step.frozen("labeller").flat, x, context).logits;
        let (targets, active) = match self.heads {
            Heads::One => answers::of_one_head(step, self.labels, logits, context),
            Heads::EachPastContext => {
                (answers::of_past_heads(step, self.labels, logits, last), None)
            }
        };
        let alike = RecordedRows::alike(x, targets, context);
        RecordedRows { active, weight: alike.weight * whole, ..alike }
    }
}
