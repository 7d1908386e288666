//! Golden files, trials and what looks into a step.
#![allow(dead_code, clippy::unwrap_used)] // each test binary uses its own part of it

pub(crate) mod dense;
pub(crate) mod slow;

use cl_core::{Batch, Consolidate, Parts, Penalty, Step, Strategy, Taken, Track, Trial};
use cl_nn::{Mlp, Optimizer};
use cl_tensor::{Init, Session, Var};
use serde_json::Value;

/// A method as a whole and by its parts.
pub(crate) trait Method: Strategy + Penalty + Consolidate {}
impl<M: Strategy + Penalty + Consolidate> Method for M {}

pub(crate) fn golden(name: &str) -> Value {
    let path = format!("{}/tests/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        one => vec![number(one)],
    }
}

pub(crate) fn floats(value: &Value) -> Vec<f32> {
    numbers(value).into_iter().map(|x| x as f32).collect()
}

pub(crate) fn labels(value: &Value) -> Vec<u32> {
    numbers(value).into_iter().map(|x| x as u32).collect()
}

/// A golden weight `[out][in]` as `[in, out]`; biases as they are.
pub(crate) fn transposed(tensor: &Value) -> Vec<f64> {
    let rows: Vec<Vec<f64>> = tensor.as_array().unwrap().iter().map(numbers).collect();
    (0..rows[0].len()).flat_map(|i| rows.iter().map(move |row| row[i])).collect()
}

/// The parameters of a golden tree, in order.
pub(crate) fn tensors(tree: &Value) -> Vec<(&'static str, Vec<f64>)> {
    let layout = |name: &&'static str| {
        let tensor = &tree[*name];
        let values = if tensor[0].is_array() { transposed(tensor) } else { numbers(tensor) };
        (*name, values)
    };
    ["w1", "b1", "w2", "b2", "w3", "b3"].iter().map(layout).collect()
}

/// |got − want| ≤ tolerance · max|want|.
pub(crate) fn close(what: &str, got: &[f32], want: &[f64], tolerance: f64) -> Result<(), String> {
    assert_eq!(got.len(), want.len(), "{what}");
    let scale = want.iter().fold(1e-30_f64, |max, x| max.max(x.abs()));
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        let off = (f64::from(got) - want).abs();
        // A NaN is not within any tolerance.
        if off.is_nan() || off > tolerance * scale {
            return Err(format!("{what}[{i}]: got {got}, expected {want}; scale {scale}"));
        }
    }
    Ok(())
}

/// A theta-sized slot against a golden tree.
pub(crate) fn slot_is(
    trial: &Trial<'_>,
    slot: &str,
    tree: &Value,
    tolerance: f64,
) -> Result<(), String> {
    for ((name, got), (_, want)) in trial.parameters(slot).unwrap().iter().zip(tensors(tree)) {
        close(&format!("{slot} {name}"), got, &want, tolerance)?;
    }
    Ok(())
}

/// A theta-sized slot against one list of values per tensor.
pub(crate) fn tensors_are(
    trial: &Trial<'_>,
    slot: &str,
    want: &[Vec<f64>],
    tolerance: f64,
) -> Result<(), String> {
    for ((name, got), want) in trial.parameters(slot).unwrap().iter().zip(want) {
        close(&format!("{slot} {name}"), got, want, tolerance)?;
    }
    Ok(())
}

/// Writes a golden tree into a theta-sized slot.
pub(crate) fn write(trial: &mut Trial<'_>, slot: &str, tree: &Value) {
    let mut flat = vec![0.0; trial.model.layout.len()];
    for (range, (_, values)) in trial.model.layout.ranges().iter().zip(tensors(tree)) {
        let values: Vec<f32> = values.iter().map(|&x| x as f32).collect();
        flat[range.floats()].copy_from_slice(&values);
    }
    trial.session.write(slot, 0, &flat).unwrap();
}

/// A method on the golden network 6-5-4-4.
pub(crate) fn trial<'s>(
    method: &'s dyn Strategy,
    optimizer: &dyn Optimizer,
    rows: usize,
    masked: bool,
) -> Trial<'s> {
    let network = Box::new(Mlp::new(&[6, 5, 4, 4]).unwrap());
    Trial::new(method, network, optimizer, (rows, 2), masked).unwrap()
}

pub(crate) fn read(trial: &Trial<'_>, slot: &str) -> Vec<f32> {
    trial.session.read(slot, 0).unwrap()
}

pub(crate) fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

/// A batch of made-up but fixed rows for a network of 6 inputs.
pub(crate) fn some_batch(rows: usize, seed: u32) -> Batch {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let x = (0..rows * 6).map(|_| next() as f32 / (1 << 23) as f32 - 1.0).collect();
    let target = (0..rows).map(|_| next() % 4).collect();
    Batch::mean(x, target, 0)
}

/// Keeps both gradients of the last step in `probe/task` and `probe/total`.
struct Probe;

impl Track for Probe {
    fn update<'g>(&self, step: &Step<'_, 'g>, taken: &Taken<'g>) {
        for (name, value) in [("task", taken.task_gradient), ("total", taken.total_gradient)] {
            step.scope.slot(name, &value.shape(), Init::Zeros);
            step.scope.assign(name, value);
        }
    }
}

impl Strategy for Probe {
    fn name(&self) -> String {
        "probe".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.track(self);
    }
}

/// A method beside a probe of the gradients.
pub(crate) struct Watched<'s>(pub(crate) &'s dyn Strategy);

impl Strategy for Watched<'_> {
    fn name(&self) -> String {
        "watched".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.strategy(self.0);
        parts.strategy(&Probe);
    }
}

/// A method whose penalty is kept in its slot `value`.
pub(crate) struct Valued<'s>(pub(crate) &'s dyn Method);

impl Penalty for Valued<'_> {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let loss = self.0.loss(step);
        step.scope.slot("value", &[], Init::Zeros);
        step.scope.assign("value", loss);
        loss
    }
}

impl Strategy for Valued<'_> {
    fn name(&self) -> String {
        self.0.name()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).consolidate(self.0);
    }
}
