//! iCaRL.

use crate::budget::ExemplarBudget;
use crate::exemplar_means::ExemplarMeans;
use crate::exemplars::{FEATURES, HerdedExemplars, Selection};
use crate::range::positive;
use cl_core::{
    Boundary, Consolidate, Criterion, Error, Needs, Parts, Pass, Shown, Step, Strategy, Taken,
    Track,
};
use cl_nn::losses::{binary_cross_entropy_with_logits, mask_inactive};
use cl_scenarios::Scenario;
use cl_tensor::{Init, Var};

/// How the teacher's outputs enter the loss of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Distillation {
    /// Σ_c BCE(z_c, t_c), t_c = σ(z*_c / T) for classes of the past and one-hot for the others: the
    /// paper's, with T = 1.
    #[default]
    BinarySum,
    /// The same, its mean over the classes so far: Avalanche's and mammoth's.
    BinaryMean,
    /// CE(z, y) − Σ_c softmax(z*/T)_c log softmax(z/T)_c, the second over classes of the past: PyCIL's,
    /// with T = 2 and no factor T².
    Softmax,
}

/// iCaRL: exemplars by herding, distillation, and the nearest mean of exemplars.
///
/// Rebuffi, Kolesnikov, Sperl & Lampert 2017, "iCaRL: incremental classifier and representation
/// learning", CVPR, arXiv 1611.07725:
/// - algorithm 3: exemplars join the new rows in one draw; the loss of every row is
///   −Σ_c t_c log σ(z_c) + (1 − t_c) log(1 − σ(z_c)), t_c the teacher's σ(z*_c) for classes of the past,
///   one-hot for the others;
/// - algorithm 4: when a context ends, of every new class the rows are kept whose mean is nearest to
///   that of the class ([`cl_buffers::herd`]);
/// - algorithm 1: the nearest mean of exemplars classifies ([`ExemplarMeans`]).
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `budget` | 2,000 shared | at least one per class | exemplars; structure |
/// | `selection` | `Herding` | | which rows become exemplars; structure |
/// | `distillation` | `BinarySum` | | how the teacher enters; structure |
/// | `temperature` | 1 | > 0 | T of the teacher; slot `temperature` |
///
/// [`Icarl::vdv`] is van de Ven, Tuytelaars & Tolias 2022: so many per class for good and T = 2, which
/// acts on the target alone; [`Icarl::avalanche`] and [`Icarl::mammoth`] take the mean over classes, but
/// not their second, flipped image in the class means, nor mammoth's weight decay.
///
/// Conventions. Classes so far compete: those of a later context have no target. They are the classes
/// of which a row was trained on, this batch included. The shared budget gives ⌊M / classes⌋ to each
/// class, where others round up: bytes are never exceeded. In a task-incremental stream only the
/// outputs of a row's own context compete. In a domain-incremental stream no class is new, and it is
/// refused. The teacher answers as at test, without dropout.
///
/// Slots: `temperature`, `now` (rows per class since the last boundary); kept `old`, `[classes]`, and
/// the `teacher`, `[theta]`; the exemplars. A step takes one more forward pass, that of the teacher over
/// every row, and no more gradients; it does not grow with the number of contexts. Neutral setting: none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Icarl {
    /// Exemplars that are kept.
    pub budget: ExemplarBudget,
    /// Which rows become exemplars.
    pub selection: Selection,
    /// How the teacher's outputs enter the loss.
    pub distillation: Distillation,
    /// Divides the teacher's logits.
    pub temperature: f32,
}

impl Default for Icarl {
    fn default() -> Self {
        Self {
            budget: ExemplarBudget::Shared(2000),
            selection: Selection::Herding,
            distillation: Distillation::BinarySum,
            temperature: 1.0,
        }
    }
}

impl Icarl {
    /// The paper's loss with so many exemplars of every class.
    #[must_use]
    pub fn per_class(exemplars: usize) -> Self {
        Self { budget: ExemplarBudget::PerClass(exemplars), ..Self::default() }
    }

    /// The form of van de Ven et al. 2022 with so many exemplars of every class.
    #[must_use]
    pub fn vdv(exemplars: usize, selection: Selection) -> Self {
        Self { selection, temperature: 2.0, ..Self::per_class(exemplars) }
    }

    /// The form of Avalanche.
    #[must_use]
    pub fn avalanche() -> Self {
        Self { distillation: Distillation::BinaryMean, ..Self::default() }
    }

    /// The form of mammoth.
    #[must_use]
    pub fn mammoth() -> Self {
        Self::avalanche()
    }

    /// The form of `PyCIL`: softmax in training, T = 2.
    #[must_use]
    pub fn pycil() -> Self {
        Self { distillation: Distillation::Softmax, temperature: 2.0, ..Self::default() }
    }
}

/// Rows of each class: of the past, and since the last boundary.
const OLD: &str = "old";
const NOW: &str = "now";

