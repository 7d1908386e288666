//! Accuracy per context: after which stages, and of which contexts.

use crate::draw::test_rows_of;
use crate::error::Error;
use crate::learner::Learner;
use cl_buffers::Row;
use cl_metrics::{Calibration, Prediction};
use cl_random::{Address, Purpose};

/// After which stages a run is evaluated, and on which contexts.
///
/// A stream of T contexts that is evaluated on all of them after each of them costs T² evaluations and keeps
/// T² numbers. So a long stream is tracked: of more than `tracked` contexts so many, evenly spread, are
/// measured, and evaluation may come after every so many stages only. Neither changes what is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// After every so many stages, and after the last; at least 1. Evaluations after stages 1 to T with
    /// `every` = k are those after k, 2 k, .., and T.
    pub every: usize,
    /// Contexts that are measured, at most; at least 1.
    pub tracked: usize,
    /// Also on the way: at step 0, after every so many steps of a phase, at least 1, and at the end of every
    /// stage, before it is consolidated but where a read-out classifies; on at most [`Evaluation::GLANCED`] test rows of every context, the same
    /// ones throughout. Of a run whose contexts are all tracked; one without a stage of training per context, as
    /// a joint one, is not looked at.
    pub anytime: Option<u32>,
    /// Also how much networks can still learn, at every evaluation after a stage, on at most [`Evaluation::PROBED`] test
    /// rows, evenly of the tracked contexts and the same ones throughout.
    pub plasticity: bool,
}

impl Evaluation {
    /// Most contexts that are measured, unless it is said otherwise.
    pub const TRACKED: usize = 50;

    /// Most test rows of a context that are evaluated on the way (De Lange, van de Ven & Tuytelaars 2023).
    pub const GLANCED: usize = 1_000;

    /// Most test rows on which plasticity is measured (Dohare et al. 2024).
    pub const PROBED: usize = 2_000;

    /// Whether a run of so many stages is evaluated after this one, counted from 0.
    #[must_use]
    pub fn is_due(self, stage: usize, stages: usize) -> bool {
        (stage + 1).is_multiple_of(self.every) || stage + 1 == stages
    }

    /// How many evaluations come after the first `stage` of so many stages.
    pub(crate) fn done(self, stage: usize, stages: usize) -> usize {
        let last = usize::from(stage > 0 && stage == stages && !stages.is_multiple_of(self.every));
        stage / self.every.max(1) + last
    }

    /// The contexts that are measured, counted from 0, ascending: all of them, or n with number i of 1 to n
    /// being context ⌈i T / n⌉ of 1 to T, so that the last is the last of the stream.
    #[must_use]
    pub fn contexts(self, contexts: usize) -> Vec<usize> {
        let tracked = contexts.min(self.tracked);
        (1..=tracked).map(|number| (number * contexts).div_ceil(tracked) - 1).collect()
    }

    /// Test rows of each tracked context on which plasticity is measured, at most.
    pub(crate) fn probed_of_each(self, contexts: usize) -> usize {
        (Self::PROBED / contexts.min(self.tracked).max(1)).max(1)
    }

    /// Whether every one of so many contexts is measured after every stage.
    #[must_use]
    pub fn is_full(self, contexts: usize) -> bool {
        self.every == 1 && contexts <= self.tracked
    }
}

/// After every stage, on at most [`Evaluation::TRACKED`] contexts.
impl Default for Evaluation {
    fn default() -> Self {
        Self { every: 1, tracked: Self::TRACKED, anytime: None, plasticity: false }
    }
}

