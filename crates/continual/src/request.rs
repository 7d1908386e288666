//! What a person asks for, and what it means.

use crate::defaults::Defaults;
use crate::nearest::unknown;
use crate::registry::{Composition, Hyper, Numbers, STRATEGIES};
use crate::{Error, Experiment, OptimizerName, Preset, choose};
use cl_scenarios::{DatasetName, Protocol, Scenario};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A benchmark as asked for on the command line; what is `None` follows from the data set and the
/// protocol ([`Defaults::of`]).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// `digits`, `mnist` or `fashion-mnist`.
    pub dataset: Option<String>,
    /// Scenarios, separated by commas.
    pub scenario: Option<String>,
    /// Strategies, separated by commas; `a+b` composes, `all` is the curated list.
    pub strategy: Option<String>,
    /// `split`, `permuted` or `rotated`.
    pub protocol: Option<String>,
    /// Number of contexts.
    pub contexts: Option<usize>,
    /// Number of seeds; they are 2, 3, ..
    pub seeds: Option<u64>,
    /// Steps per context.
    pub steps: Option<u32>,
    /// Rows of the stream per step.
    pub batch: Option<usize>,
    /// Hidden units, separated by commas.
    pub hidden: Option<String>,
    /// `adam` or `sgd`.
    pub optimizer: Option<String>,
    /// Learning rate.
    pub lr: Option<f64>,
    /// Hyper-parameters as `strategy.name=value`.
    pub set: Vec<String>,
    /// `paper` or `vdv`.
    pub preset: Option<String>,
    /// Folder of the data set's files.
    pub data: Option<PathBuf>,
    /// Threads; `None`: as many as the machine has.
    pub threads: Option<usize>,
    /// 100 steps per context and 2 seeds, unless said otherwise.
    pub quick: bool,
}

/// A strategy of a request.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub composition: Composition,
    /// Asked for by name, not by `all`.
    pub by_name: bool,
}

/// A request, understood.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    pub dataset: DatasetName,
    pub protocol: Protocol,
    pub preset: Preset,
    pub scenarios: Vec<Scenario>,
    pub strategies: Vec<Chosen>,
    pub defaults: Defaults,
    pub experiment: Experiment,
    /// Hyper-parameters by `strategy.name`.
    pub set: BTreeMap<String, f64>,
    /// What was chosen otherwise than the default protocol has it.
    pub deviations: Vec<&'static str>,
}

/// The seed of the first run; seed 1 is for choosing hyper-parameters.
const FIRST_SEED: u64 = 2;
/// The widest layer, the largest batch and so on: more would end without memory, not with a message.
const MOST_ROWS: usize = 16_384;
const MOST_LAYERS: usize = 16;
const MOST_CONTEXTS: usize = 1000;
const MOST_SEEDS: u64 = 1000;
const MOST_THREADS: usize = 1024;

impl Request {
    /// Resolves names, checks ranges, loads the data.
    pub(crate) fn choices(&self) -> Result<Choices, Error> {
        let name =
            |given: &Option<String>, default: &str| given.as_deref().unwrap_or(default).to_owned();
        let dataset = choose("data set", &name(&self.dataset, "digits"), &DatasetName::ALL)?;
        let protocol = choose("protocol", &name(&self.protocol, "split"), &Protocol::ALL)?;
        let defaults = Defaults::of(dataset, protocol);
        let preset = match &self.preset {
            Some(preset) => choose("preset", preset, &Preset::ALL)?,
            None => defaults.preset,
        };
        let optimizer = choose("optimizer", &name(&self.optimizer, "adam"), &OptimizerName::ALL)?;
        let scenarios = scenarios(&name(&self.scenario, "task,domain,class"))?;
        let strategies = strategies(&name(&self.strategy, "all"))?;
        let set = set(&self.set, &strategies)?;

        let (usual_steps, seeds) = match self.quick {
            true => (Defaults::QUICK_STEPS, Defaults::QUICK_SEEDS),
            false => (defaults.steps, defaults.seeds),
        };
        let contexts = at_most("--contexts", self.contexts, defaults.contexts, MOST_CONTEXTS)?;
        let steps = at_most("--steps", self.steps, usual_steps, u32::MAX / contexts as u32)?;
        let seeds = at_most("--seeds", self.seeds, seeds, MOST_SEEDS)?;
        let batch = at_most("--batch", self.batch, defaults.batch, MOST_ROWS)?;
        let available = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = at_most("--threads", self.threads, available, MOST_THREADS)?;
        let hidden = match &self.hidden {
            Some(text) => hidden(text)?,
            None => defaults.hidden.clone(),
        };
        let lr = self.lr.unwrap_or(defaults.lr);
        if !(lr as f32 > 0.0 && (lr as f32).is_finite()) {
            let expected = "a positive number that 32 bits hold".to_owned();
            return Err(Error::Value { what: "--lr".to_owned(), value: lr.to_string(), expected });
        }
        let asked = [
            ("--contexts", contexts != defaults.contexts),
            ("--steps", steps != usual_steps),
            ("--batch", batch != defaults.batch),
            ("--hidden", hidden != defaults.hidden),
            ("--optimizer", optimizer != OptimizerName::Adam),
            ("--lr", lr != defaults.lr),
            ("--preset", preset != defaults.preset),
            ("--set", !set.is_empty()),
        ];
        let deviations =
            asked.iter().filter(|(_, differs)| *differs).map(|(option, _)| *option).collect();
        // The data last: reading it takes longest.
        let data = dataset.load(self.data.as_deref())?;
        let experiment = Experiment::new(data)
            .protocol(protocol)
            .contexts(contexts)
            .pad(defaults.pad)
            .seeds(FIRST_SEED..FIRST_SEED + seeds)
            .hidden(&hidden)
            .steps(steps)
            .batch(batch)
            .optimizer(optimizer, lr)
            .threads(threads);
        Ok(Choices {
            dataset,
            protocol,
            preset,
            scenarios,
            strategies,
            defaults,
            experiment,
            set,
            deviations,
        })
    }
}

