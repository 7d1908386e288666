//! Strategies by hand on small networks, and formulas without any.

use crate::seen::Seen;
use cl_core::{Batch, Needs, Strategy, Trial};
use cl_nn::{Mlp, Sgd};
use cl_tensor::{CpuSession, Graph, Init, Plan, Session, Var};

/// The value of a recording that needs nothing fed.
pub fn value_of(record: impl for<'g> FnOnce(&'g Graph) -> Var<'g>) -> Vec<f32> {
    let graph = Graph::new();
    let value = record(&graph);
    graph.slot("value", &value.shape(), Init::Zeros);
    graph.assign("value", value);
    let mut session = CpuSession::new(&[0], 1).unwrap();
    let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
    session.run_once(plan).unwrap();
    session.read("value", 0).unwrap()
}

/// What a method needs that keeps something for each context's rows.
pub const CONTEXTS_KNOWN: Needs = Needs {
    boundaries: true,
    task_id_in_training: true,
    task_id_at_test: true,
    old_data: false,
    moments: false,
};

/// A strategy by hand: an MLP on batches of so many rows of so many contexts, plain descent at rate 1.
pub fn trial<'s>(
    strategy: &'s dyn Strategy,
    sizes: &[usize],
    shape: (usize, usize),
    masked: bool,
) -> Trial<'s> {
    let network = Box::new(Mlp::new(sizes).unwrap());
    Trial::new(strategy, network, &Sgd::new(1.0), shape, masked).unwrap()
}

/// The parameters, in order.
pub fn parameters(trial: &Trial<'_>) -> Vec<Vec<f64>> {
    let all = trial.parameters("theta").unwrap().into_iter();
    all.map(|(_, values)| values.into_iter().map(f64::from).collect()).collect()
}

/// Keeps the logits of the last training step in the slot `seen/logits`.
pub const LOGITS: Seen = Seen(|step, _| vec![("logits", step.forward.logits)]);

/// Made-up but fixed rows of a context, each of weight 1/rows.
pub fn made_up(rows: usize, inputs: usize, outputs: u32, context: u32) -> Batch {
    let mut state = 7 + context;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let x = (0..rows * inputs).map(|_| next() as f32 / (1 << 23) as f32 - 1.0).collect();
    Batch::mean(x, (0..rows).map(|_| next() % outputs).collect(), context)
}
