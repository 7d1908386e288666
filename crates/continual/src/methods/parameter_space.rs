//! Penalties on the parameters: by name and number.

use super::PLAIN;
use crate::Preset;
use crate::registry::{Entry, Family, Grid, Hyper, Numbers, Place, Values};
use cl_core::Strategy;
use cl_regularize::{
    Divisor, Estimate, Ewc, Fisher, Floor, L2, L2Init, Mas, OnlineEwc, PathGradient, Si,
};

pub(crate) const EWC: Entry = Entry {
    name: "ewc",
    family: Family::Regularisation,
    about: "elastic weight consolidation: what was important for a context resists change",
    source: "Kirkpatrick et al. 2017",
    hypers: &[LAMBDA, FISHER, FISHER_ROWS],
    build: ewc,
    ..PLAIN
};

pub(crate) const EWC_ONLINE: Entry = Entry {
    name: "ewc-online",
    about: "elastic weight consolidation with one anchor and a decaying sum of importances",
    source: "Schwarz et al. 2018",
    hypers: &[LAMBDA, GAMMA, FISHER_ONLINE, FISHER_ROWS],
    build: ewc_online,
    ..EWC
};

pub(crate) const SI: Entry = Entry {
    name: "si",
    about: "synaptic intelligence: importance is the share in the fall of the loss",
    source: "Zenke, Poole & Ganguli 2017",
    hypers: &[C, XI, PATH, FLOOR],
    build: si,
    ..EWC
};

pub(crate) const MAS: Entry = Entry {
    name: "mas",
    about: "memory aware synapses: importance is how much the logits change, without labels",
    source: "Aljundi et al. 2018",
    hypers: &[MAS_LAMBDA, ALPHA, FORM],
    build: mas,
    ..EWC
};

pub(crate) const L2_TO_ANCHOR: Entry = Entry {
    name: "l2",
    about: "every parameter resists change alike",
    source: "Kirkpatrick et al. 2017 (baseline)",
    hypers: &[L2_LAMBDA],
    build: l2,
    ..EWC
};

pub(crate) const L2_INIT: Entry = Entry {
    name: "l2-init",
    about: "every parameter is pulled back to where it began; needs no boundaries",
    source: "Kumar, Marklund & Van Roy 2023",
    hypers: &[L2_INIT_LAMBDA],
    build: l2_init,
    ..EWC
};

/// A strength.
const LAMBDA: Hyper = Hyper {
    name: "lambda",
    paper: 400.0,
    presets: &[(Preset::Mammoth, 90.0)],
    purpose: "strength of the penalty",
    range: "at least 0",
    numbers: Numbers::Real,
    place: Place::Slot,
    grid: Grid::PowersOfTen { first: 0, last: 9 },
};

const MAS_LAMBDA: Hyper =
    Hyper { paper: 1.0, presets: &[], grid: Grid::PowersOfTen { first: -3, last: 5 }, ..LAMBDA };

const L2_LAMBDA: Hyper = Hyper { grid: Grid::PowersOfTen { first: -5, last: 3 }, ..MAS_LAMBDA };

const L2_INIT_LAMBDA: Hyper = Hyper { paper: 0.01, ..L2_LAMBDA };

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

/// What the Fisher information may be measured with, in the order of the names.
const ESTIMATES: [fn(usize) -> Estimate; 6] = [
    |_| Estimate::Exact,
    |_| Estimate::Sample,
    |_| Estimate::Predicted,
    |_| Estimate::True,
    |_| Estimate::TrueByProbability,
    Estimate::Batched,
];

const FISHER: Hyper = Hyper {
    name: "fisher",
    paper: 0.0,
    presets: &[(Preset::Avalanche, 5.0)],
    purpose: "whose gradients are squared, per example but for `batched`",
    range: "exact, sample, predicted, true, true-by-probability or batched",
    numbers: Numbers::Names(&[
        "exact",
        "sample",
        "predicted",
        "true",
        "true-by-probability",
        "batched",
    ]),
    place: Place::Structure,
    grid: Grid::Fixed,
};

