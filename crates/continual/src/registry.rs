//! The table of strategies: what can be chosen by name, and with which hyper-parameters.

use crate::choices::check_hyper;
use crate::experiment::Order;
use crate::label::number;
use crate::methods;
use crate::nearest::unknown;
use crate::{Error, Preset};
use cl_core::Strategy;
use cl_scenarios::{Scenario, StreamKind};
use std::collections::BTreeMap;
use std::fmt;

pub use crate::composition::Composition;

/// A kind of strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// What the others are compared with.
    Baseline,
    /// A penalty on the parameters.
    Regularisation,
    /// Rows of earlier contexts.
    Replay,
    /// Parts of the network per context.
    Gating,
    /// Classes are compared with what is kept of each.
    Template,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Baseline => "baseline",
            Self::Regularisation => "regularisation",
            Self::Replay => "replay",
            Self::Gating => "gating",
            Self::Template => "template",
        })
    }
}

/// The numbers that a hyper-parameter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Any real number in its range.
    Real,
    /// Whole numbers.
    Whole,
    /// One of these names; its place among them is the number.
    Names(&'static [&'static str]),
}

/// Where a hyper-parameter's value acts: what a sweep over it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A scalar slot of its name: the members of one population may differ in it.
    Slot,
    /// The structure of programs and memories: each value is a population of its own.
    Structure,
}

/// How a hyper-parameter is chosen on validation images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grid {
    /// It is not: a convention, not a strength.
    Fixed,
    /// It is not: how many rows of every class a memory keeps, which a number of bytes allows.
    Rows,
    /// The same of every context.
    RowsOfContext,
    /// The powers of ten from 10^first to 10^last.
    PowersOfTen {
        /// The smallest exponent.
        first: i32,
        /// The largest exponent.
        last: i32,
    },
    /// 0, 0.1, .., 0.9: a fraction has no powers of ten to try.
    TenthsBelowOne,
}

impl Grid {
    /// Whether it counts rows of a memory.
    #[must_use]
    pub fn counts_rows(self) -> bool {
        matches!(self, Self::Rows | Self::RowsOfContext)
    }

    /// Whether values are tried on validation images.
    #[must_use]
    pub fn is_strength(self) -> bool {
        matches!(self, Self::PowersOfTen { .. } | Self::TenthsBelowOne)
    }

    /// Its values, ascending.
    #[must_use]
    pub fn values(self) -> Vec<f64> {
        match self {
            Self::Fixed | Self::Rows | Self::RowsOfContext => Vec::new(),
            // Parsed, because powi(10, -3) is not the number nearest to 0.001 everywhere.
            Self::PowersOfTen { first, last } => {
                (first..=last).filter_map(|exponent| format!("1e{exponent}").parse().ok()).collect()
            }
            Self::TenthsBelowOne => (0..10).map(|tenth| f64::from(tenth) / 10.0).collect(),
        }
    }
}

/// A hyper-parameter.
#[derive(Clone, Copy, Debug)]
pub struct Hyper {
    /// Its name behind the strategy's: `lambda` of `ewc.lambda`.
    pub name: &'static str,
    /// Its value under preset `paper`, where neither `--set` nor the strengths say anything.
    pub paper: f64,
    /// The same under presets that have another one.
    pub presets: &'static [(Preset, f64)],
    /// What it does, with its unit.
    pub purpose: &'static str,
    /// What is allowed.
    pub range: &'static str,
    /// Which numbers it may be.
    pub numbers: Numbers,
    /// Where it acts.
    pub place: Place,
    /// How it is chosen.
    pub grid: Grid,
}

impl Hyper {
    /// A value as it is written: a number, or one of its names.
    ///
    /// # Errors
    /// What is allowed, in words; its method checks the range.
    pub(crate) fn read(&self, text: &str) -> Result<f64, String> {
        match self.numbers {
            Numbers::Names(names) => match names.iter().position(|name| *name == text) {
                Some(place) => Ok(place as f64),
                None => Err(format!("one of {}", names.join(", "))),
            },
            Numbers::Real | Numbers::Whole => {
                let value = text.parse().map_err(|_| "a number that 32 bits hold".to_owned())?;
                check_hyper(self, value)?;
                Ok(value)
            }
        }
    }

