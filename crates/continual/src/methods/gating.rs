//! Gates and parts of the network: by name and number.

use super::PLAIN;
use crate::Preset;
use crate::registry::{Entry, Family, Grid, Hyper, Numbers, Place, Values};
use cl_core::Strategy;
use cl_gating::{Cumulative, Hat, Lxdg, PackNet, Point, Separate, Xdg};
use cl_regularize::{Estimate, Ewc, Fisher};

pub(crate) const XDG: Entry = Entry {
    name: "xdg",
    family: Family::Gating,
    about: "context-dependent gating: each context has a random part of the units; needs task ids",
    source: "Masse, Grant & Freedman 2018",
    hypers: &[P, POINT],
    build: xdg,
    ..PLAIN
};

pub(crate) const LXDG: Entry = Entry {
    name: "lxdg",
    about: "learned gates: networks of their own say which units work, held in place by EWC",
    source: "Tilley, Miller & Freedman 2023",
    hypers: &[SPARSE, CHANGE, KEEP, LAMBDA_EWC, GATE_UNITS, ANCHORS],
    build: lxdg,
    ..XDG
};

pub(crate) const HAT: Entry = Entry {
    name: "hat",
    about: "hard attention to the task: gates learned per context, what they use is frozen; needs task ids",
    source: "Serra et al. 2018",
    hypers: &[HAT_LAMBDA, S_MAX, RAMPS, MASK],
    build: hat,
    ..XDG
};

pub(crate) const PACKNET: Entry = Entry {
    name: "packnet",
    about: "prune, freeze and reuse: each context owns part of the weights; needs task ids",
    source: "Mallya & Lazebnik 2018",
    hypers: &[P_FIRST, PRUNED, RETRAIN],
    build: packnet,
    ..XDG
};

pub(crate) const SEPARATE: Entry = Entry {
    name: "separate",
    about: "a network of its own for each context; needs task ids",
    source: "van de Ven, Tuytelaars & Tolias 2022",
    hypers: &[UNITS],
    build: |values| {
        let units = values.count(UNITS.name);
        Box::new(Separate::new(&[units, units]))
    },
    ..XDG
};

const P: Hyper = Hyper {
    name: "p",
    paper: 0.8,
    presets: &[],
    purpose: "fraction of each hidden layer that is off in a context",
    range: "at least 0, below 1",
    numbers: Numbers::Real,
    place: Place::Slot,
    grid: Grid::TenthsBelowOne,
};

/// Where the gate multiplies, in the order of the names.
const POINTS: [Point; 3] = [Point::PostActivation, Point::PreBias, Point::PreActivation];

const POINT: Hyper = Hyper {
    name: "point",
    paper: 0.0,
    presets: &[(Preset::Vdv, 1.0)],
    purpose: "where the gate multiplies: h, x W, or x W + b",
    range: "post-activation, pre-bias or pre-activation",
    numbers: Numbers::Names(&["post-activation", "pre-bias", "pre-activation"]),
    place: Place::Structure,
    grid: Grid::Fixed,
};

const SPARSE: Hyper = Hyper {
    name: "lambda_sparse",
    paper: 1000.0,
    presets: &[],
    purpose: "strength of the term that keeps gates sparse",
    range: "at least 0",
    numbers: Numbers::Real,
    place: Place::Slot,
    grid: Grid::PowersOfTen { first: -1, last: 4 },
};

const CHANGE: Hyper = Hyper {
    name: "lambda_change",
    purpose: "strength of the term that gives contexts gates of their own",
    ..SPARSE
};

const KEEP: Hyper = Hyper {
    name: "lambda_keep",
    purpose: "strength of the term that keeps the gates of past rows",
    ..SPARSE
};

const LAMBDA_EWC: Hyper = Hyper {
    name: "lambda_ewc",
    purpose: "strength of EWC over network and gates, Fisher information of predicted labels",
    place: Place::Structure,
    ..SPARSE
};

const GATE_UNITS: Hyper = Hyper {
    name: "gate_units",
    paper: 400.0,
    presets: &[],
    purpose: "units of both hidden layers of each gate network (the protocol says how many)",
    range: "at least 1",
    numbers: Numbers::Whole,
    place: Place::Structure,
    grid: Grid::Fixed,
};

const ANCHORS: Hyper = Hyper {
    name: "anchors",
    paper: 200.0,
    purpose: "rows kept of every context, each with its gates",
    grid: Grid::RowsOfContext,
    ..GATE_UNITS
};

const HAT_LAMBDA: Hyper = Hyper {
    name: "lambda",
    paper: 0.75,
    purpose: "strength of the penalty on used capacity",
    grid: Grid::PowersOfTen { first: -3, last: 1 },
    ..SPARSE
};