fn at_most<T>(what: &str, given: Option<T>, default: T, most: T) -> Result<T, Error>
where
    T: Copy + PartialOrd + From<u8> + std::fmt::Display,
{
    let value = given.unwrap_or(default);
    if value >= T::from(1) && value <= most {
        return Ok(value);
    }
    let expected = format!("1 to {most}");
    Err(Error::Value { what: what.to_owned(), value: value.to_string(), expected })
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim)
}

fn scenarios(text: &str) -> Result<Vec<Scenario>, Error> {
    let mut all = Vec::new();
    for name in parts(text) {
        let scenario = choose("scenario", name, &Scenario::ALL)?;
        if !all.contains(&scenario) {
            all.push(scenario);
        }
    }
    Ok(all)
}

/// Each strategy once: what is named twice runs once.
fn strategies(text: &str) -> Result<Vec<Chosen>, Error> {
    let mut all: Vec<Chosen> = Vec::new();
    for name in parts(text) {
        let by_name = name != "all";
        let names = match by_name {
            true => vec![name],
            false => STRATEGIES.iter().map(|entry| entry.name).collect(),
        };
        for name in names {
            let composition = Composition::parse(name)?;
            match all.iter_mut().find(|known| known.composition.name == composition.name) {
                Some(known) => known.by_name |= by_name,
                None => all.push(Chosen { composition, by_name }),
            }
        }
    }
    Ok(all)
}

fn hidden(text: &str) -> Result<Vec<usize>, Error> {
    let units: Option<Vec<usize>> = parts(text)
        .map(|part| part.parse().ok().filter(|units| (1..=MOST_ROWS).contains(units)))
        .collect();
    units.filter(|units| units.len() <= MOST_LAYERS).ok_or_else(|| Error::Value {
        what: "--hidden".to_owned(),
        value: text.to_owned(),
        expected: format!("at most {MOST_LAYERS} numbers from 1 to {MOST_ROWS}, such as 400,400"),
    })
}