impl Learner<'_> {
    /// The contexts on which accuracy is measured, counted from 0, ascending.
    #[must_use]
    pub fn tracked(&self) -> Vec<usize> {
        self.settings().evaluation.contexts(self.model().contexts)
    }

    /// Accuracy of every member on the test rows of every tracked context, with the outputs that are
    /// active after `stage`: `[members][tracked]`, fractions.
    ///
    /// # Errors
    /// What the device refuses.
    pub fn accuracies(&mut self, stage: usize) -> Result<Vec<Vec<f64>>, Error> {
        let rows = self.tracked_rows(usize::MAX);
        let hits = self.hits(stage, &rows)?;
        Ok(self.shares(&rows, hits))
    }

    /// The same on the rows that are evaluated on the way.
    pub(crate) fn glance(&mut self, stage: usize) -> Result<Vec<Vec<f64>>, Error> {
        let rows = self.tracked_rows(Evaluation::GLANCED);
        // Only a read-out has to know what training changed; others wait for the end of the context.
        if self.reads_out() {
            self.prepare_evaluation(stage)?;
        }
        let hits = self.seen_hits(stage, &rows)?;
        Ok(self.shares(&rows, hits))
    }

    /// Steps from one evaluation on the way to the next, of a run that has any.
    pub(crate) fn glances_every(&self) -> Option<u32> {
        let contexts = self.model().contexts;
        self.settings().evaluation.anytime.filter(|_| self.stages() == contexts)
    }

    /// How sure every member is of its answers to the test rows of every tracked context, and how often right,
    /// with the outputs that are active after `stage`: in [`Calibration::BINS`] bins of the largest softmax of
    /// the scores. `None` where a strategy classifies by scores of its own, which are no log-probabilities, and where a score
    /// is no number.
    ///
    /// # Errors
    /// What the device refuses.
    pub fn calibrations(&mut self, stage: usize) -> Result<Vec<Option<Calibration>>, Error> {
        if self.reads_out() {
            return Ok(vec![None; self.members()]);
        }
        let rows = self.tracked_rows(usize::MAX);
        let of_member = |[hits, scores]: [Vec<f32>; 2]| {
            let scores = scores.chunks((scores.len() / hits.len().max(1)).max(1));
            let said = hits.iter().zip(scores).map(|(&hit, scores)| Prediction {
                correct: hit > 0.0,
                ..Prediction::of_logits(scores, 0)
            });
            Calibration::of(&said.collect::<Vec<_>>(), Calibration::BINS).ok()
        };
        Ok(self.scores(stage, &rows)?.into_iter().map(of_member).collect())
    }

    /// Test rows of every tracked context, at most so many each: of more a draw that is the same in every
    /// evaluation.
    pub(crate) fn tracked_rows(&self, most: usize) -> Vec<Vec<Row>> {
        let tracked = self.tracked();
        let of_member = |member: usize| {
            let seed = self.seeds()[member];
            let of_context = |&context: &usize| {
                let mut rows = test_rows_of(self.stream(member), self.labels(), context);
                if rows.len() > most {
                    let purpose = Purpose::named("anytime");
                    Address::new(seed, purpose).context(context as u32).rng().shuffle(&mut rows);
                    rows.truncate(most);
                }
                rows
            };
            tracked.iter().flat_map(of_context).collect()
        };
        (0..self.members()).map(of_member).collect()
    }

    /// `[members][tracked]`: the share of hits among the rows of every tracked context.
    fn shares(&self, rows: &[Vec<Row>], hits: Vec<Vec<f32>>) -> Vec<Vec<f64>> {
        let tracked = self.tracked();
        let mut column = vec![0; self.model().contexts];
        for (number, &context) in tracked.iter().enumerate() {
            column[context] = number;
        }
        let per_member = rows.iter().zip(hits).map(|(rows, hits)| {
            let mut sums = vec![(0.0, 0.0); tracked.len()];
            for (row, hit) in rows.iter().zip(hits) {
                let (hit_sum, count) = &mut sums[column[row.context as usize]];
                *hit_sum += f64::from(hit);
                *count += 1.0;
            }
            sums.into_iter().map(|(hits, count)| hits / count).collect()
        });
        per_member.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_contexts_are_all_tracked_and_many_evenly() {
        let of =
            |tracked, contexts| Evaluation { tracked, ..Evaluation::default() }.contexts(contexts);
        assert_eq!(of(50, 3), [0, 1, 2]);
        assert_eq!(of(3, 3), [0, 1, 2]);
        // ⌈10 / 3⌉ = 4, ⌈20 / 3⌉ = 7, 10; counted from 0.
        assert_eq!(of(3, 10), [3, 6, 9]);
        assert_eq!(of(1, 10), [9]);
        let long = of(50, 10_000);
        assert_eq!((long.len(), long[0], long[1], long[49]), (50, 199, 399, 9_999));
        assert!(of(50, 51).windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn it_is_due_after_every_so_many_stages_and_the_last() {
        let due = |every, stages| -> Vec<usize> {
            let evaluation = Evaluation { every, ..Evaluation::default() };
            (0..stages).filter(|&stage| evaluation.is_due(stage, stages)).collect()
        };
        assert_eq!(due(1, 4), [0, 1, 2, 3]);
        assert_eq!(due(3, 8), [2, 5, 7]);
        assert_eq!(due(3, 6), [2, 5]);
        assert_eq!(due(9, 4), [3]);
        // A joint run has one stage.
        assert_eq!(due(3, 1), [0]);
    }

    #[test]
    fn as_many_are_done_as_were_due() {
        for every in 1..6 {
            let evaluation = Evaluation { every, ..Evaluation::default() };
            for stages in 1..12 {
                for stage in 0..=stages {
                    let due = (0..stage).filter(|&it| evaluation.is_due(it, stages)).count();
                    assert_eq!(evaluation.done(stage, stages), due, "{every} {stage} {stages}");
                }
            }
        }
    }
}
