//! One cell of the table: a strategy in a scenario, over all seeds and all values of a sweep.

use crate::choices::{Choices, Chosen};
use crate::conventions::schedule;
use crate::experiment::{Elsewhere, Order};
use crate::judge::{JointJudge, generates};
use crate::kept;
use crate::label::label;
use crate::network::HEADS;
use crate::registry::{Composition, Under};
use crate::{Error, Experiment, Key, Preset, Settings, Strengths};
use cl_core::{Costs, Head, Learner, Strategy};
use cl_replay::generative::Judged;
use cl_scenarios::{Scenario, StreamKind};
use cl_tensor::Lanes;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// A strategy in a scenario.
pub struct Cell {
    /// The scenario.
    pub scenario: Scenario,
    /// The strategy by name.
    pub composition: Composition,
    /// The values of a sweep that one population can hold; without a sweep there is one.
    pub variants: Vec<Variant>,
    pub(crate) experiment: Experiment,
    under: Under,
    shown: Vec<String>,
    /// Says what generators make; `None` without one.
    pub(crate) judge: Option<Arc<JointJudge>>,
    /// Members trained at once, once they were worked out.
    lanes: OnceLock<usize>,
}

/// A strategy with its hyper-parameters.
pub struct Variant {
    /// The strategy and the values that tell it from others: a row of the table.
    pub label: String,
    /// Everything else that decides the numbers; the seed is that of the first member.
    pub settings: Settings,
    strategies: Vec<Box<dyn Strategy>>,
}

/// What a cell costs.
#[derive(Clone, Copy, Debug)]
pub struct CellCost {
    /// Members of the population, one per seed and value of a sweep.
    pub members: usize,
    /// How many of them are trained at once: the others follow in waves.
    pub lanes: usize,
    /// Parameters of the network.
    pub parameters: usize,
    /// Steps of each member; of a one-pass stream those of the first.
    pub steps: u64,
    /// Rows in the memories of one member when the run is through.
    pub rows_kept: usize,
    /// What a run costs one member; the bytes kept are those of the results.
    pub costs: Costs,
}

impl CellCost {
    /// Multiply-accumulates of all members.
    #[must_use]
    pub fn macs(&self) -> u64 {
        self.costs.macs.saturating_mul(self.members as u64)
    }
}

impl Variant {
    /// The strategy.
    #[must_use]
    pub fn strategy(&self) -> &dyn Strategy {
        &self.strategies
    }
}

impl Cell {
    /// A cell with its hyper-parameters resolved: what was given, then the strengths, then the
    /// protocol's budget, then the strategy's own default. `given` holds the values of each variant,
    /// equal where they are structure.
    pub(crate) fn new(
        choices: &Choices,
        strengths: &Strengths,
        chosen: &Chosen,
        given: &[BTreeMap<String, f64>],
        scenario: Scenario,
    ) -> Self {
        let key = Key {
            dataset: choices.dataset.to_string(),
            protocol: choices.experiment.setup.protocol,
            preset: choices.preset,
            scenario,
        };
        let composition = &chosen.composition;
        let experiment = composition.order(choices.experiment.clone().scenario(scenario));
        let (preset, batch) = (choices.preset, choices.experiment.setup.batch);
        let kind = experiment.setup.drawn();
        let under = Under { preset, scenario, kind, batch };
        let judge = Arc::new(JointJudge::new(experiment.dataset.classes));
        let judged = |strategy: Box<dyn Strategy>| match generates(&*strategy) {
            true => Box::new(Judged::new(strategy, judge.clone())),
            false => strategy,
        };
        let variant = |given: &BTreeMap<String, f64>| {
            let resolved = |(name, about): (String, &'static crate::registry::Hyper)| {
                let strategy = name.strip_suffix(about.name).unwrap_or(&name).trim_end_matches('.');
                let budget = || choices.defaults.of_hyper(&name);
                let value = given
                    .get(&name)
                    .copied()
                    .or_else(|| strengths.get(&key, strategy, about.name))
                    .or_else(budget)
                    .unwrap_or_else(|| composition.default(&name, about, under));
                (name, value)
            };
            let hyper: BTreeMap<String, f64> =
                composition.hypers().into_iter().map(resolved).collect();
            Variant {
                label: label(composition, &chosen.shown, &[given]),
                strategies: composition.build(under, &hyper).into_iter().map(judged).collect(),
                settings: settings(&experiment, composition, choices.preset, hyper),
            }
        };
        let variants: Vec<Variant> = given.iter().map(variant).collect();
        let has_generator = variants.first().is_some_and(|it| generates(it.strategy()));
        Self {
            scenario,
            composition: composition.clone(),
            variants,
            judge: has_generator.then_some(judge),
            shown: chosen.shown.clone(),
            under,
            experiment,
            lanes: OnceLock::new(),
        }
    }

