//! Continual evaluation: accuracies measured while a run trains, not at the ends of contexts only.

use crate::matrix::check;
use crate::{Error, Undefined, mean::mean};
use serde::{Deserialize, Serialize};

/// One evaluation on the way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Glance {
    /// The context that was being learnt, counted from 0.
    pub context: usize,
    /// Steps of training so far, over all contexts.
    pub step: u64,
    /// Accuracy on every context, also on those not seen yet: \[contexts\], fractions.
    pub accuracy: Vec<f64>,
}

/// The accuracies of one run on the way: of every context at step 0 and every so many steps.
///
/// The last evaluation of each context is the one at its end, before anything is consolidated. The rows that
/// are evaluated are the same ones throughout: rows drawn anew for every evaluation would bias minima downwards.
///
/// Formulas of De Lange, van de Ven & Tuytelaars 2023, "Continual evaluation for lifelong learning: identifying
/// the stability gap". That paper gives depth and length of the gap no formula, and has no area under the curve:
/// [`stability_gap_depth`](Self::stability_gap_depth), [`stability_gap_length`](Self::stability_gap_length) and
/// [`average_anytime_accuracy`](Self::average_anytime_accuracy) are defined here.
///
/// ```
/// use cl_metrics::{AnytimeAccuracy, Glance};
///
/// let mut run = AnytimeAccuracy::new(2)?;
/// for (context, step, accuracy) in
///     [(0, 0, [0.5, 0.5]), (0, 10, [0.9, 0.5]), (1, 15, [0.6, 0.7]), (1, 20, [0.9, 0.8])]
/// {
///     run.push(Glance { context, step, accuracy: accuracy.to_vec() })?;
/// }
/// // After the second context the first is as good as it was; on the way there it was not.
/// assert!((run.stability_gap_depth()? - 0.3).abs() < 1e-12);
/// assert!((run.min_acc()? - 0.6).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct AnytimeAccuracy {
    contexts: usize,
    glances: Vec<Glance>,
}

/// What an accuracy must regain to end a stability gap, of what it was at the end of its context.
const REGAINED: f64 = 0.95;

impl AnytimeAccuracy {
    /// No evaluations, of a stream of so many contexts.
    ///
    /// # Errors
    /// If `contexts` is 0.
    pub fn new(contexts: usize) -> Result<Self, Error> {
        if contexts == 0 {
            return Err(Error::NoContexts);
        }
        Ok(Self { contexts, glances: Vec::new() })
    }

    /// Adds the next evaluation.
    ///
    /// # Errors
    /// If it has not one fraction per context, or does not come after the one before: at a later step, of the
    /// same context or of the next.
    pub fn push(&mut self, glance: Glance) -> Result<(), Error> {
        let Glance { context, step, accuracy } = &glance;
        check(&format!("the evaluation at step {step}"), accuracy, self.contexts)?;
        let follows = match self.glances.last() {
            None => *context == 0,
            Some(last) => *step > last.step && (last.context..=last.context + 1).contains(context),
        };
        if !follows || *context >= self.contexts {
            return Err(Error::Glance { context: *context, step: *step });
        }
        self.glances.push(glance);
        Ok(())
    }

    /// The evaluations so far, in order.
    #[must_use]
    pub fn glances(&self) -> &[Glance] {
        &self.glances
    }

    /// `min-ACC = mean_{i<T} min A_i`, over the evaluations after the end of context `i`: how low the accuracy
    /// on a context fell once it was learnt.
    ///
    /// # Errors
    /// Undefined for one context, and before the last context was evaluated.
    pub fn min_acc(&self) -> Result<f64, Undefined> {
        self.require_past("min_acc")?;
        Ok(self.mean_of_minima())
    }

    /// `WC-ACC = A_T / T + (1 - 1/T) min-ACC`, the worst-case accuracy at the end of the last context: what it
    /// gives for the context just learnt against the worst that happened to earlier ones.
    ///
    /// # Errors
    /// As [`min_acc`](Self::min_acc).
    pub fn wc_acc(&self) -> Result<f64, Undefined> {
        self.require_past("wc_acc")?;
        let last = self.contexts - 1;
        let share = 1.0 / self.contexts as f64;
        Ok(share * self.end(last).accuracy[last] + (1.0 - share) * self.mean_of_minima())
    }

    /// `WF`, windowed forgetting: the mean over contexts of the largest drop `A_n - A_m`, `n` before `m`, among
    /// any `window` evaluations in a row, once the context was seen; reasons call it `metric`.
    ///
    /// # Errors
    /// Undefined before the last context was evaluated, for a window below 2, and where fewer evaluations than
    /// two see a context.
    pub fn windowed_forgetting(&self, metric: &str, window: usize) -> Result<f64, Undefined> {
        self.windowed(metric, window, |earlier, later| earlier - later)
    }

    /// `WP`, windowed plasticity: as [`windowed_forgetting`](Self::windowed_forgetting), the largest rise.
    ///
    /// # Errors
    /// As [`windowed_forgetting`](Self::windowed_forgetting).
    pub fn windowed_plasticity(&self, metric: &str, window: usize) -> Result<f64, Undefined> {
        self.windowed(metric, window, |earlier, later| later - earlier)
    }

