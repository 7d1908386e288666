//! From a few choices to a learner.

use crate::Error;
use cl_core::{Head, Learner, Mix, Observer, Outcome, Settings, Strategy, run};
use cl_nn::{Adam, Mlp, Optimizer, Schedule, Sgd};
use cl_scenarios::{ContextStream, Dataset, Part, Protocol, Scenario, Stream, StreamSpec};
use std::fmt;

/// An optimiser by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptimizerName {
    /// [`Adam`].
    Adam,
    /// [`Sgd`] without momentum.
    Sgd,
}

impl OptimizerName {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Adam, Self::Sgd];

    /// The optimiser with this learning rate.
    #[must_use]
    pub fn build(self, lr: f64) -> Box<dyn Optimizer> {
        match self {
            Self::Adam => Box::new(Adam::new(lr)),
            Self::Sgd => Box::new(Sgd::new(lr)),
        }
    }
}

impl fmt::Display for OptimizerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Adam => "adam",
            Self::Sgd => "sgd",
        })
    }
}

/// In which order the contexts are trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Incremental,
    Joint,
    Cumulative,
}

/// A stream, a network and how it is trained: all of a run but the strategy and the data.
///
/// | choice | default | what |
/// |---|---|---|
/// | `protocol` | split | how contexts are made |
/// | `scenario` | class | what is told at test time |
/// | `contexts` | 5 | number of contexts |
/// | `seeds` | 2 to 6 | one member of the population each |
/// | `hidden` | 128, 128 | hidden units of the MLP |
/// | `steps` | 400 | per context |
/// | `batch` | 32 | rows of the stream per step |
/// | `optimizer` | Adam, 1e-3 | one over all contexts, never reset |
/// | `threads` | 1 | results do not depend on it |
/// | `part` | final | final results, or choice of hyper-parameters |
///
/// ```
/// use continual::prelude::*;
///
/// let joint = Experiment::new(digits()).scenario(Scenario::Task).seeds([2]).steps(10).joint();
/// assert_eq!(joint.run(&Naive)?[0].accuracy.rows().len(), 1);
/// # Ok::<(), continual::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Experiment {
    pub(crate) dataset: Dataset,
    pub(crate) protocol: Protocol,
    pub(crate) scenario: Scenario,
    pub(crate) contexts: usize,
    pub(crate) pad: usize,
    pub(crate) part: Part,
    pub(crate) order: Order,
    pub(crate) seeds: Vec<u64>,
    pub(crate) hidden: Vec<usize>,
    pub(crate) steps: u32,
    pub(crate) batch: usize,
    pub(crate) optimizer: OptimizerName,
    pub(crate) lr: f64,
    pub(crate) threads: usize,
}

impl Experiment {
    /// The most parameters of a network: a population of more would end without memory, not with a
    /// message.
    const MOST_PARAMETERS: usize = 100_000_000;
    /// How replay and stream are weighed.
    pub(crate) const MIX: Mix = Mix::ByContext;

    /// The defaults of the table above on a data set.
    #[must_use]
    pub fn new(dataset: Dataset) -> Self {
        Self {
            dataset,
            protocol: Protocol::Split,
            scenario: Scenario::Class,
            contexts: 5,
            pad: 0,
            part: Part::Final,
            order: Order::Incremental,
            seeds: (2..=6).collect(),
            hidden: vec![128, 128],
            steps: 400,
            batch: 32,
            optimizer: OptimizerName::Adam,
            lr: 1e-3,
            threads: 1,
        }
    }

    /// How contexts are made from the data set.
    #[must_use]
    pub fn protocol(self, protocol: Protocol) -> Self {
        Self { protocol, ..self }
    }

    /// What is told at test time.
    #[must_use]
    pub fn scenario(self, scenario: Scenario) -> Self {
        Self { scenario, ..self }
    }

    /// Number of contexts.
    #[must_use]
    pub fn contexts(self, contexts: usize) -> Self {
        Self { contexts, ..self }
    }

    /// Zero pixels at each side of an image before it is permuted.
    #[must_use]
    pub fn pad(self, pad: usize) -> Self {
        Self { pad, ..self }
    }

