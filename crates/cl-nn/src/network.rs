//! What a network is: parameters and a pure function of (theta, x).

use crate::layout::{ParamSpec, ParamValues};
use crate::theta::Theta;
use cl_tensor::Var;
use std::fmt;
use std::ops::Range;

/// Whether the forward pass is part of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Training: dropout drops.
    Train,
    /// Evaluation: nothing random.
    Test,
}

/// Where in a layer a gate acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// On x W, before the bias is added.
    PreBias,
    /// On x W + b, before the non-linearity.
    PreActivation,
    /// On the layer's output.
    PostActivation,
}

/// One place where a gate may act.
#[derive(Clone, Copy, Debug)]
pub struct Site<'g> {
    /// The hidden layer, counted from 0.
    pub layer: usize,
    /// Where in the layer.
    pub point: Point,
    /// Units of the layer.
    pub units: usize,
    /// The network's raw input, `[rows, inputs]`.
    pub x: Var<'g>,
    /// Training or evaluation.
    pub mode: Mode,
}

/// A gate as the network sees it: the activations `[rows, units]` at a site -> the gated ones.
pub type GateFn<'a, 'g> = dyn Fn(&Site<'g>, Var<'g>) -> Var<'g> + 'a;

/// What a forward pass depends on beside theta and x.
#[derive(Clone, Copy)]
pub struct ForwardContext<'a, 'g> {
    /// Training or evaluation.
    pub mode: Mode,
    /// Address of the random numbers, u32 `[4]`: seed (low, high word), context, step. Needed only
    /// where something random is recorded.
    pub address: Option<Var<'g>>,
    /// The context of each row, u32 `[rows]`, or of all rows, `[1]`, for networks that differ by
    /// context.
    pub context: Option<Var<'g>>,
    /// Called at every site of every hidden layer.
    pub gate: Option<&'a GateFn<'a, 'g>>,
}

impl<'g> ForwardContext<'_, 'g> {
    /// Evaluation without gates.
    #[must_use]
    pub fn test() -> Self {
        Self { mode: Mode::Test, address: None, context: None, gate: None }
    }

    /// Training without gates; `address` as in the field.
    #[must_use]
    pub fn train(address: Var<'g>) -> Self {
        Self { mode: Mode::Train, address: Some(address), context: None, gate: None }
    }
}

impl fmt::Debug for ForwardContext<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardContext")
            .field("mode", &self.mode)
            .field("address", &self.address)
            .field("context", &self.context)
            .field("gate", &self.gate.map(|_| "a gate"))
            .finish()
    }
}

/// What one linear layer saw and made; methods that work layer by layer read it.
#[derive(Clone, Debug)]
pub struct LayerTrace<'g> {
    /// Name of the layer.
    pub name: String,
    /// Its input, `[rows, in]`.
    pub input: Var<'g>,
    /// input · W before any gate, `[rows, out]`: ∂loss/∂W = inputᵀ · ∂loss/∂product.
    pub product: Var<'g>,
    /// product (gated before the bias) + b, before a gate on the pre-activation, `[rows, out]`:
    /// ∂loss/∂b = Σ over rows of ∂loss/∂pre_activation.
    pub pre_activation: Var<'g>,
    /// Name of the weight's range.
    pub weight: String,
    /// Name of the bias's range.
    pub bias: String,
}

/// What a forward pass recorded.
#[derive(Clone, Debug)]
pub struct Forward<'g> {
    /// `[rows, outputs]`, before any softmax.
    pub logits: Var<'g>,
    /// The last hidden activation, `[rows, units]`; the input where there is no hidden layer.
    pub features: Var<'g>,
    /// The linear layers, in order, the output layer last.
    pub layers: Vec<LayerTrace<'g>>,
}

/// A pure function of (theta, x).
///
/// ```
/// use cl_nn::{Forward, ForwardContext, Initializer, Layout, Network, ParamSpec, Theta};
/// use cl_tensor::{CpuSession, Graph, Init, Plan, Session, Var};
///
/// // One score per class, linear in the inputs, without a bias.
/// #[derive(Debug)]
/// struct Linear;
///
/// impl Network for Linear {
///     fn params(&self) -> Vec<ParamSpec> {
///         let init = Initializer::Constant(0.5);
///         vec![ParamSpec { name: "w".to_owned(), shape: vec![2, 3], init }]
///     }
///     fn forward<'g>(
///         &self,
///         theta: Theta<'_, 'g>,
///         x: Var<'g>,
///         _: &ForwardContext<'_, 'g>,
///     ) -> Forward<'g> {
///         let logits = x.matmul(theta.get("w"));
///         Forward { logits, features: x, layers: Vec::new() }
///     }
///     fn inputs(&self) -> usize {
///         2
///     }
///     fn outputs(&self) -> usize {
///         3
///     }
///     fn hidden(&self) -> Vec<usize> {
///         Vec::new()
///     }
///     fn describe(&self) -> String {
///         "linear 2-3".to_owned()
///     }
/// }
///
/// let (graph, layout) = (Graph::new(), Layout::new(&Linear.params())?);
/// let flat = graph.slot("theta", &[layout.len()], layout.init());
/// let theta = Theta { layout: &layout, flat };
/// let x = graph.full(&[1, 2], 4.0);
/// let logits = Linear.forward(theta, x, &ForwardContext::test()).logits;
/// graph.slot("logits", &[1, 3], Init::Zeros);
/// graph.assign("logits", logits);
///
/// let mut session = CpuSession::new(&[0], 1)?;
/// let plan = session.load(Plan::compile(&graph)?)?;
/// session.run_once(plan)?;
/// assert_eq!(session.read("logits", 0)?, [4.0; 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Network: fmt::Debug + Send + Sync {
    /// Its parameters, in the order in which they lie in theta.
    fn params(&self) -> Vec<ParamSpec>;

    /// Values that some of them start with in place of drawn ones, whatever the seed.
    fn start(&self) -> &[ParamValues] {
        &[]
    }

    /// Records the forward pass of a batch `x`, `[rows, inputs]`.
    fn forward<'g>(
        &self,
        theta: Theta<'_, 'g>,
        x: Var<'g>,
        cx: &ForwardContext<'_, 'g>,
    ) -> Forward<'g>;

    /// Values per example.
    fn inputs(&self) -> usize;

    /// Logits per example.
    fn outputs(&self) -> usize;

    /// The outputs that a row of `context`, counted from 0, can have; the others tell it nothing.
    fn outputs_of(&self, _context: usize) -> Range<usize> {
        0..self.outputs()
    }

    /// Units of every layer that calls the gate, in the order of [`Site::layer`].
    fn hidden(&self) -> Vec<usize>;

    /// The same network with another number of outputs; parameters keep their names, and what belongs
    /// to one output unit keeps its place along the last axis. `None`: its head is fixed.
    fn with_outputs(&self, _outputs: usize) -> Option<Box<dyn Network>> {
        None
    }

    /// The network in one line; two networks of one description record the same graph.
    fn describe(&self) -> String;
}
