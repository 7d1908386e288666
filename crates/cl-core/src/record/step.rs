//! One training step.

use super::{Batch, LIVE, LOSS, MemoryRows, OPTIMIZER, Recorder, THETA};
use crate::model::Model;
use crate::parts::{Parts, Taken, Trains};
use crate::step::Step;
use cl_nn::Optimizer;
use cl_tensor::{Error, Graph, Plan, Scope, Var};

/// What makes two training programs different.
pub(crate) struct Program<'a> {
    pub trains: Trains,
    pub optimizer: &'a dyn Optimizer,
    /// Tells the slots of several optimisers apart; empty for the run's own.
    pub optimizer_name: &'a str,
    /// Rows of the stream.
    pub stream: usize,
    pub memories: &'a [MemoryRows],
}

/// One training step: rows, forward, loss, gradient, step.
pub(crate) fn step(model: &Model, parts: &Parts<'_>, program: &Program<'_>) -> Result<Plan, Error> {
    let graph = Graph::new();
    graph.run_only_if(graph.input(LIVE, &[]));
    let theta = model.theta(&graph);
    let recorder = Recorder::training(&graph, model, parts);
    let schedule = graph.input("schedule", &[]);
    let batch = Batch::record(&recorder, theta, program.stream, program.memories);
    let segments = batch.segments(&recorder, theta);
    let mut step = batch.step(&recorder, theta, &segments);
    for (name, _) in &parts.generators {
        step.task_loss = step.task_loss + step.loss_of(name);
    }

    let own = |module: &str| match program.trains {
        Trains::Everything => true,
        Trains::Network => false,
        Trains::Module(name) => module == name || module.ends_with(&format!("/{name}")),
    };
    let mut loss = None;
    if !matches!(program.trains, Trains::Module(_)) {
        loss = Some(step.task_loss);
        train_network(parts, program, &step, schedule);
    }
    for (scope, module) in &parts.modules {
        let name = format!("{scope}/{}", module.name());
        if !own(&name) {
            continue;
        }
        let theta = step.module(&name);
        let objective = module.loss(&step.seen_by(scope), theta);
        let gradient = graph.grad(objective, theta.flat);
        let slots = Scope::new(&graph, &name).inner(OPTIMIZER);
        let optimizer = module.optimizer();
        let delta = optimizer.delta(&slots, theta.layout, theta.flat, gradient, schedule);
        graph.assign(&name, theta.flat + delta);
        loss = loss.or(Some(objective));
    }
    match loss {
        Some(loss) => graph.output(LOSS, loss),
        None => {
            graph.refuse(format!("phases: {:?}: no module of that name", program.trains));
        }
    }
    Plan::compile(&graph)
}

/// The order in which parts act on the gradient and on the step.
fn train_network<'g>(
    parts: &Parts<'_>,
    program: &Program<'_>,
    step: &Step<'_, 'g>,
    schedule: Var<'g>,
) {
    let (graph, theta) = (step.graph(), step.theta);
    let maps = &parts.gradient_maps;
    let task_gradient = step.task_gradient();

    let mut gradient = task_gradient;
    for (name, map) in maps {
        gradient = map.task(&step.seen_by(name), gradient);
    }
    let penalties = parts.penalties.iter().map(|(name, part)| part.loss(&step.seen_by(name)));
    if let Some(penalty) = penalties.reduce(|sum, term| sum + term) {
        gradient = gradient + graph.grad(penalty, theta);
    }
    for (name, map) in maps {
        gradient = map.total(&step.seen_by(name), gradient);
    }
    let name = match program.optimizer_name {
        "" => OPTIMIZER.to_owned(),
        name => format!("{OPTIMIZER}/{name}"),
    };
    let slots = Scope::new(graph, &name);
    let mut delta = program.optimizer.delta(&slots, step.layout, theta, gradient, schedule);
    for (name, map) in maps {
        delta = map.delta(&step.seen_by(name), delta);
    }
    let taken = Taken { task_gradient, total_gradient: gradient, delta };
    for (name, track) in &parts.tracks {
        track.update(&step.seen_by(name), &taken);
    }
    graph.assign(THETA, theta + delta);
}
