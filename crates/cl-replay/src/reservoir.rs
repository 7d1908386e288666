//! Experience replay from a reservoir.

use crate::budget::{Budget, row_size};
use crate::episodic::{EpisodicMemory, Recall};
use crate::range;
use cl_buffers::Reservoir;
use cl_core::{Error, Member, Mix, Parts, Strategy};
use cl_random::Purpose;

const REPLAY: Purpose = Purpose::named("replay from a reservoir");

/// Experience replay from a uniform sample of all rows that passed: needs no boundaries.
///
/// L = w · CE(current rows) + (1 − w) · CE(replayed rows), both means; w follows the
/// [`Mix`]. Chaudhry et al. 2019, "On tiny episodic memories in continual learning"
/// (arXiv 1902.10486), with the reservoir of Vitter 1985, algorithm R.
///
/// A step first replays as many rows as the stream brings (fewer while the reservoir holds fewer),
/// drawn uniformly without replacement from the whole reservoir in every scenario; the stream's rows
/// are offered one by one after the step. Rows that the stream brings again are offered again.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `budget` | 100 per class | ≥ 1 | what the reservoir may hold; per class: times the classes of the whole stream |
/// | `mix` | the run's | | w: 1/t, a fixed fraction, the share of rows, or a sum |
///
/// Chaudhry et al. add the replayed rows to the batch under one mean: `Mix::ByRows`, which with equally
/// many rows is `Mix::Fixed(0.5)`, as van de Ven et al. 2022 have it in streams without boundaries; under
/// a run's default `Mix::ByContext` replay begins to count in the second context.
/// There is no neutral setting: a reservoir of nothing is refused. Under `Mix::Fixed(1.0)` replayed
/// rows have weight 0.
///
/// Cells ([`Step::cells`](cl_core::Step::cells)) are places in the reservoir; a row that replaces
/// another takes over its cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReservoirReplay {
    /// What the reservoir may hold.
    pub budget: Budget,
    /// How stream and replay are weighed; `None`: as the run says.
    pub mix: Option<Mix>,
}

impl ReservoirReplay {
    /// With room for so many rows times the number of classes.
    #[must_use]
    pub fn per_class(rows: usize) -> Self {
        Self { budget: Budget::PerClass(rows), mix: None }
    }

    /// With room for so many rows in all: van de Ven, Tuytelaars & Tolias 2022 keep 1,000 of a stream
    /// without boundaries.
    #[must_use]
    pub fn total(rows: usize) -> Self {
        Self { budget: Budget::Rows(rows), mix: None }
    }

    /// The reservoir of one member.
    ///
    /// # Errors
    /// A budget of less than one row for every class.
    pub fn memory(&self, member: &Member<'_>) -> Result<EpisodicMemory<Reservoir>, Error> {
        let (budget, size) = (self.budget.bytes(member), (row_size(member), 0));
        let recall = Recall { purpose: REPLAY, ..Recall::uniform("er-reservoir", member.batch) };
        EpisodicMemory::new(member, budget, size, Reservoir::new(), recall)
    }
}

impl Default for ReservoirReplay {
    fn default() -> Self {
        Self::per_class(100)
    }
}

impl Strategy for ReservoirReplay {
    fn name(&self) -> String {
        "er-reservoir".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.rehearse(|member| Ok(Box::new(self.memory(member)?)));
        if let Some(mix) = self.mix {
            parts.mix(mix);
        }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let memory = "reservoir, algorithm R, rows offered after each step";
        let replay = "as many rows as the stream's, drawn without replacement from all";
        vec![
            ("er-reservoir.budget".to_owned(), self.budget.to_string()),
            ("er-reservoir.memory".to_owned(), memory.to_owned()),
            ("er-reservoir.replay".to_owned(), replay.to_owned()),
            ("er-reservoir.mix".to_owned(), range::describe_mix(self.mix)),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        self.budget.check("er-reservoir")?;
        range::mix("er-reservoir", self.mix)
    }
}