fn rows_by_class<'g>(step: &Step<'_, 'g>) -> Var<'g> {
    let outputs = step.forward.logits.shape()[1];
    (step.target.one_hot(outputs) * step.weight.sign().column()).sum_axis(0)
}

impl Criterion for Icarl {
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let (scope, logits) = (&step.scope, step.forward.logits);
        let shape = logits.shape();
        let outputs = shape[1];
        let old = scope.kept(OLD, &[outputs], Init::Zeros).sign();
        let now = scope.slot(NOW, &[outputs], Init::Zeros);
        let so_far = old.maximum((now + rows_by_class(step)).sign());
        let active = step.active.unwrap_or_else(|| step.graph().full(&shape, 1.0));
        let (old, so_far) = (old.expand(&shape) * active, so_far.expand(&shape) * active);
        let teacher = step.predict(step.frozen("teacher").flat, step.x, step.context).logits;
        let temperature = scope.hyper("temperature", self.temperature);
        let logits = mask_inactive(logits, so_far);
        if self.distillation == Distillation::Softmax {
            // Masked behind the division: -1e30 / T would overflow where T is small.
            let over_old = |z: Var<'g>| mask_inactive(z / temperature, old);
            let (p, log_q) =
                (over_old(teacher).softmax(), over_old(step.forward.logits).log_softmax());
            return logits.cross_entropy(step.target) - (old * p * log_q).sum_axis(1);
        }
        let targets = old.select((teacher / temperature).sigmoid(), step.target.one_hot(outputs));
        let rows = binary_cross_entropy_with_logits(logits, targets * so_far);
        match self.distillation {
            Distillation::BinaryMean => {
                rows / so_far.sum_axis(1).maximum(step.graph().constant(1.0))
            }
            Distillation::BinarySum | Distillation::Softmax => rows,
        }
    }
}

impl Track for Icarl {
    fn update<'g>(&self, step: &Step<'_, 'g>, _: &Taken<'g>) {
        step.scope.accumulate(NOW, rows_by_class(step));
    }
}

impl Consolidate for Icarl {
    fn passes(&self) -> Vec<Pass> {
        vec![Pass::default()]
    }

    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        step.report(FEATURES, step.forward.features);
    }

    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let outputs = [at.around.network.outputs()];
        let old = at.scope.kept(OLD, &outputs, Init::Zeros);
        at.scope.assign(OLD, old + at.scope.take(NOW, &outputs));
        at.freeze("teacher", theta);
        theta
    }
}

/// Refuses a stream in which no class is ever new.
pub(crate) fn needs_new_classes(strategy: &str, shown: &Shown) -> Result<(), Error> {
    if shown.scenario != Scenario::Domain {
        return Ok(());
    }
    Err(Error::NotShown {
        strategy: strategy.to_owned(),
        needed: "contexts that bring new classes",
        shown: "in a domain-incremental stream they share theirs".to_owned(),
    })
}

impl Strategy for Icarl {
    fn name(&self) -> String {
        "icarl".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.rehearse(move |member| {
            Ok(Box::new(HerdedExemplars::new("icarl", self.budget, self.selection, member)?))
        });
        parts.criterion(self).track(self).consolidate(self);
        const READOUT: &ExemplarMeans = &ExemplarMeans::icarl("icarl");
        parts.consolidate(READOUT).readout(READOUT);
    }

    fn needs(&self) -> Needs {
        Needs { boundaries: true, ..Needs::default() }
    }

    fn check_needs(&self, shown: &Shown) -> Result<(), Error> {
        if !shown.visible.boundaries {
            let needed = "to be told when a context ends";
            let (strategy, shown) =
                (self.name(), format!("a stream of kind `{}` does not show it", shown.kind));
            return Err(Error::NotShown { strategy, needed, shown });
        }
        needs_new_classes("icarl", shown)
    }

    fn describe(&self) -> Vec<(String, String)> {
        let selection = match self.selection {
            Selection::Herding => "herding",
            Selection::AsReleased => {
                "as released: herding through a shuffled loader, in effect random"
            }
        };
        let distillation = match self.distillation {
            Distillation::BinarySum => "binary, sum over classes so far",
            Distillation::BinaryMean => "binary, mean over classes so far",
            Distillation::Softmax => "softmax over past classes, beside cross-entropy",
        };
        vec![
            ("icarl.budget".to_owned(), self.budget.to_string()),
            ("icarl.selection".to_owned(), selection.to_owned()),
            ("icarl.distillation".to_owned(), distillation.to_owned()),
            ("icarl.temperature".to_owned(), format!("{}, of the teacher", self.temperature)),
            ("icarl.readout".to_owned(), "nearest mean of exemplars, lengths 1".to_owned()),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        self.budget.check("icarl")?;
        positive("icarl", "temperature", self.temperature)
    }
}
