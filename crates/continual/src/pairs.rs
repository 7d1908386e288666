//! Which strategies go together.

use crate::registry::{Composition, Entry, Family, STRATEGIES, Under};
use crate::{Error, Preset};
use cl_scenarios::{Part, Protocol, Scenario, StreamKind, StreamSpec, digits};
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
/// list.
///
/// # Errors
/// A stream that cannot be cut.
pub fn pairs() -> Result<Vec<Pair>, Error> {
    let methods: Vec<&'static Entry> =
        STRATEGIES.iter().filter(|entry| entry.family != Family::Baseline).collect();
    let mut pairs = Vec::new();
    for (index, &first) in methods.iter().enumerate() {
        for &second in &methods[index..] {
            pairs.push(pair(first, second)?);
        }
    }
    Ok(pairs)
}

fn pair(first: &'static Entry, second: &'static Entry) -> Result<Pair, Error> {
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
        let (protocol, part) = (Protocol::Split, Part::Final);
        let spec = StreamSpec { protocol, scenario, contexts: 5, seed: 2, part, pad: 0 };
        let under = Under { preset, scenario, kind: StreamKind::Sharp, batch: 32 };
        let strategies = composition.build(under, &defaults);
        let checked = cl_core::check(&strategies, &spec.build(&digits())?, None);
        refused.push((scenario, checked.err().map(|error| error.to_string())));
    }
    Ok(Pair { first: first.name, second: second.name, refused })
}
