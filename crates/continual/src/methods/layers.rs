//! Methods that work layer by layer: by name and number.

use super::PLAIN;
use crate::Preset;
use crate::registry::{Entry, Family, Grid, Hyper, Numbers, Place, Values};
use cl_core::Strategy;
use cl_regularize::{Alpha, FactorLabels, KfacEwc, KroneckerFisher, Owm};

pub(crate) const EWC_KFAC: Entry = Entry {
    name: "ewc-kfac",
    family: Family::Regularisation,
    about: "elastic weight consolidation with Kronecker factors: parameters of a layer resist together",
    source: "Ritter, Botev & Barber 2018",
    hypers: &[LAMBDA, GAMMA, LABELS, FISHER_ROWS],
    build: ewc_kfac,
    ..PLAIN
};

pub(crate) const OWM: Entry = Entry {
    name: "owm",
    about: "orthogonal weights modification: gradients are projected away from earlier inputs",
    source: "Zeng, Chen, Cui & Yu 2019",
    hypers: &[OWM_ALPHA, OWM_FORM],
    build: owm,
    ..EWC_KFAC
};

const LAMBDA: Hyper = Hyper {
    name: "lambda",
    paper: 1.0,
    presets: &[],
    purpose: "strength of the penalty",
    range: "at least 0",
    numbers: Numbers::Real,
    place: Place::Slot,
    grid: Grid::PowersOfTen { first: 0, last: 9 },
};

const GAMMA: Hyper = Hyper {
    name: "gamma",
    purpose: "what stays of the past per context",
    range: "0 to 1",
    grid: Grid::Fixed,
    ..LAMBDA
};

const LABELS: Hyper = Hyper {
    name: "fisher",
    paper: 0.0,
    presets: &[],
    purpose: "the labels whose gradients make the factors, per example",
    range: "exact or true",
    numbers: Numbers::Names(&["exact", "true"]),
    place: Place::Structure,
    grid: Grid::Fixed,
};

const FISHER_ROWS: Hyper = Hyper {
    name: "fisher_rows",
    purpose: "at most this many rows of a context for the factors; 0: all",
    range: "at least 0",
    numbers: Numbers::Whole,
    ..LABELS
};

const OWM_ALPHA: Hyper = Hyper {
    name: "alpha",
    paper: 1.0,
    presets: &[(Preset::Vdv, 1e-10)],
    purpose: "inputs whose mean square is far above it are protected",
    range: "above 0",
    numbers: Numbers::Real,
    place: Place::Slot,
    grid: Grid::PowersOfTen { first: -5, last: 2 },
};

const OWM_FORM: Hyper = Hyper {
    name: "form",
    paper: 0.0,
    presets: &[(Preset::Vdv, 1.0)],
    purpose: "when the projector learns: from every batch, or when a context ends",
    range: "per-batch or per-context",
    numbers: Numbers::Names(&["per-batch", "per-context"]),
    place: Place::Structure,
    grid: Grid::Fixed,
};

fn ewc_kfac(values: &Values<'_>) -> Box<dyn Strategy> {
    let (lambda, gamma) = (values.get(LAMBDA.name), values.get(GAMMA.name));
    let own = match values.under.preset {
        Preset::Vdv => KfacEwc::vdv(lambda, None),
        Preset::Paper | Preset::Avalanche | Preset::Mammoth => KfacEwc::default(),
    };
    let labels = match values.count(LABELS.name) {
        0 => FactorLabels::Exact,
        _ => FactorLabels::True,
    };
    let rows = Some(values.count(FISHER_ROWS.name)).filter(|&rows| rows > 0);
    Box::new(KfacEwc { lambda, gamma, fisher: KroneckerFisher { labels, rows, ..own.fisher } })
}

fn owm(values: &Values<'_>) -> Box<dyn Strategy> {
    let alpha = values.get(OWM_ALPHA.name);
    Box::new(match values.count(OWM_FORM.name) {
        0 => Owm::PerBatch { alpha: vec![Alpha::constant(alpha)], clip: None },
        _ => Owm::PerContext { alpha },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_methods() {
        let kfac = KfacEwc::default();
        assert_eq!((LAMBDA.paper, GAMMA.paper), (kfac.lambda, kfac.gamma));
        assert_eq!((kfac.fisher.labels, kfac.fisher.rows), (FactorLabels::Exact, None));
        let per_batch = Owm::PerBatch { alpha: vec![Alpha::constant(OWM_ALPHA.paper)], clip: None };
        assert_eq!(per_batch, Owm::default());
    }
}
