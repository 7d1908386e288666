//! Boundaries: a pass over rows, and what happens when all passes are through.

use super::testing::testing;
use super::{LIVE, Rows, THETA};
use crate::model::Model;
use crate::parts::{At, Boundary, Consolidate, Parts};
use cl_tensor::{Error, Graph, Plan, Scope};

/// One chunk of a pass over rows, of one memory or of none in particular.
pub(crate) fn observe(
    model: &Model,
    parts: &Parts<'_>,
    (name, part): (&str, &dyn Consolidate),
    (pass, memory): (usize, Option<&str>),
    rows: usize,
) -> Result<Plan, Error> {
    let rows = (Rows::Passed, rows);
    testing(model, parts, rows, memory, |step| part.observe(&step.seen_by(name), pass))
}

/// Every consolidation that acts at the same moment, one after the other.
pub(crate) fn consolidate(model: &Model, parts: &Parts<'_>, at: At) -> Result<Plan, Error> {
    let graph = Graph::new();
    graph.run_only_if(graph.input(LIVE, &[]));
    let before = model.theta(&graph);
    let context = graph.input_u32("context", &[1]);
    let index = graph.input_u32("index", &[1]);
    let all = parts.consolidations.iter().enumerate();
    let after = all.filter(|(_, (_, part))| part.at() == at).fold(
        before,
        |theta, (number, (name, part))| {
            let examples = (0..part.passes().len())
                .map(|pass| graph.input(&examples_input(number, pass), &[]))
                .collect();
            let scope = Scope::new(&graph, name);
            let (layout, around) = (&model.layout, model.around());
            let boundary = Boundary { scope, layout, around, context, index, examples, model };
            let after = part.consolidate(&boundary, theta);
            let what = format!("{name}: Consolidate::consolidate");
            if at == At::Evaluation && after.id() != theta.id() {
                let changed = "before an evaluation: gave another theta, which training would see";
                graph.refuse(format!("{what}, {changed}"));
            }
            graph.expect_shape(after, &[model.layout.len()], &what)
        },
    );
    if after.id() != before.id() {
        graph.assign(THETA, after);
    }
    Plan::compile(&graph)
}

/// The input that holds the number of rows of a part's pass.
pub(crate) fn examples_input(part: usize, pass: usize) -> String {
    format!("examples/{part}/{pass}")
}
