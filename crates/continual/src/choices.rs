//! What was asked for, by options or by a file, resolved: names, ranges, defaults, data.

use crate::defaults::Defaults;
use crate::experiment::Setup;
use crate::features;
use crate::registry::{CURATED, Composition, Hyper, Numbers, Place, STRATEGIES};
use crate::{Error, Experiment, Preset};
use cl_scenarios::{DatasetName, MAX_CONTEXTS, Protocol, Scenario, StreamKind};
use std::collections::BTreeMap;
use std::path::Path;

/// The seed of the first run; seed 1 is for choosing hyper-parameters.
pub(crate) const FIRST_SEED: u64 = 2;
/// The widest layer, the largest batch and so on: more would end without memory, not with a message.
pub(crate) const MOST_ROWS: usize = 16_384;
pub(crate) const MOST_LAYERS: usize = 16;
pub(crate) const MOST_CONTEXTS: usize = MAX_CONTEXTS;
pub(crate) const MOST_SEEDS: u64 = 1000;
pub(crate) const MOST_THREADS: usize = 1024;
/// Members of a population: seeds times the values of a sweep.
pub(crate) const MOST_MEMBERS: usize = 1000;

/// A strategy that was chosen, with the values of its hyper-parameters.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub composition: Composition,
    /// Asked for by name, not by `all`.
    pub by_name: bool,
    /// Values by `strategy.hyper`, in the order in which they were given; several are a sweep.
    pub hyper: Vec<(String, Vec<f64>)>,
    /// Hyper-parameters that tell its rows of the table from others.
    pub shown: Vec<String>,
    /// Where it was chosen, as far as messages can say.
    pub place: Option<String>,
}

impl Chosen {
    pub(crate) fn new(composition: Composition) -> Self {
        Self { composition, by_name: true, hyper: Vec::new(), shown: Vec::new(), place: None }
    }

    /// The sweep, a population each: what is structure is a key, what is a slot differs between the
    /// members of a population.
    pub(crate) fn groups(&self) -> Vec<Vec<BTreeMap<String, f64>>> {
        let of = |place: Place| {
            let here = |(name, _): &&(String, Vec<f64>)| {
                self.composition.hyper(name).is_some_and(|hyper| hyper.place == place)
            };
            product(&self.hyper.iter().filter(here).collect::<Vec<_>>())
        };
        let (keys, slots) = (of(Place::Structure), of(Place::Slot));
        let join = |key: &BTreeMap<String, f64>, slot: &BTreeMap<String, f64>| {
            key.clone().into_iter().chain(slot.clone()).collect()
        };
        keys.iter().map(|key| slots.iter().map(|slot| join(key, slot)).collect()).collect()
    }

    /// How many rows of the table it takes, saturating.
    pub(crate) fn variants(&self) -> usize {
        self.hyper.iter().fold(1, |product, (_, values)| product.saturating_mul(values.len()))
    }

    pub(crate) fn at(&self, error: Error) -> Error {
        match &self.place {
            Some(place) => error.at(place.clone()),
            None => error,
        }
    }
}

/// Every choice of one value per name, the first name outermost.
fn product(values: &[&(String, Vec<f64>)]) -> Vec<BTreeMap<String, f64>> {
    values.iter().fold(vec![BTreeMap::new()], |before, (name, values)| {
        let with = |map: &BTreeMap<String, f64>, value: f64| {
            let mut map = map.clone();
            map.insert(name.clone(), value);
            map
        };
        before.iter().flat_map(|map| values.iter().map(|&value| with(map, value))).collect()
    })
}

/// What is asked for, names resolved, defaults filled in, data not read yet.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub dataset: DatasetName,
    pub preset: Preset,
    pub scenarios: Vec<Scenario>,
    pub strategies: Vec<Chosen>,
    pub setup: Setup,
    pub defaults: Defaults,
    /// Whether strategies got their features in one go.
    pub features: bool,
    /// The default protocol's setup.
    usual: Setup,
}

/// A request, understood.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    pub dataset: DatasetName,
    pub preset: Preset,
    pub scenarios: Vec<Scenario>,
    pub strategies: Vec<Chosen>,
    pub defaults: Defaults,
    pub experiment: Experiment,
    /// What was chosen otherwise than the default protocol has it.
    pub deviations: Vec<&'static str>,
}

/// How the choices were worded: deviations are told in the same words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wording {
    Options,
    Keys,
}

