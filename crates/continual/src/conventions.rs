//! The conventions of a run, for its record: what would change its numbers and is no number itself.

use crate::experiment::Setup;
use cl_core::{Evaluation, Head, Strategy};
use cl_nn::Schedule;
use cl_scenarios::{Stream, StreamKind};
use std::collections::BTreeMap;

/// Conventions by name: those of the stream under `stream.`, those of a strategy under its name, as
/// it gives them.
pub(crate) fn conventions(
    strategy: &dyn Strategy,
    stream: &dyn Stream,
    setup: &Setup,
) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, value) in stream.describe() {
        all.insert(format!("stream.{name}"), value);
    }
    all.extend(strategy.describe());
    let reset = match setup.reset_optimizer {
        true => "moments are set to zero when a context begins",
        false => "never: one optimizer over all contexts",
    };
    let head = match setup.head {
        Head::Full => "full: outputs of all classes from the first step on",
        Head::Growing => "growing: outputs of the classes that came so far",
    };
    let kind = stream.kind();
    let (batches, rows_of_r) = match kind {
        StreamKind::Sharp => (
            "shuffled passes, an incomplete last batch is dropped",
            "R[i][j]: test rows of context j after context i, with the classes active after context i, \
             also for j > i",
        ),
        StreamKind::Fuzzy { .. } | StreamKind::Random => (
            "the context of every row is drawn; within a context shuffled passes, one behind the other",
            "R[i][j]: test rows of context j after part i of as many equal parts of the stream as it has \
             contexts",
        ),
        StreamKind::OnePass => (
            "one shuffled pass over each context, the last batch is what is left of it",
            "R[i][j]: test rows of context j after context i, also for j > i",
        ),
    };
    let budget = match kind {
        StreamKind::OnePass => "every example once".to_owned(),
        _ => format!("iterations, not epochs: {} per context", setup.steps),
    };
    let consolidation = match setup.clock() {
        None if kind.is_task_free() => "never: nobody says when".to_owned(),
        None => "when a context ends, but for the last".to_owned(),
        Some(steps) => {
            format!(
                "every {steps} steps, with the rows since the last time; no boundaries are told"
            )
        }
    };
    let rows_of_r = match tracked(setup) {
        None => rows_of_r.to_owned(),
        Some(tracked) => format!("{rows_of_r}; {tracked}"),
    };
    let fixed = [
        ("optimizer", setup.optimizer.build().describe()),
        ("optimizer_reset", reset.to_owned()),
        ("schedule", schedule(&setup.schedule)),
        ("mix", setup.mix.describe()),
        ("budget", budget),
        ("batches", batches.to_owned()),
        ("loss", "cross-entropy in nats, mean over the batch, over the active classes".to_owned()),
        ("network", setup.network.describe()),
        ("head", head.to_owned()),
        ("consolidation", consolidation),
        ("accuracy", rows_of_r),
        (
            "bytes_kept",
            "slots of the methods, buffers at their peak and networks beside the classifier; all rows of \
             joint and cumulative; the classifier's parameters and moments are not counted"
                .to_owned(),
        ),
        ("train_seconds", "wall-clock of training and boundaries / members".to_owned()),
    ];
    all.extend(fixed.map(|(name, value)| (name.to_owned(), value)));
    if let Some(steps) = setup.evaluation.anytime {
        let text = format!(
            "at step 0, every {steps} steps of a phase and at the end of every context, before it is consolidated but where a \
             read-out classifies; \
             at most {} test rows of each context, the same ones throughout; windows count evaluations",
            Evaluation::GLANCED
        );
        all.insert("anytime".to_owned(), text);
    }
    if setup.evaluation.plasticity {
        let text = format!(
            "at most {} test rows, evenly of the contexts evaluated and the same ones throughout, as gates let them \
             through; a unit is dormant that is not 0 for less than 1 % of them; rank of the last hidden layer, not centred",
            Evaluation::PROBED
        );
        all.insert("plasticity".to_owned(), text);
    }
    all
}

/// Which contexts are evaluated when; nothing where it is all of them after each.
pub(crate) fn tracked(setup: &Setup) -> Option<String> {
    let Evaluation { every, tracked, .. } = setup.evaluation;
    if setup.evaluation.is_full(setup.contexts) {
        return None;
    }
    let of = match setup.contexts > tracked {
        true => format!("{tracked} of {} contexts, evenly spread, are evaluated", setup.contexts),
        false => "all contexts are evaluated".to_owned(),
    };
    let after = match every {
        1 => "after every context".to_owned(),
        every => format!("after every {every} contexts, and the last"),
    };
    Some(format!("{of} {after}: metrics are those of these contexts as if they were the stream"))
}

/// A schedule of the learning rate over the steps of a context.
pub(crate) fn schedule(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Constant => "constant".to_owned(),
        Schedule::Restarts { passes, warmup, growth, floor } => format!(
            "cosine with restarts: passes {passes}, warmup {warmup}, growth {growth}, floor {floor}"
        ),
        Schedule::Cosine { warmup, steps, floor } => {
            format!("cosine: warmup {warmup}, steps {steps}, floor {floor}")
        }
    }
}