    /// Whether results are wanted or hyper-parameters chosen.
    #[must_use]
    pub fn part(self, part: Part) -> Self {
        Self { part, ..self }
    }

    /// One member of the population per seed.
    #[must_use]
    pub fn seeds(self, seeds: impl IntoIterator<Item = u64>) -> Self {
        Self { seeds: seeds.into_iter().collect(), ..self }
    }

    /// Units of each hidden layer.
    #[must_use]
    pub fn hidden(self, units: &[usize]) -> Self {
        Self { hidden: units.to_vec(), ..self }
    }

    /// Steps per context.
    #[must_use]
    pub fn steps(self, steps: u32) -> Self {
        Self { steps, ..self }
    }

    /// Rows of the stream per step.
    #[must_use]
    pub fn batch(self, rows: usize) -> Self {
        Self { batch: rows, ..self }
    }

    /// Optimiser and learning rate.
    #[must_use]
    pub fn optimizer(self, optimizer: OptimizerName, lr: f64) -> Self {
        Self { optimizer, lr, ..self }
    }

    /// Threads of the CPU session.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// All contexts at once, as long as all of them: the upper baseline.
    #[must_use]
    pub fn joint(self) -> Self {
        Self { order: Order::Joint, ..self }
    }

    /// Each context together with all before it.
    #[must_use]
    pub fn cumulative(self) -> Self {
        Self { order: Order::Cumulative, ..self }
    }

    /// The stream of a member.
    ///
    /// # Errors
    /// What cannot be cut from the data.
    pub fn stream(&self, seed: u64) -> Result<ContextStream, Error> {
        let Self { protocol, scenario, contexts, pad, part, .. } = *self;
        let spec = StreamSpec { protocol, scenario, contexts, seed, part, pad };
        let stream = spec.build(&self.dataset)?;
        Ok(match self.order {
            Order::Incremental => stream,
            Order::Joint => stream.joint(),
            Order::Cumulative => stream.cumulative(),
        })
    }

    /// Records the programs of a strategy and prepares every member.
    ///
    /// # Errors
    /// A strategy that needs what the scenario does not show, values out of range, a stream that
    /// cannot be cut.
    pub fn learner<'s>(&self, strategy: &'s dyn Strategy) -> Result<Learner<'s>, Error> {
        let mut population: Vec<(u64, Box<dyn Stream>)> = Vec::with_capacity(self.seeds.len());
        for &seed in &self.seeds {
            population.push((seed, Box::new(self.stream(seed)?)));
        }
        let outputs = population.first().map_or(1, |(_, stream)| stream.outputs());
        let inputs = (self.dataset.width + 2 * self.pad) * (self.dataset.height + 2 * self.pad);
        let sizes = [&[inputs], &self.hidden[..], &[outputs]].concat();
        let parameters = sizes.windows(2).fold(0_usize, |sum, layer| {
            sum.saturating_add(layer[0].saturating_add(1).saturating_mul(layer[1]))
        });
        if parameters > Self::MOST_PARAMETERS {
            return Err(Error::Impossible(format!(
                "MLP of sizes {sizes:?}: {parameters} parameters, expected at most {}",
                Self::MOST_PARAMETERS
            )));
        }
        let settings = Settings {
            steps: self.steps,
            batch: self.batch,
            optimizer: self.optimizer.build(self.lr),
            schedule: Schedule::Constant,
            reset_optimizer: false,
            head: Head::Full,
            mix: Self::MIX,
            threads: self.threads,
        };
        let network = Box::new(Mlp::new(&sizes)?);
        Ok(Learner::new(strategy, &self.dataset, population, network, settings)?)
    }

    /// Trains every member and says how it went, in the order of the seeds.
    ///
    /// # Errors
    /// As [`Experiment::learner`]; a loss that is not a number any more.
    pub fn run(&self, strategy: &dyn Strategy) -> Result<Vec<Outcome>, Error> {
        self.run_watched(strategy, &mut ())
    }

    /// As [`Experiment::run`], with somebody watching.
    ///
    /// # Errors
    /// As there.
    pub fn run_watched(
        &self,
        strategy: &dyn Strategy,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Outcome>, Error> {
        Ok(run(&mut self.learner(strategy)?, observer)?)
    }
}
