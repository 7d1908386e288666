//! Parts that act inside the network, on its weights or in its place.

use crate::rows::RecordedRows;
use crate::step::Step;
use cl_nn::{Layout, Network, ParamSpec, Site, Theta};
use cl_tensor::{Scope, Var};

/// What a part knows of the network when it declares parameters or slots of its own.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// The network.
    pub network: &'a dyn Network,
    /// Number of contexts of the stream.
    pub contexts: usize,
    /// The most classes that the rows of one context have.
    pub classes_per_context: usize,
    /// The most outputs that compete for a row: those of a head where each context has its own.
    pub competing: usize,
}

/// Acts inside the network, at every [`Site`]: XdG, learned gates, residual branches.
///
/// ```
/// # use cl_core::{Batch, Error, Gate, GateSite, Parts, Strategy, Trial};
/// # use cl_nn::{Mlp, Point, Sgd};
/// # use cl_tensor::Var;
/// // Every hidden unit works at half its strength.
/// struct Half;
///
/// impl Gate for Half {
///     fn apply<'g>(&self, at: &GateSite<'_, 'g>, h: Var<'g>) -> Var<'g> {
///         if at.site.point == Point::PostActivation { h * 0.5 } else { h }
///     }
/// }
/// # impl Strategy for Half {
/// #     fn name(&self) -> String { "half".to_owned() }
/// #     fn parts<'s>(&'s self, parts: &mut Parts<'s>) { parts.gate(self); }
/// # }
/// let mut trial = Trial::new(&Half, Box::new(Mlp::new(&[1, 1, 2])?), &Sgd::new(0.5), (1, 1), false)?;
/// for (name, values) in [("w1", &[1.0][..]), ("b1", &[0.0]), ("w2", &[2.0, 4.0]), ("b2", &[0.0, 0.0])] {
///     trial.set_parameter(name, values)?;
/// }
/// let row = Batch::mean(vec![1.0], vec![0], 0);
/// assert_eq!(trial.scores(&row, &[])?, [1.0, 2.0]);
/// # Ok::<(), Error>(())
/// ```
pub trait Gate {
    /// Parameters that join theta, trained with it; named without the strategy's name.
    fn params(&self, _around: Around<'_>) -> Vec<ParamSpec> {
        Vec::new()
    }

    /// The gated activations, `[rows, units]`: `h` times something; `h` itself where the gate does
    /// not act at this site.
    fn apply<'g>(&self, _at: &GateSite<'_, 'g>, h: Var<'g>) -> Var<'g> {
        h
    }

    /// A branch, `[rows, units]`, added when every gate of the composition has been applied; it sees
    /// the activations before any gate, so the order of strategies plays no part.
    fn branch<'g>(&self, _at: &GateSite<'_, 'g>, _h: Var<'g>) -> Option<Var<'g>> {
        None
    }
}

/// One place in the network for one batch.
pub struct GateSite<'a, 'g> {
    /// Layer, point in the layer, units, raw input and mode.
    pub site: &'a Site<'g>,
    /// The context of each row, u32 `[rows]`.
    pub context: Var<'g>,
    /// Number of contexts of the stream.
    pub contexts: usize,
    /// The parameters; those of the gate stand under the strategy's name: [`GateSite::param`].
    pub theta: Theta<'a, 'g>,
    /// Share of the phase that has passed, a scalar in [0, 1); 1 in evaluation.
    pub progress: Var<'g>,
    /// Steps of the phase, a scalar; 1 in evaluation.
    pub steps: Var<'g>,
    /// Address of random numbers, u32 `[4]`; `None` in evaluation.
    pub address: Option<Var<'g>>,
    /// Slots of the strategy that the gate belongs to.
    pub scope: Scope<'g>,
}

impl<'g> GateSite<'_, 'g> {
    /// A parameter that the gate itself declared.
    #[track_caller]
    #[must_use]
    pub fn param(&self, name: &str) -> Var<'g> {
        self.theta.get(&self.scope.name(name))
    }
}

/// Acts on theta, per context: masks of pruned weights, low-rank adapters.
///
/// All rows of a batch belong to one context where a composition has such a part.
///
/// ```
/// # use cl_core::{Batch, Error, Parts, Strategy, Trial, ViewSite, WeightView};
/// # use cl_nn::{Mlp, Sgd};
/// # use cl_tensor::Var;
/// // The network reads every parameter at half its value.
/// struct Half;
///
/// impl WeightView for Half {
///     fn view<'g>(&self, _: &ViewSite<'_, 'g>, theta: Var<'g>) -> Var<'g> {
///         theta * 0.5
///     }
/// }
/// # impl Strategy for Half {
/// #     fn name(&self) -> String { "half".to_owned() }
/// #     fn parts<'s>(&'s self, parts: &mut Parts<'s>) { parts.weight_view(self); }
/// # }
/// let mut trial = Trial::new(&Half, Box::new(Mlp::new(&[1, 2])?), &Sgd::new(0.5), (1, 1), false)?;
/// trial.set_parameter("w1", &[2.0, 4.0])?;
/// trial.set_parameter("b1", &[0.0, 0.0])?;
/// assert_eq!(trial.scores(&Batch::mean(vec![1.0], vec![0], 0), &[])?, [1.0, 2.0]);
/// # Ok::<(), Error>(())
/// ```
pub trait WeightView {
    /// Parameters that join theta, trained with it; named without the strategy's name.
    fn params(&self, _around: Around<'_>) -> Vec<ParamSpec> {
        Vec::new()
    }

