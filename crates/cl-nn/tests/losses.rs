//! Losses against the field's reference code (tests/data/README.md) and slow loops; clipping against
//! values worked out by hand.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

mod common;

use cl_nn::losses::*;
use cl_nn::{clip_norm, clip_value};
use cl_tensor::{Graph, Var};
use common::*;
use proptest::prelude::*;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("data/distillation.json")).unwrap()
}

/// Loss = mean over rows, and its gradient with respect to the student's logits.
fn check(key: &str, rows: impl for<'g> Fn(&'g Graph, Var<'g>, &Value) -> Var<'g>) {
    let golden = golden();
    let (inputs, expected) = (&golden["inputs"], &golden["expected"]["kd"][key]);
    let student = singles(&inputs["kd_student_logits"]);
    let results = on_both_devices(|graph| {
        let logits = tensor(graph, "logits", &[student.len() / 4, 4], student.clone());
        let loss = rows(graph, logits, inputs).mean();
        vec![("loss", loss), ("grad_scores", graph.grad(loss, logits))]
    });
    for (found, tolerance) in results {
        for name in ["loss", "grad_scores"] {
            assert_close(key, &found[name], &floats(&expected[name]), tolerance);
        }
    }
}

/// The teacher's two classes in the first two of four columns, `fill` in the others.
fn widened<'g>(graph: &'g Graph, inputs: &Value, fill: f32) -> Var<'g> {
    let values = singles(&inputs["kd_teacher_logits_2"]);
    let wide = values.chunks(2).flat_map(|row| [row[0], row[1], fill, fill]).collect();
    tensor(graph, "teacher", &[values.len() / 2, 4], wide)
}

#[test]
fn distillation_is_that_of_the_reference() {
    check("same_classes", |graph, logits, inputs| {
        let teacher = singles(&inputs["kd_teacher_logits_4"]);
        let teacher = tensor(graph, "teacher", &logits.shape(), teacher);
        distillation(logits, teacher, graph.constant(2.0), None)
    });
}

#[test]
fn a_teacher_of_fewer_classes_gives_the_others_probability_zero() {
    check("teacher_has_2_of_4_classes", |graph, logits, inputs| {
        let known = tensor(graph, "known", &[1, 4], vec![1.0, 1.0, 0.0, 0.0]);
        let teacher = mask_inactive(widened(graph, inputs, 7.0), known);
        distillation(logits, teacher, graph.constant(2.0), None)
    });
}

/// In the reference the student keeps all classes; restricting both is distillation on a slice.
#[test]
fn active_classes_restrict_student_and_teacher_to_a_slice() {
    let golden = golden();
    let inputs = &golden["inputs"];
    let student = singles(&inputs["kd_student_logits"]);
    let teacher = singles(&inputs["kd_teacher_logits_4"]);
    let results = on_both_devices(|graph| {
        let shape = [student.len() / 4, 4];
        let logits = tensor(graph, "logits", &shape, student.clone());
        let teacher = tensor(graph, "teacher", &shape, teacher.clone());
        let active = tensor(graph, "active", &[1, 4], vec![0.0, 1.0, 1.0, 0.0]);
        let temperature = graph.constant(2.0);
        let [short, short_teacher] = [logits, teacher].map(|x| x.slice(1, 1..3));
        let sliced = distillation(short, short_teacher, temperature, None);
        let rows = distillation(logits, teacher, temperature, Some(active));
        let gradients = [sliced, rows].map(|rows| graph.grad(rows.sum(), logits));
        let to_teacher = graph.grad(rows.sum(), teacher);
        vec![
            ("rows", rows),
            ("sliced", sliced),
            ("grad rows", gradients[1]),
            ("grad sliced", gradients[0]),
            ("grad teacher", to_teacher),
        ]
    });
    for (found, tolerance) in results {
        assert_close("rows", &found["rows"], &found["sliced"], tolerance);
        assert_close("gradient", &found["grad rows"], &found["grad sliced"], tolerance);
        assert!(found["grad teacher"].iter().all(|&g| g == 0.0));
    }
}

/// Binary distillation is binary cross-entropy against softened sigmoids, 0 where the teacher knows
/// no class.
#[test]
fn binary_cross_entropy_is_that_of_the_reference() {
    check("binary_teacher_has_2_of_4_classes", |graph, logits, inputs| {
        let targets = (widened(graph, inputs, -1e4) * 0.5).sigmoid();
        binary_cross_entropy_with_logits(logits * 0.5, targets)
    });
}

