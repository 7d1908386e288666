//! Methods that hold what the network says: by name and number.

use super::PLAIN;
use crate::Preset;
use crate::registry::{Entry, Family, Grid, Hyper, Numbers, Place, Values};
use cl_core::Strategy;
use cl_regularize::{Fromp, Lwf};

pub(crate) const LWF: Entry = Entry {
    name: "lwf",
    family: Family::Regularisation,
    about: "learning without forgetting: a frozen copy of the network labels the new rows",
    source: "Li & Hoiem 2017",
    hypers: &[LAMBDA, TEMPERATURE],
    build: lwf,
    ..PLAIN
};

pub(crate) const FROMP: Entry = Entry {
    name: "fromp",
    about: "functional regularisation: probabilities on memorable points are held where they were",
    source: "Pan et al. 2020",
    hypers: &[TAU, PER_CLASS],
    build: |values| Box::new(fromp_of(values)),
    ..LWF
};

pub(crate) const FROMP_L2: Entry = Entry {
    name: "fromp-l2",
    about: "fromp without kernels: every memorable point counts alike",
    source: "Pan et al. 2020, section 4",
    build: |values| Box::new(fromp_of(values).l2()),
    ..FROMP
};

const LAMBDA: Hyper = Hyper {
    name: "lambda",
    paper: 1.0,
    presets: &[(Preset::Mammoth, 0.5)],
    purpose: "strength of the teacher's labels",
    range: "at least 0",
    numbers: Numbers::Real,
    place: Place::Slot,
    grid: Grid::PowersOfTen { first: -2, last: 3 },
};

const TEMPERATURE: Hyper = Hyper {
    name: "temperature",
    paper: 2.0,
    presets: &[],
    purpose: "softens teacher and student alike",
    range: "above 0",
    grid: Grid::Fixed,
    ..LAMBDA
};

const TAU: Hyper = Hyper {
    name: "tau",
    paper: 10.0,
    presets: &[],
    purpose: "balance of task and memory: divides the task's gradient (paper), multiplies the memory's (vdv)",
    range: "above 0",
    grid: Grid::PowersOfTen { first: -3, last: 5 },
    ..LAMBDA
};

const PER_CLASS: Hyper = Hyper {
    name: "per_class",
    paper: 20.0,
    presets: &[(Preset::Vdv, 100.0)],
    purpose: "memorable points per class of each context (the protocol says how many)",
    range: "at least 1",
    numbers: Numbers::Whole,
    place: Place::Structure,
    grid: Grid::Rows,
};

fn lwf(values: &Values<'_>) -> Box<dyn Strategy> {
    let own = match values.under.preset {
        Preset::Vdv if values.under.kind.is_task_free() => Lwf::vdv_task_free(),
        Preset::Vdv => Lwf::vdv(values.under.scenario),
        Preset::Mammoth => Lwf::mammoth(),
        Preset::Paper | Preset::Avalanche => Lwf::default(),
    };
    let (lambda, temperature) = (values.get(LAMBDA.name), values.get(TEMPERATURE.name));
    Box::new(Lwf { lambda, temperature, ..own })
}

fn fromp_of(values: &Values<'_>) -> Fromp {
    let tau = values.get(TAU.name);
    let own = match values.under.preset {
        Preset::Vdv => Fromp::vdv(tau),
        Preset::Paper | Preset::Avalanche | Preset::Mammoth => Fromp { tau, ..Fromp::default() },
    };
    Fromp { per_class: values.count(PER_CLASS.name), ..own }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_methods() {
        let (lwf, fromp) = (Lwf::default(), Fromp::default());
        assert_eq!((LAMBDA.paper, TEMPERATURE.paper), (lwf.lambda, lwf.temperature));
        assert_eq!((TAU.paper, PER_CLASS.paper as usize), (fromp.tau, fromp.per_class));
        let vdv = Fromp::vdv(1.0);
        assert_eq!(PER_CLASS.default(Preset::Vdv) as usize, vdv.per_class);
        assert_eq!(LAMBDA.default(Preset::Mammoth), Lwf::mammoth().lambda);
    }
}
