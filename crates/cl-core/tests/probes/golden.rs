//! Numbers worked out elsewhere: tests/data/README.md says where.

use cl_core::Trial;
use cl_tensor::Session;
use serde_json::Value;

pub fn golden(name: &str) -> Value {
    let path = format!("{}/tests/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        one => vec![one.as_f64().unwrap()],
    }
}

pub fn floats(value: &Value) -> Vec<f32> {
    numbers(value).into_iter().map(|x| x as f32).collect()
}

pub fn labels(value: &Value) -> Vec<u32> {
    numbers(value).into_iter().map(|x| x as u32).collect()
}

/// A tree of parameters as theta lies, padding 0; golden weights are `[out][in]`, ours `[in, out]`.
pub fn flat(trial: &Trial<'_>, tree: &Value) -> Vec<f64> {
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

/// Writes a tree of parameters into a slot.
pub fn write(trial: &mut Trial<'_>, slot: &str, tree: &Value) {
    let values: Vec<f32> = flat(trial, tree).into_iter().map(|x| x as f32).collect();
    trial.session.write(slot, 0, &values).unwrap();
}

pub fn read(trial: &Trial<'_>, slot: &str) -> Vec<f64> {
    trial.session.read(slot, 0).unwrap().into_iter().map(f64::from).collect()
}

/// |got − want| ≤ tolerance · max|want|, for every element.
#[track_caller]
pub fn assert_close(got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len());
    let scale = want.iter().fold(1e-30_f64, |max, x| max.max(x.abs()));
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let close = (got - want).abs() <= tolerance * scale;
        assert!(close, "[{i}]: got {got}, expected {want}; scale {scale}");
    }
}
