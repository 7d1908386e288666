//! What generators made: whether they collapsed, and pictures.

use crate::{Bench, Line};
use cl_core::Learner;
use cl_replay::generative::SPREAD;
use cl_scenarios::Scenario;
use std::fmt;

/// A generator whose rows vary less than this beside the data's has collapsed.
const COLLAPSED: f64 = 0.05;

/// A row of the table in a scenario whose generator makes nothing to learn from.
#[derive(Clone, Debug, PartialEq)]
pub struct Collapsed {
    /// The scenario.
    pub scenario: Scenario,
    /// The strategy, with the values that tell it from others.
    pub strategy: String,
    /// Contexts that the generator had learned, the least of all runs.
    pub contexts: usize,
    /// How much its rows vary beside those of the data
    /// ([`spread`](cl_replay::generative::spread)); `None`: they are no numbers.
    pub spread: Option<f64>,
}

impl fmt::Display for Collapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, strategy, contexts, spread } = self;
        write!(f, "{strategy} in {scenario}: the generator collapsed in context {contexts}: ")?;
        match spread {
            Some(spread) => write!(
                f,
                "the spread of its rows is {spread:.1e} of the data's (expected at least {COLLAPSED})"
            ),
            None => write!(f, "its rows are no numbers, nothing was replayed"),
        }
    }
}

impl Bench {
    /// Rows whose generator makes no numbers or always the same, each with the first context after
    /// which it does.
    #[must_use]
    pub fn collapsed(&self, lines: &[Line]) -> Vec<Collapsed> {
        let mut found = Vec::new();
        for row in &self.rows {
            for &scenario in &self.scenarios {
                let runs = self.runs(row, scenario, lines);
                let spreads = runs.iter().flat_map(|line| line.generator_spread.iter().enumerate());
                let bad = spreads.filter(|(_, spread)| spread.is_none_or(|it| it < COLLAPSED));
                if let Some((index, &spread)) = bad.min_by_key(|(index, _)| *index) {
                    let (strategy, contexts) = (row.label.clone(), index + 1);
                    found.push(Collapsed { scenario, strategy, contexts, spread });
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
