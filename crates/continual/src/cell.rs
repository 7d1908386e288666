//! One cell of the table: a strategy in a scenario, trained as one population over all seeds.

use crate::conventions::conventions;
use crate::registry::Composition;
use crate::request::Choices;
use crate::results::Line;
use crate::{Error, Experiment, Key, Preset, Settings, Strengths};
use cl_buffers::RowSize;
use cl_core::{Costs, Learner, Member, Observer, Strategy, run};
use cl_metrics::evaluate;
use cl_scenarios::{Scenario, Stream};
use std::collections::BTreeMap;

/// A strategy in a scenario.
pub struct Cell {
    /// The scenario.
    pub scenario: Scenario,
    /// The strategy by name.
    pub composition: Composition,
    /// Everything else that decides the numbers; the seed is that of the first member.
    pub settings: Settings,
    pub(crate) experiment: Experiment,
    preset: Preset,
    strategies: Vec<Box<dyn Strategy>>,
}

/// What a cell costs.
#[derive(Clone, Copy, Debug)]
pub struct CellCost {
    /// Members of the population, one per seed.
    pub members: usize,
    /// Parameters of the network.
    pub parameters: usize,
    /// Steps of each member.
    pub steps: u64,
    /// What a run costs one member; the bytes kept are an upper bound, with full memories.
    pub costs: Costs,
}

impl CellCost {
    /// Multiply-accumulates of all members.
    #[must_use]
    pub fn macs(&self) -> u64 {
        self.costs.macs.saturating_mul(self.members as u64)
    }
}

impl Cell {
    /// A cell with its hyper-parameters resolved: `--set`, then the strengths, then the protocol's
    /// budget, then the strategy's own default.
    pub(crate) fn new(
        choices: &Choices,
        strengths: &Strengths,
        composition: &Composition,
        scenario: Scenario,
    ) -> Self {
        let key = Key {
            dataset: choices.dataset.to_string(),
            protocol: choices.protocol,
            preset: choices.preset,
            scenario,
        };
        let mut hyper = BTreeMap::new();
        for part in &composition.parts {
            for about in part.hypers {
                let name = format!("{}.{}", part.name, about.name);
                let budget =
                    || (about.name == "per_class").then_some(choices.defaults.per_class as f64);
                let value = choices
                    .set
                    .get(&name)
                    .copied()
                    .or_else(|| strengths.get(&key, part.name, about.name))
                    .or_else(budget)
                    .unwrap_or_else(|| about.default(choices.preset));
                hyper.insert(name, value);
            }
        }
        let experiment = composition.order(choices.experiment.clone().scenario(scenario));
        let settings = Settings {
            dataset: choices.dataset.to_string(),
            protocol: choices.protocol.to_string(),
            scenario: scenario.to_string(),
            contexts: experiment.contexts,
            part: experiment.part.to_string(),
            pad: experiment.pad,
            strategy: composition.name.clone(),
            preset: choices.preset.to_string(),
            hyper,
            steps_per_context: experiment.steps,
            batch: experiment.batch,
            hidden: experiment.hidden.clone(),
            optimizer: experiment.optimizer.to_string(),
            lr: experiment.lr,
            reset_optimizer: false,
            mix: Experiment::MIX.describe(),
            seed: experiment.seeds.first().copied().unwrap_or_default(),
        };
        let strategies = composition.build(choices.preset, &settings.hyper);
        let (composition, preset) = (composition.clone(), choices.preset);
        Self { scenario, composition, settings, experiment, preset, strategies }
    }

    /// The strategy.
    #[must_use]
    pub fn strategy(&self) -> &dyn Strategy {
        &self.strategies
    }

    /// Whether the strategy can learn from this stream at all; `Ok(Some(reason))` if the scenario
    /// does not show what it needs.
    pub(crate) fn impossible(&self) -> Result<Option<String>, Error> {
        let stream = self.experiment.stream(self.settings.seed)?;
        match cl_core::check(self.strategy(), &stream) {
            Ok(()) => Ok(None),
            Err(reason @ cl_core::Error::NotShown { .. }) => Ok(Some(reason.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    /// What it costs, worked out from the programs of one member; nothing is trained.
    ///
    /// # Errors
    /// Whatever would be refused when the run starts.
    pub fn cost(&self) -> Result<CellCost, Error> {
        let members = self.experiment.seeds.len();
        let one = self.experiment.clone().seeds([self.settings.seed]).threads(1);
        let learner = one.learner(self.strategy())?;
        let mut costs = learner.costs();
        costs.bytes_kept = costs.bytes_kept.saturating_add(self.budget()?);
        Ok(CellCost {
            members,
            parameters: learner.model().layout.parameters(),
            steps: steps(&learner),
            costs,
        })
    }

    /// The most bytes that the memories of one member may hold.
    fn budget(&self) -> Result<u64, Error> {
        let stream = self.experiment.stream(self.settings.seed)?;
        let (features, outputs) = (self.experiment.dataset.features(), stream.outputs());
        let member = Member {
            seed: self.settings.seed,
            stream: &stream,
            row_size: RowSize::new(features as u32, outputs as u32),
            batch: self.settings.batch,
            classes: (0..stream.contexts()).map(|c| stream.classes(c).len() as u32).sum(),
        };
        Ok(self.composition.budget(self.preset, &self.settings.hyper, &member))
    }

    /// Trains the population; one line per member.
    ///
    /// # Errors
    /// A loss that is not a number any more; what the device refuses.
    pub fn run(&self, observer: &mut dyn Observer) -> Result<Vec<Line>, Error> {
        let mut learner = self.experiment.learner(self.strategy())?;
        let outcomes = run(&mut learner, observer)?;
        let (steps, members) = (steps(&learner), learner.members());
        let bytes_kept = learner.bytes_kept();
        let mut lines = Vec::with_capacity(members);
        for (member, outcome) in outcomes.iter().enumerate() {
            let settings = self.settings.with_seed(outcome.seed);
            let (metrics, mut undefined) = evaluate(&outcome.accuracy);
            undefined.insert(
                "intransigence",
                "intransigence needs a joint model of the contexts 1 to j for every j; only that of \
                 all contexts is trained"
                    .to_owned(),
            );
            let owned = |(name, value): (&str, _)| (name.to_owned(), value);
            lines.push(Line {
                dataset: settings.dataset.clone(),
                scenario: settings.scenario.clone(),
                strategy: settings.strategy.clone(),
                seed: outcome.seed,
                accuracy: outcome.accuracy.rows().to_vec(),
                accuracy_before: outcome.accuracy.before().unwrap_or_default().to_vec(),
                metrics: metrics.into_iter().map(owned).collect(),
                metrics_undefined: undefined
                    .into_iter()
                    .map(|(name, reason)| (name.to_owned(), reason))
                    .collect(),
                steps,
                train_seconds: outcome.train_seconds,
                members,
                threads: self.experiment.threads,
                device: "cpu".to_owned(),
                bytes_kept,
                parameters: learner.model().layout.parameters(),
                conventions: conventions(
                    self.strategy(),
                    learner.stream(member),
                    learner.settings(),
                ),
                config_hash: settings.hash(&self.experiment.dataset.checksum)?,
                settings,
                version: env!("CARGO_PKG_VERSION").to_owned(),
            });
        }
        Ok(lines)
    }
}

/// Steps of one member over all stages.
fn steps(learner: &Learner<'_>) -> u64 {
    (0..learner.stages()).map(|stage| u64::from(learner.steps(stage))).sum()
}
