//! Penalties: by name and number.

use super::PLAIN;
use crate::Preset;
use crate::registry::{Entry, Family, Grid, Hyper, Numbers, Place, Values};
use cl_core::Strategy;
use cl_regularize::{Ewc, Fisher, OnlineEwc, Si};

pub(crate) const EWC: Entry = Entry {
    name: "ewc",
    family: Family::Regularisation,
    about: "elastic weight consolidation: what was important for a context resists change",
    source: "Kirkpatrick et al. 2017",
    hypers: &[LAMBDA, FISHER_ROWS],
    build: ewc,
    ..PLAIN
};

pub(crate) const EWC_ONLINE: Entry = Entry {
    name: "ewc-online",
    family: Family::Regularisation,
    about: "the same with one anchor and a decaying sum of importances",
    source: "Schwarz et al. 2018",
    hypers: &[LAMBDA, GAMMA, FISHER_ROWS],
    build: ewc_online,
    ..PLAIN
};

pub(crate) const SI: Entry = Entry {
    name: "si",
    family: Family::Regularisation,
    about: "synaptic intelligence: importance is the share in the fall of the loss",
    source: "Zenke, Poole & Ganguli 2017",
    hypers: &[C, XI],
    build: si,
    ..PLAIN
};

const LAMBDA: Hyper = Hyper {
    name: "lambda",
    paper: 400.0,
    presets: &[],
    purpose: "strength of the penalty",
    range: "at least 0",
    numbers: Numbers::Real,
    place: Place::Slot,
    grid: Grid::PowersOfTen { first: 0, last: 9 },
};

const GAMMA: Hyper = Hyper {
    name: "gamma",
    paper: 1.0,
    presets: &[],
    purpose: "what stays of the past per context",
    range: "0 to 1",
    numbers: Numbers::Real,
    place: Place::Slot,
    grid: Grid::Fixed,
};

const FISHER_ROWS: Hyper = Hyper {
    name: "fisher_rows",
    paper: 0.0,
    presets: &[],
    purpose: "at most this many rows of a context for the Fisher information; 0: all",
    range: "at least 0",
    numbers: Numbers::Whole,
    place: Place::Structure,
    grid: Grid::Fixed,
};

const C: Hyper = Hyper {
    name: "c",
    paper: 1.0,
    presets: &[],
    purpose: "strength of the penalty",
    range: "at least 0",
    numbers: Numbers::Real,
    place: Place::Slot,
    grid: Grid::PowersOfTen { first: -3, last: 5 },
};

const XI: Hyper = Hyper {
    name: "xi",
    paper: 1e-3,
    presets: &[(Preset::Vdv, 0.1)],
    purpose: "keeps the importance of a parameter that hardly moved bounded",
    range: "above 0",
    numbers: Numbers::Real,
    place: Place::Slot,
    grid: Grid::Fixed,
};

fn fisher(values: &Values<'_>, fisher: Fisher) -> Fisher {
    let rows = values.count(FISHER_ROWS.name);
    Fisher { rows: (rows > 0).then_some(rows), ..fisher }
}

fn ewc(values: &Values<'_>) -> Box<dyn Strategy> {
    let lambda = values.get(LAMBDA.name);
    let ewc = match values.under.preset {
        Preset::Paper | Preset::Avalanche | Preset::Mammoth => Ewc { lambda, ..Ewc::default() },
        Preset::Vdv => Ewc::vdv(lambda),
    };
    Box::new(Ewc { fisher: fisher(values, ewc.fisher), ..ewc })
}

fn ewc_online(values: &Values<'_>) -> Box<dyn Strategy> {
    let (lambda, gamma) = (values.get(LAMBDA.name), values.get(GAMMA.name));
    let ewc = match values.under.preset {
        Preset::Paper | Preset::Avalanche | Preset::Mammoth => {
            OnlineEwc { lambda, gamma, ..OnlineEwc::default() }
        }
        Preset::Vdv => OnlineEwc::vdv(lambda, gamma),
    };
    Box::new(OnlineEwc { fisher: fisher(values, ewc.fisher), ..ewc })
}

fn si(values: &Values<'_>) -> Box<dyn Strategy> {
    let (c, xi) = (values.get(C.name), values.get(XI.name));
    Box::new(match values.under.preset {
        Preset::Paper | Preset::Avalanche | Preset::Mammoth => Si { c, xi, ..Si::default() },
        Preset::Vdv => Si { xi, ..Si::vdv(c) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table repeats what the methods' own crate says; here both are compared.
    #[test]
    fn defaults_are_those_of_the_methods() {
        let (ewc, online, si) = (Ewc::default(), OnlineEwc::default(), Si::default());
        assert_eq!(
            (LAMBDA.paper, LAMBDA.paper, GAMMA.paper),
            (ewc.lambda, online.lambda, online.gamma)
        );
        assert_eq!((C.paper, XI.paper, XI.default(Preset::Vdv)), (si.c, si.xi, Si::vdv(1.0).xi));
        assert_eq!(ewc.fisher.rows, None);
    }
}
