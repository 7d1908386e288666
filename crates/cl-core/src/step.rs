//! What a recorded part sees of a step.

use crate::model::{Model, Rows};
use cl_nn::{Forward, Layout, losses};
use cl_tensor::{Graph, Scope, Var};

/// The recorded values of a batch: rows of the stream and of every memory that joined it.
///
/// No part ever sees the trainer; this is all there is.
pub struct Step<'a, 'g> {
    /// Slots of the strategy that the part belongs to.
    pub scope: Scope<'g>,
    /// Where each parameter lies in theta.
    pub layout: &'a Layout,
    /// All parameters, flat, before the step.
    pub theta: Var<'g>,
    /// `[rows, inputs]`.
    pub x: Var<'g>,
    /// The right output unit, u32 `[rows]`.
    pub target: Var<'g>,
    /// Weight of each row in the task loss, `[rows]`; 0 for padding.
    pub weight: Var<'g>,
    /// The context of each row, u32 `[rows]`.
    pub context: Var<'g>,
    /// Which outputs compete for each row, `[rows, outputs]` of 0 and 1; `None`: all of them.
    pub active: Option<Var<'g>>,
    /// The forward pass through all gates.
    pub forward: &'a Forward<'g>,
    /// Σ_rows weight · cross-entropy, in nats.
    pub task_loss: Var<'g>,
}

impl<'a, 'g> Step<'a, 'g> {
    pub(crate) fn new(
        model: &'a Model,
        scope: Scope<'g>,
        theta: Var<'g>,
        rows: &Rows<'g>,
        forward: &'a Forward<'g>,
    ) -> Self {
        let loss = losses::cross_entropy(forward.logits, rows.target, rows.active);
        Self {
            scope,
            layout: &model.layout,
            theta,
            x: rows.x,
            target: rows.target,
            weight: rows.weight,
            context: rows.context,
            active: rows.active,
            forward,
            task_loss: losses::weighted_sum(loss, rows.weight),
        }
    }

    /// The same step for a part of another strategy.
    pub(crate) fn seen_by(&self, strategy: &str) -> Self {
        Self { scope: Scope::new(self.graph(), strategy), ..*self }
    }

    /// The graph to record into.
    #[must_use]
    pub fn graph(&self) -> &'g Graph {
        self.theta.graph()
    }

    /// Cross-entropy of each row against `target`, u32 `[rows]`, over the active outputs, in nats.
    #[must_use]
    pub fn cross_entropy(&self, target: Var<'g>) -> Var<'g> {
        losses::cross_entropy(self.forward.logits, target, self.active)
    }

    /// The logits with inactive outputs at −1e30: their softmax gives those exactly 0.
    #[must_use]
    pub fn active_logits(&self) -> Var<'g> {
        let logits = self.forward.logits;
        match self.active {
            None => logits,
            Some(active) => active.select(logits, self.graph().constant(-1e30)),
        }
    }
}
