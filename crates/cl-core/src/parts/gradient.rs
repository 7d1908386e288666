//! Parts that act on gradients and steps.

use crate::step::Step;
use cl_tensor::Var;

/// Acts on gradients and steps: GEM, A-GEM, projections, frozen weights. Compositions fold in order.
pub trait GradientMap {
    /// The gradient of the task loss, `[theta]`, before penalties.
    fn task<'g>(&self, _step: &Step<'_, 'g>, gradient: Var<'g>) -> Var<'g> {
        gradient
    }

    /// The gradient of task loss and penalties, `[theta]`.
    fn total<'g>(&self, _step: &Step<'_, 'g>, gradient: Var<'g>) -> Var<'g> {
        gradient
    }

    /// What will be added to theta, `[theta]`: the last thing before the step. A weight that must
    /// not move is masked here: moments and weight decay move it where only its gradient is 0.
    fn delta<'g>(&self, _step: &Step<'_, 'g>, delta: Var<'g>) -> Var<'g> {
        delta
    }
}

/// Acts after each step: SI, RWalk.
pub trait Track {
    /// Records what is remembered of the step that was taken.
    fn update<'g>(&self, step: &Step<'_, 'g>, taken: &Taken<'g>);
}

/// The step that was taken, all `[theta]`.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'g> {
    /// Gradient of the task loss alone, before any gradient map.
    pub task_gradient: Var<'g>,
    /// Gradient that the optimiser was given: task loss and penalties, through all gradient maps.
    pub total_gradient: Var<'g>,
    /// What is added to theta.
    pub delta: Var<'g>,
}