const FISHER_ONLINE: Hyper =
    Hyper { presets: &[(Preset::Avalanche, 5.0), (Preset::Mammoth, 4.0)], ..FISHER };

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
    presets: &[(Preset::Vdv, 0.1), (Preset::Avalanche, 1e-7), (Preset::Mammoth, 0.9)],
    purpose: "keeps the importance of a parameter that hardly moved bounded",
    range: "above 0",
    numbers: Numbers::Real,
    place: Place::Slot,
    grid: Grid::Fixed,
};

const PATH: Hyper = Hyper {
    name: "gradient",
    paper: 0.0,
    presets: &[(Preset::Vdv, 1.0), (Preset::Avalanche, 1.0)],
    purpose: "the gradient along the path: of the task loss alone, or with penalties",
    range: "task or total",
    numbers: Numbers::Names(&["task", "total"]),
    place: Place::Structure,
    grid: Grid::Fixed,
};

const FLOOR: Hyper = Hyper {
    name: "floor",
    paper: 0.0,
    presets: &[(Preset::Vdv, 2.0), (Preset::Avalanche, 2.0), (Preset::Mammoth, 2.0)],
    purpose: "what is kept from falling below 0: the importance, each increment, or nothing",
    range: "accumulated, increment or none",
    numbers: Numbers::Names(&["accumulated", "increment", "none"]),
    place: Place::Structure,
    grid: Grid::Fixed,
};

const ALPHA: Hyper = Hyper {
    name: "alpha",
    paper: 0.5,
    presets: &[],
    purpose: "what stays of the past in a running average; unused where contexts add up",
    range: "0 to 1",
    numbers: Numbers::Real,
    // A slot only where it acts, and not every form has it.
    place: Place::Structure,
    grid: Grid::Fixed,
};

const FORM: Hyper = Hyper {
    name: "form",
    paper: 0.0,
    presets: &[(Preset::Avalanche, 2.0)],
    purpose: "whose code: per example as the paper, or by batches as the released programs",
    range: "paper, authors, avalanche or facil",
    numbers: Numbers::Names(&["paper", "authors", "avalanche", "facil"]),
    place: Place::Structure,
    grid: Grid::Fixed,
};

fn fisher(values: &Values<'_>, fisher: Fisher) -> Fisher {
    let rows = values.count(FISHER_ROWS.name);
    let estimate = ESTIMATES
        .get(values.count(FISHER.name))
        .map_or(fisher.estimate, |estimate| estimate(values.under.batch));
    // The reference's N − 1 is that of a pass over all rows.
    let divisor = match fisher.divisor {
        Divisor::NMinusOne if rows > 0 => Divisor::N,
        divisor => divisor,
    };
    Fisher { rows: (rows > 0).then_some(rows), estimate, divisor }
}

fn ewc(values: &Values<'_>) -> Box<dyn Strategy> {
    let lambda = values.get(LAMBDA.name);
    let ewc = match values.under.preset {
        Preset::Paper | Preset::Mammoth => Ewc { lambda, ..Ewc::default() },
        Preset::Vdv => Ewc::vdv(lambda),
        Preset::Avalanche => Ewc::avalanche(lambda, values.under.batch),
    };
    Box::new(Ewc { fisher: fisher(values, ewc.fisher), ..ewc })
}

fn ewc_online(values: &Values<'_>) -> Box<dyn Strategy> {
    let (lambda, gamma) = (values.get(LAMBDA.name), values.get(GAMMA.name));
    let ewc = match values.under.preset {
        Preset::Paper => OnlineEwc { lambda, gamma, ..OnlineEwc::default() },
        Preset::Vdv => OnlineEwc::vdv(lambda, gamma),
        Preset::Avalanche => OnlineEwc::avalanche(lambda, gamma, values.under.batch),
        Preset::Mammoth => OnlineEwc::mammoth(lambda, gamma, values.under.batch),
    };
    Box::new(OnlineEwc { fisher: fisher(values, ewc.fisher), ..ewc })
}

