//! Parts that act on the loss.

use crate::step::Step;
use cl_tensor::Var;

/// Acts on the loss: EWC, SI, LwF, sparse gates.
///
/// ```
/// # use cl_core::{Batch, Error, Parts, Penalty, Step, Strategy, Trial};
/// # use cl_nn::{Mlp, Sgd};
/// # use cl_tensor::Var;
/// // L = CE + ½ Σ_i θ_i².
/// struct Shrink;
///
/// impl Penalty for Shrink {
///     fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
///         0.5 * step.theta.square().sum()
///     }
/// }
/// # impl Strategy for Shrink {
/// #     fn name(&self) -> String { "shrink".to_owned() }
/// #     fn parts<'s>(&'s self, parts: &mut Parts<'s>) { parts.penalty(self); }
/// # }
/// let mut trial = Trial::new(&Shrink, Box::new(Mlp::new(&[1, 2])?), &Sgd::new(0.5), (1, 1), false)?;
/// trial.set_parameter("w1", &[2.0, 4.0])?;
/// // A row of weight 0: the penalty alone moves theta, by 0.5 θ.
/// trial.step(&Batch { weight: vec![0.0], ..Batch::mean(vec![1.0], vec![0], 0) })?;
/// assert_eq!(trial.parameters("theta")?[0].1, [1.0, 2.0]);
/// # Ok::<(), Error>(())
/// ```
pub trait Penalty {
    /// A scalar in nats, added to the task loss.
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g>;
}

/// Replaces the cross-entropy; a composition has at most one: binary distillation, masked softmax,
/// self-supervision.
///
/// ```
/// # use cl_core::{Batch, Criterion, Error, Parts, Step, Strategy, Trial};
/// # use cl_nn::{Mlp, Sgd};
/// # use cl_tensor::Var;
/// // The squared length of the logits, whatever is right.
/// struct Quiet;
///
/// impl Criterion for Quiet {
///     fn rows<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
///         step.forward.logits.square().sum_axis(1)
///     }
/// }
/// # impl Strategy for Quiet {
/// #     fn name(&self) -> String { "quiet".to_owned() }
/// #     fn parts<'s>(&'s self, parts: &mut Parts<'s>) { parts.criterion(self); }
/// # }
/// let mut trial = Trial::new(&Quiet, Box::new(Mlp::new(&[1, 2])?), &Sgd::new(0.5), (1, 1), false)?;
/// trial.set_parameter("w1", &[3.0, 4.0])?;
/// trial.set_parameter("b1", &[0.0, 0.0])?;
/// assert_eq!(trial.step(&Batch::mean(vec![1.0], vec![0], 0))?, 25.0);
/// # Ok::<(), Error>(())
/// ```
pub trait Criterion {
    /// The loss of each row, `[rows]`, in nats; the step weighs and sums them.
    ///
    /// Called for the rows of the batch and for those of every segment with a forward pass of its own
    /// ([`Step::rows`]): it reads only the step it is given.
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> Var<'g>;
}
