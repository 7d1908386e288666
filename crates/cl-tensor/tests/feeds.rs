//! What a host feeds, as the reference device takes it.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_tensor::{Error, Feeds, Graph, Host, Plan, ReferenceSession, Values};

struct Fed;

impl Host for Fed {
    fn feed(&mut self, step: u32, feeds: &mut Feeds<'_>) -> Result<(), Error> {
        feeds.f32("x", &[0.5, -2.0])?;
        feeds.u32("row", &[step, u32::MAX])?;
        feeds.f32("unused", &[9.0])
    }
}

#[test]
fn floats_and_indices_come_as_numbers_and_unused_inputs_are_left_out() {
    let graph = Graph::new();
    let (x, row) = (graph.input("x", &[2]), graph.input_u32("row", &[2]));
    graph.input("unused", &[1]);
    graph.output("y", x * row.to_float());
    let feeds = Plan::compile(&graph).unwrap().feeds(&mut Fed, 3).unwrap();
    let expected = [
        ("x".to_owned(), Values::new(&[2], vec![0.5, -2.0])),
        ("row".to_owned(), Values::new(&[2], vec![3.0, 4_294_967_295.0])),
    ];
    assert_eq!(feeds, expected);

    let feeds: Vec<(&str, Values)> = feeds.iter().map(|(n, v)| (n.as_str(), v.clone())).collect();
    let outputs = ReferenceSession::new(0).run(&graph, &feeds).unwrap();
    assert_eq!(outputs["y"].data[0], 1.5);
}
