//! What is checked.

use crate::strategy::Strategy;
use cl_buffers::RowSize;
use cl_nn::{Layout, Network};
use cl_scenarios::Scenario;

/// Makes the strategy: anew for every run, as a process that is started again does.
pub(super) type Make = Box<dyn Fn() -> Box<dyn Strategy>>;
pub(super) type MakeNetwork = Box<dyn Fn(usize, usize) -> Box<dyn Network>>;
type Kept = Box<dyn Fn(&Facts<'_>) -> u64>;

/// A strategy to be checked, and what its author says about it.
pub struct Subject {
    pub(super) label: String,
    pub(super) make: Make,
    pub(super) scenarios: Vec<Scenario>,
    pub(super) neutral: Neutral,
    pub(super) refused: Vec<Make>,
    pub(super) kept: Kept,
    pub(super) differentiable: Result<(), &'static str>,
    pub(super) network: Option<MakeNetwork>,
}

/// What is said about a setting at which the strategy does nothing.
pub(super) enum Neutral {
    Unsaid,
    Setting(Make),
    None(&'static str),
    Always(&'static str),
}

/// The run that bytes are counted in.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The stream.
    pub scenario: Scenario,
    /// Where each parameter lies in theta; a kept slot of theta's size weighs
    /// 4 · [`parameters`](Layout::parameters).
    pub layout: &'a Layout,
    /// Contexts of the stream; boundaries are one less.
    pub contexts: u64,
    /// Classes of one context.
    pub classes: u64,
    /// Training rows of one context.
    pub rows: u64,
    /// Steps of one context, each with `batch` rows of the stream.
    pub steps: u64,
    /// Rows of the stream per step.
    pub batch: u64,
    /// Output units.
    pub outputs: u64,
    /// Hidden units of every layer; empty for a network of the subject's own.
    pub hidden: &'a [u64],
    /// Bytes of one stored example with its label.
    pub row_size: RowSize,
}

fn boxed<S: Strategy + 'static>(make: impl Fn() -> S + 'static) -> Make {
    Box::new(move || Box::new(make()))
}

impl Subject {
    /// A strategy as `make` makes it, at a setting at which it does something; `label` names it in
    /// messages. Checked in a class-incremental stream unless [`Subject::scenarios`] says otherwise.
    #[must_use]
    pub fn new<S: Strategy + 'static>(label: &str, make: impl Fn() -> S + 'static) -> Self {
        Self {
            label: label.to_owned(),
            make: boxed(make),
            scenarios: vec![Scenario::Class],
            neutral: Neutral::Unsaid,
            refused: Vec::new(),
            kept: Box::new(|_| 0),
            differentiable: Ok(()),
            network: None,
        }
    }

    /// The streams it is checked in, each by itself.
    #[must_use]
    pub fn scenarios(self, scenarios: impl IntoIterator<Item = Scenario>) -> Self {
        Self { scenarios: scenarios.into_iter().collect(), ..self }
    }

    /// The setting at which it does nothing: plain training, bit for bit.
    #[must_use]
    pub fn neutral<S: Strategy + 'static>(self, make: impl Fn() -> S + 'static) -> Self {
        Self { neutral: Neutral::Setting(boxed(make)), ..self }
    }

    /// It has no such setting, and why.
    #[must_use]
    pub fn no_neutral(self, why: &'static str) -> Self {
        Self { neutral: Neutral::None(why), ..self }
    }

    /// It never changes what is learned, and why: it only watches, or only serves others.
    #[must_use]
    pub fn always_neutral(self, why: &'static str) -> Self {
        Self { neutral: Neutral::Always(why), ..self }
    }

    /// A setting out of range; once for each.
    #[must_use]
    pub fn refused<S: Strategy + 'static>(mut self, make: impl Fn() -> S + 'static) -> Self {
        self.refused.push(boxed(make));
        self
    }

    /// The bytes that it keeps between contexts, worked out by hand: 4 for each number of its kept
    /// slots, and what its memories hold at their peak. 0 unless said.
    #[must_use]
    pub fn kept(self, bytes: impl Fn(&Facts<'_>) -> u64 + 'static) -> Self {
        Self { kept: Box::new(bytes), ..self }
    }

    /// The gradient of what it minimises is on purpose not the derivative, and why: a
    /// straight-through estimator, generated rows that are taken as given.
    #[must_use]
    pub fn no_gradient(self, why: &'static str) -> Self {
        Self { differentiable: Err(why), ..self }
    }

    /// The network it is checked on, for so many inputs and outputs; an MLP 64-16-6 with dropout
    /// unless said.
    #[must_use]
    pub fn network(self, make: impl Fn(usize, usize) -> Box<dyn Network> + 'static) -> Self {
        Self { network: Some(Box::new(make)), ..self }
    }
}
