//! The projection of GEM by `nnqp`, against the numbers of tests/data/README.md.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_tensor::{
    CpuSession, Error, Feeds, Graph, Host, Init, Outputs, Plan, ReferenceSession, Session,
};
use serde_json::Value;

const NAMES: [&str; 3] = ["v", "gradient", "dots_after"];

fn floats(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(floats).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

fn slot(values: &Value) -> Init {
    Init::Values(floats(values).into_iter().map(|x| x as f32).collect())
}

/// g + Gᵀv with v = argmin ½ vᵀ(G Gᵀ + ridge I)v + (G g)ᵀv, v ≥ margin (Lopez-Paz & Ranzato 2017,
/// arXiv 1706.08840, eq. 11, and the two numbers that its published code adds).
fn record(graph: &Graph, inputs: &Value, margin: f32, ridge: f32) {
    let past = graph.slot("past", &[3, 10], slot(&inputs["past_gradients_rows"]));
    let g = graph.slot("g", &[10], slot(&inputs["g"])).reshape(&[10, 1]);
    let indices = graph.iota(3);
    let identity = indices.reshape(&[3, 1]).equal_index(indices);
    let gram = past.matmul(past.t()) + identity * ridge;
    let v = gram.nnqp(past.matmul(g).reshape(&[3]), graph.full(&[3], margin));
    let gradient = g + past.t().matmul(v.reshape(&[3, 1]));
    graph.output("v", v);
    graph.output("gradient", gradient.reshape(&[10]));
    graph.output("dots_after", past.matmul(gradient).reshape(&[3]));
}

#[derive(Default)]
struct Reader(Vec<Vec<f64>>);

impl Host for Reader {
    fn feed(&mut self, _: u32, _: &mut Feeds<'_>) -> Result<(), Error> {
        Ok(())
    }
    fn collect(&mut self, _: u32, outputs: &Outputs<'_>) -> Result<(), Error> {
        for name in NAMES {
            self.0.push(outputs.f32(name)?.iter().map(|&x| f64::from(x)).collect());
        }
        Ok(())
    }
}

#[test]
fn the_projection_is_that_of_the_published_formula() {
    let golden: Value = serde_json::from_str(include_str!("data/gem.json")).unwrap();
    let settings = [
        ("margin0_ridge0", 0.0, 0.0),
        ("margin0_ridge0.001", 0.0, 1e-3),
        ("margin0.5_ridge0.001", 0.5, 1e-3),
    ];
    assert_eq!(golden["expected"].as_object().unwrap().len(), settings.len());
    for (key, margin, ridge) in settings {
        let graph = Graph::new();
        record(&graph, &golden["inputs"], margin, ridge);
        let exact = ReferenceSession::new(0).run(&graph, &[]).unwrap();
        let mut session = CpuSession::new(&[0], 1).unwrap();
        let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
        let mut reader = Reader::default();
        session.run(plan, 0..1, &mut [&mut reader]).unwrap();
        for (name, found) in NAMES.into_iter().zip(&reader.0) {
            let expected = floats(&golden["expected"][key][name]);
            assert_eq!(found.len(), expected.len());
            for (i, &expected) in expected.iter().enumerate() {
                // The constant 1e-3 is rounded to f32 in both.
                assert!((exact[name].data[i] - expected).abs() < 1e-9, "{key} {name}[{i}], in f64");
                assert!((found[i] - expected).abs() < 1e-5, "{key} {name}[{i}]: {}", found[i]);
            }
        }
    }
}