const S_MAX: Hyper = Hyper {
    name: "s_max",
    paper: 400.0,
    purpose: "how steep gates are at test and at the end of annealing",
    range: "at least 1",
    grid: Grid::Fixed,
    ..SPARSE
};

const RAMPS: Hyper = Hyper {
    name: "ramps",
    paper: 1.0,
    purpose: "how often annealing starts afresh in a context; the paper's once per epoch",
    place: Place::Slot,
    ..GATE_UNITS
};

const MASK: Hyper = Hyper {
    name: "mask",
    paper: 0.0,
    presets: &[],
    purpose: "what earlier contexts hold: in proportion to their gates, or all where a gate is above 1/2",
    range: "soft or binary",
    numbers: Numbers::Names(&["soft", "binary"]),
    place: Place::Structure,
    grid: Grid::Fixed,
};

const P_FIRST: Hyper = Hyper {
    name: "p_first",
    paper: 0.5,
    purpose: "fraction of a layer's weights that the first context gives back",
    range: "above 0, below 1",
    grid: Grid::Fixed,
    ..SPARSE
};

const PRUNED: Hyper = Hyper {
    name: "p",
    paper: 0.75,
    purpose: "fraction of its weights that each later context but the last gives back",
    ..P_FIRST
};

const RETRAIN: Hyper = Hyper {
    name: "retrain",
    paper: 1.0 / 3.0,
    purpose: "fraction of a context's steps that retrain what is left after pruning",
    place: Place::Structure,
    ..P_FIRST
};

const UNITS: Hyper = Hyper {
    name: "units",
    paper: 100.0,
    purpose: "units of both hidden layers of each network (the protocol says how many)",
    ..GATE_UNITS
};

fn xdg(values: &Values<'_>) -> Box<dyn Strategy> {
    let point = POINTS.get(values.count(POINT.name)).copied().unwrap_or(Point::PostActivation);
    Box::new(Xdg { p: values.get(P.name) as f32, point })
}

fn lxdg(values: &Values<'_>) -> Box<dyn Strategy> {
    let fisher = Fisher { estimate: Estimate::Predicted, ..Fisher::default() };
    let ewc = Ewc { lambda: values.get(LAMBDA_EWC.name), fisher, ..Ewc::default() };
    let units = values.count(GATE_UNITS.name);
    let gates = Lxdg {
        hidden: vec![units, units],
        lambda_sparse: values.get(SPARSE.name),
        lambda_change: values.get(CHANGE.name),
        lambda_keep: values.get(KEEP.name),
        anchors: values.count(ANCHORS.name),
        ..Lxdg::default()
    };
    Box::new(gates.with(ewc))
}

fn hat(values: &Values<'_>) -> Box<dyn Strategy> {
    let cumulative = match values.count(MASK.name) {
        0 => Cumulative::Soft,
        _ => Cumulative::Binary,
    };
    Box::new(Hat {
        lambda: values.get(HAT_LAMBDA.name),
        s_max: values.get(S_MAX.name),
        ramps: values.count(RAMPS.name) as u32,
        cumulative,
        ..Hat::default()
    })
}

fn packnet(values: &Values<'_>) -> Box<dyn Strategy> {
    Box::new(PackNet {
        p_first: values.get(P_FIRST.name) as f32,
        p: values.get(PRUNED.name) as f32,
        retrain: values.get(RETRAIN.name) as f32,
        ..PackNet::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_methods() {
        let (xdg, vdv) = (Xdg::default(), Xdg::vdv(0.5));
        assert_eq!(P.paper as f32, xdg.p);
        assert_eq!(POINTS[POINT.paper as usize], xdg.point);
        assert_eq!(POINTS[POINT.default(Preset::Vdv) as usize], vdv.point);
        let lxdg = Lxdg::default();
        let strengths = [lxdg.lambda_sparse, lxdg.lambda_change, lxdg.lambda_keep];
        assert_eq!([SPARSE.paper, CHANGE.paper, KEEP.paper], strengths);
        let units = GATE_UNITS.paper as usize;
        assert_eq!((vec![units, units], ANCHORS.paper as usize), (lxdg.hidden, lxdg.anchors));
        let hat = Hat::default();
        assert_eq!((HAT_LAMBDA.paper, S_MAX.paper), (hat.lambda, hat.s_max));
        assert_eq!((RAMPS.paper as u32, hat.cumulative), (hat.ramps, Cumulative::Soft));
        let packnet = PackNet::default();
        assert_eq!((P_FIRST.paper as f32, PRUNED.paper as f32), (packnet.p_first, packnet.p));
        assert_eq!(RETRAIN.paper as f32, packnet.retrain);
        assert_eq!(vec![UNITS.paper as usize; 2], Separate::default().hidden);
    }
}
