//! The programs of a run. Whoever reads [`step`] knows the order in which the parts act.

use crate::model::Model;
use crate::parts::{Boundary, Consolidate, Parts, Taken};
use crate::step::Step;
use cl_nn::{Mode, Optimizer};
use cl_tensor::{Error, Graph, Plan, Scope, Var};

/// The slot of all parameters.
pub(crate) const THETA: &str = "theta";
/// The scope of the optimiser's slots.
pub(crate) const OPTIMIZER: &str = "optimizer";

fn theta<'g>(graph: &'g Graph, model: &Model) -> Var<'g> {
    graph.slot(THETA, &[model.layout.len()], model.layout.init())
}

/// One training step on `rows` rows.
pub(crate) fn step(
    model: &Model,
    parts: &Parts<'_>,
    optimizer: &dyn Optimizer,
    rows: usize,
) -> Result<Plan, Error> {
    let graph = Graph::new();
    let theta = theta(&graph, model);
    let rows = model.rows(&graph, rows);
    let address = graph.input_u32("address", &[4]);
    let schedule = graph.input("schedule", &[]);

    let forward = model.forward(parts, theta, &rows, Mode::Train, Some(address));
    let step = Step::new(model, Scope::new(&graph, ""), theta, &rows, &forward);
    let task_gradient = graph.grad(step.task_loss, theta);

    let penalty = parts
        .penalties
        .iter()
        .map(|(name, part)| part.loss(&step.seen_by(name)))
        .reduce(|sum, term| sum + term);
    let total_gradient =
        penalty.map_or(task_gradient, |penalty| task_gradient + graph.grad(penalty, theta));

    let scope = Scope::new(&graph, OPTIMIZER);
    let delta = optimizer.delta(&scope, &model.layout, theta, total_gradient, schedule);
    let taken = Taken { task_gradient, total_gradient, delta };
    for (name, part) in &parts.tracks {
        part.update(&step.seen_by(name), &taken);
    }
    graph.assign(THETA, theta + delta);
    graph.output("loss", step.task_loss);
    Plan::compile(&graph)
}

/// One chunk of a pass over the rows of a context that ends.
pub(crate) fn observe(
    model: &Model,
    parts: &Parts<'_>,
    (name, part): (&str, &dyn Consolidate),
    pass: usize,
    rows: usize,
) -> Result<Plan, Error> {
    let graph = Graph::new();
    let theta = theta(&graph, model);
    let rows = model.rows(&graph, rows);
    let forward = model.forward(parts, theta, &rows, Mode::Test, None);
    part.observe(&Step::new(model, Scope::new(&graph, name), theta, &rows, &forward), pass);
    Plan::compile(&graph)
}

/// What happens at a boundary when all passes are through.
pub(crate) fn consolidate(model: &Model, parts: &Parts<'_>) -> Result<Plan, Error> {
    let graph = Graph::new();
    let before = theta(&graph, model);
    let after =
        parts.consolidations.iter().enumerate().fold(before, |theta, (part, (name, it))| {
            let examples = (0..it.passes().len())
                .map(|pass| graph.input(&examples_input(part, pass), &[]))
                .collect();
            let scope = Scope::new(&graph, name);
            it.consolidate(&Boundary { scope, layout: &model.layout, examples }, theta)
        });
    if after.id() != before.id() {
        graph.assign(THETA, after);
    }
    Plan::compile(&graph)
}

/// The input that holds the number of rows of a part's pass.
pub(crate) fn examples_input(part: usize, pass: usize) -> String {
    format!("examples/{part}/{pass}")
}

/// Which of `rows` rows are classified correctly: output `hit`, `[rows]` of 0 and 1.
pub(crate) fn evaluate(model: &Model, parts: &Parts<'_>, rows: usize) -> Result<Plan, Error> {
    let graph = Graph::new();
    let theta = theta(&graph, model);
    let rows = model.rows(&graph, rows);
    let forward = model.forward(parts, theta, &rows, Mode::Test, None);
    let step = Step::new(model, Scope::new(&graph, ""), theta, &rows, &forward);
    graph.output("hit", step.active_logits().argmax().equal_index(rows.target));
    Plan::compile(&graph)
}
