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
    /// How many of one class stand together, where they come class by class.
    pub per_class: Option<usize>,
    pub memories: &'a [MemoryRows],
}

impl Program<'_> {
    /// Whether it trains a module, by its full name.
    fn trains_module(&self, module: &str) -> bool {
        let is = |name: &str| module == name || module.ends_with(&format!("/{name}"));
        match self.trains {
            Trains::Everything => true,
            Trains::Network => false,
            Trains::AllBut(name) => !is(name),
            Trains::Module(name) => is(name),
        }
    }

    fn trains_network(&self) -> bool {
        self.trains.network()
    }
}

/// One training step: rows, forward, loss, gradient, step.
pub(crate) fn step(model: &Model, parts: &Parts<'_>, program: &Program<'_>) -> Result<Plan, Error> {
    let graph = Graph::new();
    with_step(&graph, model, parts, program, |step, schedule| {
        let mut loss = None;
        if program.trains_network() {
            loss = Some(step.task_loss);
            train_network(parts, program, step, schedule);
        }
        for (scope, module) in &parts.modules {
            let name = format!("{scope}/{}", module.name());
            if !program.trains_module(&name) {
                continue;
            }
            let objective = module.train(&step.seen_by(scope), schedule);
            let objective = graph.expect_shape(objective, &[], &format!("{name}: Module::train"));
            loss = loss.or(Some(objective));
        }
        match loss {
            Some(loss) => graph.output(LOSS, loss),
            None => {
                graph.refuse(format!("phases: {:?}: no module of that name", program.trains));
            }
        }
    });
    Plan::compile(&graph)
}

/// Records a step up to its task loss and hands it on, with the schedule's factor.
fn with_step<'g, R>(
    graph: &'g Graph,
    model: &Model,
    parts: &Parts<'_>,
    program: &Program<'_>,
    then: impl FnOnce(&Step<'_, 'g>, Var<'g>) -> R,
) -> R {
    graph.run_only_if(graph.input(LIVE, &[]));
    let theta = model.theta(graph);
    let recorder = Recorder::training(graph, model, parts);
    let schedule = graph.input("schedule", &[]);
    let rows = (program.stream, program.per_class);
    let batch = Batch::record(&recorder, theta, rows, program.memories);
    let segments = batch.segments(&recorder, theta);
    let mut step = batch.step(&recorder, theta, &segments);
    for (name, _) in &parts.generators {
        step.task_loss = step.task_loss + step.loss_of(name);
    }
    then(&step, schedule)
}

/// Records nothing but what a step minimises: outputs `loss:SLOT` and `gradient:SLOT`, the gradient
/// as the step takes it before any gradient map, for each returned slot of parameters.
pub(crate) fn objectives(
    graph: &Graph,
    model: &Model,
    parts: &Parts<'_>,
    program: &Program<'_>,
) -> Vec<String> {
    with_step(graph, model, parts, program, |step, _| {
        let mut slots = Vec::new();
        let mut objective = |slot: &str, loss, gradient| {
            graph.output(&format!("loss:{slot}"), loss);
            graph.output(&format!("gradient:{slot}"), gradient);
            slots.push(slot.to_owned());
        };
        if program.trains_network() {
            let (mut loss, mut gradient) = (step.task_loss, step.task_gradient());
            if let Some(penalty) = penalty(parts, step) {
                loss = loss + penalty;
                gradient = gradient + graph.grad(penalty, step.theta);
            }
            objective(THETA, loss, gradient);
        }
        for (scope, module) in &parts.modules {
            let name = format!("{scope}/{}", module.name());
            if program.trains_module(&name) {
                let theta = step.module(&name);
                let loss = module.loss(&step.seen_by(scope), theta);
                objective(&name, loss, graph.grad(loss, theta.flat));
            }
        }
        slots
    })
}

/// Outputs of [`pull`], `[theta]`.
pub(crate) const TASK_GRADIENT: &str = "gradient:task";
pub(crate) const PENALTY_GRADIENT: &str = "gradient:penalties";

/// Records the gradients of the task loss, as gradient maps make it, and of all penalties in a step that
/// writes nothing.
pub(crate) fn pull(model: &Model, parts: &Parts<'_>, program: &Program<'_>) -> Result<Plan, Error> {
    let graph = Graph::new();
    with_step(&graph, model, parts, program, |step, _| {
        graph.output(TASK_GRADIENT, mapped_task_gradient(parts, step));
        let penalty = penalty(parts, step).unwrap_or_else(|| graph.constant(0.0));
        graph.output(PENALTY_GRADIENT, graph.grad(penalty, step.theta));
    });
    graph.drop_assigns();
    Plan::compile(&graph)
}

/// The sum of all penalties, in nats.
fn penalty<'g>(parts: &Parts<'_>, step: &Step<'_, 'g>) -> Option<Var<'g>> {
    let terms = parts.penalties.iter().map(|(name, part)| {
        let loss = part.loss(&step.seen_by(name));
        step.graph().expect_shape(loss, &[], &format!("{name}: Penalty::loss"))
    });
    terms.reduce(|sum, term| sum + term)
}

/// What a gradient map returned, which must have the shape of theta.
fn as_theta<'g>(step: &Step<'_, 'g>, value: Var<'g>, name: &str, what: &str) -> Var<'g> {
    let from = format!("{name}: GradientMap::{what}");
    step.graph().expect_shape(value, &step.theta.shape(), &from)
}

/// The gradient of the task loss as gradient maps make it before penalties come.
fn mapped_task_gradient<'g>(parts: &Parts<'_>, step: &Step<'_, 'g>) -> Var<'g> {
    parts.gradient_maps.iter().fold(step.task_gradient(), |gradient, (name, map)| {
        as_theta(step, map.task(&step.seen_by(name), gradient), name, "task")
    })
}

/// The order in which parts act on the gradient and on the step.
fn train_network<'g>(
    parts: &Parts<'_>,
    program: &Program<'_>,
    step: &Step<'_, 'g>,
    schedule: Var<'g>,
) {
    let (graph, theta) = (step.graph(), step.theta);
    let flat = |value, name: &str, what| as_theta(step, value, name, what);
    let maps = &parts.gradient_maps;
    let penalty = penalty(parts, step);
    let mut gradient = if maps.is_empty() && parts.tracks.is_empty() {
        // Nobody looks at the task's gradient alone: one backward pass for all that is minimised.
        graph.grad(penalty.map_or(step.task_loss, |penalty| step.task_loss + penalty), theta)
    } else {
        let gradient = mapped_task_gradient(parts, step);
        match penalty {
            Some(penalty) => gradient + graph.grad(penalty, theta),
            None => gradient,
        }
    };
    for (name, map) in maps {
        gradient = flat(map.total(&step.seen_by(name), gradient), name, "total");
    }
    let name = match program.optimizer_name {
        "" => OPTIMIZER.to_owned(),
        name => format!("{OPTIMIZER}/{name}"),
    };
    let slots = Scope::new(graph, &name);
    let mut delta = program.optimizer.delta(&slots, step.layout, theta, gradient, schedule);
    for (name, map) in maps {
        delta = flat(map.delta(&step.seen_by(name), delta), name, "delta");
    }
    for (name, track) in &parts.tracks {
        let taken = Taken { task_gradient: step.task_gradient(), total_gradient: gradient, delta };
        track.update(&step.seen_by(name), &taken);
    }
    graph.assign(THETA, theta + delta);
}
