//! What a person asks for, and what it means.

use crate::choices::{
    Choices, Chosen, Draft, MOST_CONTEXTS, MOST_LAYERS, MOST_MEMBERS, MOST_ROWS, MOST_SEEDS,
    MOST_THREADS, Wording, all, check_count, seeds,
};
use crate::nearest::unknown;
use crate::optimizer::check_number;
use crate::registry::{Composition, Hyper, STRATEGIES};
use crate::{Error, OptimizerName, Preset, choose};
use crate::{device, features};
use cl_core::Weights;
use cl_scenarios::{DatasetName, Protocol, Scenario, StreamKind};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// A benchmark as asked for on the command line; what is `None` follows from the data set and the
/// protocol ([`Defaults::of`](crate::Defaults::of)).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// `sharp`, `fuzzy`, `random` or `one-pass`.
    #[serde(default)]
    pub stream: Option<String>,
    /// Steps from the middle of a fuzzy boundary to either end.
    #[serde(default)]
    pub fuzziness: Option<u32>,
    /// Steps between two consolidations in a stream without boundaries.
    #[serde(default)]
    pub update_every: Option<u32>,
    /// Evaluated after every so many contexts, and the last.
    #[serde(default)]
    pub evaluate_every: Option<usize>,
    /// Evaluated on the way too, after every so many steps.
    #[serde(default)]
    pub anytime_every: Option<u32>,
    /// Measured too: how much networks can still learn.
    #[serde(default)]
    pub plasticity: bool,
    /// Number of seeds; they are 2, 3, ..
    pub seeds: Option<u64>,
    /// Steps per context.
    pub steps: Option<u32>,
    /// Rows of the stream per step.
    pub batch: Option<usize>,
    /// Hidden units, separated by commas.
    pub hidden: Option<String>,
    /// A file of weights that every network starts with ([`Weights`](cl_core::Weights)).
    #[serde(default)]
    pub weights: Option<PathBuf>,
    /// Of which network templates compare features: a value of every `features` of the strategies, or a
    /// file of weights of a network that never moves.
    #[serde(default)]
    pub features: Option<String>,
    /// `adam`, `adamw` or `sgd`.
    pub optimizer: Option<String>,
    /// Learning rate.
    pub lr: Option<f64>,
    /// Hyper-parameters as `strategy.name=value`; several values, separated by commas, are swept: one
    /// row of the table for each.
    pub set: Vec<String>,
    /// `paper` or `vdv`.
    pub preset: Option<String>,
    /// Folder of the data set's files.
    pub data: Option<PathBuf>,
    /// Threads; `None`: as many as the machine has.
    pub threads: Option<usize>,
    /// `cpu`, `gpu`, `gpu:NAME` or `auto`; `None`: the CPU.
    pub device: Option<String>,
    /// Most members, seeds and values of a sweep, that are trained at once; `None`: what the device's memory
    /// should hold, on the CPU all. Results do not depend on it.
    #[serde(default)]
    pub lanes: Option<usize>,
    /// 100 steps per context and 2 seeds, unless said otherwise.
    pub quick: bool,
}

