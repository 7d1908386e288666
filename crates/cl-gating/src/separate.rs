//! Separate networks.

use cl_core::{
    Around, Backbone, Error, GradientMap, Needs, Parts, Phase, PhaseContext, Phases, Start, Step,
    Strategy,
};
use cl_nn::{Forward, ForwardContext, Layout, Mlp, Network, ParamSpec, Theta};
use cl_tensor::Var;
use std::ops::Range;

/// Separate networks: every context has one of its own, learned from its rows alone.
///
/// logits(x, t) = f(x; θ_t), θ = [θ_1, .., θ_T]: nothing is forgotten and nothing is shared (van de
/// Ven, Tuytelaars & Tolias 2022, doi:10.1038/s42256-022-00568-3, Nature Machine Intelligence
/// 4, Methods: "separate networks"). Task-incremental streams only: the context selects the network in
/// training and at test. Each network is an [`Mlp`] without dropout, and has as many outputs as its
/// context: the stream's outputs in equal parts, in the order of contexts.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `hidden` | 100, 100 | each at least 1 | hidden units of every network, layer by layer; structure |
///
/// The default is the reference's on split MNIST, five networks 784-100-100-2. There are no slots.
///
/// Conventions. All networks lie in theta, one after the other, their parameters called `net1.w1` and
/// so on, and share the run's optimiser. They learn as with an optimiser each:
/// - The optimiser starts afresh with every stage of one context. Where stages draw from several it
///   does not, and then moments and step count are common: those of a network that is absent from a
///   batch decay as at a gradient of 0, and Adam's correction for its first steps counts the steps of
///   the whole run.
/// - A network moves only when rows of its context are in the batch; the others keep their bits,
///   whatever moments, weight decay or penalties say.
/// - A network's loss is the mean over its own rows: its gradient is divided by their share of the
///   batch's weight. The loss that is reported is the mean over the batch. Rows of a generator are
///   counted in neither.
///
/// Methods that work layer by layer find no layers here. There is no neutral setting: the network is
/// another than that of `none`.
///
/// Memory: T networks, in theta. Where all rows of a batch belong to one context (one context per
/// stage, no replay) a step computes that network alone, whatever the number of contexts; what grows
/// with T is what passes over all of theta: the optimiser, and the mask on its step. Batches that mix
/// contexts pass through every network, T times the products: which rows are whose is known on the
/// device only. So a step then grows with T.
///
/// One step at batch 128 with Adam, as a fraction of that of one MLP 784-400-400-10: 0.4 for five
/// networks 784-100-100-2 in batches of one context (24 million multiply-accumulates against 143),
/// 0.8 to 0.9 in mixed batches (122 against 146). Measured on a busy 2-core machine, one thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Separate {
    /// Hidden units of every network, layer by layer.
    pub hidden: Vec<usize>,
}

impl Separate {
    /// Networks of these hidden units.
    #[must_use]
    pub fn new(hidden: &[usize]) -> Self {
        Self { hidden: hidden.to_vec() }
    }

    /// The networks of van de Ven et al. 2022 on split MNIST.
    #[must_use]
    pub fn vdv() -> Self {
        Self::new(&[100, 100])
    }
}

impl Default for Separate {
    fn default() -> Self {
        Self::vdv()
    }
}

/// The prefix of the parameters of one network, counted from 0.
fn prefix(network: usize) -> String {
    format!("net{}.", network + 1)
}

/// One network per context.
#[derive(Debug)]
struct Networks {
    one: Mlp,
    /// The parameters of one; a network starts where the one before it ends.
    layout: Layout,
    contexts: usize,
}

impl Networks {
    /// Spreads values of one network over the places of those that each row selects:
    /// `[rows, units]` by `[rows or 1, contexts]` -> `[rows, contexts · units]`.
    fn spread<'g>(&self, logits: Var<'g>, selected: Var<'g>) -> Var<'g> {
        let (rows, units) = (logits.shape()[0], self.one.outputs());
        let chosen = selected.reshape(&[selected.shape()[0], self.contexts, 1]);
        let logits = logits.reshape(&[rows, logits.shape()[1] / units, units]);
        (logits * chosen).reshape(&[rows, self.outputs()])
    }
}

impl Network for Networks {
    fn params(&self) -> Vec<ParamSpec> {
        let named = |network| {
            let named = |spec: ParamSpec| ParamSpec { name: prefix(network) + &spec.name, ..spec };
            self.one.params().into_iter().map(named).collect::<Vec<_>>()
        };
        (0..self.contexts).flat_map(named).collect()
    }

