//! What an optimiser is.

use crate::layout::Layout;
use cl_tensor::{Scope, Var};
use std::fmt;

/// Turns the gradient of theta into a step.
///
/// Moments are slots of `scope`, written at the end of the run. Every number is a scalar slot of
/// `scope` under its field's name ([`Scope::hyper`]), so members of a population may differ in it.
///
/// ```
/// use cl_nn::{Initializer, Layout, Optimizer, ParamSpec};
/// use cl_tensor::{CpuSession, Graph, Plan, Scope, Session, Var};
///
/// // δ = -lr sign(g): every parameter moves as far, Bernstein et al. 2018.
/// #[derive(Debug)]
/// struct SignDescent {
///     lr: f64,
/// }
///
/// impl Optimizer for SignDescent {
///     fn delta<'g>(
///         &self,
///         scope: &Scope<'g>,
///         _: &Layout,
///         _: Var<'g>,
///         grad: Var<'g>,
///         schedule: Var<'g>,
///     ) -> Var<'g> {
///         -(scope.hyper("lr", self.lr as f32) * schedule * grad.sign())
///     }
///     fn reset(&self, _: &Scope<'_>) -> Vec<String> {
///         Vec::new()
///     }
///     fn describe(&self) -> String {
///         format!("sign descent, lr {}", self.lr)
///     }
/// }
///
/// let init = Initializer::Constant(1.0);
/// let layout = Layout::new(&[ParamSpec { name: "w".to_owned(), shape: vec![2], init }])?;
/// let graph = Graph::new();
/// let theta = graph.slot("theta", &[layout.len()], layout.init());
/// let grad = graph.grad((theta * 7.0).sum(), theta);
/// let (rule, scope) = (SignDescent { lr: 0.25 }, Scope::new(&graph, "optimizer"));
/// let delta = rule.delta(&scope, &layout, theta, grad, graph.constant(1.0));
/// graph.assign("theta", theta + delta);
///
/// let mut session = CpuSession::new(&[0], 1)?;
/// let plan = session.load(Plan::compile(&graph)?)?;
/// session.run_once(plan)?;
/// assert_eq!(session.read("theta", 0)?[..2], [0.75, 0.75]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Optimizer: fmt::Debug + Send + Sync {
    /// The step δ, to be added to theta: `[layout.len()]`. Records the update of its moments.
    ///
    /// `theta` and `grad` are `[layout.len()]`; `schedule` is a scalar factor on the learning rate.
    /// Where theta and gradient are 0 (as in the padding) the step is 0.
    #[track_caller]
    fn delta<'g>(
        &self,
        scope: &Scope<'g>,
        layout: &Layout,
        theta: Var<'g>,
        grad: Var<'g>,
        schedule: Var<'g>,
    ) -> Var<'g>;

    /// Full names of the slots that are set to zero where a run starts the optimiser afresh.
    fn reset(&self, scope: &Scope<'_>) -> Vec<String>;

    /// The optimiser in one line, with its numbers.
    fn describe(&self) -> String;
}