impl Request {
    /// Resolves names, checks ranges, loads the data.
    pub(crate) fn choices(&self) -> Result<Choices, Error> {
        let name =
            |given: &Option<String>, default: &str| given.as_deref().unwrap_or(default).to_owned();
        let dataset = choose("data set", &name(&self.dataset, "digits"), &DatasetName::ALL)?;
        let protocol = choose("protocol", &name(&self.protocol, "split"), &Protocol::ALL)?;
        let mut draft = Draft::of(dataset, protocol);
        if self.quick {
            draft = draft.quick();
        }
        if let Some(preset) = &self.preset {
            draft.preset = choose("preset", preset, &Preset::ALL)?;
        }
        let kind = choose("stream", &name(&self.stream, "sharp"), &StreamKind::ALL)?;
        draft.make_kind(kind);
        let optimizer = choose("optimizer", &name(&self.optimizer, "adam"), &OptimizerName::ALL)?;
        if let Some(names) = &self.scenario {
            draft.scenarios = scenarios(names)?;
        }
        if let Some(names) = &self.strategy {
            draft.strategies = strategies(names)?;
        }
        set(&self.set, &mut draft.strategies)?;
        let weights = match &self.features {
            None => None,
            Some(text) => features::choose(text, self, &mut draft)?,
        };
        if let Some(path) = weights.as_ref().or(self.weights.as_ref()) {
            draft.setup.network.weights = Some(Arc::new(Weights::load(path)?));
        }

        if let (StreamKind::OnePass, Some(steps)) = (kind, self.steps) {
            let expected = "nothing: stream `one-pass` shows every example once";
            return Err(value("--steps", steps, expected));
        }

        let setup = &mut draft.setup;
        count("--contexts", self.contexts, MOST_CONTEXTS, &mut setup.contexts)?;
        count("--steps", self.steps, u32::MAX / setup.contexts as u32, &mut setup.steps)?;
        count("--evaluate-every", self.evaluate_every, MOST_CONTEXTS, &mut setup.evaluation.every)?;
        if self.anytime_every.is_some() {
            let mut steps = 0;
            count("--anytime-every", self.anytime_every, u32::MAX, &mut steps)?;
            setup.evaluation.anytime = Some(steps);
        }
        setup.evaluation.plasticity |= self.plasticity;
        let mut members = setup.seeds.len() as u64;
        count("--seeds", self.seeds, MOST_SEEDS, &mut members)?;
        setup.seeds = seeds(members);
        count("--batch", self.batch, MOST_ROWS, &mut setup.batch)?;
        count("--threads", self.threads, MOST_THREADS, &mut setup.threads)?;
        setup.lanes = lanes(self.lanes)?;
        if let Some(text) = &self.device {
            setup.gpu = device::open(text)?;
        }
        if let Some(text) = &self.hidden {
            setup.network.hidden = hidden(text)?;
        }
        let lr = self.lr.unwrap_or(draft.defaults.lr);
        check_number("lr", lr).map_err(|expected| value("--lr", lr, expected))?;
        setup.optimizer = optimizer.at(lr);
        let given = |number: Option<u32>| number.unwrap_or_default();
        draft
            .make_fuzzy(self.fuzziness)
            .map_err(|expected| value("--fuzziness", given(self.fuzziness), expected))?;
        draft
            .make_clock(self.update_every)
            .map_err(|expected| value("--update-every", given(self.update_every), expected))?;
        draft.choices(self.data.as_deref(), Wording::Options)
    }
}

fn value(what: &str, value: impl ToString, expected: impl Into<String>) -> Error {
    Error::Value { what: what.to_owned(), value: value.to_string(), expected: expected.into() }
}

/// `--lanes`: most members that are trained at once.
pub(crate) fn lanes(given: Option<usize>) -> Result<Option<usize>, Error> {
    let checked = given.map(|lanes| check_count(lanes, MOST_MEMBERS)).transpose();
    checked.map_err(|expected| value("--lanes", given.unwrap_or_default(), expected))
}

/// Puts a count that was given into its place.
fn count<T>(what: &str, given: Option<T>, most: T, place: &mut T) -> Result<(), Error>
where
    T: Copy + PartialOrd + From<u8> + std::fmt::Display,
{
    *place = check_count(given.unwrap_or(*place), most)
        .map_err(|expected| value(what, given.unwrap_or(*place), expected))?;
    Ok(())
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
    let mut chosen: Vec<Chosen> = Vec::new();
    for name in parts(text) {
        let more = match name {
            "all" => all(),
            name => vec![Chosen::new(Composition::parse(name)?)],
        };
        for one in more {
            match chosen.iter_mut().find(|known| known.composition.name == one.composition.name) {
                Some(known) => known.by_name |= one.by_name,
                None => chosen.push(one),
            }
        }
    }
    Ok(chosen)
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
    for (name, hyper) in strategies.iter().flat_map(|chosen| chosen.composition.hypers()) {
        if !all.iter().any(|(known, _)| *known == name) {
            all.push((name, hyper));
        }
    }
    all
}

