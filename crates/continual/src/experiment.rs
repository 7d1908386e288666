//! From a few choices to a learner.

use crate::network::NetworkSpec;
use crate::optimizer::OptimizerSpec;
use crate::{Defaults, Error};
use cl_core::{
    Evaluation, Head, Learner, Mix, Observer, Outcome, Settings, Strategy, Weights, run,
};
use cl_nn::{Adam, Initializer, Network, Schedule};
use cl_scenarios::{
    ContextStream, Dataset, Part, Protocol, Scenario, Stream, StreamKind, StreamSpec,
};
use cl_tensor::{Cpu, Device};
use std::sync::Arc;

/// In which order the contexts are trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Incremental,
    Joint,
    Cumulative,
}

/// A stream, a network and how it is trained: all of a run but the strategy and the data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setup {
    pub protocol: Protocol,
    pub scenario: Scenario,
    pub contexts: usize,
    pub pad: usize,
    pub part: Part,
    pub order: Order,
    pub kind: StreamKind,
    pub seeds: Vec<u64>,
    pub network: NetworkSpec,
    pub steps: u32,
    pub batch: usize,
    pub optimizer: OptimizerSpec,
    pub schedule: Schedule,
    pub reset_optimizer: bool,
    pub head: Head,
    pub mix: Mix,
    pub update_every: Option<u32>,
    pub evaluation: Evaluation,
    pub threads: usize,
    /// Where programs run, if not on the CPU.
    pub gpu: Option<Elsewhere>,
    /// Most members that a benchmark trains at once; `None`: what the device's memory should hold.
    pub lanes: Option<usize>,
}

/// A device other than the CPU.
#[derive(Clone, Debug)]
pub(crate) struct Elsewhere(pub Arc<dyn Device>);

impl PartialEq for Elsewhere {
    fn eq(&self, other: &Self) -> bool {
        self.0.describe() == other.0.describe()
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            protocol: Protocol::Split,
            scenario: Scenario::Class,
            contexts: 5,
            pad: 0,
            part: Part::Final,
            order: Order::Incremental,
            kind: StreamKind::Sharp,
            seeds: (2..=6).collect(),
            network: NetworkSpec::of(&[128, 128]),
            steps: 400,
            batch: 32,
            optimizer: Adam::new(1e-3).into(),
            schedule: Schedule::Constant,
            reset_optimizer: false,
            head: Head::Full,
            mix: Mix::ByContext,
            update_every: None,
            evaluation: Evaluation::default(),
            threads: 1,
            gpu: None,
            lanes: None,
        }
    }
}

/// A data set and all of a run but the strategy: stream, network and how it is trained.
///
/// | choice | default | what |
/// |---|---|---|
/// | `protocol` | split | how contexts are made |
/// | `scenario` | class | what is told at test time |
/// | `contexts` | 5 | number of contexts |
/// | `kind` | sharp | how the stream goes from one context to the next |
/// | `seeds` | 2 to 6 | one member of the population each |
/// | `hidden` | 128, 128 | hidden units of the MLP |
/// | `dropout`, `init` | 0, PyTorch's | of the MLP |
/// | `weights` | drawn | what the network starts with |
/// | `head` | full | outputs of all classes from the first step on, or of those so far |
/// | `steps` | 400 | per context |
/// | `batch` | 32 | rows of the stream per step |
/// | `optimizer` | Adam, 1e-3 | one over all contexts, never reset |
/// | `schedule` | constant | of the learning rate, anew in every context |
/// | `mix` | by context; 0.5 without boundaries | how stream and replay are weighed |
/// | `update_every` | 100 | steps between two consolidations where there are no boundaries |
/// | `evaluate_every` | 1 | evaluated after every so many contexts, and the last; of more than 50 contexts 50 evenly spread are |
/// | `anytime_every` | never | evaluated on the way too, after every so many steps |
/// | `plasticity` | no | also how much networks can still learn, after every context |
/// | `threads` | 1 | results do not depend on it |
/// | `device` | the CPU | where programs run |
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
    pub(crate) setup: Setup,
}

impl Experiment {
    /// The defaults of the table above on a data set.
    #[must_use]
    pub fn new(dataset: Dataset) -> Self {
        Self { dataset, setup: Setup::default() }
    }

    fn with(mut self, choose: impl FnOnce(&mut Setup)) -> Self {
        choose(&mut self.setup);
        self
    }

    /// How contexts are made from the data set.
    #[must_use]
    pub fn protocol(self, protocol: Protocol) -> Self {
        self.with(|setup| setup.protocol = protocol)
    }

    /// What the network starts with in place of drawn values.
    #[must_use]
    pub fn weights(self, weights: Weights) -> Self {
        self.with(|setup| setup.network.weights = Some(Arc::new(weights)))
    }

