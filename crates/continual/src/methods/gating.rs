//! Gates: by name and number.

use super::PLAIN;
use crate::Preset;
use crate::registry::{Entry, Family, Grid, Hyper, Numbers, Place, Values};
use cl_core::Strategy;
use cl_gating::Xdg;

pub(crate) const XDG: Entry = Entry {
    name: "xdg",
    family: Family::Gating,
    about: "context-dependent gating: each context has a random part of the units; needs task ids",
    source: "Masse, Grant & Freedman 2018",
    hypers: &[P],
    build: xdg,
    ..PLAIN
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

fn xdg(values: &Values<'_>) -> Box<dyn Strategy> {
    let p = values.get(P.name) as f32;
    Box::new(match values.under.preset {
        Preset::Paper | Preset::Avalanche | Preset::Mammoth => Xdg::new(p),
        Preset::Vdv => Xdg::vdv(p),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_methods() {
        assert_eq!(P.paper as f32, Xdg::default().p);
    }
}