/// The hyper-parameters that may be set: those of the strategies that run.
pub(crate) fn hypers(strategies: &[Chosen]) -> Vec<(String, &'static Hyper)> {
    let mut all: Vec<(String, &'static Hyper)> = Vec::new();
    for part in strategies.iter().flat_map(|chosen| &chosen.composition.parts) {
        for hyper in part.hypers {
            let name = format!("{}.{}", part.name, hyper.name);
            if !all.iter().any(|(known, _)| *known == name) {
                all.push((name, hyper));
            }
        }
    }
    all
}

fn set(given: &[String], strategies: &[Chosen]) -> Result<BTreeMap<String, f64>, Error> {
    let known = hypers(strategies);
    let mut values = BTreeMap::new();
    for text in given {
        let wrong = |expected: &str| Error::Value {
            what: "--set".to_owned(),
            value: text.clone(),
            expected: expected.to_owned(),
        };
        let (name, value) = text
            .split_once('=')
            .map(|(name, value)| (name.trim(), value.trim()))
            .ok_or_else(|| wrong("STRATEGY.NAME=VALUE, such as ewc.lambda=1e5"))?;
        let Some((_, hyper)) = known.iter().find(|(known, _)| known == name) else {
            return Err(unknown_hyper(name, &known));
        };
        let value: f64 = value
            .parse()
            .ok()
            .filter(|value: &f64| (*value as f32).is_finite())
            .ok_or_else(|| wrong("a number that 32 bits hold"))?;
        let count = value >= 0.0 && value <= f64::from(u32::MAX) && value.fract() == 0.0;
        if hyper.numbers == Numbers::Whole && !count {
            return Err(wrong("a whole number of at least 0"));
        }
        values.insert(name.to_owned(), value);
    }
    Ok(values)
}

/// A name that nothing has, or one of a strategy that is not among those that run.
fn unknown_hyper(name: &str, known: &[(String, &Hyper)]) -> Error {
    let elsewhere = STRATEGIES.iter().find(|entry| {
        let hyper = name.strip_prefix(entry.name).and_then(|rest| rest.strip_prefix('.'));
        hyper.is_some_and(|hyper| entry.hyper(hyper).is_some())
    });
    if let Some(entry) = elsewhere {
        let strategy = entry.name;
        return Error::Impossible(format!(
            "--set {name}: strategy `{strategy}` is not among those that run; add it to --strategy"
        ));
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
    if names.is_empty() {
        return Error::Impossible(format!(
            "--set {name}: none of the strategies that run has a hyper-parameter"
        ));
    }
    unknown("hyper-parameter", name, &names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(request: Request) -> String {
        request.choices().unwrap_err().to_string()
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn the_default_request_is_the_digits_protocol() {
        let choices = Request::default().choices().unwrap();
        assert_eq!(choices.experiment.seeds, [2, 3, 4, 5, 6]);
        assert_eq!(choices.experiment.hidden, [128, 128]);
        assert_eq!((choices.experiment.steps, choices.experiment.batch), (400, 32));
        assert_eq!(choices.scenarios, Scenario::ALL);
        assert_eq!(choices.strategies.len(), STRATEGIES.len());
        assert!(choices.deviations.is_empty());
    }

    #[test]
    fn quick_changes_steps_and_seeds_unless_they_are_given() {
        let quick = Request { quick: true, ..Request::default() }.choices().unwrap();
        assert_eq!((quick.experiment.steps, quick.experiment.seeds.len()), (100, 2));
        assert!(quick.deviations.is_empty());
        let given = Request { quick: true, steps: Some(7), seeds: Some(1), ..Request::default() };
        let given = given.choices().unwrap();
        assert_eq!((given.experiment.steps, &given.experiment.seeds[..]), (7, &[2][..]));
        assert_eq!(given.deviations, ["--steps"]);
    }

    #[test]
    fn lists_are_read_in_order_without_doubles() {
        let request = Request {
            scenario: some("class, task,class"),
            strategy: some("joint,none,all,none"),
            hidden: some("30, 20"),
            ..Request::default()
        };
        let choices = request.choices().unwrap();
        assert_eq!(choices.scenarios, [Scenario::Class, Scenario::Task]);
        let names: Vec<&str> =
            choices.strategies.iter().map(|chosen| chosen.composition.name.as_str()).collect();
        assert_eq!(names[..2], ["joint", "none"]);
        assert_eq!(names.len(), STRATEGIES.len());
        assert_eq!(choices.experiment.hidden, [30, 20]);
    }

    #[test]
    fn values_that_cannot_be_understood_name_the_option_and_what_was_expected() {
        let default = Request::default;
        let cases = [
            (message(Request { hidden: some("400;400"), ..default() }), "--hidden `400;400`"),
            (message(Request { hidden: some("0"), ..default() }), "1 to 16384"),
            (message(Request { lr: Some(0.0), ..default() }), "--lr `0`"),
            (message(Request { lr: Some(f64::NAN), ..default() }), "--lr `NaN`"),
            (message(Request { steps: Some(0), ..default() }), "--steps `0`: expected 1 to"),
            (message(Request { steps: Some(u32::MAX), ..default() }), "expected 1 to 858993459"),
            (message(Request { seeds: Some(0), ..default() }), "--seeds `0`"),
            (message(Request { batch: Some(1 << 20), ..default() }), "--batch `1048576`"),
            (message(Request { threads: Some(0), ..default() }), "--threads `0`"),
            (message(Request { strategy: some("none,"), ..default() }), "strategy `` is unknown"),
            (message(Request { strategy: some("none+joint"), ..default() }), "cannot be composed"),
            (message(Request { preset: some("vvd"), ..default() }), "did you mean `vdv`?"),
            (message(Request { optimizer: some("adm"), ..default() }), "did you mean `adam`?"),
        ];
        for (message, expected) in cases {
            assert!(message.contains(expected), "{message:?} should say {expected:?}");
            assert!(!message.contains('\n'), "{message:?}");
        }
    }
}
