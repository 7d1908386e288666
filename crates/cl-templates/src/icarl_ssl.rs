//! iCaRL's templates on features that are learned without labels.

use crate::barlow::barlow_twins;
use crate::budget::ExemplarBudget;
use crate::exemplars::{FEATURES, HerdedExemplars, Selection};
use crate::projector::Projector;
use crate::range::at_least_zero;
use crate::views::Views;
use cl_core::{Consolidate, Criterion, Error, Needs, Parts, Pass, Step, Strategy};
use cl_tensor::Var;

/// The name of the strategy and of its memory.
pub(crate) const NAME: &str = "icarl-ssl";

/// iCaRL with self-supervised features: two views of an image agree, labels are for the templates only.
///
/// The loss of a batch is that of Barlow Twins ([`barlow_twins`], Zbontar et al. 2021, arXiv 2103.03230)
/// between two [`Views`] of every row, on their embedding by a [`Projector`]. Exemplars are herded in that
/// embedding and join the draw, and the nearest mean of exemplars in it classifies, as in iCaRL (Rebuffi
/// et al. 2017, arXiv 1611.07725). No label enters training.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `budget` | 100 per class | at least one per class | exemplars; structure |
/// | `lambda` | 0.05 | ≥ 0 | weight of what is beside C's diagonal; slot `lambda` |
/// | `projector` | 256 units, 64 values | ≥ 0 | the embedding; structure |
/// | `views` | see [`Views`] | | slots `shift`, `degrees`, `noise` |
///
/// The paper has λ = 0.005, a projector of three layers of 8,192 units with batch normalisation, and
/// discards it: features in front of it are the result. Small networks and batches want a larger λ and a
/// narrow embedding, and templates do better in the embedding, where units are alike in scale and
/// uncorrelated, than on rectified units. The projector joins theta, so penalties of a composition hold it,
/// too; the network's own output layer is not trained. Each row's loss is that of the batch, so weights of
/// rows enter correlations only relative to each other. Pixels have to be square images. Neutral setting:
/// none.
///
/// Measured, class-incremental digits, 128 rows per step, 100 exemplars per class, seeds 2 to 6, where the
/// nearest mean on pixels has 91.3 %: MLP 64-256, 600 steps per context, 94.5 ± 0.6 %, with `shift` 1/16 95.7
/// ± 0.3 %; MLP 64-128-128, 400 steps, 91.9 ± 0.9 % and 94.7 ± 0.4 %: 1/8 is a whole pixel of a digit, and
/// small networks do better with half of it. Correlations want rows and means want exemplars: with steps of
/// 32 rows and 10 exemplars per class the smaller network has 87 %.
///
/// Memory: the exemplars. A step makes two passes through the network and its gradient in place of one,
/// and does not grow with the number of contexts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IcarlSsl {
    /// Exemplars that are kept.
    pub budget: ExemplarBudget,
    /// Weight of correlations between different units.
    pub lambda: f32,
    /// What is compared.
    pub projector: Projector,
    /// How views of an image differ.
    pub views: Views,
}

impl Default for IcarlSsl {
    fn default() -> Self {
        Self::per_class(100)
    }
}

impl IcarlSsl {
    /// With so many exemplars of every class.
    #[must_use]
    pub fn per_class(exemplars: usize) -> Self {
        let budget = ExemplarBudget::PerClass(exemplars);
        let projector = Projector { units: 256, outputs: 64 };
        Self { budget, lambda: 0.05, projector, views: Views::default() }
    }
}

impl Criterion for IcarlSsl {
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let embedding = |name: &str| {
            let view = self.views.of(step, name);
            self.projector.of(step, step.forward(step.theta, view, step.context).features)
        };
        let (a, b) = (embedding("first view"), embedding("second view"));
        let lambda = step.scope.hyper("lambda", self.lambda);
        barlow_twins(a, b, step.weight, lambda).expand(&step.weight.shape())
    }
}

impl Consolidate for IcarlSsl {
    fn passes(&self) -> Vec<Pass> {
        vec![Pass::default()]
    }

    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        step.report(FEATURES, self.projector.of(step, step.forward.features));
    }
}

impl Strategy for IcarlSsl {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.rehearse(move |member| {
            let selection = Selection::Herding;
            Ok(Box::new(HerdedExemplars::new(NAME, self.budget, selection, member)?))
        });
        let projector = &self.projector;
        if !projector.is_none() {
            parts.gate(projector);
        }
        parts.criterion(self).consolidate(self);
        parts.consolidate(projector).readout(projector);
    }

    fn needs(&self) -> Needs {
        Needs { boundaries: true, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let Views { shift, degrees, noise } = self.views;
        let views = format!("shift {shift}, {degrees} degrees, noise {noise}");
        let projector = match self.projector {
            none if none.is_none() => "none".to_owned(),
            Projector { units, outputs } => {
                format!("{units} units, {outputs} values, part of theta")
            }
        };
        vec![
            ("icarl-ssl.budget".to_owned(), self.budget.to_string()),
            ("icarl-ssl.lambda".to_owned(), self.lambda.to_string()),
            ("icarl-ssl.projector".to_owned(), projector),
            ("icarl-ssl.views".to_owned(), views),
            (
                "icarl-ssl.readout".to_owned(),
                "nearest mean of exemplars in the embedding, lengths 1".to_owned(),
            ),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        self.budget.check(NAME)?;
        at_least_zero(NAME, "lambda", self.lambda)?;
        self.views.check(NAME)
    }
}
