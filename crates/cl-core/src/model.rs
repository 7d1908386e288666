//! The network and the way from rows to logits.

use crate::error::Error;
use crate::parts::{GateSite, Parts};
use cl_nn::{Forward, ForwardContext, Layout, Mode, Network, Site, Theta};
use cl_tensor::{DType, Graph, Init, Var};

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

/// A network on a kind of stream: everything a recording needs to know but the methods.
#[derive(Debug)]
pub struct Model {
    /// The network.
    pub network: Box<dyn Network>,
    /// Its parameters as ranges of theta.
    pub layout: Layout,
    /// Where examples come from.
    pub data: Data,
    /// Number of contexts of the stream.
    pub contexts: usize,
    /// Whether some outputs are inactive for some rows: the logits are then masked.
    pub masked: bool,
}

/// The rows of a step, as recorded.
pub(crate) struct Rows<'g> {
    pub x: Var<'g>,
    pub target: Var<'g>,
    pub context: Var<'g>,
    pub weight: Var<'g>,
    pub active: Option<Var<'g>>,
}

/// Names of the slots that describe the stream; written by the learner.
pub(crate) const ACTIVE: &str = "stream/active";
pub(crate) const TAP_INDEX: &str = "stream/tap-index";
pub(crate) const TAP_WEIGHT: &str = "stream/tap-weight";
pub(crate) const IMAGES: &str = "images";

impl Model {
    /// A network on a stream of `contexts` contexts.
    ///
    /// # Errors
    /// Parameters that do not form a layout; examples that do not fit the network's input.
    pub fn new(
        network: Box<dyn Network>,
        data: Data,
        contexts: usize,
        masked: bool,
    ) -> Result<Self, Error> {
        let layout = Layout::new(&network.params())?;
        if let Data::Resident { features, taps: 0, .. } = data
            && features != network.inputs()
        {
            return Err(Error::Misfit(format!(
                "the network expects {} values per example, the data has {features}",
                network.inputs()
            )));
        }
        Ok(Self { network, layout, data, contexts, masked })
    }

    /// Declares the inputs of a batch of `count` rows and records how they become values.
    pub(crate) fn rows<'g>(&self, graph: &'g Graph, count: usize) -> Rows<'g> {
        let context = graph.input_u32("context", &[count]);
        let x = match self.data {
            Data::Fed => graph.input("x", &[count, self.network.inputs()]),
            Data::Resident { examples, features, scale, taps } => {
                let images = graph.resident(IMAGES, &[examples, features], DType::U8);
                let index = graph.input_u32("index", &[count]);
                let x = images.gather_decode(index, scale);
                if taps == 0 { x } else { self.transform(x, context, taps) }
            }
        };
        let active = self.masked.then(|| {
            let shape = [self.contexts, self.network.outputs()];
            graph.slot(ACTIVE, &shape, Init::Constant(1.0)).gather(context)
        });
        Rows {
            x,
            target: graph.input_u32("target", &[count]),
            weight: graph.input("weight", &[count]),
            context,
            active,
        }
    }

    /// Pixel j of a row = Σ_k weight\[context, k, j\] · x\[index\[context, k, j\]\].
    fn transform<'g>(&self, x: Var<'g>, context: Var<'g>, taps: usize) -> Var<'g> {
        let (graph, rows, pixels) = (x.graph(), context.len(), self.network.inputs());
        let shape = [self.contexts, taps * pixels];
        let index = graph.slot_u32(TAP_INDEX, &shape, Init::Zeros).gather(context);
        let gathered = x.gather_columns(index);
        if taps == 1 {
            return gathered;
        }
        let weight = graph.slot(TAP_WEIGHT, &shape, Init::Zeros).gather(context);
        (gathered * weight).reshape(&[rows, taps, pixels]).sum_axis(1)
    }

    /// Records the forward pass of a batch through all gates.
    pub(crate) fn forward<'g>(
        &self,
        parts: &Parts<'_>,
        theta: Var<'g>,
        rows: &Rows<'g>,
        mode: Mode,
        address: Option<Var<'g>>,
    ) -> Forward<'g> {
        let gate = |site: &Site<'g>, h: Var<'g>| {
            parts.gates.iter().fold(h, |h, (name, gate)| {
                let at = GateSite {
                    site,
                    context: rows.context,
                    contexts: self.contexts,
                    scope: cl_tensor::Scope::new(h.graph(), name),
                };
                gate.apply(&at, h)
            })
        };
        let theta = Theta { flat: theta, layout: &self.layout };
        let cx = ForwardContext { mode, address, gate: Some(&gate) };
        self.network.forward(theta, rows.x, &cx)
    }
}