    /// The strategy and the values that tell it from others; those of a sweep joined with commas.
    #[must_use]
    pub fn label(&self) -> String {
        let values: Vec<_> = self.variants.iter().map(|it| &it.settings.hyper).collect();
        label(&self.composition, &self.shown, &values)
    }

    /// Bytes of one example as the data set stores it.
    #[must_use]
    pub fn features(&self) -> usize {
        self.experiment.dataset.features()
    }

    /// Whether the strategy can learn from this stream at all; `Ok(Some(reason))` if the scenario
    /// does not show what it needs.
    pub(crate) fn impossible(&self) -> Result<Option<String>, Error> {
        let setup = &self.experiment.setup;
        if setup.order == Order::Cumulative && setup.kind.is_task_free() {
            return Ok(Some(format!(
                "{} needs contexts that come one after the other; a stream of kind `{}` does not show \
                 them",
                self.composition.name, setup.kind
            )));
        }
        let stream = self.experiment.stream(self.seeds().next().unwrap_or_default())?;
        for variant in &self.variants {
            match cl_core::check(variant.strategy(), &stream, setup.clock()) {
                Ok(()) => {}
                Err(reason @ cl_core::Error::NotShown { .. }) => {
                    return Ok(Some(self.with_advice(&reason)));
                }
                Err(error) => return Err(error.into()),
            }
            if setup.network.weights.is_some()
                && let Err(Error::Core(reason @ cl_core::Error::OwnNetwork { .. })) =
                    self.one().learner(variant.strategy())
            {
                return Ok(Some(reason.to_string()));
            }
        }
        Ok(None)
    }

    /// Why it cannot, and what could in its place.
    fn with_advice(&self, reason: &cl_core::Error) -> String {
        let told = reason.to_string();
        match reason {
            cl_core::Error::NotShown { strategy, .. } if self.under.kind.is_task_free() => {
                match self.composition.instead(strategy) {
                    Some(instead) => format!("{told}; {instead}"),
                    None => told,
                }
            }
            _ => told,
        }
    }

