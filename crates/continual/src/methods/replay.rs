//! Replay: by name and number.

use super::PLAIN;
use crate::registry::{Entry, Family, Grid, Hyper, Numbers, Place, Values};
use cl_core::{Member, Strategy};
use cl_replay::{Budget, ExperienceReplay, ReservoirReplay};

pub(crate) const ER: Entry = Entry {
    name: "er",
    family: Family::Replay,
    about: "experience replay: exemplars of every class, chosen at the end of a context",
    source: "van de Ven, Tuytelaars & Tolias 2022",
    hypers: &[PER_CLASS],
    build: er,
    budget: exemplars,
    ..PLAIN
};

pub(crate) const ER_RESERVOIR: Entry = Entry {
    name: "er-reservoir",
    family: Family::Replay,
    about: "experience replay: a uniform sample of all rows that passed; needs no boundaries",
    source: "Chaudhry et al. 2019",
    hypers: &[PER_CLASS],
    build: er_reservoir,
    budget: exemplars,
    ..PLAIN
};

const PER_CLASS: Hyper = Hyper {
    name: "per_class",
    paper: 100.0,
    presets: &[],
    purpose: "rows kept per class of each context (the protocol says how many)",
    range: "at least 1",
    numbers: Numbers::Whole,
    place: Place::Structure,
    grid: Grid::Rows,
};

fn er(values: &Values<'_>) -> Box<dyn Strategy> {
    Box::new(ExperienceReplay::per_class(values.count(PER_CLASS.name)))
}

fn er_reservoir(values: &Values<'_>) -> Box<dyn Strategy> {
    Box::new(ReservoirReplay::per_class(values.count(PER_CLASS.name)))
}

/// The most bytes of either memory.
fn exemplars(values: &Values<'_>, member: &Member<'_>) -> u64 {
    Budget::PerClass(values.count(PER_CLASS.name)).bytes(member)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_methods() {
        let per_class = Budget::PerClass(PER_CLASS.paper as usize);
        assert_eq!(ExperienceReplay::default().budget, per_class);
        assert_eq!(ReservoirReplay::default().budget, per_class);
    }
}
