//! One cell of the table: a strategy in a scenario, trained as one population over all seeds and all
//! values of a sweep.

use crate::choices::{Choices, Chosen};
use crate::conventions::{conventions, schedule};
use crate::experiment::Order;
use crate::generated;
use crate::judge::{JointJudge, generates};
use crate::kept;
use crate::label::label;
use crate::network::HEADS;
use crate::registry::{Composition, Under};
use crate::results::Line;
use crate::{Error, Experiment, Fate, Keep, Key, Population, Preset, Settings, Strengths};
use cl_core::{Costs, Learner, Observer, Outcome, Pull, Strategy};
use cl_metrics::evaluate;
use cl_replay::generative::Judged;
use cl_scenarios::{Scenario, StreamKind};
use std::collections::BTreeMap;
use std::sync::Arc;

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
    judge: Option<Arc<JointJudge>>,
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
    /// Parameters of the network.
    pub parameters: usize,
    /// Steps of each member; of a one-pass stream those of the first.
    pub steps: u64,
    /// Rows in the memories of one member when the run is through.
    pub rows_kept: usize,
    /// What a run costs one member; the bytes kept are those of the results.
    pub costs: Costs,
}

/// What a cell gave.
#[derive(Debug, Default)]
pub struct Trained {
    /// One line per run, variant by variant.
    pub lines: Vec<Line>,
    /// Values of a sweep, or the cell without one, whose loss was no number any more, by label, with the
    /// reason.
    pub diverged: Vec<(String, String)>,
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
    fn one(&self) -> Experiment {
        self.experiment.clone().seeds(self.seeds().take(1)).threads(1)
    }

