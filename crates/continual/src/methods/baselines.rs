//! What the others are compared with.

use crate::experiment::Order;
use crate::registry::{Entry, Family};
use cl_core::Naive;

/// A strategy that trains on one context after the other and keeps no rows.
pub(crate) const PLAIN: Entry = Entry {
    name: "none",
    family: Family::Baseline,
    about: "plain training, one context after the other: the lower baseline",
    source: "common usage",
    hypers: &[],
    task_free: &[],
    unused: |_| None,
    instead: "",
    order: Order::Incremental,
    build: |_| Box::new(Naive),
};

pub(crate) const CUMULATIVE: Entry = Entry {
    name: "cumulative",
    about: "goes on with the same model on all data so far: keeps everything",
    source: "van de Ven, Tuytelaars & Tolias 2022 (incremental joint)",
    order: Order::Cumulative,
    ..PLAIN
};

pub(crate) const JOINT: Entry = Entry {
    name: "joint",
    about: "all contexts at once, as many steps in all: the upper baseline",
    order: Order::Joint,
    ..PLAIN
};
