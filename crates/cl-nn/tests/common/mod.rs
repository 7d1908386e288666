//! Reading reference values and running a formula on both devices.
#![allow(clippy::unwrap_used, dead_code)] // each test binary uses a part

use cl_nn::{Layout, Network};
use cl_tensor::{
    CpuSession, Error, Feeds, Graph, Host, Init, Outputs, Plan, ReferenceSession, Session, Var,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Named tensors in f64.
pub(crate) type Tensors = BTreeMap<String, Vec<f64>>;

/// All numbers of a nested array, row-major.
pub(crate) fn floats(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(floats).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

pub(crate) fn singles(value: &Value) -> Vec<f32> {
    floats(value).into_iter().map(|x| x as f32).collect()
}

pub(crate) fn indices(value: &Value) -> Vec<u32> {
    floats(value).into_iter().map(|x| x as u32).collect()
}

/// A constant tensor of these values: a slot that nothing assigns.
pub(crate) fn tensor<'g>(
    graph: &'g Graph,
    name: &str,
    shape: &[usize],
    values: Vec<f32>,
) -> Var<'g> {
    graph.slot(name, shape, Init::Values(values.into()))
}

pub(crate) fn labels<'g>(graph: &'g Graph, name: &str, values: Vec<u32>) -> Var<'g> {
    graph.slot_u32(name, &[values.len()], Init::Indices(values.into()))
}

/// theta from reference parameters, whose weights are `[out][in]`.
pub(crate) fn theta(layout: &Layout, params: &Value) -> Vec<f32> {
    let mut theta = vec![0.0; layout.len()];
    for range in layout.ranges() {
        let values = singles(&params[&range.name]);
        let values = transpose(&values, range.shape.last().copied().unwrap());
        theta[range.floats()].copy_from_slice(&values);
    }
    theta
}

/// A parameter of theta in the order of the reference, `[out][in]`.
pub(crate) fn parameter(layout: &Layout, theta: &[f64], name: &str) -> Vec<f64> {
    let range = layout.range(name).unwrap();
    let rows = if range.shape.len() == 2 { range.shape[0] } else { 1 };
    transpose(&theta[range.floats()], rows)
}

fn transpose<T: Copy>(values: &[T], rows: usize) -> Vec<T> {
    let columns = values.len() / rows;
    (0..values.len()).map(|i| values[i % rows * columns + i / rows]).collect()
}

pub(crate) fn layout(network: &dyn Network) -> Layout {
    Layout::new(&network.params()).unwrap()
}

/// |a − b| ≤ tolerance · max|b| for every element.
pub(crate) fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let largest = expected.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        let error = (a - b).abs();
        assert!(
            error <= tolerance * largest,
            "{what}[{i}]: {a}, expected {b}: off by {error:e}, allowed {:e}",
            tolerance * largest
        );
    }
}

/// Collects every named output of a plan without inputs.
#[derive(Default)]
pub(crate) struct Collector {
    pub(crate) names: Vec<String>,
    pub(crate) collected: Vec<Tensors>,
}

impl Host for Collector {
    fn feed(&mut self, _: u32, _: &mut Feeds<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn collect(&mut self, _: u32, outputs: &Outputs<'_>) -> Result<(), Error> {
        let mut tensors = Tensors::new();
        for name in &self.names {
            let values = outputs.f32(name)?.iter().map(|&x| f64::from(x)).collect();
            tensors.insert(name.clone(), values);
        }
        self.collected.push(tensors);
        Ok(())
    }
}

/// The outputs of a formula in f64 and, by the CPU's kernels, in f32. `record` returns named values.
pub(crate) fn on_both_devices(
    record: impl for<'g> Fn(&'g Graph) -> Vec<(&'static str, Var<'g>)>,
) -> [(Tensors, f64); 2] {
    let graph = Graph::new();
    let mut names = Vec::new();
    for (name, value) in record(&graph) {
        graph.output(name, value);
        names.push(name.to_owned());
    }
    let slow = ReferenceSession::new(1).run(&graph, &[]).unwrap();
    let slow = slow.into_iter().map(|(name, values)| (name, values.data)).collect();

    let mut session = CpuSession::new(&[1], 1).unwrap();
    let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
    let mut host = Collector { names, ..Collector::default() };
    session.run(plan, 0..1, &mut [&mut host]).unwrap();
    [(slow, 1e-9), (host.collected.remove(0), 1e-5)]
}

/// Values as an initialiser.
pub(crate) fn values(values: &[f32]) -> Init {
    Init::Values(Arc::from(values))
}