    /// Why a value of `strategy.hyper` means nothing here; `None` where it means something.
    pub(crate) fn unused(&self, name: &str) -> Option<&'static str> {
        let mut given = self.variants.iter().map(|it| &it.settings.hyper);
        given.find_map(|given| self.composition.unused(name, self.under, given))
    }

    /// Of the first seed alone.
    pub(crate) fn one(&self) -> Experiment {
        self.experiment.clone().seeds(self.seeds().take(1)).threads(1).on_cpu()
    }

    pub(crate) fn seeds(&self) -> impl Iterator<Item = u64> {
        self.experiment.setup.seeds.iter().copied()
    }

    /// What it costs, worked out from the programs of one member; nothing is trained.
    ///
    /// # Errors
    /// Whatever would be refused when the run starts.
    pub fn cost(&self) -> Result<CellCost, Error> {
        let members = self.experiment.setup.seeds.len() * self.variants.len();
        let [first, ..] = &self.variants[..] else {
            return Err(Error::Impossible("a cell without a strategy".to_owned()));
        };
        let learner = self.one().learner(first.strategy())?;
        let (parameters, steps) = (learner.model().layout.parameters(), steps(&learner, 0));
        let costs = learner.costs();
        let (bytes_kept, rows_kept) = self.kept(learner, first.strategy())?;
        let costs = Costs { bytes_kept, ..costs };
        Ok(CellCost { members, lanes: self.lanes()?, parameters, steps, rows_kept, costs })
    }

    /// The bytes that its results will say are kept between contexts, of the member that keeps most:
    /// rows pass by the memories as in the run, nothing is trained.
    pub(crate) fn bytes_kept(&self) -> Result<u64, Error> {
        let Some(first) = self.variants.first() else { return Ok(0) };
        let one = self.one().learner(first.strategy())?;
        Ok(self.kept(one, first.strategy())?.0)
    }

    /// These bytes, and the rows of memories among them; `learner` has the first seed alone.
    fn kept<'s>(
        &self,
        mut learner: Learner<'s>,
        strategy: &'s dyn Strategy,
    ) -> Result<(u64, usize), Error> {
        if learner.has_memories() && self.seeds().count() > 1 {
            learner = self.experiment.clone().threads(1).on_cpu().learner(strategy)?;
        }
        learner.fill_memories()?;
        Ok((kept::bytes(&self.experiment, &learner), learner.rows_kept()))
    }

    /// How many members are trained at once: what was asked for, or what the device's memory should hold,
    /// as far as its limits allow.
    ///
    /// # Errors
    /// A member that the device does not hold, or what recording refuses.
    pub(crate) fn lanes(&self) -> Result<usize, Error> {
        if let Some(&known) = self.lanes.get() {
            return Ok(known);
        }
        let setup = &self.experiment.setup;
        let members = setup.seeds.len() * self.variants.len();
        let fitting = match (&setup.gpu, self.variants.first()) {
            (Some(Elsewhere(device)), Some(first)) => {
                let mut learner = self.one().learner(first.strategy())?;
                let grows = setup.head == Head::Growing;
                if grows {
                    let outputs = learner.stream(0).outputs();
                    learner.grow(outputs)?;
                }
                let fitting = learner.lanes(&**device);
                // What was asked for is at fault: nothing has been trained.
                let fitting = fitting.map_err(|error| Error::Impossible(error.to_string()))?;
                // When a head grows the narrower network and the wider one are there at once.
                let usual = if grows { (fitting.usual / 2).max(1) } else { fitting.usual };
                Lanes { usual, ..fitting }
            }
            _ => Lanes::ANY,
        };
        Ok(*self.lanes.get_or_init(|| fitting.of(members, setup.lanes)))
    }

    /// All variants, or one alone.
    pub(crate) fn together(&self, variant: Option<usize>) -> &[Variant] {
        match variant {
            None => &self.variants,
            Some(index) => &self.variants[index..=index],
        }
    }

    /// The settings of the runs of all variants or of one alone, in the order of their lines.
    pub(crate) fn settings(&self, variant: Option<usize>) -> impl Iterator<Item = Settings> {
        let variants = self.together(variant).iter();
        variants.flat_map(|it| self.seeds().map(|seed| it.settings.with_seed(seed)))
    }

    /// What the runs of all variants or of one alone are called, in the order of their lines.
    pub(crate) fn names(&self, variant: Option<usize>) -> impl Iterator<Item = String> {
        self.together(variant).iter().flat_map(move |it| {
            let label = it.label.replace([' ', '/'], "-");
            self.seeds().map(move |seed| format!("{label}-{}-seed-{seed}", self.scenario))
        })
    }
}

fn settings(
    experiment: &Experiment,
    composition: &Composition,
    preset: Preset,
    hyper: BTreeMap<String, f64>,
) -> Settings {
    let setup = &experiment.setup;
    let (kind, clock) = (setup.drawn(), setup.clock());
    let fuzziness = match kind {
        StreamKind::Fuzzy { fuzziness } => fuzziness,
        StreamKind::Sharp | StreamKind::Random | StreamKind::OnePass => 0,
    };
    let head = HEADS.iter().find(|(_, head)| *head == setup.head);
    Settings {
        dataset: experiment.dataset.name.clone(),
        protocol: setup.protocol.to_string(),
        scenario: setup.scenario.to_string(),
        contexts: setup.contexts,
        stream: kind.to_string(),
        fuzziness,
        update_every: clock.unwrap_or(0),
        part: setup.part.to_string(),
        pad: setup.pad,
        strategy: composition.name.clone(),
        preset: preset.to_string(),
        hyper,
        steps_per_context: if kind == StreamKind::OnePass { 0 } else { setup.steps },
        batch: setup.batch,
        hidden: setup.network.hidden.clone(),
        dropout: setup.network.dropout,
        init: setup.network.init_name(),
        weights: setup.network.weights.as_ref().map_or_else(String::new, |it| it.sha256.clone()),
        head: head.map_or_else(String::new, |(name, _)| (*name).to_owned()),
        optimizer: setup.optimizer.name().to_string(),
        lr: setup.optimizer.lr(),
        optimizer_numbers: setup.optimizer.numbers(),
        schedule: schedule(&setup.schedule),
        evaluate_every: setup.evaluation.every,
        anytime_every: setup.evaluation.anytime.unwrap_or_default(),
        plasticity: setup.evaluation.plasticity,
        reset_optimizer: setup.reset_optimizer,
        mix: setup.mix.describe(),
        seed: setup.seeds.first().copied().unwrap_or_default(),
    }
}

/// Steps of one member over all stages.
pub(crate) fn steps(learner: &Learner<'_>, member: usize) -> u64 {
    (0..learner.stages()).map(|stage| u64::from(learner.steps_of(member, stage))).sum()
}
