//! Golden files and trials.
#![allow(dead_code, clippy::unwrap_used)] // each test binary uses its own part of it

use cl_core::{Batch, Strategy, Trial};
use cl_nn::{Mlp, Sgd};
use cl_tensor::Session;
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

pub(crate) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}

/// |got − want| ≤ tolerance · max|want|.
pub(crate) fn close(what: &str, got: &[f32], want: &[f64], tolerance: f64) -> Result<(), String> {
    if got.len() != want.len() {
        return Err(format!("{what}: {} values, expected {}", got.len(), want.len()));
    }
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

pub(crate) fn read(trial: &Trial<'_>, slot: &str) -> Vec<f32> {
    trial.session.read(slot, 0).unwrap()
}

/// A method on a network without hidden layers, whose features are its input, in chunks of `rows`.
pub(crate) fn on_features<'s>(
    method: &'s dyn Strategy,
    (width, classes): (usize, usize),
    rows: usize,
) -> Trial<'s> {
    let network = Box::new(Mlp::new(&[width, classes]).unwrap());
    Trial::new(method, network, &Sgd::new(0.1), (rows, 2), false).unwrap()
}

/// Rows in chunks of `size`, the last one padded.
pub(crate) fn chunks(x: &[f32], labels: &[u32], size: usize) -> Vec<Batch> {
    let width = x.len() / labels.len();
    let rows: Vec<(&[f32], u32)> = x.chunks(width).zip(labels.iter().copied()).collect();
    let chunk = |rows: &[(&[f32], u32)]| {
        let mut x: Vec<f32> = rows.iter().flat_map(|(x, _)| x.iter().copied()).collect();
        x.resize(size * width, 7.0); // what padding holds plays no part
        let mut target: Vec<u32> = rows.iter().map(|(_, label)| *label).collect();
        target.resize(size, 0);
        let weight = (0..size).map(|i| f32::from(u8::from(i < rows.len()))).collect();
        Batch { x, target, context: vec![0; size], weight }
    };
    rows.chunks(size).map(chunk).collect()
}

/// The largest of each row.
pub(crate) fn predicted(scores: &[f32], classes: usize) -> Vec<u32> {
    let largest = |row: &[f32]| {
        (0..row.len() as u32).reduce(|a, b| if row[b as usize] > row[a as usize] { b } else { a })
    };
    scores.chunks(classes).map(|row| largest(row).unwrap()).collect()
}

/// The scores of some rows after passes over the context and over memories.
pub(crate) fn scores(trial: &mut Trial<'_>, x: &[f32], width: usize, kept: &[Batch]) -> Vec<f32> {
    let batch = Batch::mean(x.to_vec(), vec![0; x.len() / width], 0);
    trial.scores(&batch, kept).unwrap()
}

/// A golden tree of parameters; weights `[out][in]` as `[in, out]`.
pub(crate) fn params(tree: &Value) -> Vec<(String, Vec<f32>)> {
    let tensor = |name: &&str| {
        let tensor = &tree[*name];
        let values = if tensor[0].is_array() {
            let rows: Vec<Vec<f32>> = tensor.as_array().unwrap().iter().map(floats).collect();
            (0..rows[0].len()).flat_map(|i| rows.iter().map(move |row| row[i])).collect()
        } else {
            floats(tensor)
        };
        ((*name).to_owned(), values)
    };
    ["w1", "b1", "w2", "b2", "w3", "b3"].iter().map(tensor).collect()
}
