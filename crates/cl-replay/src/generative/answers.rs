//! What generated rows are labelled with.

use cl_core::{Boundary, Error, Step, TargetHead, Targets};
use cl_nn::losses::mask_inactive;
use cl_scenarios::Scenario;
use cl_tensor::{Init, Scope, Var};

/// What a teacher says of a generated row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Labels {
    /// Its likeliest output.
    Hard,
    /// Its probabilities at this temperature T > 0, against the student's at the same T, without a
    /// factor T²; slot `temperature`.
    Soft(f32),
}

impl Labels {
    pub(super) fn describe(self) -> String {
        match self {
            Self::Hard => "hard: the teacher's likeliest output".to_owned(),
            Self::Soft(temperature) => {
                format!("soft: the teacher's probabilities at T = {temperature}, no factor T²")
            }
        }
    }

    /// Refuses a temperature out of range.
    pub(super) fn check(self, strategy: &'static str) -> Result<(), Error> {
        let (name, expected) = ("temperature", "above 0");
        match self {
            Self::Soft(t) if !(t > 0.0 && t.is_finite()) => {
                Err(Error::HyperParameter { strategy, name, value: f64::from(t), expected })
            }
            Self::Hard | Self::Soft(_) => Ok(()),
        }
    }

    fn targets<'g>(
        self,
        scope: &Scope<'g>,
        logits: Var<'g>,
        active: Option<Var<'g>>,
    ) -> Targets<'g> {
        match self {
            Self::Hard => {
                let logits = active.map_or(logits, |active| mask_inactive(logits, active));
                Targets::Units(logits.argmax())
            }
            Self::Soft(temperature) => {
                Targets::softened(logits, active, scope.hyper("temperature", temperature))
            }
        }
    }
}

/// Whose outputs answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Heads {
    /// All that compete when the last context ended: one head for all contexts.
    #[default]
    One,
    /// Each past context has a head of its own, and each counts the same.
    EachPastContext,
}

impl Heads {
    /// Those of a stream.
    #[must_use]
    pub fn of(scenario: Scenario) -> Self {
        match scenario {
            Scenario::Task => Self::EachPastContext,
            Scenario::Domain | Scenario::Class => Self::One,
        }
    }

    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::One => "one for all contexts",
            Self::EachPastContext => "one per past context, mean over them",
        }
    }
}

/// The context that ended last, u32 `[1]`; `u32::MAX` before the first has.
pub(super) fn last<'g>(scope: &Scope<'g>) -> Var<'g> {
    scope.kept_u32("last", &[1], Init::Indices([u32::MAX].as_slice().into()))
}

/// A context ends.
pub(super) fn end(at: &Boundary<'_, '_>) {
    let _ = last(&at.scope);
    at.scope.assign("last", at.index);
}

/// Labels of rows from one head, each row from the outputs that compete in `context`, u32 `[rows]`.
pub(super) fn of_one_head<'g>(
    step: &Step<'_, 'g>,
    labels: Labels,
    logits: Var<'g>,
    context: Var<'g>,
) -> (Targets<'g>, Option<Var<'g>>) {
    let active = step.active_for(context);
    (labels.targets(&step.scope, logits, active), active)
}

/// Labels of the same rows from the head of every context up to `last`, each with the same weight.
pub(super) fn of_past_heads<'g>(
    step: &Step<'_, 'g>,
    labels: Labels,
    logits: Var<'g>,
    last: Var<'g>,
) -> Targets<'g> {
    let (graph, rows) = (step.graph(), logits.shape()[0]);
    let contexts = graph.iota(step.contexts());
    let ended = 1.0 - contexts.to_float().greater(last.to_float());
    let share = ended / ended.sum();
    let head = |c: usize| {
        let active = step.active_for(contexts.slice(0, c..c + 1));
        TargetHead {
            targets: labels.targets(&step.scope, logits, active),
            weight: share.slice(0, c..c + 1).expand(&[rows]),
            active,
        }
    };
    Targets::Heads((0..step.contexts()).map(head).collect())
}
