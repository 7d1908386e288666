//! Strategies by name, one or several that compose.

use crate::experiment::Order;
use crate::registry::{Entry, Family, Hyper, Under, Values, find};
use crate::{Error, Experiment};
use cl_core::Strategy;
use std::collections::BTreeMap;

/// One strategy or several that compose, by name.
#[derive(Clone, Debug)]
pub struct Composition {
    /// The name, parts joined with `+`.
    pub name: String,
    /// Its parts, in order.
    pub parts: Vec<&'static Entry>,
}

impl Composition {
    /// Reads `a` or `a+b+c`.
    ///
    /// # Errors
    /// An unknown name; a baseline together with something else.
    pub fn parse(name: &str) -> Result<Self, Error> {
        // `+` composes; DER++ is written so too.
        let spelled = name.replace("der++", "derpp");
        let parts =
            spelled.split('+').map(|part| find(part.trim())).collect::<Result<Vec<_>, _>>()?;
        if parts.len() > 1
            && let Some(baseline) = parts.iter().find(|part| part.family == Family::Baseline)
        {
            return Err(Error::Impossible(format!(
                "strategy `{name}`: `{}` is a baseline, which cannot be composed with others",
                baseline.name
            )));
        }
        let names: Vec<&str> = parts.iter().map(|part| part.name).collect();
        Ok(Self { name: names.join("+"), parts })
    }

    /// A strategy alone.
    #[must_use]
    pub fn of(entry: &'static Entry) -> Self {
        Self { name: entry.name.to_owned(), parts: vec![entry] }
    }

    /// The hyper-parameters of its parts by `strategy.hyper`, each once.
    #[must_use]
    pub fn hypers(&self) -> Vec<(String, &'static Hyper)> {
        let mut all: Vec<(String, &'static Hyper)> = Vec::new();
        for part in &self.parts {
            for hyper in part.hypers {
                let name = format!("{}.{}", part.name, hyper.name);
                if !all.iter().any(|(known, _)| *known == name) {
                    all.push((name, hyper));
                }
            }
        }
        all
    }

    /// A hyper-parameter by `strategy.hyper`.
    #[must_use]
    pub fn hyper(&self, name: &str) -> Option<&'static Hyper> {
        self.hypers().into_iter().find_map(|(known, hyper)| (known == name).then_some(hyper))
    }

    /// The value of `strategy.hyper` where nobody says anything.
    pub(crate) fn default(&self, name: &str, hyper: &Hyper, under: Under) -> f64 {
        let parts = self.parts.iter().filter(|_| under.kind.is_task_free());
        let own = parts.filter(|part| is_of(name, part)).flat_map(|part| part.task_free);
        let own = own.into_iter().find(|it| (it.0, it.1) == (hyper.name, under.preset));
        own.map_or_else(|| hyper.default(under.preset), |(.., value)| *value)
    }

    /// Why a value of `strategy.hyper` would mean nothing beside these; `None` where it means something.
    pub(crate) fn unused(
        &self,
        name: &str,
        under: Under,
        given: &BTreeMap<String, f64>,
    ) -> Option<&'static str> {
        self.parts.iter().filter(|part| is_of(name, part)).find_map(|part| {
            let (names, reason) = (part.unused)(&Values { under, strategy: part.name, given })?;
            names.iter().any(|own| name.ends_with(&format!(".{own}"))).then_some(reason)
        })
    }

    /// What does where no boundaries are told and this strategy of the composition does not.
    pub(crate) fn instead(&self, strategy: &str) -> Option<&'static str> {
        let part = self.parts.iter().find(|part| part.name == strategy)?;
        Some(part.instead).filter(|instead| !instead.is_empty())
    }

    /// The slots in which a hyper-parameter lies: one for each part of that strategy, named as
    /// [`cl_core::Parts`] names them.
    pub(crate) fn slots(&self, name: &str) -> Vec<String> {
        let Some((strategy, hyper)) = name.split_once('.') else { return Vec::new() };
        let instances = self.parts.iter().filter(|part| part.name == strategy).count();
        let slot = |instance| match instance {
            1 => format!("{strategy}/{hyper}"),
            n => format!("{strategy}#{n}/{hyper}"),
        };
        (1..=instances).map(slot).collect()
    }

    /// Whether the others are compared with it.
    #[must_use]
    pub fn is_baseline(&self) -> bool {
        self.parts.iter().any(|part| part.family == Family::Baseline)
    }

    /// The strategies with these values of `strategy.hyper`, each beside the part it came from.
    pub(crate) fn build(
        &self,
        under: Under,
        given: &BTreeMap<String, f64>,
    ) -> Vec<Box<dyn Strategy>> {
        let build =
            |part: &&'static Entry| (part.build)(&Values { under, strategy: part.name, given });
        self.parts.iter().map(build).collect()
    }

    /// The experiment as the baseline has it.
    pub(crate) fn order(&self, experiment: Experiment) -> Experiment {
        match self.parts.first().map(|part| part.order) {
            Some(Order::Joint) => experiment.joint(),
            Some(Order::Cumulative) => experiment.cumulative(),
            Some(Order::Incremental) | None => experiment,
        }
    }
}

/// Whether `strategy.hyper` is one of a strategy's.
fn is_of(name: &str, part: &Entry) -> bool {
    name.split_once('.').is_some_and(|(strategy, _)| strategy == part.name)
}