fn si(values: &Values<'_>) -> Box<dyn Strategy> {
    let (c, xi) = (values.get(C.name), values.get(XI.name));
    let si = match values.under.preset {
        Preset::Paper => Si { c, ..Si::default() },
        Preset::Vdv => Si::vdv(c),
        Preset::Avalanche => Si::avalanche(c),
        Preset::Mammoth => Si::mammoth(c, xi),
    };
    let gradient = match values.count(PATH.name) {
        0 => PathGradient::Task,
        _ => PathGradient::Total,
    };
    let floor = match values.count(FLOOR.name) {
        0 => Floor::Accumulated,
        1 => Floor::Increment,
        _ => Floor::None,
    };
    Box::new(Si { xi, gradient, floor, ..si })
}

fn mas(values: &Values<'_>) -> Box<dyn Strategy> {
    let (lambda, alpha) = (values.get(MAS_LAMBDA.name), values.get(ALPHA.name));
    let batch = values.under.batch;
    Box::new(match values.count(FORM.name) {
        0 => Mas { lambda, alpha, ..Mas::default() },
        1 => Mas { alpha, ..Mas::authors(lambda, batch) },
        2 => Mas::avalanche(lambda, alpha, batch),
        _ => Mas::facil(lambda, alpha, batch),
    })
}

fn l2(values: &Values<'_>) -> Box<dyn Strategy> {
    Box::new(L2 { lambda: values.get(L2_LAMBDA.name) })
}

fn l2_init(values: &Values<'_>) -> Box<dyn Strategy> {
    Box::new(L2Init { lambda: values.get(L2_INIT_LAMBDA.name) })
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
        assert_eq!((C.paper, XI.paper), (si.c, si.xi));
        for (preset, built) in [
            (Preset::Vdv, Si::vdv(1.0)),
            (Preset::Avalanche, Si::avalanche(1.0)),
            (Preset::Mammoth, Si::mammoth(1.0, 0.9)),
        ] {
            assert_eq!(XI.default(preset), built.xi);
            assert_eq!(PATH.default(preset) == 1.0, built.gradient == PathGradient::Total);
            assert_eq!(FLOOR.default(preset) == 2.0, built.floor == Floor::None);
        }
        assert_eq!(ewc.fisher.rows, None);
        let (mas, l2, l2_init) = (Mas::default(), L2::default(), L2Init::default());
        assert_eq!((MAS_LAMBDA.paper, ALPHA.paper), (mas.lambda, mas.alpha));
        assert_eq!((L2_LAMBDA.paper, L2_INIT_LAMBDA.paper), (l2.lambda, l2_init.lambda));
    }

    #[test]
    fn the_fisher_information_of_a_preset_is_that_of_its_code() {
        let batch = 32;
        let estimate = |hyper: &Hyper, preset| ESTIMATES[hyper.default(preset) as usize](batch);
        for (preset, own) in [
            (Preset::Paper, OnlineEwc::default()),
            (Preset::Vdv, OnlineEwc::vdv(1.0, 1.0)),
            (Preset::Avalanche, OnlineEwc::avalanche(1.0, 1.0, batch)),
            (Preset::Mammoth, OnlineEwc::mammoth(1.0, 1.0, batch)),
        ] {
            assert_eq!(estimate(&FISHER_ONLINE, preset), own.fisher.estimate, "{preset}");
        }
        let avalanche = Ewc::avalanche(1.0, batch);
        assert_eq!(estimate(&FISHER, Preset::Avalanche), avalanche.fisher.estimate);
        let Numbers::Names(names) = FISHER.numbers else { panic!("names") };
        assert_eq!(names.len(), ESTIMATES.len());
    }
}
