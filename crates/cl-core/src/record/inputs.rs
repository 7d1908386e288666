//! What the host feeds, as recorded.

use crate::model::{Data, Model};
use crate::rows::{RecordedRows, Targets};
use cl_tensor::{DType, Graph, Init, Plan, Var};

/// Names of the slots that describe the stream; written by the learner.
pub(crate) const ACTIVE: &str = "stream/active";
pub(crate) const TAP_INDEX: &str = "stream/tap-index";
pub(crate) const TAP_WEIGHT: &str = "stream/tap-weight";
pub(crate) const IMAGES: &str = "images";

/// Names of the inputs of one group of rows: `index`, or `index/NAME` for rows of their own.
pub(crate) fn input(what: &str, group: &str) -> String {
    if group.is_empty() { what.to_owned() } else { format!("{what}/{group}") }
}

/// What the inputs of numbers drawn per row start with.
const ROW_DRAW: &str = "uniform/";

/// The input of numbers that a pass draws per row under this full name.
pub(crate) fn row_draw_input(name: &str) -> String {
    format!("{ROW_DRAW}{name}")
}

/// Those inputs of a plan.
pub(crate) fn row_draws(plan: &Plan) -> Vec<String> {
    plan.inputs().into_iter().filter(|input| input.starts_with(ROW_DRAW)).collect()
}

impl Model {
    /// Declares the inputs of `count` rows and records how they become values.
    pub(crate) fn rows<'g>(&self, graph: &'g Graph, group: &str, count: usize) -> RecordedRows<'g> {
        let context = graph.input_u32(&input("context", group), &[count]);
        let x = match self.data {
            Data::Fed => graph.input(&input("x", group), &[count, self.network.inputs()]),
            Data::Resident { examples, features, scale, taps } => {
                let images = graph.resident(IMAGES, &[examples, features], DType::U8);
                let index = graph.input_u32(&input("index", group), &[count]);
                let x = images.gather_decode(index, scale);
                if taps == 0 { x } else { self.transform(x, context, taps) }
            }
        };
        RecordedRows {
            x,
            targets: Targets::Units(graph.input_u32(&input("target", group), &[count])),
            weight: graph.input(&input("weight", group), &[count]),
            context,
            active: self.active(context),
        }
    }

    /// Which outputs compete for rows of these contexts, `[rows, outputs]`.
    pub(crate) fn active<'g>(&self, context: Var<'g>) -> Option<Var<'g>> {
        let shape = [self.contexts, self.network.outputs()];
        let table = || context.graph().slot(ACTIVE, &shape, Init::Constant(1.0));
        self.masked.then(|| table().gather(context))
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
}
