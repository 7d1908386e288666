//! Parameters beside theta.

use crate::record::OPTIMIZER;
use crate::step::Step;
use cl_nn::{Optimizer, ParamSpec, Theta};
use cl_tensor::Var;

/// Trained beside theta, unseen by penalties and gradient maps: generators, critics, projection
/// heads.
///
/// Its parameters are the slot `NAME` of the strategy's scope, its optimiser's slots stand under
/// `NAME/optimizer`. Any part reads it with [`Step::module`].
///
/// ```
/// # use cl_core::{Batch, Error, Module, Parts, Step, Strategy, Trial};
/// # use cl_nn::{Initializer, Mlp, Optimizer, ParamSpec, Sgd, Theta};
/// # use cl_tensor::{Session, Var};
/// // Learns the mean of the inputs: m ← m - lr ∂(x - m)²/∂m.
/// struct Average;
///
/// impl Module for Average {
///     fn name(&self) -> &'static str {
///         "mean"
///     }
///     fn params(&self, inputs: usize, _: usize) -> Vec<ParamSpec> {
///         let (name, init) = ("m".to_owned(), Initializer::Constant(0.0));
///         vec![ParamSpec { name, shape: vec![1, inputs], init }]
///     }
///     fn optimizer(&self) -> Box<dyn Optimizer> {
///         Box::new(Sgd::new(0.25))
///     }
///     fn loss<'g>(&self, step: &Step<'_, 'g>, theta: Theta<'_, 'g>) -> Var<'g> {
///         (step.x - theta.get("m")).square().sum()
///     }
/// }
/// # impl Strategy for Average {
/// #     fn name(&self) -> String { "average".to_owned() }
/// #     fn parts<'s>(&'s self, parts: &mut Parts<'s>) { parts.module(self); }
/// # }
/// let mut trial = Trial::new(&Average, Box::new(Mlp::new(&[1, 2])?), &Sgd::new(0.5), (1, 1), false)?;
/// trial.step(&Batch::mean(vec![8.0], vec![0], 0))?;
/// assert_eq!(trial.session.read("average/mean", 0)?[0], 4.0);
/// # Ok::<(), Error>(())
/// ```
pub trait Module {
    /// Its name within the strategy.
    fn name(&self) -> &'static str;

    /// Its parameters; `inputs` values per example, `outputs` logits.
    fn params(&self, inputs: usize, outputs: usize) -> Vec<ParamSpec>;

    /// Its optimiser.
    fn optimizer(&self) -> Box<dyn Optimizer>;

    /// What it minimises, a scalar. Only its own parameters move.
    fn loss<'g>(&self, step: &Step<'_, 'g>, theta: Theta<'_, 'g>) -> Var<'g>;

    /// Takes a step and returns the loss before it, a scalar; `schedule` is the factor of its learning
    /// rate. Unless it is overridden, its optimiser follows the gradient of [`Module::loss`]. Another
    /// one minimises the same loss, but moves a part of the parameters alone: the networks of those
    /// classes that have rows.
    fn train<'g>(&self, step: &Step<'_, 'g>, schedule: Var<'g>) -> Var<'g> {
        let (name, graph) = (self.name(), step.graph());
        let theta = step.module(&step.scope.name(name));
        let what = format!("{}: Module::loss", step.scope.name(name));
        let loss = graph.expect_shape(self.loss(step, theta), &[], &what);
        let gradient = graph.grad(loss, theta.flat);
        let slots = step.scope.inner(name).inner(OPTIMIZER);
        let delta = self.optimizer().delta(&slots, theta.layout, theta.flat, gradient, schedule);
        step.scope.assign(name, theta.flat + delta);
        loss
    }
}
