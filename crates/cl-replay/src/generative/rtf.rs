//! Replay through feedback, and brain-inspired replay.

use super::answers::{self, Heads, Labels};
use super::feedback::{DecoderGates, FeedbackGenerator, GatedBy, Prior};
use super::modes::{self, Modes};
use super::spread;
use cl_core::{
    Boundary, Consolidate, Error, Generate, Needs, Parts, Pass, RecordedRows, Step, Strategy,
};
use cl_scenarios::Scenario;
use cl_tensor::Var;

/// Replay through feedback, `rtf`; with a mode per output and gates in the decoder, `bir`.
///
/// L = Σ_rows weight · (reconstruction/pixels + KL/pixels + CE), with generated rows beside the current
/// ones: weights w and 1 − w by the run's [`Mix`](cl_core::Mix), 1/t and 1 − 1/t in the t-th context;
/// generated rows bear the frozen network's probabilities at a temperature of 2, −Σ_c p_c log softmax(z/T)_c
/// without a factor T².
///
/// `rtf` (van de Ven & Tolias 2018, arXiv 1809.10635): the classifier is the encoder of a variational
/// autoencoder ([`FeedbackGenerator`]); the network as it was at the last boundary decodes N(0, I) and
/// labels what it made. In a task-incremental stream the same rows are labelled by the head of every
/// past context.
///
/// `bir` (van de Ven, Siegelmann & Tolias 2020, Nature Communications 11, "Brain-inspired replay"; as in
/// the code of van de Ven, Tuytelaars & Tolias 2022): each output has a learned mode in latent space, and
/// for each class (domain-incremental: context) a random part of the decoder is off. Rows are made of
/// classes that were seen; in a task-incremental stream of each past context in turn, labelled by its
/// head, with the same total weight. Replay of features and not of pixels is what it does behind
/// convolutions; there are none here.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `generator` | latent 100 | | [`FeedbackGenerator`]: prior, gates, loss |
/// | `labels` | soft, T = 2 | T > 0 | what the teacher says of generated rows |
/// | `heads` | one | | whose outputs answer: [`Heads::of`] the scenario |
///
/// Conventions: the reference draws ⌈batch / (t − 1)⌉ rows per past context in task-incremental streams;
/// here all rows add up to the batch. Its gates and probabilities at [`ReplayThroughFeedback::bir`]:
/// `gated` 0.1 for split MNIST, and 0 where the context is told. At `gated` = 0 no unit is off.
/// There is no neutral setting: the network reconstructs from the first context on.
///
/// Memory: a copy of the network, the number of the last context; with modes or gates a count per
/// context and output; with gates a threshold per unit and class or context. The one-head forms cost the
/// same in every context; with [`Heads::EachPastContext`] and neither modes nor gates the labels grow
/// with the number of contexts, by rows × outputs numbers each, as in the definition. Slots besides:
/// [`SPREAD`](super::SPREAD), [`ALBUM`](super::ALBUM), [`SAMPLES`](super::SAMPLES).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReplayThroughFeedback {
    /// What makes rows.
    pub generator: FeedbackGenerator,
    /// What the teacher says of generated rows.
    pub labels: Labels,
    /// Whose outputs answer.
    pub heads: Heads,
}

impl ReplayThroughFeedback {
    /// With N(0, I) and without gates, as in the paper.
    #[must_use]
    pub fn rtf(scenario: Scenario) -> Self {
        let generator = FeedbackGenerator::plain(100);
        Self { generator, labels: Labels::Soft(2.0), heads: Heads::of(scenario) }
    }

    /// Brain-inspired replay as in the code of van de Ven et al. 2022 for split MNIST, the preset `vdv`.
    #[must_use]
    pub fn bir(scenario: Scenario) -> Self {
        let (by, gated) = match scenario {
            Scenario::Task => (GatedBy::Class, 0.0),
            Scenario::Domain => (GatedBy::Context, 0.1),
            Scenario::Class => (GatedBy::Class, 0.1),
        };
        let generator = FeedbackGenerator {
            prior: Prior::ModePerOutput,
            gates: Some(DecoderGates { by, gated }),
            ..FeedbackGenerator::plain(100)
        };
        Self { generator, ..Self::rtf(scenario) }
    }

    fn label(&self) -> &'static str {
        if self.generator.conditional() { "bir" } else { "rtf" }
    }
}

impl Strategy for ReplayThroughFeedback {
    fn name(&self) -> String {
        self.label().to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        let Self { generator, .. } = self;
        parts.backbone(generator).penalty(generator).generate(self);
        parts.consolidate(self).consolidate(generator);
    }

    fn needs(&self) -> Needs {
        Needs { boundaries: true, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let mut all = self.generator.describe();
        all.push(("labels", self.labels.describe()));
        all.push(("heads", self.heads.describe().to_owned()));
        all.into_iter().map(|(what, said)| (format!("{}.{what}", self.label()), said)).collect()
    }

    fn check(&self) -> Result<(), Error> {
        self.generator.check(self.label())?;
        self.labels.check(self.label())
    }
}

impl Consolidate for ReplayThroughFeedback {
    /// To count the classes that can be asked for.
    fn passes(&self) -> Vec<Pass> {
        if self.generator.conditional() { vec![Pass::default()] } else { Vec::new() }
    }

    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        modes::count(step);
    }

    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        at.freeze("teacher", theta);
        answers::end(at);
        theta
    }
}

impl Generate for ReplayThroughFeedback {
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> RecordedRows<'g> {
        let (graph, rows) = (step.graph(), super::batch::rows(step));
        let last = answers::last(&step.scope);
        let ended = last.expand(&[rows]);
        let modes = if self.generator.conditional() {
            modes::draw(step, self.heads, rows)
        } else {
            let weight = graph.full(&[rows], 1.0 / rows as f32);
            Modes { context: ended, class: ended, weight }
        };
        let teacher = step.frozen("teacher");
        let made = self.generator.replayed(step, teacher, &modes);
        spread::watch(step, made);
        let (x, whole) = spread::numbers(made);
        let context = modes.context;
        let logits = step.predict(teacher.flat, x, context).logits;
        let (targets, active) = match (self.heads, self.generator.conditional()) {
            (Heads::One, _) => answers::of_one_head(step, self.labels, logits, ended),
            (Heads::EachPastContext, true) => {
                answers::of_one_head(step, self.labels, logits, context)
            }
            (Heads::EachPastContext, false) => {
                (answers::of_past_heads(step, self.labels, logits, last), None)
            }
        };
        RecordedRows { x, targets, weight: modes.weight * whole, context, active }
    }
}
