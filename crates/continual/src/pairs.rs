//! Which strategies go together.

use crate::registry::{Composition, Entry, Family, STRATEGIES, Under};
use crate::{Experiment, Preset};
use cl_scenarios::{Dataset, Scenario, StreamKind, digits};
use std::collections::BTreeMap;

/// Two strategies in one composition, or one alone where both are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The one.
    pub first: &'static str,
    /// The other.
    pub second: &'static str,
    /// For every scenario of [`Scenario::ALL`]: why it cannot run there, or nothing.
    pub refused: Vec<(Scenario, Option<String>)>,
}

impl Pair {
    /// Whether it runs in no scenario.
    #[must_use]
    pub fn is_impossible(&self) -> bool {
        self.refused.iter().all(|(_, reason)| reason.is_some())
    }
}

/// Every pair of strategies on split digits, with their default hyper-parameters, in the order of the
/// list. Every program is recorded, as a run would: what fits by its parts and not by its formulas is
/// found too.
#[must_use]
pub fn pairs() -> Vec<Pair> {
    let data = digits();
    let methods: Vec<&'static Entry> =
        STRATEGIES.iter().filter(|entry| entry.family != Family::Baseline).collect();
    let mut pairs = Vec::new();
    for (index, &first) in methods.iter().enumerate() {
        for &second in &methods[index..] {
            pairs.push(pair(&data, first, second));
        }
    }
    pairs
}

fn pair(data: &Dataset, first: &'static Entry, second: &'static Entry) -> Pair {
    let parts = if first.name == second.name { vec![first] } else { vec![first, second] };
    let preset = Preset::Paper;
    let defaults = parts.iter().flat_map(|part| {
        let named = |hyper: &crate::registry::Hyper| {
            (format!("{}.{}", part.name, hyper.name), hyper.default(preset))
        };
        part.hypers.iter().map(named)
    });
    let defaults: BTreeMap<String, f64> = defaults.collect();
    let names: Vec<&str> = parts.iter().map(|part| part.name).collect();
    let composition = Composition { name: names.join("+"), parts };
    let mut refused = Vec::new();
    for scenario in Scenario::ALL {
        let under = Under { preset, scenario, kind: StreamKind::Sharp, batch: 32 };
        let strategies = composition.build(under, &defaults);
        // Small, for what is recorded depends on no size.
        let experiment = Experiment::new(data.clone()).scenario(scenario).hidden(&[8]).seeds([2]);
        let checked = experiment.learner(&strategies).map(|_| ());
        refused.push((scenario, checked.err().map(|error| error.without_place().to_string())));
    }
    Pair { first: first.name, second: second.name, refused }
}