    fn seeds(&self) -> impl Iterator<Item = u64> {
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
        Ok(CellCost { members, parameters, steps, rows_kept, costs })
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
            learner = self.experiment.clone().threads(1).learner(strategy)?;
        }
        learner.fill_memories()?;
        Ok((kept::bytes(&self.experiment, &learner), learner.rows_kept()))
    }

    /// Trains the population. One value of a sweep whose loss is no number any more stops them all:
    /// then each value is trained as a population of its own, which gives the same bits.
    ///
    /// # Errors
    /// What the device refuses; what cannot be restored. A loss that is no number any more is none: it is
    /// in [`Trained::diverged`].
    pub fn run(&self, observer: &mut dyn Observer) -> Result<Trained, Error> {
        self.run_kept(0, observer, &mut ())
    }

    /// As [`Cell::run`], for a cell with a place in a benchmark whose work is kept.
    pub(crate) fn run_kept(
        &self,
        cell: usize,
        observer: &mut dyn Observer,
        keep: &mut dyn Keep,
    ) -> Result<Trained, Error> {
        let mut trained = Trained::default();
        match self.fate(Population { cell, variant: None }, observer, keep)? {
            Fate::Trained(lines) => trained.lines = lines,
            Fate::Diverged(reason) => trained.diverged.push((self.label(), reason)),
            Fate::Apart => {
                for (index, variant) in self.variants.iter().enumerate() {
                    let alone = Population { cell, variant: Some(index) };
                    match self.fate(alone, &mut Again(observer), keep)? {
                        Fate::Trained(lines) => trained.lines.extend(lines),
                        Fate::Apart => {}
                        Fate::Diverged(reason) => {
                            trained.diverged.push((variant.label.clone(), reason));
                        }
                    }
                }
            }
        }
        Ok(trained)
    }

    /// What becomes of a population, or became of it in an earlier process.
    fn fate(
        &self,
        population: Population,
        observer: &mut dyn Observer,
        keep: &mut dyn Keep,
    ) -> Result<Fate, Error> {
        if let Some(fate) = keep.known(population) {
            return Ok(fate);
        }
        let names: Vec<String> = self.names(population.variant).collect();
        let train = |learner: &mut Learner<'_>| {
            let outcomes = keep.train(population, learner, observer)?;
            keep.trained(&names, learner)?;
            Ok(outcomes)
        };
        let fate = match (self.train(self.together(population.variant), train), population.variant)
        {
            (Ok(lines), _) => Fate::Trained(lines),
            (Err(error), _) if !error.has_diverged() => return Err(error),
            (Err(_), None) if self.variants.len() > 1 => Fate::Apart,
            (Err(error), _) => Fate::Diverged(error.to_string()),
        };
        keep.keep(population, &fate)?;
        Ok(fate)
    }

    /// All variants, or one alone.
    fn together(&self, variant: Option<usize>) -> &[Variant] {
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
    fn names(&self, variant: Option<usize>) -> impl Iterator<Item = String> {
        self.together(variant).iter().flat_map(move |it| {
            let label = it.label.replace([' ', '/'], "-");
            self.seeds().map(move |seed| format!("{label}-{}-seed-{seed}", self.scenario))
        })
    }

    /// All variants as one population whose members differ in slots; one line per member.
    fn train(
        &self,
        variants: &[Variant],
        run: impl FnOnce(&mut Learner<'_>) -> Result<Vec<Outcome>, Error>,
    ) -> Result<Vec<Line>, Error> {
        let Some(first) = variants.first() else { return Ok(Vec::new()) };
        let seeds = self.experiment.setup.seeds.len();
        let population = variants.iter().flat_map(|_| self.seeds());
        let mut learner = self.experiment.clone().seeds(population).learner(first.strategy())?;
        for (index, variant) in variants.iter().enumerate() {
            for (name, value) in &variant.settings.hyper {
                if first.settings.hyper.get(name) == Some(value) {
                    continue;
                }
                for slot in self.composition.slots(name) {
                    for member in index * seeds..(index + 1) * seeds {
                        learner.set_hyper(&slot, member, *value as f32)?;
                    }
                }
            }
        }
        if let Some(judge) = &self.judge {
            judge.learn(&self.experiment)?;
        }
        let outcomes = run(&mut learner)?;
        let mut spreads = generated::spreads(&mut learner)?;
        let mut shares = generated::shares(&mut learner, &self.experiment)?;
        let of = |(member, outcome)| {
            let line = self.line(&variants[member / seeds], &learner, member, outcome)?;
            Ok(Line {
                generator_spread: std::mem::take(&mut spreads[member]),
                generator_shares: std::mem::take(&mut shares[member]),
                ..line
            })
        };
        outcomes.iter().enumerate().map(of).collect()
    }

    fn line(
        &self,
        variant: &Variant,
        learner: &Learner<'_>,
        member: usize,
        outcome: &Outcome,
    ) -> Result<Line, Error> {
        let settings = variant.settings.with_seed(outcome.seed);
        let (metrics, mut undefined) = evaluate(&outcome.accuracy);
        undefined.insert(
            "intransigence",
            "intransigence needs a joint model of the contexts 1 to j for every j; only that of all \
             contexts is trained"
                .to_owned(),
        );
        let named = |(name, reason): (&str, String)| (name.to_owned(), reason);
        Ok(Line {
            dataset: settings.dataset.clone(),
            scenario: settings.scenario.clone(),
            strategy: settings.strategy.clone(),
            seed: outcome.seed,
            accuracy: outcome.accuracy.rows().to_vec(),
            accuracy_before: outcome.accuracy.before().unwrap_or_default().to_vec(),
            metrics: metrics.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            metrics_undefined: undefined.into_iter().map(named).collect(),
            steps: steps(learner, member),
            train_seconds: outcome.train_seconds,
            members: learner.members(),
            threads: self.experiment.setup.threads,
            device: "cpu".to_owned(),
            bytes_kept: kept::bytes(&self.experiment, learner),
            penalty_ratio: outcome.pulls.iter().map(|pull| pull.and_then(Pull::ratio)).collect(),
            generator_spread: Vec::new(),
            generator_shares: Vec::new(),
            parameters: learner.model().layout.parameters(),
            conventions: conventions(
                variant.strategy(),
                learner.stream(member),
                &self.experiment.setup,
            ),
            config_hash: settings.hash(&self.experiment.dataset.checksum)?,
            settings,
            version: env!("CARGO_PKG_VERSION").to_owned(),
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
        reset_optimizer: setup.reset_optimizer,
        mix: setup.mix.describe(),
        seed: setup.seeds.first().copied().unwrap_or_default(),
    }
}

/// Steps of one member over all stages.
fn steps(learner: &Learner<'_>, member: usize) -> u64 {
    (0..learner.stages()).map(|stage| u64::from(learner.steps_of(member, stage))).sum()
}

/// Watches values of a sweep that are trained once more, alone: their steps were counted before.
struct Again<'a>(&'a mut dyn Observer);

impl Observer for Again<'_> {
    fn unsaved(&mut self, error: cl_core::Error) -> Result<(), cl_core::Error> {
        self.0.unsaved(error)
    }
}
