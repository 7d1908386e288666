//! The network on its stream, with the parameters that parts bring along.

use crate::error::Error;
use crate::parts::{Around, Parts, find};
use cl_nn::{ForwardContext, Layout, Network, ParamRange, Theta};
use cl_tensor::{Graph, Scope, Var};

/// Where the examples of a step come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Bytes on the device, shared by all members: `[examples, features]`, read as `byte * scale`.
    Resident {
        /// Number of examples.
        examples: usize,
        /// Bytes per example.
        features: usize,
        /// Value of one count.
        scale: f32,
        /// Per context, each pixel is a weighted sum of this many pixels of the image; 0 where
        /// images are shown as they are.
        taps: usize,
    },
    /// Floats fed at every step.
    Fed,
}

/// A linear layer: where its weight `[in, out]` and its bias `[out]` lie in theta.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Of the weight.
    pub weight: ParamRange,
    /// Of the bias.
    pub bias: ParamRange,
}

/// The shape of a stream, as recordings need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamShape {
    pub contexts: usize,
    pub masked: bool,
    pub classes_per_context: usize,
    pub competing: usize,
}

/// A network on a kind of stream: everything a recording needs to know but the methods.
#[derive(Debug)]
pub struct Model {
    /// The network: the run's, or that of a [`Backbone`](crate::Backbone).
    pub network: Box<dyn Network>,
    /// Its parameters as ranges of theta, behind them those of gates and weight views, each under
    /// the name of its strategy.
    pub layout: Layout,
    /// The network's linear layers, in order, the output layer last.
    pub layers: Vec<Linear>,
    /// Where examples come from.
    pub data: Data,
    /// Number of contexts of the stream.
    pub contexts: usize,
    /// Whether some outputs are inactive for some rows: the logits are then masked.
    pub masked: bool,
    /// Whether every batch is of one context, and a [`Backbone`](crate::Backbone) is told so.
    pub(crate) one_context: bool,
    /// The most classes that the rows of one context have.
    pub classes_per_context: usize,
    /// The most outputs that compete for a row.
    pub competing: usize,
    /// Parameters of the run's own network, whatever is in its place.
    pub(crate) run_parameters: usize,
    /// Parameters of modules by the name of their slot.
    pub(crate) modules: Vec<(String, Layout)>,
}

impl Model {
    /// A network on a stream of this shape, with what the parts add to it.
    ///
    /// # Errors
    /// Parameters that do not form a layout; examples that do not fit the network's input; initial
    /// values that a backbone does not take over.
    pub(crate) fn new(
        network: Box<dyn Network>,
        parts: &Parts<'_>,
        data: Data,
        stream: StreamShape,
    ) -> Result<Self, Error> {
        let StreamShape { contexts, masked, classes_per_context, competing } = stream;
        let run_parameters = Layout::new(&network.params())?.parameters();
        let around = |network| Around { network, contexts, classes_per_context, competing };
        let network = match &parts.backbone {
            None => network,
            Some((strategy, backbone)) => {
                let own = backbone.network(around(&*network))?;
                if own.start().len() < network.start().len() {
                    let (strategy, network) = (strategy.clone(), own.describe());
                    return Err(Error::OwnNetwork { strategy, network });
                }
                own
            }
        };
        if let Data::Resident { features, taps: 0, .. } = data
            && features != network.inputs()
        {
            return Err(Error::Misfit(format!(
                "the network expects {} values per example, the data has {features}",
                network.inputs()
            )));
        }
        let around = around(&*network);
        let mut params = network.params();
        let gates = parts.gates.iter().map(|(scope, gate)| (scope, gate.params(around)));
        let views = parts.views.iter().map(|(scope, view)| (scope, view.params(around)));
        for (scope, own) in gates.chain(views) {
            params.extend(own.into_iter().map(|mut spec| {
                spec.name = format!("{scope}/{}", spec.name);
                spec
            }));
        }
        let mut modules: Vec<(String, Layout)> = Vec::new();
        for (scope, module) in &parts.modules {
            let name = format!("{scope}/{}", module.name());
            if modules.iter().any(|(known, _)| *known == name) {
                return Err(Error::Misfit(format!("two modules are called `{name}`")));
            }
            let params = module.params(network.inputs(), network.outputs());
            modules.push((name, Layout::new(&params)?));
        }
        let layout = Layout::new(&params)?.starting(network.start())?;
        let layers = linear_layers(&*network, &layout);
        Ok(Self {
            network,
            layout,
            layers,
            data,
            contexts,
            masked,
            one_context: false,
            classes_per_context,
            competing,
            run_parameters,
            modules,
        })
    }

