//! From rows to logits, through every part that acts on the way.

use crate::model::Model;
use crate::parts::{GateSite, Parts, ViewSite};
use cl_nn::{Forward, ForwardContext, GateFn, Mode, Site, Theta};
use cl_tensor::{Graph, Scope, Var};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

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
    /// Steps of the phase.
    pub steps: Var<'g>,
    /// Whether the criterion is being recorded.
    pub in_criterion: Cell<bool>,
}

/// How rows pass through the network.
#[derive(Clone, Copy)]
struct How<'g> {
    mode: Mode,
    address: Option<Var<'g>>,
    progress: Var<'g>,
    steps: Var<'g>,
}

impl<'a, 'g> Recorder<'a, 'g> {
    pub(crate) fn training(graph: &'g Graph, model: &'a Model, parts: &'a Parts<'a>) -> Self {
        let address = Some(graph.input_u32("address", &[4]));
        let (progress, steps) = (graph.input("progress", &[]), graph.input("steps", &[]));
        let in_criterion = Cell::new(false);
        let (mode, rows) = (Mode::Train, Rows::Trained);
        Self { graph, model, parts, mode, rows, address, progress, steps, in_criterion }
    }

    /// Nothing is trained: `rows` of a pass or of an evaluation.
    pub(crate) fn testing(
        graph: &'g Graph,
        model: &'a Model,
        parts: &'a Parts<'a>,
        rows: Rows,
    ) -> Self {
        let (progress, steps) = (graph.constant(1.0), graph.constant(1.0));
        let in_criterion = Cell::new(false);
        let (mode, address) = (Mode::Test, None);
        Self { graph, model, parts, mode, rows, address, progress, steps, in_criterion }
    }

    /// Whether the criterion weighs the rows of a step: in training, unless it is being recorded.
    pub(crate) fn asks_criterion(&self) -> bool {
        self.mode == Mode::Train && !self.in_criterion.get()
    }

    /// The parameters as the network reads them.
    fn viewed(&self, theta: Var<'g>, context: Var<'g>) -> Theta<'a, 'g> {
        let (layout, contexts) = (&self.model.layout, self.model.contexts);
        let flat = self.parts.views.iter().fold(theta, |theta, (name, part)| {
            let context = context.slice(0, 0..1);
            let scope = Scope::new(self.graph, name);
            let site = ViewSite { context, contexts, layout, scope };
            let viewed = part.view(&site, theta);
            self.graph.expect_shape(viewed, &[layout.len()], &format!("{name}: WeightView::view"))
        });
        Theta { flat, layout }
    }

    /// Runs the network with `gate` at its sites.
    fn network(
        &self,
        how: How<'g>,
        theta: Theta<'_, 'g>,
        (x, context): (Var<'g>, Var<'g>),
        gate: &GateFn<'_, 'g>,
    ) -> Forward<'g> {
        let (mode, address) = (how.mode, how.address);
        let context = Some(if self.model.one_context { context.slice(0, 0..1) } else { context });
        let cx = ForwardContext { mode, address, context, gate: Some(gate) };
        self.model.network.forward(theta, x, &cx)
    }

    /// A site as the gate of the strategy `name` sees it.
    fn at<'b>(
        &self,
        How { address, progress, steps, .. }: How<'g>,
        name: &str,
        site: &'b Site<'g>,
        theta: Theta<'b, 'g>,
        context: Var<'g>,
    ) -> GateSite<'b, 'g> {
        let (contexts, scope) = (self.model.contexts, Scope::new(self.graph, name));
        GateSite { site, context, contexts, theta, progress, steps, address, scope }
    }

    /// `h` through all gates, without branches.
    fn gated(
        &self,
        how: How<'g>,
        site: &Site<'g>,
        h: Var<'g>,
        theta: Theta<'_, 'g>,
        context: Var<'g>,
    ) -> Var<'g> {
        self.parts.gates.iter().fold(h, |h, (name, gate)| {
            let gated = gate.apply(&self.at(how, name, site, theta, context), h);
            self.graph.expect_shape(gated, &h.shape(), &format!("{name}: Gate::apply"))
        })
    }

    /// How the rows of this recording pass through the network.
    fn how(&self) -> How<'g> {
        let (mode, address, progress, steps) = (self.mode, self.address, self.progress, self.steps);
        How { mode, address, progress, steps }
    }

    /// Records the forward pass of a batch `x`, `[rows, inputs]`, whose rows belong to `context`.
    pub(crate) fn forward(&self, theta: Var<'g>, x: Var<'g>, context: Var<'g>) -> Forward<'g> {
        self.forward_as(self.how(), theta, x, context)
    }

    /// The same as at test, whatever is recorded: nothing is random, progress is 1.
    pub(crate) fn predict(&self, theta: Var<'g>, x: Var<'g>, context: Var<'g>) -> Forward<'g> {
        let one = self.graph.constant(1.0);
        let how = How { mode: Mode::Test, address: None, progress: one, steps: one };
        self.forward_as(how, theta, x, context)
    }

    fn forward_as(
        &self,
        how: How<'g>,
        theta: Var<'g>,
        x: Var<'g>,
        context: Var<'g>,
    ) -> Forward<'g> {
        let theta = self.viewed(theta, context);
        let gate = |site: &Site<'g>, h: Var<'g>| {
            let branches = self.parts.gates.iter().filter_map(|(name, gate)| {
                let branch = gate.branch(&self.at(how, name, site, theta, context), h)?;
                let what = format!("{name}: Gate::branch");
                Some(self.graph.expect_shape(branch, &h.shape(), &what))
            });
            branches.fold(self.gated(how, site, h, theta, context), |sum, branch| sum + branch)
        };
        self.network(how, theta, (x, context), &gate)
    }

    /// By what all gates together multiply each hidden layer for these rows, `[rows, units]`, by
    /// layer: gates applied to ones, multiplied over the points of the layer. Branches play no part.
    pub(crate) fn gates(&self, theta: Var<'g>, x: Var<'g>, context: Var<'g>) -> Vec<Var<'g>> {
        let theta = self.viewed(theta, context);
        let factors = RefCell::new(BTreeMap::new());
        let gate = |site: &Site<'g>, h: Var<'g>| {
            let ones = self.graph.full(&h.shape(), 1.0);
            let factor = self.gated(self.how(), site, ones, theta, context);
            let mut factors = factors.borrow_mut();
            factors.entry(site.layer).and_modify(|f| *f = *f * factor).or_insert(factor);
            h
        };
        let _ = self.network(self.how(), theta, (x, context), &gate);
        factors.into_inner().into_values().collect()
    }
}
