//! Every metric and statistic against numbers computed outside this project (tests/data/README.md).
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_metrics::{
    AccuracyMatrix, METRICS, Summary, evaluate, forgetting_chaudhry, forgetting_first_last,
    forgetting_max_incl, intransigence, intransigence_per_context,
};
use serde_json::Value;

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn assert_close(name: &str, found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{name}: {found}, expected {expected}");
}

#[test]
fn random_matrices_give_the_values_of_slow_loops() {
    let data = read(include_str!("data/metrics.json"));
    let (inputs, expected) = (&data["inputs"], &data["expected"]);
    let mut compared = 0;
    for (input, expected) in inputs.as_array().unwrap().iter().zip(expected.as_array().unwrap()) {
        let rows = input["R"].as_array().unwrap().iter().map(floats).collect();
        let matrix =
            AccuracyMatrix::from_rows(rows).unwrap().with_before(floats(&input["b"])).unwrap();
        let (values, undefined) = evaluate(&matrix);
        for metric in METRICS {
            let expected = expected.get(metric.name).unwrap();
            match expected.as_f64() {
                Some(expected) => assert_close(metric.name, values[metric.name], expected, 1e-9),
                None => assert!(undefined.contains_key(metric.name), "{}", metric.name),
            }
            compared += 1;
        }
        let joint = floats(&input["joint_of_contexts_1_to_j_on_j"]);
        let found = intransigence(&matrix, &joint).unwrap();
        assert_close("intransigence", found, expected["intransigence"].as_f64().unwrap(), 1e-9);
        let found = intransigence_per_context(&matrix, &joint).unwrap();
        for (found, expected) in found.iter().zip(floats(&expected["intransigence_per_context"])) {
            assert_close("intransigence_per_context", *found, expected, 1e-9);
        }
    }
    assert_eq!(compared, 5 * METRICS.len());
}

/// Three contexts small enough for pencil and paper; figures rounded to six digits.
#[test]
fn the_worked_example_gives_its_values() {
    let mut rows = vec![vec![0.90, 0.10, 0.12], vec![0.95, 0.97, 0.15], vec![0.80, 0.60, 0.96]];
    let (values, _) = evaluate(&AccuracyMatrix::from_rows(rows.clone()).unwrap());
    for (name, expected) in [
        ("final_accuracy", 0.786667),               // (.80 + .60 + .96) / 3
        ("average_incremental_accuracy", 0.882222), // (.90 + (.95 + .97) / 2 + 2.36 / 3) / 3
        ("accuracy_a", 0.863333),                   // (.90 + .95 + .97 + .80 + .60 + .96) / 6
        ("bwt_gem", -0.235),                        // ((.80 - .90) + (.60 - .97)) / 2
        ("bwt_pairs", -0.140),                      // ((.95 - .90) + (.80 - .90) + (.60 - .97)) / 3
        ("fwt_pairs", 0.123333),                    // (.10 + .12 + .15) / 3
        ("transfer", 0.117500),                     // (.10 + (.12 + .15) / 2) / 2
        ("average", 0.616667),                      // sum of all / 9
        ("last", 0.786667),
        ("learning_accuracy", 0.943333), // (.90 + .97 + .96) / 3
        ("forgetting_first_last", 0.235),
        ("forgetting_chaudhry", 0.260), // ((.95 - .80) + (.97 - .60)) / 2
        ("forgetting_max_incl", 0.260),
    ] {
        assert_close(name, values[name], expected, 5e-7);
    }

    // The first context improves to the end: the three conventions part.
    for (row, first) in rows.iter_mut().zip([0.80, 0.85, 0.90]) {
        row[0] = first;
    }
    let matrix = AccuracyMatrix::from_rows(rows).unwrap();
    assert_close("max_incl", forgetting_max_incl(&matrix).unwrap(), 0.185, 1e-9);
    assert_close("chaudhry", forgetting_chaudhry(&matrix).unwrap(), 0.160, 1e-9);
    assert_close("first_last", forgetting_first_last(&matrix).unwrap(), 0.135, 1e-9);
}

#[test]
fn summaries_are_those_of_scipy() {
    let data = read(include_str!("data/statistics.json"));
    let a = floats(&data["inputs"]["method_a"]);
    let b = floats(&data["inputs"]["method_b"]);
    let difference: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
    for (name, values) in [("a", a), ("b", b), ("difference", difference)] {
        let expected = &data["expected"][name];
        let number = |key: &str| expected[key].as_f64().unwrap();
        let summary = Summary::of(&values).unwrap();
        assert_eq!(summary.n, 6);
        assert_close(name, summary.mean, number("mean"), 1e-9);
        assert_close(name, summary.sd.unwrap(), number("sd_n_minus_1"), 1e-9);
        assert_close(name, summary.sem.unwrap(), number("sem"), 1e-9);
        let (low, high) = summary.ci95.unwrap();
        assert_close(name, low, floats(&expected["ci95"])[0], 1e-9);
        assert_close(name, high, floats(&expected["ci95"])[1], 1e-9);
    }
}

#[test]
fn joint_accuracies_of_the_wrong_kind_leave_intransigence_undefined() {
    let matrix = AccuracyMatrix::from_rows(vec![vec![0.5, 0.1], vec![0.4, 0.6]]).unwrap();
    let reason = intransigence(&matrix, &[0.9]).unwrap_err().to_string();
    assert!(reason.contains("has length 1, expected one value per context (2)"), "{reason}");
    assert!(intransigence(&matrix, &[0.9, f64::NAN]).is_err());
    let joint = AccuracyMatrix::from_rows(vec![vec![0.5, 0.1]]).unwrap();
    assert!(intransigence(&joint, &[0.9, 0.9]).is_err());
}
