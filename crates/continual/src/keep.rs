//! Who keeps what a benchmark has done, and knows what was done before.

use crate::{Error, Line};
use cl_core::{Learner, Observer, Outcome, run};
use std::ops::Range;

/// A population of a benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Population {
    /// The cell, by its place in [`Bench::cells`](crate::Bench::cells).
    pub cell: usize,
    /// One value of the cell's sweep, trained alone after the loss of some value was no number any
    /// more; `None`: all values together.
    pub variant: Option<usize>,
}

/// Members of a population that are trained at once, in one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wave {
    /// The population.
    pub population: Population,
    /// Which of its members.
    pub members: Range<usize>,
    /// How many members the population has.
    pub all: usize,
}

impl Wave {
    /// Whether it is the whole population.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.members == (0..self.all)
    }
}

/// What became of a population.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// It was trained: one line per run.
    Trained(Vec<Line>),
    /// The loss of some value of its sweep was no number any more: each is trained alone.
    Apart,
    /// The loss of the only value, or of one that was trained alone, was no number any more: the reason,
    /// with seed, context and step.
    Diverged(String),
}

/// Keeps what a benchmark has done.
///
/// ```
/// use continual::{Bench, Error, Fate, Keep, Population, Request, Strengths};
///
/// // The names of the strategies that are through.
/// #[derive(Default)]
/// struct Names(Vec<String>);
///
/// impl Keep for Names {
///     fn keep(&mut self, _: Population, fate: &Fate) -> Result<(), Error> {
///         if let Fate::Trained(lines) = fate {
///             self.0.extend(lines.iter().map(|line| line.strategy.clone()));
///         }
///         Ok(())
///     }
/// }
///
/// let [strategy, scenario] = ["none,l2", "task"].map(|name| Some(name.to_owned()));
/// let request = Request { strategy, scenario, steps: Some(2), seeds: Some(1), ..Request::default() };
/// let bench = Bench::new(&request, &Strengths::built_in()?)?;
/// let mut names = Names::default();
/// bench.run(&bench.costs()?, &mut (), &mut names)?;
/// assert_eq!(names.0, ["none", "l2"]);
/// # Ok::<(), Error>(())
/// ```
pub trait Keep {
    /// What became of a population in an earlier process.
    fn known(&mut self, _population: Population) -> Option<Fate> {
        None
    }

    /// How many members the wave had that an earlier process began with member `first` of a population.
    fn begun(&mut self, _population: Population, _first: usize) -> Option<usize> {
        None
    }

    /// Trains a wave of a population, from its start or from where an earlier process left it.
    ///
    /// # Errors
    /// As [`cl_core::run`]; what cannot be restored.
    fn train(
        &mut self,
        _wave: &Wave,
        learner: &mut Learner<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Outcome>, Error> {
        Ok(run(learner, observer)?)
    }

    /// A wave of a population has been trained; `names` are those of its members' runs.
    ///
    /// # Errors
    /// What the disk refuses.
    fn trained(&mut self, _names: &[String], _learner: &Learner<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// A population is through.
    ///
    /// # Errors
    /// What the disk refuses.
    fn keep(&mut self, _population: Population, _fate: &Fate) -> Result<(), Error> {
        Ok(())
    }
}

/// Keeps nothing.
impl Keep for () {}
