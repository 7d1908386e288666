//! Places count floats in 32 bits: what has more of them is refused when a graph is compiled, not when memory runs out.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_tensor::{Error, Graph, Init, Plan};

fn refusal(graph: &Graph) -> (String, u64) {
    match Plan::compile(graph) {
        Err(Error::Memory { what, bytes }) => (what, bytes),
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("compiled"),
    }
}

#[test]
fn a_slot_of_two_to_the_32_floats_is_refused_by_name() {
    let graph = Graph::new();
    graph.slot("table", &[1 << 16, 1 << 16], Init::Zeros);
    assert_eq!(refusal(&graph), ("slot `table`".to_owned(), 1 << 34));
}

#[test]
fn temporaries_of_two_to_the_32_floats_are_refused() {
    let graph = Graph::new();
    let (column, row) = (graph.input("column", &[1 << 16, 1]), graph.input("row", &[1, 1 << 16]));
    // A product between two products is held in memory: 2³² floats in 16 GiB.
    graph.output("y", column.matmul(row).matmul(column));
    let (what, bytes) = refusal(&graph);
    assert_eq!(what, "temporaries");
    assert!(bytes >= 1 << 34, "{bytes}");
}