/// At x = 0 the slope is σ(0) − z; far out the loss is |x| or 0, and finite.
#[test]
fn binary_cross_entropy_is_right_at_zero_and_far_out() {
    let results = on_both_devices(|graph| {
        let x = tensor(graph, "x", &[4, 1], vec![0.0, 0.0, 1e4, -1e4]);
        let z = tensor(graph, "z", &[4, 1], vec![0.25, 1.0, 0.0, 0.0]);
        let rows = binary_cross_entropy_with_logits(x, z);
        vec![("rows", rows), ("grad", graph.grad(rows.sum(), x))]
    });
    let ln2 = std::f64::consts::LN_2;
    for (found, _) in results {
        assert_close("rows", &found["rows"], &[ln2, ln2, 1e4, 0.0], 1e-7);
        assert_close("grad", &found["grad"], &[0.25, -0.5, 1.0, 0.0], 1e-7);
    }
}

#[test]
fn squared_error_is_the_mean_over_columns() {
    let results = on_both_devices(|graph| {
        let a = tensor(graph, "a", &[2, 2], vec![1.0, 3.0, 0.0, 1.0]);
        let b = tensor(graph, "b", &[2, 2], vec![0.0, 1.0, 0.5, 1.0]);
        vec![("rows", mse(a, b))]
    });
    for (found, tolerance) in results {
        assert_close("mse", &found["rows"], &[2.5, 0.125], tolerance); // (1 + 4) / 2, 0.25 / 2
    }
}

#[test]
fn a_mean_without_weight_is_zero_and_so_is_its_gradient() {
    let results = on_both_devices(|graph| {
        let rows = tensor(graph, "rows", &[3], vec![1.0, 2.0, 4.0]);
        let none = tensor(graph, "none", &[3], vec![0.0; 3]);
        let some = tensor(graph, "some", &[3], vec![1.0, 0.0, 2.0]);
        let empty = weighted_mean(rows, none);
        vec![
            ("empty", empty),
            ("empty gradient", graph.grad(empty, rows)),
            ("mean", weighted_mean(rows, some)),
            ("sum", weighted_sum(rows, some)),
        ]
    });
    for (found, tolerance) in results {
        assert_eq!(found["empty"], [0.0]);
        assert_eq!(found["empty gradient"], [0.0; 3]);
        assert_close("mean", &found["mean"], &[3.0], tolerance); // (1 + 8) / 3
        assert_close("sum", &found["sum"], &[9.0], tolerance);
    }
}

#[test]
fn clipping_gives_values_worked_out_by_hand() {
    let results = on_both_devices(|graph| {
        let g = tensor(graph, "g", &[3], vec![3.0, 0.0, -4.0]); // of norm 5
        let clipped = |norm: f32| clip_norm(g, graph.constant(norm));
        vec![
            ("halved", clipped(2.5)),
            ("whole", clipped(6.0)),
            ("zero", clip_norm(g * 0.0, graph.constant(1.0))),
            ("values", clip_value(g, graph.constant(3.5))),
        ]
    });
    for (found, tolerance) in results {
        let factor = 2.5 / (5.0 + 1e-6);
        assert_close("halved", &found["halved"], &[3.0 * factor, 0.0, -4.0 * factor], tolerance);
        assert_eq!(found["whole"], [3.0, 0.0, -4.0]);
        assert!(found["zero"].iter().all(|&x| x == 0.0));
        assert_eq!(found["values"], [3.0, 0.0, -3.5]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn cross_entropy_and_binary_cross_entropy_are_their_slow_loops(
        logits in proptest::collection::vec(-20.0_f32..20.0, 12),
        target in proptest::collection::vec(0_u32..4, 3),
        active in proptest::collection::vec(any::<bool>(), 12),
    ) {
        let mut active = active;
        for (row, &y) in target.iter().enumerate() {
            active[4 * row + y as usize] = true;
        }
        let mask: Vec<f32> = active.iter().map(|&a| f32::from(a)).collect();
        let mut expected = [Vec::new(), Vec::new()];
        for row in 0..3 {
            let range = 4 * row..4 * row + 4;
            let x: Vec<f64> = logits[range.clone()].iter().map(|&x| f64::from(x)).collect();
            let sum: f64 =
                x.iter().zip(&active[range.clone()]).filter(|(_, a)| **a).map(|(x, _)| x.exp()).sum();
            expected[0].push(sum.ln() - x[target[row] as usize]);
            let binary = |x: f64, a: bool| (1.0 + if a { (-x).exp() } else { x.exp() }).ln();
            expected[1].push(x.iter().zip(&active[range]).map(|(&x, &a)| binary(x, a)).sum());
        }
        let results = on_both_devices(|graph| {
            let logits = tensor(graph, "logits", &[3, 4], logits.clone());
            let active = tensor(graph, "active", &[3, 4], mask.clone());
            let target = labels(graph, "target", target.clone());
            vec![
                ("rows", cross_entropy(logits, target, Some(active))),
                ("binary", binary_cross_entropy_with_logits(logits, active)),
            ]
        });
        for (found, tolerance) in results {
            for (name, expected) in ["rows", "binary"].iter().zip(&expected) {
                for (found, expected) in found[*name].iter().zip(expected) {
                    prop_assert!((found - expected).abs() <= tolerance * (1.0 + expected), "{name}");
                }
            }
        }
    }
}