    /// The parameters as the network reads them, `[theta]`.
    fn view<'g>(&self, at: &ViewSite<'_, 'g>, theta: Var<'g>) -> Var<'g>;
}

/// For whom theta is viewed.
pub struct ViewSite<'a, 'g> {
    /// The context of the batch, u32 `[1]`.
    pub context: Var<'g>,
    /// Number of contexts of the stream.
    pub contexts: usize,
    /// Where each parameter lies in theta.
    pub layout: &'a Layout,
    /// Slots of the strategy that the part belongs to.
    pub scope: Scope<'g>,
}

/// Is the network; a composition has at most one: replay through feedback, separate networks.
///
/// ```
/// # use cl_core::{Around, Backbone, Error, Parts, Strategy, Trial};
/// # use cl_nn::{Mlp, Network, Sgd};
/// // Three hidden units, whatever the run has.
/// struct Narrow;
///
/// impl Backbone for Narrow {
///     fn network(&self, around: Around<'_>) -> Result<Box<dyn Network>, Error> {
///         let (inputs, outputs) = (around.network.inputs(), around.network.outputs());
///         Ok(Box::new(Mlp::new(&[inputs, 3, outputs])?))
///     }
/// }
/// # impl Strategy for Narrow {
/// #     fn name(&self) -> String { "narrow".to_owned() }
/// #     fn parts<'s>(&'s self, parts: &mut Parts<'s>) { parts.backbone(self); }
/// # }
/// let run = Box::new(Mlp::new(&[4, 100, 2])?);
/// let trial = Trial::new(&Narrow, run, &Sgd::new(0.5), (1, 1), false)?;
/// assert_eq!(trial.model.layout.parameters(), (4 + 1) * 3 + (3 + 1) * 2);
/// # Ok::<(), Error>(())
/// ```
pub trait Backbone {
    /// The network, for a stream that would else be given to `around.network`.
    ///
    /// # Errors
    /// A network that cannot take its place.
    fn network(&self, around: Around<'_>) -> Result<Box<dyn Network>, crate::Error>;
}

/// Classifies at test time; a composition has at most one: nearest mean, SLDA, generative
/// classifiers.
///
/// ```
/// # use cl_core::{Batch, Error, Parts, Readout, Step, Strategy, Trial};
/// # use cl_nn::{Mlp, Sgd};
/// # use cl_tensor::Var;
/// // The least likely class wins.
/// struct Contrary;
///
/// impl Readout for Contrary {
///     fn scores<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
///         -step.forward.logits
///     }
/// }
/// # impl Strategy for Contrary {
/// #     fn name(&self) -> String { "contrary".to_owned() }
/// #     fn parts<'s>(&'s self, parts: &mut Parts<'s>) { parts.readout(self); }
/// # }
/// let mut trial = Trial::new(&Contrary, Box::new(Mlp::new(&[1, 2])?), &Sgd::new(0.5), (1, 1), false)?;
/// trial.set_parameter("w1", &[2.0, 4.0])?;
/// trial.set_parameter("b1", &[0.0, 0.0])?;
/// assert_eq!(trial.scores(&Batch::mean(vec![1.0], vec![0], 0), &[])?, [-2.0, -4.0]);
/// # Ok::<(), Error>(())
/// ```
pub trait Readout {
    /// A score for every output, `[rows, outputs]`; the largest among the active ones wins.
    fn scores<'g>(&self, step: &Step<'_, 'g>) -> Var<'g>;
}

/// Acts on the batch, on the device: rows of a generator, rows chosen by value.
///
/// ```
/// # use cl_core::{Batch, Error, Generate, Parts, RecordedRows, Step, Strategy, Targets, Trial};
/// # use cl_nn::{Mlp, Sgd};
/// // The stream's rows once more, mirrored.
/// struct Mirror;
///
/// impl Generate for Mirror {
///     fn rows<'g>(&self, step: &Step<'_, 'g>) -> RecordedRows<'g> {
///         RecordedRows::alike(-step.x, Targets::Units(step.target), step.context)
///     }
/// }
/// # impl Strategy for Mirror {
/// #     fn name(&self) -> String { "mirror".to_owned() }
/// #     fn parts<'s>(&'s self, parts: &mut Parts<'s>) { parts.generate(self); }
/// # }
/// let mut trial = Trial::new(&Mirror, Box::new(Mlp::new(&[1, 2])?), &Sgd::new(0.5), (1, 1), false)?;
/// let row = Batch::mean(vec![1.0], vec![0], 0);
/// for mirrored in [false, true] {
///     trial.set_parameter("w1", &[1.0, 0.0])?;
///     trial.set_parameter("b1", &[0.0, 0.0])?;
///     // -log softmax((1, 0))_0, and in the second context that of (-1, 0) beside it.
///     let expected = if mirrored { 0.3133 + 1.3133 } else { 0.3133 };
///     assert!((trial.step(&row)? - expected).abs() < 1e-3);
///     trial.boundary(&[])?;
/// }
/// # Ok::<(), Error>(())
/// ```
pub trait Generate: Sync {
    /// How much its rows count at a moment of the run; by default nothing in the first context.
    fn share(&self, now: crate::Now) -> crate::Share {
        if now.stage == 0 { crate::Share::Empty } else { crate::Share::Joined(1.0) }
    }

    /// The rows, with weights that sum to 1. `step` holds the rows that are there already.
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> RecordedRows<'g>;
}