    /// A value as it is told.
    #[must_use]
    pub fn tell(&self, value: f64) -> String {
        match self.numbers {
            Numbers::Names(names) => names
                .get(value as usize)
                .map_or_else(|| value.to_string(), |name| (*name).to_owned()),
            Numbers::Real | Numbers::Whole => number(value),
        }
    }

    /// Its value where nobody says anything.
    #[must_use]
    pub fn default(&self, preset: Preset) -> f64 {
        let own = self.presets.iter().find(|(known, _)| *known == preset);
        own.map_or(self.paper, |(_, value)| *value)
    }
}

/// Values of the hyper-parameters of one strategy, by name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values<'a> {
    pub under: Under,
    pub strategy: &'static str,
    pub given: &'a BTreeMap<String, f64>,
}

/// Under what a strategy is built: conventions that follow from the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Under {
    pub preset: Preset,
    pub scenario: Scenario,
    pub kind: StreamKind,
    /// Rows of the stream per step.
    pub batch: usize,
}

impl Values<'_> {
    /// A value. Resolved settings hold every name of the table; a name that is missing there is
    /// NaN, which every range refuses.
    pub(crate) fn get(&self, name: &str) -> f64 {
        self.given.get(&format!("{}.{name}", self.strategy)).copied().unwrap_or(f64::NAN)
    }

    /// A count; requests and strengths hold whole numbers of at least 0 there.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.get(name) as usize
    }
}

/// Names of hyper-parameters that mean nothing in a run, and why.
pub(crate) type Unused = (&'static [&'static str], &'static str);

/// A strategy that can be chosen by name.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What kind it is.
    pub family: Family,
    /// What it does, in one line.
    pub about: &'static str,
    /// Where it was published.
    pub source: &'static str,
    /// Its hyper-parameters.
    pub hypers: &'static [Hyper],
    /// Values where no boundaries are told and nobody says anything, if they are others.
    pub(crate) task_free: &'static [(&'static str, Preset, f64)],
    /// Hyper-parameters that mean nothing there, with the reason.
    pub(crate) unused: fn(&Values<'_>) -> Option<Unused>,
    /// What does where no boundaries are told and this does not; empty where nothing is alike.
    pub(crate) instead: &'static str,
    pub(crate) order: Order,
    pub(crate) build: fn(&Values<'_>) -> Box<dyn Strategy>,
}

impl Entry {
    /// A hyper-parameter by name.
    #[must_use]
    pub fn hyper(&self, name: &str) -> Option<&'static Hyper> {
        self.hypers.iter().find(|hyper| hyper.name == name)
    }
}

/// Every strategy, in the order of the table that is printed.
pub const STRATEGIES: &[Entry] = &[
    methods::PLAIN,
    methods::EWC,
    methods::EWC_ONLINE,
    methods::EWC_KFAC,
    methods::SI,
    methods::MAS,
    methods::L2_TO_ANCHOR,
    methods::L2_INIT,
    methods::OWM,
    methods::LWF,
    methods::FROMP,
    methods::FROMP_L2,
    methods::XDG,
    methods::LXDG,
    methods::HAT,
    methods::PACKNET,
    methods::SEPARATE,
    methods::ER,
    methods::ER_RESERVOIR,
    methods::AGEM,
    methods::GEM,
    methods::DER,
    methods::DER_PLUS_PLUS,
    methods::ER_ACE,
    methods::MIR,
    methods::GDUMB,
    methods::DGR,
    methods::DGR_DISTILL,
    methods::DGR_GAN,
    methods::RTF,
    methods::BIR,
    methods::ICARL,
    methods::ICARL_SSL,
    methods::NCM,
    methods::SLDA,
    methods::FECAM,
    methods::RANPAC,
    methods::GENERATIVE_CLASSIFIER,
    methods::NCM_PIXELS,
    methods::CUMULATIVE,
    methods::JOINT,
];

/// What the benchmark compares unless it is told otherwise: one strategy of every idea, quick enough to
/// wait for.
pub const CURATED: &[&str] = &[
    "none", "ewc", "si", "lwf", "fromp", "xdg+ewc", "lxdg", "er", "agem", "dgr", "icarl", "joint",
];

