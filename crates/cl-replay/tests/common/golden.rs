//! Golden files, trials and what looks into a step.
#![allow(clippy::unwrap_used, dead_code)] // each test binary uses a part

use cl_core::{Batch, Parts, Step, Strategy, Taken, Track, Trial};
use cl_tensor::{CpuSession, Graph, Init, Plan, Session, Var};
use serde_json::Value;

pub(crate) fn golden(name: &str) -> Value {
    let path = format!("{}/tests/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        one => vec![one.as_f64().unwrap()],
    }
}

pub(crate) fn floats(value: &Value) -> Vec<f32> {
    numbers(value).into_iter().map(|x| x as f32).collect()
}

pub(crate) fn labels(value: &Value) -> Vec<u32> {
    numbers(value).into_iter().map(|x| x as u32).collect()
}

/// Rows of a golden file, each of weight 1/rows.
pub(crate) fn rows(inputs: &Value, x: &str, y: &str, context: u32) -> Batch {
    Batch::mean(floats(&inputs[x]), labels(&inputs[y]), context)
}

/// These and those.
pub(crate) fn joined(mut a: Batch, b: Batch) -> Batch {
    a.x.extend(b.x);
    a.target.extend(b.target);
    a.context.extend(b.context);
    a.weight.extend(b.weight);
    a
}

/// A tree of parameters as theta lies, padding 0; golden weights are `[out][in]`, ours `[in, out]`.
pub(crate) fn flat(trial: &Trial<'_>, tree: &Value) -> Vec<f64> {
    let mut flat = vec![0.0; trial.model.layout.len()];
    for range in trial.model.layout.ranges() {
        let (tensor, place) = (&tree[&range.name], &mut flat[range.floats()]);
        match tensor[0].as_array() {
            None => place.copy_from_slice(&numbers(tensor)),
            Some(row) => {
                let (inputs, outputs) = (row.len(), range.shape[1]);
                for (i, value) in numbers(tensor).into_iter().enumerate() {
                    place[i % inputs * outputs + i / inputs] = value;
                }
            }
        }
    }
    flat
}

pub(crate) fn write(trial: &mut Trial<'_>, slot: &str, tree: &Value) {
    let values: Vec<f32> = flat(trial, tree).into_iter().map(|x| x as f32).collect();
    trial.session.write(slot, 0, &values).unwrap();
}

pub(crate) fn read(trial: &Trial<'_>, slot: &str) -> Vec<f64> {
    trial.session.read(slot, 0).unwrap().into_iter().map(f64::from).collect()
}

/// |got − want| ≤ tolerance · max|want|, for every element.
pub(crate) fn close(what: &str, got: &[f64], want: &[f64], tolerance: f64) -> Result<(), String> {
    let scale = want.iter().fold(1e-30_f64, |max, x| max.max(x.abs()));
    if got.len() != want.len() {
        return Err(format!("{what}: {} values, expected {}", got.len(), want.len()));
    }
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let off = (got - want).abs();
        // A NaN is not within any tolerance.
        if off.is_nan() || off > tolerance * scale {
            return Err(format!("{what}[{i}]: got {got}, expected {want}; scale {scale}"));
        }
    }
    Ok(())
}

/// What is looked at in every step.
pub(crate) type Look = for<'a, 'g> fn(&Step<'a, 'g>, &Taken<'g>) -> Vec<(&'static str, Var<'g>)>;

/// Keeps values of the last step in slots `seen/NAME`.
pub(crate) struct Seen(pub Look);

impl Strategy for Seen {
    fn name(&self) -> String {
        "seen".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.track(self);
    }
}

impl Track for Seen {
    fn update<'g>(&self, step: &Step<'_, 'g>, taken: &Taken<'g>) {
        for (name, value) in (self.0)(step, taken) {
            step.scope.slot(name, &value.shape(), Init::Zeros);
            step.scope.assign(name, value);
        }
    }
}

/// Both gradients of a step: `seen/before`, `seen/after`.
pub(crate) const GRADIENTS: Seen =
    Seen(|_, taken| vec![("before", taken.task_gradient), ("after", taken.total_gradient)]);

/// A strategy that is borrowed, with others beside it.
pub(crate) struct Borrowed<'a>(pub &'a dyn Strategy);

impl Strategy for Borrowed<'_> {
    fn name(&self) -> String {
        self.0.name()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        self.0.parts(parts);
    }
}

/// The value of a formula over vectors.
pub(crate) fn value_of(
    vectors: &[&[f64]],
    formula: impl for<'g> Fn(&'g Graph, &[Var<'g>]) -> Var<'g>,
) -> Vec<f64> {
    let graph = Graph::new();
    let slot = |(at, values): (usize, &&[f64])| {
        let values: Vec<f32> = values.iter().map(|&x| x as f32).collect();
        graph.slot(&format!("in{at}"), &[values.len()], Init::Values(values.into()))
    };
    let inputs: Vec<Var<'_>> = vectors.iter().enumerate().map(slot).collect();
    let value = formula(&graph, &inputs);
    graph.slot("value", &value.shape(), Init::Zeros);
    graph.assign("value", value);
    let mut session = CpuSession::new(&[0], 1).unwrap();
    let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
    session.run_once(plan).unwrap();
    session.read("value", 0).unwrap().into_iter().map(f64::from).collect()
}