    /// What is told at test time.
    #[must_use]
    pub fn scenario(self, scenario: Scenario) -> Self {
        self.with(|setup| setup.scenario = scenario)
    }

    /// Number of contexts.
    #[must_use]
    pub fn contexts(self, contexts: usize) -> Self {
        self.with(|setup| setup.contexts = contexts)
    }

    /// Zero pixels at each side of an image before it is permuted.
    #[must_use]
    pub fn pad(self, pad: usize) -> Self {
        self.with(|setup| setup.pad = pad)
    }

    /// Whether results are wanted or hyper-parameters chosen.
    #[must_use]
    pub fn part(self, part: Part) -> Self {
        self.with(|setup| setup.part = part)
    }

    /// How the stream goes from one context to the next. Where it tells no boundaries, stream and replay
    /// then count the same, and methods consolidate every 100 steps, unless [`Experiment::mix`] and
    /// [`Experiment::update_every`] say otherwise afterwards.
    #[must_use]
    pub fn kind(self, kind: StreamKind) -> Self {
        self.with(|setup| setup.make_kind(kind))
    }

    /// Steps between two consolidations in a stream that tells no boundaries.
    #[must_use]
    pub fn update_every(self, steps: u32) -> Self {
        self.with(|setup| setup.update_every = Some(steps))
    }

    /// Evaluated after every so many contexts, and the last. Of more than [`Evaluation::TRACKED`] contexts so
    /// many, evenly spread, are evaluated.
    #[must_use]
    pub fn evaluate_every(self, contexts: usize) -> Self {
        self.with(|setup| setup.evaluation.every = contexts)
    }

    /// Evaluated on the way too, after every so many steps: [`Outcome::anytime`], for the stability gap and what
    /// else happens between the ends of contexts. What is trained stays the same.
    #[must_use]
    pub fn anytime_every(self, steps: u32) -> Self {
        self.with(|setup| setup.evaluation.anytime = Some(steps))
    }

    /// Also measured after every context: how much the networks can still learn, [`Outcome::plasticity`]. What is trained
    /// stays the same.
    #[must_use]
    pub fn plasticity(self) -> Self {
        self.with(|setup| setup.evaluation.plasticity = true)
    }

    /// One member of the population per seed.
    #[must_use]
    pub fn seeds(self, seeds: impl IntoIterator<Item = u64>) -> Self {
        self.with(|setup| setup.seeds = seeds.into_iter().collect())
    }

    /// Units of each hidden layer.
    #[must_use]
    pub fn hidden(self, units: &[usize]) -> Self {
        self.with(|setup| setup.network.hidden = units.to_vec())
    }

    /// Probability that a hidden unit is dropped in training, in [0, 1).
    #[must_use]
    pub fn dropout(self, probability: f64) -> Self {
        self.with(|setup| setup.network.dropout = probability)
    }

    /// How the weights start.
    #[must_use]
    pub fn init(self, init: Initializer) -> Self {
        self.with(|setup| setup.network.init = init)
    }

    /// How many outputs there are, and when.
    #[must_use]
    pub fn head(self, head: Head) -> Self {
        self.with(|setup| setup.head = head)
    }

    /// Steps per context; a one-pass stream has as many as its examples make.
    #[must_use]
    pub fn steps(self, steps: u32) -> Self {
        self.with(|setup| setup.steps = steps)
    }

    /// Rows of the stream per step.
    #[must_use]
    pub fn batch(self, rows: usize) -> Self {
        self.with(|setup| setup.batch = rows)
    }

    /// The optimiser, such as `Adam::new(1e-3)`.
    #[must_use]
    pub fn optimizer(self, optimizer: impl Into<OptimizerSpec>) -> Self {
        self.with(|setup| setup.optimizer = optimizer.into())
    }

    /// The learning rate over the steps of a context. A joint run takes all contexts at once and as
    /// many steps: there the schedule is stretched over all of them.
    #[must_use]
    pub fn schedule(self, schedule: Schedule) -> Self {
        self.with(|setup| setup.schedule = schedule)
    }

    /// The optimiser starts afresh in every context.
    #[must_use]
    pub fn reset_optimizer(self) -> Self {
        self.with(|setup| setup.reset_optimizer = true)
    }

    /// How stream and replay are weighed.
    #[must_use]
    pub fn mix(self, mix: Mix) -> Self {
        self.with(|setup| setup.mix = mix)
    }

