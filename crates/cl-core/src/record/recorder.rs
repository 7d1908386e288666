//! From rows to logits, through every part that acts on the way.

use crate::model::Model;
use crate::parts::{GateSite, Parts, ViewSite};
use cl_nn::{Forward, ForwardContext, Mode, Site, Theta};
use cl_tensor::{Graph, Scope, Var};
use std::cell::Cell;

/// Whose rows a program is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Of a training step.
    Trained,
    /// Of a pass at a boundary, each of which has an address of its own.
    Passed,
    /// Of an evaluation.
    Tested,
}

/// What all recordings of one program have in common.
pub(crate) struct Recorder<'a, 'g> {
    pub graph: &'g Graph,
    pub model: &'a Model,
    pub parts: &'a Parts<'a>,
    pub mode: Mode,
    pub rows: Rows,
    /// Address of random numbers; training only.
    pub address: Option<Var<'g>>,
    /// Share of the phase that has passed.
    pub progress: Var<'g>,
    /// Whether the criterion is being recorded.
    pub in_criterion: Cell<bool>,
}

impl<'a, 'g> Recorder<'a, 'g> {
    pub(crate) fn training(graph: &'g Graph, model: &'a Model, parts: &'a Parts<'a>) -> Self {
        let address = Some(graph.input_u32("address", &[4]));
        let progress = graph.input("progress", &[]);
        let in_criterion = Cell::new(false);
        let (mode, rows) = (Mode::Train, Rows::Trained);
        Self { graph, model, parts, mode, rows, address, progress, in_criterion }
    }

    /// Nothing is trained: `rows` of a pass or of an evaluation.
    pub(crate) fn testing(
        graph: &'g Graph,
        model: &'a Model,
        parts: &'a Parts<'a>,
        rows: Rows,
    ) -> Self {
        let progress = graph.constant(1.0);
        let in_criterion = Cell::new(false);
        let (mode, address) = (Mode::Test, None);
        Self { graph, model, parts, mode, rows, address, progress, in_criterion }
    }

    /// Whether the criterion weighs the rows of a step: in training, unless it is being recorded.
    pub(crate) fn asks_criterion(&self) -> bool {
        self.mode == Mode::Train && !self.in_criterion.get()
    }

    /// Records the forward pass of a batch `x`, `[rows, inputs]`, whose rows belong to `context`.
    pub(crate) fn forward(&self, theta: Var<'g>, x: Var<'g>, context: Var<'g>) -> Forward<'g> {
        self.forward_in((self.mode, self.address, self.progress), theta, x, context)
    }

    /// The same as at test, whatever is recorded: nothing is random, progress is 1.
    pub(crate) fn predict(&self, theta: Var<'g>, x: Var<'g>, context: Var<'g>) -> Forward<'g> {
        self.forward_in((Mode::Test, None, self.graph.constant(1.0)), theta, x, context)
    }

    fn forward_in(
        &self,
        (mode, address, progress): (Mode, Option<Var<'g>>, Var<'g>),
        theta: Var<'g>,
        x: Var<'g>,
        context: Var<'g>,
    ) -> Forward<'g> {
        let (layout, contexts) = (&self.model.layout, self.model.contexts);
        let scope = |name: &str| Scope::new(self.graph, name);
        let flat = self.parts.views.iter().fold(theta, |theta, (name, part)| {
            let context = context.slice(0, 0..1);
            let site = ViewSite { context, contexts, layout, scope: scope(name) };
            let viewed = part.view(&site, theta);
            self.graph.expect_shape(viewed, &[layout.len()], &format!("{name}: WeightView::view"))
        });
        let theta = Theta { flat, layout };
        let gate = |site: &Site<'g>, h: Var<'g>| {
            let at = |name: &str| {
                let scope = scope(name);
                GateSite { site, context, contexts, theta, progress, address, scope }
            };
            let gates = &self.parts.gates;
            let same = |value: Var<'g>, name: &str, what: &str| {
                self.graph.expect_shape(value, &h.shape(), &format!("{name}: Gate::{what}"))
            };
            let gated = gates
                .iter()
                .fold(h, |h, (name, gate)| same(gate.apply(&at(name), h), name, "apply"));
            let branches = gates.iter().filter_map(|(name, gate)| {
                gate.branch(&at(name), h).map(|branch| same(branch, name, "branch"))
            });
            branches.fold(gated, |sum, branch| sum + branch)
        };
        let cx = ForwardContext { mode, address, context: Some(context), gate: Some(&gate) };
        self.model.network.forward(theta, x, &cx)
    }
}