    /// The network and its stream, for parts.
    pub(crate) fn around(&self) -> Around<'_> {
        let StreamShape { contexts, classes_per_context, competing, .. } = self.stream();
        Around { network: &*self.network, contexts, classes_per_context, competing }
    }

    /// The shape of its stream.
    pub(crate) fn stream(&self) -> StreamShape {
        let Self { contexts, masked, classes_per_context, competing, .. } = *self;
        StreamShape { contexts, masked, classes_per_context, competing }
    }

    /// The parameters of a module, by its name within a strategy or in full.
    #[track_caller]
    pub(crate) fn module<'a, 'g>(&'a self, scope: &Scope<'g>, name: &str) -> Theta<'a, 'g> {
        match self.find_module(scope, name) {
            Some((slot, layout)) => {
                let flat = scope.graph().slot(slot, &[layout.len()], layout.init());
                Theta { flat, layout }
            }
            None => {
                let known: Vec<&str> = self.modules.iter().map(|(n, _)| n.as_str()).collect();
                let message = format!("module: no `{name}`; there are: {}", known.join(", "));
                Theta { flat: scope.graph().refuse(message), layout: &self.layout }
            }
        }
    }

    fn find_module(&self, scope: &Scope<'_>, name: &str) -> Option<&(String, Layout)> {
        let known = self.modules.iter().map(|(known, _)| known.as_str());
        find(scope.prefix(), name, known).map(|at| &self.modules[at])
    }

    /// Where a module's own slots stand: under its name they grow as it does.
    pub(crate) fn scope_of_module<'g>(&self, scope: &Scope<'g>, name: &str) -> Scope<'g> {
        let full = self.find_module(scope, name).map_or(name, |(full, _)| full);
        Scope::new(scope.graph(), full)
    }

    /// The layout that orders a slot, if it has an entry per parameter: that of the module whose name
    /// it bears, else theta's.
    pub(crate) fn layout_of(&self, slot: &str) -> &Layout {
        let of_module = |name: &str| {
            slot.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let module = self.modules.iter().find(|(name, _)| of_module(name));
        module.map_or(&self.layout, |(_, layout)| layout)
    }

    /// The slot of theta.
    pub(crate) fn theta<'g>(&self, graph: &'g Graph) -> Var<'g> {
        graph.slot(crate::record::THETA, &[self.layout.len()], self.layout.init())
    }
}

/// The layers that a forward pass tells of; where they lie depends on no batch.
fn linear_layers(network: &dyn Network, layout: &Layout) -> Vec<Linear> {
    let graph = Graph::new();
    let flat = graph.input("theta", &[layout.len()]);
    let context = Some(graph.input_u32("context", &[1]));
    let cx = ForwardContext { context, ..ForwardContext::test() };
    let x = graph.input("x", &[1, network.inputs()]);
    let forward = network.forward(Theta { flat, layout }, x, &cx);
    let ranges = forward.layers.iter().filter_map(|layer| {
        let (weight, bias) = (layout.range(&layer.weight)?, layout.range(&layer.bias)?);
        Some(Linear { weight: weight.clone(), bias: bias.clone() })
    });
    ranges.collect()
}