/// Gives every strategy the values that were given for its parts; of two the last. `ewc+er:er.per_class`
/// means that composition alone.
fn set(given: &[String], strategies: &mut [Chosen]) -> Result<(), Error> {
    let known = hypers(strategies);
    for text in given {
        let wrong = |expected: &str| value("--set", text, expected);
        let (name, numbers) = text
            .split_once('=')
            .map(|(name, numbers)| (name.trim(), numbers.trim()))
            .ok_or_else(|| wrong("STRATEGY.NAME=VALUE, such as ewc.lambda=1e5"))?;
        let (alone, name) = match name.split_once(':') {
            Some((composition, name)) => (Some(Composition::parse(composition)?.name), name),
            None => (None, name),
        };
        let Some((_, hyper)) = known.iter().find(|(known, _)| known == name) else {
            return Err(unknown_hyper(name, &known));
        };
        if let Some(alone) = &alone
            && !strategies.iter().any(|chosen| chosen.composition.name == *alone)
        {
            return Err(Error::Impossible(format!(
                "--set {text}: strategy `{alone}` is not among those that run; add it to --strategy"
            )));
        }
        let mut values: Vec<f64> = Vec::new();
        for number in parts(numbers) {
            let number = hyper.read(number).map_err(|expected| wrong(&expected))?;
            // What is named twice runs once.
            if !values.contains(&number) {
                values.push(number);
            }
        }
        for chosen in strategies.iter_mut() {
            let meant = alone.as_ref().is_none_or(|alone| chosen.composition.name == *alone);
            if meant && chosen.composition.hyper(name).is_some() {
                chosen.hyper.retain(|(known, _)| known != name);
                chosen.hyper.push((name.to_owned(), values.clone()));
                chosen.shown.retain(|known| known != name);
                if values.len() > 1 {
                    chosen.shown.push(name.to_owned());
                }
            }
        }
    }
    Ok(())
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
    use crate::registry::CURATED;
    use cl_core::Mix;

    fn message(request: Request) -> String {
        request.choices().unwrap_err().to_string()
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn the_default_request_is_the_digits_protocol() {
        let choices = Request::default().choices().unwrap();
        assert_eq!(choices.experiment.setup.seeds, [2, 3, 4, 5, 6]);
        assert_eq!(choices.experiment.setup.network.hidden, [128, 128]);
        assert_eq!((choices.experiment.setup.steps, choices.experiment.setup.batch), (400, 32));
        assert_eq!(choices.scenarios, Scenario::ALL);
        let names: Vec<&str> =
            choices.strategies.iter().map(|chosen| chosen.composition.name.as_str()).collect();
        assert_eq!(names, CURATED);
        assert!(choices.deviations.is_empty());
    }

    #[test]
    fn quick_changes_steps_and_seeds_unless_they_are_given() {
        let quick = Request { quick: true, ..Request::default() }.choices().unwrap();
        assert_eq!((quick.experiment.setup.steps, quick.experiment.setup.seeds.len()), (100, 2));
        assert!(quick.deviations.is_empty());
        let given = Request { quick: true, steps: Some(7), seeds: Some(1), ..Request::default() };
        let given = given.choices().unwrap();
        assert_eq!(
            (given.experiment.setup.steps, &given.experiment.setup.seeds[..]),
            (7, &[2][..])
        );
        assert_eq!(given.deviations, ["--steps"]);
    }

    #[test]
    fn a_stream_without_boundaries_brings_its_own_defaults() {
        let of = |stream: &str| Request { stream: some(stream), ..Request::default() };
        let setup = |request: Request| request.choices().unwrap().experiment.setup;
        let (sharp, fuzzy) = (setup(Request::default()), setup(of("fuzzy")));
        assert_eq!(
            (sharp.kind, sharp.mix, sharp.update_every),
            (StreamKind::Sharp, Mix::ByContext, None)
        );
        // A quarter of 400 steps.
        let kind = StreamKind::Fuzzy { fuzziness: 100 };
        assert_eq!((fuzzy.kind, fuzzy.mix, fuzzy.update_every), (kind, Mix::Fixed(0.5), Some(100)));
        let given = Request { fuzziness: Some(7), update_every: Some(9), ..of("fuzzy") };
        let given = given.choices().unwrap();
        assert_eq!(given.deviations, ["--fuzziness", "--update-every"]);
        assert_eq!(given.experiment.setup.update_every, Some(9));
        let quick = Request { quick: true, ..of("fuzzy") }.choices().unwrap();
        assert_eq!(quick.experiment.setup.kind, StreamKind::Fuzzy { fuzziness: 25 });
        assert!(quick.deviations.is_empty());
    }

    #[test]
    fn a_value_may_be_meant_for_one_composition() {
        let request = |set: &str| Request {
            strategy: some("er,ewc+er"),
            set: vec!["er.per_class=3".to_owned(), set.to_owned()],
            ..Request::default()
        };
        let choices = request("ewc+er:er.per_class=5").choices().unwrap();
        let given = |index: usize| choices.strategies[index].hyper.clone();
        assert_eq!(given(0), [("er.per_class".to_owned(), vec![3.0])]);
        assert_eq!(given(1), [("er.per_class".to_owned(), vec![5.0])]);
        let refused = message(request("si+er:er.per_class=5"));
        assert!(refused.contains("strategy `si+er` is not among those that run"), "{refused}");
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
        assert_eq!(choices.experiment.setup.network.hidden, [30, 20]);
    }

    #[test]
    fn several_values_of_a_hyper_parameter_are_swept() {
        let request = Request {
            strategy: some("ewc,none"),
            set: vec!["ewc.lambda=1, 1e3,1".to_owned()],
            ..Request::default()
        };
        let choices = request.choices().unwrap();
        let ewc = &choices.strategies[0];
        assert_eq!(ewc.hyper, [("ewc.lambda".to_owned(), vec![1.0, 1e3])]);
        assert_eq!((ewc.variants(), ewc.shown.len()), (2, 1));
        assert_eq!(choices.strategies[1].variants(), 1);
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
            (message(Request { lanes: Some(0), ..default() }), "--lanes `0`: expected 1 to"),
            (message(Request { strategy: some("none,"), ..default() }), "strategy `` is unknown"),
            (message(Request { strategy: some("none+joint"), ..default() }), "cannot be composed"),
            (message(Request { stream: some("fuzy"), ..default() }), "did you mean `fuzzy`?"),
            (message(Request { fuzziness: Some(9), ..default() }), "only stream `fuzzy`"),
            (
                message(Request { stream: some("fuzzy"), fuzziness: Some(201), ..default() }),
                "--fuzziness `201`: expected 0 to 200",
            ),
            (message(Request { update_every: Some(9), ..default() }), "--update-every `9`"),
            (
                message(Request { stream: some("random"), update_every: Some(0), ..default() }),
                "--update-every `0`: expected 1 to",
            ),
            (
                message(Request { stream: some("one-pass"), steps: Some(5), ..default() }),
                "--steps `5`: expected nothing: stream `one-pass` shows every example once",
            ),
            (message(Request { preset: some("vvd"), ..default() }), "did you mean `vdv`?"),
            (message(Request { optimizer: some("adm"), ..default() }), "did you mean `adam`?"),
        ];
        for (message, expected) in cases {
            assert!(message.contains(expected), "{message:?} should say {expected:?}");
            assert!(!message.contains('\n'), "{message:?}");
        }
    }
}