    /// Threads of the CPU session.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        self.with(|setup| setup.threads = threads)
    }

    /// The device on which programs run, in place of the CPU.
    #[must_use]
    pub fn device(self, device: Arc<dyn Device>) -> Self {
        self.with(|setup| setup.gpu = Some(Elsewhere(device)))
    }

    /// The same on the CPU: what is only recorded needs no other device.
    pub(crate) fn on_cpu(self) -> Self {
        self.with(|setup| setup.gpu = None)
    }

    /// All contexts at once, as long as all of them: the upper baseline.
    #[must_use]
    pub fn joint(self) -> Self {
        self.with(|setup| setup.order = Order::Joint)
    }

    /// Each context together with all before it.
    #[must_use]
    pub fn cumulative(self) -> Self {
        self.with(|setup| setup.order = Order::Cumulative)
    }

    /// The stream of a member.
    ///
    /// # Errors
    /// What cannot be cut from the data.
    pub fn stream(&self, seed: u64) -> Result<ContextStream, Error> {
        let Setup { protocol, scenario, contexts, pad, part, .. } = self.setup;
        let spec = StreamSpec { protocol, scenario, contexts, seed, part, pad };
        let stream = spec.build(&self.dataset)?.of_kind(self.setup.kind);
        Ok(match self.setup.order {
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
        let Setup { seeds, steps, batch, optimizer, head, mix, .. } = &self.setup;
        let mut population: Vec<(u64, Box<dyn Stream>)> = Vec::with_capacity(seeds.len());
        for &seed in seeds {
            population.push((seed, Box::new(self.stream(seed)?)));
        }
        let network = self.network(population.first().map_or(1, |(_, stream)| stream.outputs()))?;
        let settings = Settings {
            steps: *steps,
            batch: *batch,
            optimizer: optimizer.build(),
            schedule: self.setup.stage_schedule(),
            reset_optimizer: self.setup.reset_optimizer,
            head: *head,
            mix: *mix,
            consolidate_every: self.setup.clock(),
            evaluation: self.setup.evaluation,
            device: self.setup.device(),
        };
        Ok(Learner::new(strategy, &self.dataset, population, network, settings)?)
    }

    /// The network with so many outputs.
    pub(crate) fn network(&self, outputs: usize) -> Result<Box<dyn Network>, Error> {
        let Setup { pad, network, .. } = &self.setup;
        let inputs = (self.dataset.width + 2 * pad) * (self.dataset.height + 2 * pad);
        network.build(inputs, outputs)
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

impl Setup {
    /// Where programs run.
    pub(crate) fn device(&self) -> Arc<dyn Device> {
        match &self.gpu {
            Some(Elsewhere(device)) => device.clone(),
            None => Arc::new(Cpu { threads: self.threads }),
        }
    }

    /// Chooses the kind of the stream, and what follows from it.
    pub(crate) fn make_kind(&mut self, kind: StreamKind) {
        self.kind = kind;
        (self.mix, self.update_every) = match kind.is_task_free() {
            false => (Mix::ByContext, None),
            true => (Mix::Fixed(Defaults::TASK_FREE_MIX), Some(Defaults::UPDATE_EVERY)),
        };
    }

    /// The kind of the stream that is drawn: baselines that keep all data take a sharp one, but for
    /// one pass over all contexts.
    pub(crate) fn drawn(&self) -> StreamKind {
        match (self.order, self.kind) {
            (Order::Incremental, kind) => kind,
            (Order::Joint, StreamKind::OnePass) => StreamKind::OnePass,
            (Order::Joint | Order::Cumulative, _) => StreamKind::Sharp,
        }
    }

    /// Steps between two consolidations, where a clock says when; baselines have nothing to
    /// consolidate.
    pub(crate) fn clock(&self) -> Option<u32> {
        self.update_every.filter(|_| self.order == Order::Incremental)
    }

    /// The schedule over the steps of one stage: that of a joint run is as long as all contexts.
    fn stage_schedule(&self) -> Schedule {
        let stretch = match self.order {
            Order::Joint => u32::try_from(self.contexts).unwrap_or(u32::MAX),
            Order::Incremental | Order::Cumulative => 1,
        };
        match self.schedule {
            Schedule::Constant => Schedule::Constant,
            // Spread over the steps of the stage, however many.
            restarts @ Schedule::Restarts { .. } => restarts,
            Schedule::Cosine { warmup, steps, floor } => Schedule::Cosine {
                warmup: warmup.saturating_mul(stretch),
                steps: steps.saturating_mul(stretch),
                floor,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_joint_run_stretches_the_schedule_over_all_contexts() {
        let schedule = Schedule::Cosine { warmup: 2, steps: 10, floor: 0.5 };
        let setup = Setup { schedule, contexts: 3, ..Setup::default() };
        assert_eq!(setup.stage_schedule(), schedule);
        let joint = Setup { order: Order::Joint, ..setup };
        let stretched = Schedule::Cosine { warmup: 6, steps: 30, floor: 0.5 };
        assert_eq!(joint.stage_schedule(), stretched);
    }
}
