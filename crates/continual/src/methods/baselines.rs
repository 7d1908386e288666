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

/// Cumulative training: one model goes on from context to context, each time on all data so far.
///
/// In context t: L = CE over rows drawn from contexts 1 to t alike, in as many steps as any other context takes;
/// θ and the optimiser go on from context t − 1.
///
/// Source: van de Ven, Tuytelaars & Tolias 2022 ("incremental joint training"). Every row is kept: the bytes are those
/// of the data set.
pub(crate) const CUMULATIVE: Entry = Entry {
    name: "cumulative",
    about: "goes on with the same model on all data so far: keeps everything",
    source: "van de Ven, Tuytelaars & Tolias 2022 (incremental joint)",
    order: Order::Cumulative,
    ..PLAIN
};

/// Joint training: all contexts at once, the upper baseline.
///
/// L = CE over rows drawn from contexts 1 to T alike, from the first step on, in T times the steps of one context.
///
/// Source: common usage ("offline", "multi-task"). There is one evaluation, at the end, so metrics that need a row per
/// context are undefined. Every row is kept: the bytes are those of the data set.
pub(crate) const JOINT: Entry = Entry {
    name: "joint",
    about: "all contexts at once, as many steps in all: the upper baseline",
    order: Order::Joint,
    ..PLAIN
};
