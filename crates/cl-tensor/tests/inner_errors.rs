//! What inner lanes refuse, with the line that is at fault: it ends in `// misfit`.
#![allow(clippy::unwrap_used)]

use cl_tensor::{Graph, Init, Plan, Var};

/// The error of a graph that holds a slot `theta` `[4]`, a slot `stacked` `[3, 4]` and what is
/// recorded here says `text` and names the first line after `from` that is marked.
fn assert_refused(from: u32, text: &str, record: impl for<'g> Fn(&'g Graph, Var<'g>, Var<'g>)) {
    let graph = Graph::new();
    let theta = graph.slot("theta", &[4], Init::Zeros);
    let stacked = graph.slot("stacked", &[3, 4], Init::Zeros);
    record(&graph, theta, stacked);
    let error = Plan::compile(&graph).unwrap_err().to_string();
    assert!(error.contains(text), "{error}");
    let mut lines = include_str!("inner_errors.rs").lines().enumerate().skip(from as usize);
    let line = 1 + lines.find(|(_, line)| line.ends_with("// misfit")).unwrap().0;
    assert!(error.contains(&format!("inner_errors.rs:{line}:")), "expected line {line}: {error}");
}

#[test]
fn a_misfit_in_a_body_names_its_line() {
    let text = "add: f32[4] and f32[5]: shapes do not broadcast";
    assert_refused(line!(), text, |graph, theta, stacked| {
        graph.inner(3, [stacked], |inner, [row]| {
            let five = inner.full(&[5], 1.0);
            let sum = row + five; // misfit
            [(sum + theta).stacked()]
        });
    });
}

#[test]
fn operands_that_do_not_have_the_lanes_are_refused() {
    let text = "inner: f32[3, 4] over 2 lanes: expected floats or indices [2, ..]";
    assert_refused(line!(), text, |graph, _, stacked| {
        graph.inner(2, [stacked], |_, [row]| [row.stacked()]); // misfit
    });
}

#[test]
fn the_derivative_through_lanes_from_outside_is_refused() {
    let text = "grad: no derivative goes through inner lanes from outside";
    assert_refused(line!(), text, |graph, _, stacked| {
        let [sum] = graph.inner(3, [stacked], |_, [row]| [row.square().sum().sum_inner()]);
        graph.grad(sum, stacked); // misfit
    });
}

#[test]
fn a_derivative_that_would_miss_what_was_computed_outside_is_refused() {
    let text = "grad: f32[4] of the graph around these inner lanes reaches the loss by a f32[4]";
    assert_refused(line!(), text, |graph, theta, stacked| {
        let hidden = theta.tanh();
        graph.inner(3, [stacked], |inner, [row]| {
            let loss = (row * hidden).sum();
            let gradient = inner.grad(loss, theta); // misfit
            [gradient.stacked()]
        });
    });
}

#[test]
fn a_derivative_by_the_whole_of_an_operand_that_is_cut_is_refused() {
    let text = "take the derivative by the lane's part";
    assert_refused(line!(), text, |graph, _, stacked| {
        graph.inner(3, [stacked], |inner, [row]| {
            let gradient = inner.grad(row.sum(), stacked); // misfit
            [gradient.stacked()]
        });
    });
}

#[test]
fn a_derivative_two_bodies_deep_does_not_miss_the_outermost_graph() {
    let text = "grad: f32[4] of the graph around these inner lanes reaches the loss";
    assert_refused(line!(), text, |graph, theta, stacked| {
        graph.inner(3, [stacked], |inner, [row]| {
            let hidden = row * theta;
            let [sum] = inner.inner(4, [row], |deepest, [x]| {
                let loss = (hidden * x).sum();
                let gradient = deepest.grad(loss, theta); // misfit
                [gradient.sum_inner()]
            });
            [sum.stacked()]
        });
    });
}

#[test]
fn a_shared_slot_is_not_assigned_in_a_body() {
    let text = "assign: slot `theta` is shared by the inner lanes";
    assert_refused(line!(), text, |graph, _, stacked| {
        graph.inner(3, [stacked], |inner, [row]| {
            let theta = inner.slot("theta", &[4], Init::Zeros);
            inner.assign("theta", theta + row); // misfit
            []
        });
    });
}

#[test]
fn what_acts_on_a_whole_member_is_not_recorded_in_a_body() {
    let text = "assign_rows: slot `log` in inner lanes: hand the rows out";
    assert_refused(line!(), text, |graph, _, stacked| {
        graph.inner(3, [stacked], |inner, [row]| {
            inner.slot("log", &[9, 4], Init::Zeros);
            inner.assign_rows("log", inner.iota(1), row.reshape(&[1, 4])); // misfit
            []
        });
    });
    let text = "run_only_if: a member idles, not a lane: `select` by a flag per lane";
    assert_refused(line!(), text, |graph, _, stacked| {
        graph.inner(3, [stacked], |inner, [row]| {
            inner.run_only_if(inner.input("flag", &[])); // misfit
            [row.stacked()]
        });
    });
}

#[test]
fn a_slot_that_is_neither_shared_nor_per_lane_is_refused() {
    let text = "inner: slot `theta` is f32[5] in the lanes and f32[4] outside: expected f32[5], \
                shared, or f32[3, 5], one per lane";
    assert_refused(line!(), text, |graph, _, stacked| {
        graph.inner(3, [stacked], |inner, _| {
            let theta = inner.slot("theta", &[5], Init::Zeros); // misfit
            [theta.stacked()]
        });
    });
}

#[test]
fn indices_do_not_leave_the_lanes() {
    let text = "inner: u32[] leaves the lanes: expected floats";
    assert_refused(line!(), text, |graph, _, stacked| {
        graph.inner(3, [stacked], |_, [row]| [row.argmax().stacked()]); // misfit
    });
}