/// The strategy of a name.
///
/// # Errors
/// An unknown name, with the nearest.
pub fn find(name: &str) -> Result<&'static Entry, Error> {
    STRATEGIES.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let names: Vec<&str> = STRATEGIES.iter().map(|entry| entry.name).collect();
        unknown("strategy", name, &names)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Experiment;

    fn under(preset: Preset) -> Under {
        Under { preset, scenario: Scenario::Task, kind: StreamKind::Sharp, batch: 32 }
    }

    fn defaults(preset: Preset) -> BTreeMap<String, f64> {
        let hypers = STRATEGIES
            .iter()
            .flat_map(|entry| entry.hypers.iter().map(move |hyper| (entry, hyper)));
        hypers
            .map(|(entry, hyper)| (format!("{}.{}", entry.name, hyper.name), hyper.default(preset)))
            .collect()
    }

    #[test]
    fn every_strategy_bears_its_name_and_accepts_its_defaults() {
        for preset in Preset::ALL {
            for entry in STRATEGIES {
                let composition = Composition::parse(entry.name).unwrap();
                let built = &composition.build(under(preset), &defaults(preset))[0];
                built.check().unwrap();
                if entry.order == Order::Incremental {
                    assert_eq!(built.name(), entry.name);
                }
                assert_eq!(built.describe().is_empty(), entry.family == Family::Baseline);
            }
        }
    }

    #[test]
    fn der_plus_plus_is_found_as_it_is_written() {
        for (name, expected) in [("der++", "derpp"), ("ewc+der+++xdg", "ewc+derpp+xdg")] {
            assert_eq!(Composition::parse(name).unwrap().name, expected);
        }
    }

    #[test]
    fn the_curated_strategies_are_there() {
        for name in CURATED {
            assert_eq!(Composition::parse(name).unwrap().name, *name);
        }
    }

    #[test]
    fn grids_are_powers_of_ten_or_tenths() {
        assert_eq!(
            Grid::PowersOfTen { first: -3, last: 1 }.values(),
            [0.001, 0.01, 0.1, 1.0, 10.0]
        );
        let tenths = Grid::TenthsBelowOne.values();
        assert_eq!((tenths.len(), tenths[0], tenths[3], tenths[9]), (10, 0.0, 0.3, 0.9));
    }

    /// Both directions: a slot that is missing would make a sweep fail, one that is not used would
    /// cost a population per value.
    #[test]
    fn what_is_said_to_be_a_slot_is_one() {
        use cl_scenarios::digits;
        let experiment = Experiment::new(digits()).scenario(Scenario::Task).hidden(&[4]).seeds([2]);
        for entry in STRATEGIES {
            let composition = Composition::of(entry);
            let strategies = composition.build(under(Preset::Paper), &defaults(Preset::Paper));
            let mut learner = experiment.learner(&strategies).unwrap();
            for (name, hyper) in composition.hypers() {
                for slot in composition.slots(&name) {
                    let written = learner.set_hyper(&slot, 0, 1.0).is_ok();
                    assert_eq!(written, hyper.place == Place::Slot, "{slot}");
                }
            }
        }
        let twice = Composition::parse("ewc+ewc").unwrap();
        assert_eq!(twice.slots("ewc.lambda"), ["ewc/lambda", "ewc#2/lambda"]);
        let strategies = twice.build(under(Preset::Paper), &defaults(Preset::Paper));
        let mut learner = experiment.learner(&strategies).unwrap();
        learner.set_hyper("ewc#2/lambda", 0, 1.0).unwrap();
    }

    #[test]
    fn compositions_keep_their_order_and_refuse_baselines() {
        let composition = Composition::parse("xdg+ewc+er").unwrap();
        let names: Vec<&str> = composition.parts.iter().map(|part| part.name).collect();
        assert_eq!((names, composition.is_baseline()), (vec!["xdg", "ewc", "er"], false));
        assert!(Composition::parse("joint").unwrap().is_baseline());
        for name in ["joint+er", "ewc+none", "cumulative+joint"] {
            let error = Composition::parse(name).unwrap_err();
            assert!(error.to_string().contains("is a baseline"), "{error}");
        }
    }
}
