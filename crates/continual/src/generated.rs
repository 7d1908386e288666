//! What generators made: whether they collapsed, and pictures.

use crate::{Bench, Error, Experiment, Line};
use cl_core::Learner;
use cl_replay::generative::{SAMPLED, SHARES, SPREAD};
use cl_scenarios::{Scenario, Stream};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A generator whose rows vary less than this beside the data's has collapsed.
const COLLAPSED: f64 = 0.05;

/// So has one of whose rows less than this are of some class that it learned.
const LOST: f64 = 0.03;

/// The same as a part of what each class would have if all had the same: [`LOST`] of ten classes.
const LOST_OF_EQUAL: f64 = 0.3;

/// A row of the table in a scenario whose generator makes nothing to learn from.
#[derive(Clone, Debug, PartialEq)]
pub struct Collapsed {
    /// The scenario.
    pub scenario: Scenario,
    /// The strategy, with the values that tell it from others.
    pub strategy: String,
    /// Contexts that the generator had learned, the least of all runs.
    pub contexts: usize,
    /// By what it shows.
    pub measure: Collapse,
}

/// How a generator shows that it collapsed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Collapse {
    /// Its rows are no numbers.
    NoNumbers,
    /// How much its rows vary beside those of the data
    /// ([`spread`](cl_replay::generative::spread)).
    Spread(f64),
    /// A class that a classifier trained on real images hardly finds among its rows.
    Share {
        /// The class of the data set.
        class: usize,
        /// Its share, a fraction.
        share: f64,
        /// The least that was expected, a fraction.
        expected: f64,
    },
}

impl Collapse {
    /// The plainest first.
    fn order(&self) -> (u8, f64) {
        match *self {
            Self::NoNumbers => (0, 0.0),
            Self::Spread(spread) => (1, spread),
            Self::Share { share, .. } => (2, share),
        }
    }

    /// After each context of a run in which the generator had collapsed.
    fn of(line: &Line) -> impl Iterator<Item = (usize, Self)> {
        let spreads = line.generator_spread.iter().enumerate();
        let spreads = spreads.filter_map(|(context, spread)| match spread {
            None => Some((context, Self::NoNumbers)),
            Some(spread) => (*spread < COLLAPSED).then_some((context, Self::Spread(*spread))),
        });
        let shares = line.generator_shares.iter().enumerate();
        let shares = shares.filter_map(|(context, shares)| {
            let (&class, &share) = shares.iter().min_by(|(_, a), (_, b)| a.total_cmp(b))?;
            let expected = LOST.min(LOST_OF_EQUAL / shares.len() as f64);
            let lost = share < expected;
            lost.then_some((context, Self::Share { class, share, expected }))
        });
        spreads.chain(shares)
    }
}

impl fmt::Display for Collapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, strategy, contexts, measure } = self;
        write!(f, "{strategy} in {scenario}: the generator collapsed in context {contexts}: ")?;
        match measure {
            Collapse::NoNumbers => write!(f, "its rows are no numbers, nothing was replayed"),
            Collapse::Spread(spread) => write!(
                f,
                "the spread of its rows is {spread:.1e} of the data's (expected at least {COLLAPSED})"
            ),
            Collapse::Share { class, share, expected } => write!(
                f,
                "{:.1} % of {SAMPLED} samples are of class {class} (expected at least {:.1} %), by a \
                 classifier trained on real images",
                share * 100.0,
                expected * 100.0
            ),
        }
    }
}

impl Bench {
    /// Rows whose generator makes no numbers, always the same, or hardly any rows of some class that it
    /// learned, each with the first context after which it does.
    #[must_use]
    pub fn collapsed(&self, lines: &[Line]) -> Vec<Collapsed> {
        let mut found = Vec::new();
        for row in &self.rows {
            for &scenario in &self.scenarios {
                let runs = self.runs(row, scenario, lines);
                let all = runs.iter().flat_map(|line| Collapse::of(line));
                let first = all.min_by(|(a, of_a), (b, of_b)| {
                    let (of_a, of_b) = (of_a.order(), of_b.order());
                    a.cmp(b).then(of_a.partial_cmp(&of_b).unwrap_or(Ordering::Equal))
                });
                if let Some((index, measure)) = first {
                    let (strategy, contexts) = (row.label.clone(), index + 1);
                    found.push(Collapsed { scenario, strategy, contexts, measure });
                }
            }
        }
        found
    }
}