    fn forward<'g>(
        &self,
        theta: Theta<'_, 'g>,
        x: Var<'g>,
        cx: &ForwardContext<'_, 'g>,
    ) -> Forward<'g> {
        let graph = x.graph();
        let context = cx.context.unwrap_or_else(|| {
            graph.refuse("separate: a forward pass without the context of its rows".to_owned())
        });
        let (layout, len) = (&self.layout, self.layout.len());
        let selected = context.one_hot(self.contexts);
        let layers = Vec::new();
        if context.len() == 1 {
            let all = theta.flat.slice(0, 0..self.contexts * len);
            let flat = all.reshape(&[self.contexts, len]).gather(context).reshape(&[len]);
            let Forward { logits, features, .. } = self.one.forward(Theta { flat, layout }, x, cx);
            return Forward { logits: self.spread(logits, selected), features, layers };
        }
        let every: Vec<Forward<'g>> = (0..self.contexts)
            .map(|network| {
                let flat = theta.flat.slice(0, network * len..(network + 1) * len);
                self.one.forward(Theta { flat, layout }, x, cx)
            })
            .collect();
        let logits: Vec<Var<'g>> = every.iter().map(|network| network.logits).collect();
        let logits = self.spread(graph.concat(&logits, 1), selected);
        let features = every
            .iter()
            .enumerate()
            .map(|(network, forward)| forward.features * selected.slice(1, network..network + 1));
        let features = features.reduce(|sum, own| sum + own).unwrap_or(x);
        Forward { logits, features, layers }
    }

    fn inputs(&self) -> usize {
        self.one.inputs()
    }

    fn outputs(&self) -> usize {
        self.contexts * self.one.outputs()
    }

    fn outputs_of(&self, context: usize) -> Range<usize> {
        let units = self.one.outputs();
        context * units..(context + 1) * units
    }

    fn hidden(&self) -> Vec<usize> {
        self.one.hidden()
    }

    fn describe(&self) -> String {
        format!("separate, {} networks, each {}", self.contexts, self.one.describe())
    }
}

impl Backbone for Separate {
    fn network(&self, around: Around<'_>) -> Result<Box<dyn Network>, Error> {
        let (contexts, outputs) = (around.contexts, around.network.outputs());
        if outputs == 0 || !outputs.is_multiple_of(contexts) {
            return Err(Error::Misfit(format!(
                "separate: {outputs} outputs for {contexts} contexts; expected as many for each \
                 network"
            )));
        }
        let inputs = std::iter::once(around.network.inputs());
        let hidden = self.hidden.iter().copied();
        let sizes: Vec<usize> = inputs.chain(hidden).chain([outputs / contexts]).collect();
        let one = Mlp::new(&sizes)?;
        let layout = Layout::new(&one.params())?;
        Ok(Box::new(Networks { one, layout, contexts }))
    }
}

/// Each network's part of a vector like theta times its factor, `[contexts]`; what other parts added
/// to theta stays.
fn each_times<'g>(step: &Step<'_, 'g>, flat: Var<'g>, factor: Var<'g>) -> Var<'g> {
    let mut later = step.layout.ranges().iter().filter(|range| !range.name.starts_with(&prefix(0)));
    let len = later.next().map_or(flat.len(), |range| range.offset);
    let contexts = factor.len();
    let end = contexts * len;
    let own = flat.slice(0, 0..end).reshape(&[contexts, len]) * factor.column();
    let own = own.reshape(&[end]);
    if end == flat.len() {
        return own;
    }
    let others = flat.slice(0, end..flat.len());
    step.graph().assemble(flat.len(), &[(0, own), (end, others)])
}

/// Weight of each network's rows in the batch, `[contexts]`.
fn shares<'g>(step: &Step<'_, 'g>) -> Var<'g> {
    step.weight.scatter_add(step.context, step.contexts())
}

impl GradientMap for Separate {
    fn task<'g>(&self, step: &Step<'_, 'g>, gradient: Var<'g>) -> Var<'g> {
        let (share, zero) = (shares(step), step.graph().constant(0.0));
        // The mean over a network's own rows, Σ w l / Σ w; no rows, no gradient. All weights sum to 1,
        // as they are rounded: over their own sum they leave a batch of one context its bits.
        each_times(step, gradient, share.greater(zero).select(share.sum() / share, zero))
    }

    fn delta<'g>(&self, step: &Step<'_, 'g>, delta: Var<'g>) -> Var<'g> {
        each_times(step, delta, shares(step).greater(step.graph().constant(0.0)))
    }
}

impl Phases for Separate {
    fn phases(&self, context: PhaseContext) -> Vec<Phase> {
        let start = if context.contexts == 1 { Start::Optimizer } else { Start::AsItIs };
        vec![Phase { start, ..Phase::stream("train", context.steps) }]
    }
}

impl Strategy for Separate {
    fn name(&self) -> String {
        "separate".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.backbone(self).gradient_map(self).phases(self);
    }

    fn needs(&self) -> Needs {
        Needs { task_id_in_training: true, task_id_at_test: true, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let hidden: Vec<String> = self.hidden.iter().map(ToString::to_string).collect();
        vec![
            ("separate.hidden".to_owned(), hidden.join("-")),
            ("separate.optimizer".to_owned(), "afresh with every stage of one context".to_owned()),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        if !self.hidden.contains(&0) {
            return Ok(());
        }
        let (strategy, name, value) = ("separate", "hidden", 0.0);
        let expected = "at least 1 unit in each layer";
        Err(Error::HyperParameter { strategy, name, value, expected })
    }
}
