//! From names and numbers to the methods: their hyper-parameters and constructors.

use crate::Preset;
use crate::registry::{Grid, Hyper, Numbers, Place, Values};
use cl_core::{Member, Strategy};
use cl_gating::Xdg;
use cl_regularize::{Ewc, Fisher, OnlineEwc, Si};
use cl_replay::{Budget, ExperienceReplay, ReservoirReplay};

pub(crate) const LAMBDA: Hyper = Hyper {
    name: "lambda",
    paper: 400.0,
    vdv: 400.0,
    purpose: "strength of the penalty",
    range: "at least 0",
    numbers: Numbers::Real,
    place: Place::Slot,
    grid: Grid::PowersOfTen { first: 0, last: 9 },
};

pub(crate) const GAMMA: Hyper = Hyper {
    name: "gamma",
    paper: 1.0,
    vdv: 1.0,
    purpose: "what stays of the past per context",
    range: "0 to 1",
    numbers: Numbers::Real,
    place: Place::Slot,
    grid: Grid::Fixed,
};

pub(crate) const FISHER_ROWS: Hyper = Hyper {
    name: "fisher_rows",
    paper: 0.0,
    vdv: 0.0,
    purpose: "at most this many rows of a context for the Fisher information; 0: all",
    range: "at least 0",
    numbers: Numbers::Whole,
    place: Place::Structure,
    grid: Grid::Fixed,
};

pub(crate) const C: Hyper = Hyper {
    name: "c",
    paper: 1.0,
    vdv: 1.0,
    purpose: "strength of the penalty",
    range: "at least 0",
    numbers: Numbers::Real,
    place: Place::Slot,
    grid: Grid::PowersOfTen { first: -3, last: 5 },
};

pub(crate) const XI: Hyper = Hyper {
    name: "xi",
    paper: 1e-3,
    vdv: 0.1,
    purpose: "keeps the importance of a parameter that hardly moved bounded",
    range: "above 0",
    numbers: Numbers::Real,
    place: Place::Slot,
    grid: Grid::Fixed,
};

pub(crate) const P: Hyper = Hyper {
    name: "p",
    paper: 0.8,
    vdv: 0.8,
    purpose: "fraction of each hidden layer that is off in a context",
    range: "at least 0, below 1",
    numbers: Numbers::Real,
    place: Place::Slot,
    grid: Grid::TenthsBelowOne,
};

pub(crate) const PER_CLASS: Hyper = Hyper {
    name: "per_class",
    paper: 100.0,
    vdv: 100.0,
    purpose: "rows kept per class of each context (the protocol says how many)",
    range: "at least 1",
    numbers: Numbers::Whole,
    place: Place::Structure,
    grid: Grid::Fixed,
};

fn fisher(values: &Values<'_>, fisher: Fisher) -> Fisher {
    let rows = values.count(FISHER_ROWS.name);
    Fisher { rows: (rows > 0).then_some(rows), ..fisher }
}

pub(crate) fn ewc(values: &Values<'_>) -> Box<dyn Strategy> {
    let lambda = values.get(LAMBDA.name);
    let ewc = match values.preset {
        Preset::Paper => Ewc { lambda, ..Ewc::default() },
        Preset::Vdv => Ewc::vdv(lambda),
    };
    Box::new(Ewc { fisher: fisher(values, ewc.fisher), ..ewc })
}

pub(crate) fn ewc_online(values: &Values<'_>) -> Box<dyn Strategy> {
    let (lambda, gamma) = (values.get(LAMBDA.name), values.get(GAMMA.name));
    let ewc = match values.preset {
        Preset::Paper => OnlineEwc { lambda, gamma, ..OnlineEwc::default() },
        Preset::Vdv => OnlineEwc::vdv(lambda, gamma),
    };
    Box::new(OnlineEwc { fisher: fisher(values, ewc.fisher), ..ewc })
}

pub(crate) fn si(values: &Values<'_>) -> Box<dyn Strategy> {
    let (c, xi) = (values.get(C.name), values.get(XI.name));
    Box::new(match values.preset {
        Preset::Paper => Si { c, xi, ..Si::default() },
        Preset::Vdv => Si { xi, ..Si::vdv(c) },
    })
}

pub(crate) fn xdg(values: &Values<'_>) -> Box<dyn Strategy> {
    let p = values.get(P.name) as f32;
    Box::new(match values.preset {
        Preset::Paper => Xdg::new(p),
        Preset::Vdv => Xdg::vdv(p),
    })
}

pub(crate) fn er(values: &Values<'_>) -> Box<dyn Strategy> {
    Box::new(ExperienceReplay::per_class(values.count(PER_CLASS.name)))
}

pub(crate) fn er_reservoir(values: &Values<'_>) -> Box<dyn Strategy> {
    Box::new(ReservoirReplay::per_class(values.count(PER_CLASS.name)))
}

/// The most bytes of either memory.
pub(crate) fn exemplars(values: &Values<'_>, member: &Member<'_>) -> u64 {
    Budget::PerClass(values.count(PER_CLASS.name)).bytes(member)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table repeats what the methods' own crates say; here both are compared.
    #[test]
    fn defaults_are_those_of_the_methods() {
        let (ewc, online, si) = (Ewc::default(), OnlineEwc::default(), Si::default());
        assert_eq!(
            (LAMBDA.paper, LAMBDA.paper, GAMMA.paper),
            (ewc.lambda, online.lambda, online.gamma)
        );
        assert_eq!((C.paper, XI.paper, XI.vdv), (si.c, si.xi, Si::vdv(1.0).xi));
        assert_eq!(P.paper as f32, Xdg::default().p);
        assert_eq!(ExperienceReplay::default().budget, Budget::PerClass(PER_CLASS.paper as usize));
        assert_eq!(ReservoirReplay::default().budget, Budget::PerClass(PER_CLASS.paper as usize));
        assert_eq!(ewc.fisher.rows, None);
    }
}