impl Draft {
    /// The default protocol with the curated strategies in every scenario.
    pub(crate) fn of(dataset: DatasetName, protocol: Protocol) -> Self {
        let defaults = Defaults::of(dataset, protocol);
        let usual = Setup {
            protocol,
            contexts: defaults.contexts,
            pad: defaults.pad,
            seeds: seeds(defaults.seeds),
            network: crate::network::NetworkSpec::of(&defaults.hidden),
            steps: defaults.steps,
            batch: defaults.batch,
            optimizer: crate::OptimizerName::Adam.at(defaults.lr),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            ..Setup::default()
        };
        Self {
            dataset,
            preset: defaults.preset,
            scenarios: Scenario::ALL.to_vec(),
            strategies: curated(),
            setup: usual.clone(),
            defaults,
            features: false,
            usual,
        }
    }

    /// A look: fewer steps and seeds, which is no deviation but said otherwise.
    pub(crate) fn quick(mut self) -> Self {
        self.usual.steps = Defaults::QUICK_STEPS;
        self.usual.seeds = seeds(Defaults::QUICK_SEEDS);
        self.setup = self.usual.clone();
        self
    }

    /// Chooses the kind of the stream, and what is usual with it.
    pub(crate) fn make_kind(&mut self, kind: StreamKind) {
        self.setup.make_kind(kind);
        self.usual.make_kind(kind);
    }

    /// Once the steps are known: a fuzzy stream's fuzziness, given or the usual one. `Err` says in words
    /// what is allowed.
    pub(crate) fn make_fuzzy(&mut self, given: Option<u32>) -> Result<(), String> {
        let steps = self.setup.steps;
        let StreamKind::Fuzzy { .. } = self.setup.kind else {
            let expected = "nothing: only stream `fuzzy` has one".to_owned();
            return given.map_or(Ok(()), |_| Err(expected));
        };
        self.usual.kind = StreamKind::Fuzzy { fuzziness: Defaults::fuzziness(steps) };
        self.setup.kind =
            given.map_or(self.usual.kind, |fuzziness| StreamKind::Fuzzy { fuzziness });
        let most = steps / 2;
        self.setup.kind.check(steps).map_err(|_| {
            format!(
                "0 to {most}: half of the {steps} steps of a context, or transitions would overlap"
            )
        })
    }

    /// Steps between two consolidations, given or the usual ones. `Err` says in words what is allowed.
    pub(crate) fn make_clock(&mut self, given: Option<u32>) -> Result<(), String> {
        match given {
            None => return Ok(()),
            Some(_) if !self.setup.kind.is_task_free() => {
                return Err("nothing: stream `sharp` tells when a context ends".to_owned());
            }
            Some(steps) => self.setup.update_every = Some(check_count(steps, u32::MAX)?),
        }
        Ok(())
    }

    fn deviations(&self, wording: Wording) -> Vec<&'static str> {
        let (now, usual) = (&self.setup, &self.usual);
        let (optimizer, default) = (&now.optimizer, &usual.optimizer);
        let by_set = |(name, _): &(String, _)| !self.features || !features::is_one(name);
        let set = self.strategies.iter().flat_map(|chosen| &chosen.hyper).any(by_set);
        let weights = now.network.weights.is_some() && !self.features;
        let numbers = optimizer.numbers() != optimizer.name().at(1.0).numbers();
        [
            ("--contexts", "data.contexts", now.contexts != usual.contexts),
            ("--fuzziness", "data.fuzziness", now.kind != usual.kind),
            ("", "data.padding", now.pad != usual.pad),
            ("", "data.part", now.part != usual.part),
            ("--steps", "training.steps", now.steps != usual.steps),
            ("--batch", "training.batch", now.batch != usual.batch),
            ("", "training.reset_optimizer", now.reset_optimizer != usual.reset_optimizer),
            ("--update-every", "training.update_every", now.update_every != usual.update_every),
            (
                "--evaluate-every",
                "training.evaluate_every",
                now.evaluation.every != usual.evaluation.every,
            ),
            ("", "training.mix", now.mix != usual.mix),
            ("--hidden", "network.hidden", now.network.hidden != usual.network.hidden),
            ("", "network.dropout", now.network.dropout != usual.network.dropout),
            ("", "network.init", now.network.init != usual.network.init),
            ("--weights", "network.weights", weights),
            ("", "network.head", now.head != usual.head),
            ("--optimizer", "optimizer.name", optimizer.name() != default.name()),
            ("--lr", "optimizer.lr", optimizer.lr() != default.lr()),
            ("", "numbers of the optimizer", numbers),
            ("", "schedule", now.schedule != usual.schedule),
            ("--preset", "preset", self.preset != self.defaults.preset),
            ("--features", "features", self.features),
            ("--set", "hyper-parameters", set),
        ]
        .into_iter()
        .filter(|(.., differs)| *differs)
        .map(|(option, key, _)| match wording {
            Wording::Options => option,
            Wording::Keys => key,
        })
        .collect()
    }

    /// Reads the data, which takes longest and so comes last.
    pub(crate) fn choices(self, folder: Option<&Path>, wording: Wording) -> Result<Choices, Error> {
        let deviations = self.deviations(wording);
        for chosen in &self.strategies {
            let members = chosen.variants().saturating_mul(self.setup.seeds.len());
            if members > MOST_MEMBERS {
                return Err(chosen.at(Error::Impossible(format!(
                    "strategy `{}`: {} values of the sweep for {} seeds are {members} runs, expected \
                     at most {MOST_MEMBERS}",
                    chosen.composition.name,
                    chosen.variants(),
                    self.setup.seeds.len()
                ))));
            }
        }
        let experiment = Experiment { dataset: self.dataset.load(folder)?, setup: self.setup };
        Ok(Choices {
            dataset: self.dataset,
            preset: self.preset,
            scenarios: self.scenarios,
            strategies: self.strategies,
            defaults: self.defaults,
            experiment,
            deviations,
        })
    }
}

