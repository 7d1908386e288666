//! Parts that act on gradients and steps.

use crate::step::Step;
use cl_tensor::Var;

/// Acts on gradients and steps: GEM, A-GEM, projections, frozen weights. Compositions fold in order.
///
/// ```
/// # use cl_core::{Batch, Error, GradientMap, Parts, Step, Strategy, Trial};
/// # use cl_nn::{Mlp, Sgd};
/// # use cl_tensor::Var;
/// struct Frozen;
///
/// impl GradientMap for Frozen {
///     fn delta<'g>(&self, _: &Step<'_, 'g>, delta: Var<'g>) -> Var<'g> {
///         delta * 0.0
///     }
/// }
/// # impl Strategy for Frozen {
/// #     fn name(&self) -> String { "frozen".to_owned() }
/// #     fn parts<'s>(&'s self, parts: &mut Parts<'s>) { parts.gradient_map(self); }
/// # }
/// let mut trial = Trial::new(&Frozen, Box::new(Mlp::new(&[1, 2])?), &Sgd::new(0.5), (1, 1), false)?;
/// let before = trial.parameters("theta")?;
/// trial.step(&Batch::mean(vec![1.0], vec![0], 0))?;
/// assert_eq!(trial.parameters("theta")?, before);
/// # Ok::<(), Error>(())
/// ```
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
///
/// ```
/// # use cl_core::{Batch, Error, Parts, Step, Strategy, Taken, Track, Trial};
/// # use cl_nn::{Mlp, Sgd};
/// # use cl_tensor::Init;
/// // Σ |δ| of every parameter.
/// struct Odometer;
///
/// impl Track for Odometer {
///     fn update<'g>(&self, step: &Step<'_, 'g>, taken: &Taken<'g>) {
///         let path = step.scope.slot("path", &[step.layout.len()], Init::Zeros);
///         step.scope.assign("path", path + taken.delta.abs());
///     }
/// }
/// # impl Strategy for Odometer {
/// #     fn name(&self) -> String { "odometer".to_owned() }
/// #     fn parts<'s>(&'s self, parts: &mut Parts<'s>) { parts.track(self); }
/// # }
/// let mut trial = Trial::new(&Odometer, Box::new(Mlp::new(&[1, 2])?), &Sgd::new(0.5), (1, 1), false)?;
/// trial.set_parameter("w1", &[0.0, 0.0])?;
/// trial.set_parameter("b1", &[0.0, 0.0])?;
/// trial.step(&Batch::mean(vec![1.0], vec![0], 0))?;
/// // Probabilities ½ and ½: the gradient is -½ and ½, a step half of it.
/// assert_eq!(trial.parameters("odometer/path")?[0].1, [0.25, 0.25]);
/// # Ok::<(), Error>(())
/// ```
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