/// Slots of a name in the scopes of a run's strategies, in order.
fn slots(learner: &mut Learner<'_>, name: &str) -> Vec<String> {
    let all = learner.session().slots().into_iter();
    all.filter(|slot| slot.rsplit_once('/').is_some_and(|(_, own)| own == name)).collect()
}

/// The spread of what generators made of the contexts up to each one that was replayed, per member;
/// empty without a generator, nothing where it is no number.
pub(crate) fn spreads(learner: &mut Learner<'_>) -> Result<Vec<Vec<Option<f64>>>, cl_core::Error> {
    let slots = slots(learner, SPREAD);
    let of = |member: usize| {
        let mut all = Vec::new();
        for slot in &slots {
            let values = learner.read(slot, member)?;
            // Nobody replays the last context.
            let replayed = &values[..values.len().saturating_sub(1)];
            all.extend(replayed.iter().map(|&x| x.is_finite().then_some(f64::from(x))));
        }
        Ok(all)
    };
    (0..learner.members()).map(of).collect()
}

/// The share of each class seen so far after each context, per member; the smallest of all generators
/// of a composition. Empty where nothing was judged.
pub(crate) fn shares(
    learner: &mut Learner<'_>,
    experiment: &Experiment,
) -> Result<Vec<Vec<BTreeMap<usize, f64>>>, Error> {
    let slots = slots(learner, SHARES);
    let classes = experiment.dataset.classes;
    let of = |member: usize| {
        let mut all: Vec<BTreeMap<usize, f64>> = Vec::new();
        if slots.is_empty() {
            return Ok(all);
        }
        let stream = experiment.stream(learner.seeds()[member])?;
        let mut seen = BTreeSet::new();
        for context in 0..stream.contexts() {
            seen.extend(stream.classes(context).into_iter().map(usize::from));
            let mut smallest = BTreeMap::new();
            for slot in &slots {
                let values = learner.read(slot, member)?;
                let own = values.chunks(classes.max(1)).nth(context).unwrap_or_default();
                for (&class, share) in
                    seen.iter().filter_map(|class| Some((class, own.get(*class)?)))
                {
                    // Counts of single precision.
                    let share = (f64::from(*share) * SAMPLED as f64).round() / SAMPLED as f64;
                    let known = smallest.entry(class).or_insert(share);
                    *known = share.min(*known);
                }
            }
            if smallest.values().all(|share| share.is_finite()) {
                all.push(smallest);
            }
        }
        Ok(all)
    };
    (0..learner.members()).map(of).collect()
}

#[cfg(feature = "pictures")]
pub(crate) use drawn::draw;

#[cfg(feature = "pictures")]
mod drawn {
    use super::slots;
    use crate::picture::{Gallery, draw_png};
    use crate::{Error, Population};
    use cl_core::Learner;
    use cl_replay::generative::ALBUM;
    use std::path::Path;

    /// Draws what the generators of a population's first member made after each context, as
    /// `generated-CELL-STRATEGY-SCENARIO.png`.
    pub(crate) fn draw(
        learner: &mut Learner<'_>,
        folder: &Path,
        population: Population,
    ) -> Result<(), Error> {
        let scenario = learner.stream(0).scenario();
        for slot in slots(learner, ALBUM) {
            let shape = learner.session().slot_type(&slot).map_err(cl_core::Error::from)?.shape;
            let [contexts, images, pixels] = shape[..] else { continue };
            let values = learner.read(&slot, 0)?;
            let strategy = slot.trim_end_matches(ALBUM).trim_end_matches('/');
            let row = |context: usize| {
                let own = &values[context * images * pixels..][..images * pixels];
                let name = format!("context {}", context + 1);
                (name, own.chunks(pixels).map(<[f32]>::to_vec).collect())
            };
            let gallery = Gallery {
                title: format!("{strategy}, {scenario}: generated after each context"),
                width: (pixels as f64).sqrt().ceil() as usize,
                rows: (0..contexts).map(row).collect(),
            };
            let cell = population.cell + 1;
            let variant = population.variant.map_or(String::new(), |it| format!("-{}", it + 1));
            let strategy = strategy.replace(['/', '#'], "-");
            let name = format!("generated-{cell}{variant}-{strategy}-{scenario}.png");
            draw_png(&gallery, &folder.join(name))?;
        }
        Ok(())
    }
}
