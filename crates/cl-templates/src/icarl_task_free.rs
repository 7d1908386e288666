//! iCaRL without boundaries.

use crate::binary::BinaryCrossEntropy;
use crate::budget::ExemplarBudget;
use crate::exemplar_means::ExemplarMeans;
use crate::reservoir::ReservoirExemplars;
use cl_core::{Error, Parts, Strategy};

/// iCaRL where nobody tells boundaries, as van de Ven, Tuytelaars & Tolias 2022
/// (doi:10.1038/s42256-022-00568-3) have it: "modified iCaRL".
///
/// Rows of a reservoir are replayed at every step; the loss of every row is
/// Σ_c BCE(z_c, y_c), y one-hot, without distillation, since there is no teacher of a context that ended
/// ([`BinaryCrossEntropy`]); the nearest mean of what the reservoir holds classifies ([`ExemplarMeans`]),
/// as in Rebuffi et al. 2017, algorithm 1 (arXiv 1611.07725).
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `budget` | 1,000 in all | at least one per class | rows of the reservoir; structure |
///
/// Conventions: as many rows are replayed as the stream brings, drawn without replacement from all that
/// was offered before the step; the mix of stream and replay is the run's. All outputs compete, in a
/// task-incremental stream those of a row's own context. The budget is one of the whole stream: per class
/// it is multiplied by all classes, and rows stay whatever their class. A class without a row in the
/// reservoir scores −1e30.
///
/// Slots: those of [`ExemplarMeans`]. Memory: the rows of the reservoir. A step does not grow with the
/// number of contexts. Neutral setting: none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskFreeIcarl {
    /// Rows of the reservoir.
    pub budget: ExemplarBudget,
}

const NAME: &str = "icarl";
const READOUT: &ExemplarMeans = &ExemplarMeans::icarl(NAME);

impl TaskFreeIcarl {
    /// With room for so many rows times the number of classes.
    #[must_use]
    pub fn per_class(rows: usize) -> Self {
        Self { budget: ExemplarBudget::PerClass(rows) }
    }
}

impl Default for TaskFreeIcarl {
    fn default() -> Self {
        Self { budget: ExemplarBudget::Shared(1000) }
    }
}

impl Strategy for TaskFreeIcarl {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.rehearse(|member| Ok(Box::new(ReservoirExemplars::new(NAME, self.budget, member)?)));
        parts.criterion(&BinaryCrossEntropy).consolidate(READOUT).readout(READOUT);
    }

    fn describe(&self) -> Vec<(String, String)> {
        let rows = match self.budget {
            ExemplarBudget::PerClass(rows) | ExemplarBudget::SharedPerClass(rows) => {
                format!("{rows} per class")
            }
            ExemplarBudget::Shared(rows) => format!("{rows} rows"),
            ExemplarBudget::Bytes(bytes) => format!("{bytes} bytes"),
        };
        vec![
            ("icarl.budget".to_owned(), format!("{rows} in a reservoir")),
            ("icarl.distillation".to_owned(), "none, binary cross-entropy".to_owned()),
            ("icarl.readout".to_owned(), "nearest mean of exemplars, lengths 1".to_owned()),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        self.budget.check(NAME)
    }
}