    /// Depth of the stability gap: `mean_{i<T}` of the accuracy on context `i` at its end, less the smallest while
    /// the next context is learnt; 0 where it never falls.
    ///
    /// # Errors
    /// Undefined for one context, and before the last context was evaluated.
    pub fn stability_gap_depth(&self) -> Result<f64, Undefined> {
        self.require_past("stability_gap_depth")?;
        Ok(mean((0..self.contexts - 1).map(|i| {
            let during = self.during(i + 1).map(|glance| glance.accuracy[i]);
            (self.end(i).accuracy[i] - during.fold(f64::INFINITY, f64::min)).max(0.0)
        })))
    }

    /// Length of the stability gap in steps: `mean_{i<T}` of the steps from the end of context `i` to the first
    /// evaluation at which, having been below, the accuracy on it is 95 % again of what it was at that end;
    /// 0 where it never is below. As exact as the evaluations are close.
    ///
    /// # Errors
    /// Undefined for one context, before the last context was evaluated, and where a context is below 95 % and
    /// stays so to the end of the next: it was forgotten, and there is no gap to measure.
    pub fn stability_gap_length(&self) -> Result<f64, Undefined> {
        self.require_past("stability_gap_length")?;
        let lengths = (0..self.contexts - 1).map(|i| {
            let enough = REGAINED * self.end(i).accuracy[i];
            let mut below =
                self.during(i + 1).skip_while(|glance| glance.accuracy[i] >= enough).peekable();
            if below.peek().is_none() {
                return Ok(0.0);
            }
            let regained = below.find(|glance| glance.accuracy[i] >= enough);
            let start = self.end(i).step;
            regained.map(|glance| (glance.step - start) as f64).ok_or_else(|| {
                Undefined::new(format!(
                    "stability_gap_length needs contexts that are regained; \
                     this run has context {} below 95 % to the end of the next",
                    i + 1
                ))
            })
        });
        Ok(mean(lengths.collect::<Result<Vec<f64>, _>>()?))
    }

    /// Area under the anytime accuracy, over the steps: the mean accuracy of the contexts seen so far, every
    /// evaluation weighing as the steps since the one before.
    ///
    /// # Errors
    /// Undefined before the last context was evaluated.
    pub fn average_anytime_accuracy(&self) -> Result<f64, Undefined> {
        self.require_whole("average_anytime_accuracy")?;
        let (mut area, mut earlier) = (0.0, 0);
        for Glance { context, step, accuracy } in &self.glances {
            area += (step - earlier) as f64 * mean(accuracy[..=*context].iter().copied());
            earlier = *step;
        }
        if earlier == 0 {
            return Err(Undefined::new("average_anytime_accuracy needs steps; this run has none"));
        }
        Ok(area / earlier as f64)
    }

    /// Of a run with a past.
    fn mean_of_minima(&self) -> f64 {
        mean((0..self.contexts - 1).map(|i| {
            let after = self.glances.iter().filter(|glance| glance.context > i);
            after.map(|glance| glance.accuracy[i]).fold(f64::INFINITY, f64::min)
        }))
    }

    fn windowed(
        &self,
        metric: &str,
        window: usize,
        change: impl Fn(f64, f64) -> f64,
    ) -> Result<f64, Undefined> {
        self.require_whole(metric)?;
        let largest = (0..self.contexts).map(|i| {
            let seen = self.glances.iter().filter(|glance| glance.context >= i);
            let seen: Vec<f64> = seen.map(|glance| glance.accuracy[i]).collect();
            let pairs = seen.iter().enumerate().flat_map(|(n, &earlier)| {
                let later = seen[n + 1..].iter().take(window.saturating_sub(1));
                later.map(move |&later| (earlier, later))
            });
            let changes = pairs.map(|(earlier, later)| change(earlier, later));
            changes.reduce(f64::max).ok_or_else(|| {
                Undefined::new(format!(
                    "{metric} needs two evaluations in a window; \
                     this run has none of context {} in a window of {window}",
                    i + 1
                ))
            })
        });
        Ok(mean(largest.collect::<Result<Vec<f64>, _>>()?))
    }

    /// Evaluations while context `i` was learnt.
    fn during(&self, i: usize) -> impl Iterator<Item = &Glance> {
        self.glances.iter().filter(move |glance| glance.context == i)
    }

    /// The evaluation at the end of context `i`, of a run that was evaluated in all contexts.
    fn end(&self, i: usize) -> &Glance {
        let behind = self.glances.partition_point(|glance| glance.context <= i);
        &self.glances[behind - 1]
    }

    fn require_whole(&self, metric: &str) -> Result<(), Undefined> {
        match self.glances.last().map_or(0, |last| last.context + 1) {
            reached if reached == self.contexts => Ok(()),
            reached => Err(Undefined::new(format!(
                "{metric} needs evaluations on the way through every context; \
                 this run has them in {reached} of {}",
                self.contexts
            ))),
        }
    }

    fn require_past(&self, metric: &str) -> Result<(), Undefined> {
        match self.contexts {
            1 => {
                Err(Undefined::new(format!("{metric} needs at least two contexts; this run has 1")))
            }
            _ => self.require_whole(metric),
        }
    }
}

/// The serialised form before its numbers are checked.
#[derive(Deserialize)]
struct Unchecked {
    contexts: usize,
    glances: Vec<Glance>,
}

impl TryFrom<Unchecked> for AnytimeAccuracy {
    type Error = Error;

    fn try_from(read: Unchecked) -> Result<Self, Error> {
        let mut run = Self::new(read.contexts)?;
        read.glances.into_iter().try_for_each(|glance| run.push(glance))?;
        Ok(run)
    }
}