/// So many seeds from the first on.
pub(crate) fn seeds(count: u64) -> Vec<u64> {
    (FIRST_SEED..FIRST_SEED + count).collect()
}

/// Every strategy, alone.
pub(crate) fn all() -> Vec<Chosen> {
    STRATEGIES.iter().map(Composition::of).map(in_a_list).collect()
}

/// What is compared where nobody chooses: one strategy of every idea.
pub(crate) fn curated() -> Vec<Chosen> {
    CURATED.iter().filter_map(|name| Composition::parse(name).ok()).map(in_a_list).collect()
}

/// A strategy of a list, which may be impossible in a scenario.
fn in_a_list(composition: Composition) -> Chosen {
    Chosen { by_name: false, ..Chosen::new(composition) }
}

/// What is allowed of a hyper-parameter's value, but for the range that its method checks; `Err` says
/// it in words.
pub(crate) fn check_hyper(hyper: &Hyper, value: f64) -> Result<(), &'static str> {
    let held = value as f32;
    // 1e-50 would be 0.
    if !held.is_finite() || (held == 0.0 && value != 0.0) {
        return Err("a number that 32 bits hold");
    }
    let count = value >= 0.0 && value <= f64::from(u32::MAX) && value.fract() == 0.0;
    match hyper.numbers {
        Numbers::Whole if !count => Err("a whole number of at least 0"),
        Numbers::Names(names) if !count || value as usize >= names.len() => Err("one of its names"),
        Numbers::Real | Numbers::Whole | Numbers::Names(_) => Ok(()),
    }
}

/// A count from 1 on; `Err` says in words what is allowed.
pub(crate) fn check_count<T>(value: T, most: T) -> Result<T, String>
where
    T: Copy + PartialOrd + From<u8> + std::fmt::Display,
{
    if value >= T::from(1) && value <= most { Ok(value) } else { Err(format!("1 to {most}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_is_grouped_by_what_is_structure() {
        let mut chosen = Chosen::new(Composition::parse("ewc+er").unwrap());
        chosen.hyper = vec![
            ("ewc.lambda".to_owned(), vec![1.0, 2.0]),
            ("er.per_class".to_owned(), vec![3.0, 4.0]),
        ];
        let values = |map: &BTreeMap<String, f64>| (map["er.per_class"], map["ewc.lambda"]);
        let groups: Vec<Vec<(f64, f64)>> =
            chosen.groups().iter().map(|group| group.iter().map(values).collect()).collect();
        assert_eq!(groups, [[(3.0, 1.0), (3.0, 2.0)], [(4.0, 1.0), (4.0, 2.0)]]);
        assert_eq!(chosen.variants(), 4);
        let plain = Chosen::new(Composition::parse("none").unwrap());
        assert_eq!(plain.groups(), [[BTreeMap::new()]]);
    }

    #[test]
    fn a_population_of_too_many_members_is_refused_before_the_data_is_read() {
        let mut draft = Draft::of(DatasetName::Mnist, Protocol::Split);
        let mut chosen = Chosen::new(Composition::parse("ewc").unwrap());
        chosen.hyper = vec![("ewc.lambda".to_owned(), (0..201).map(f64::from).collect())];
        draft.strategies = vec![chosen];
        let error = draft.choices(None, Wording::Keys).unwrap_err().to_string();
        assert!(error.contains("201 values of the sweep for 5 seeds are 1005 runs"), "{error}");
    }
}
