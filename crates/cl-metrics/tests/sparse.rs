//! Matrices of some contexts, after some stages.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use cl_metrics::{AccuracyMatrix, METRICS, evaluate};
use std::collections::BTreeMap;

/// Six contexts, of which 1, 3 and 5 (counted from 0) are tracked, evaluated after 1, 2, 3 and 5.
fn sparse() -> AccuracyMatrix {
    let mut matrix = AccuracyMatrix::sparse(6, vec![1, 3, 5]).unwrap();
    matrix.push_row_after(1, vec![0.9, 0.1, 0.2]).unwrap();
    matrix.push_row_after(2, vec![1.0, 0.0, 1.0]).unwrap();
    matrix.push_row_after(3, vec![0.7, 0.8, 0.3]).unwrap();
    matrix.push_row_after(5, vec![0.6, 0.5, 0.7]).unwrap();
    matrix.with_before(vec![0.1, 0.1, 0.1]).unwrap()
}

fn dense() -> AccuracyMatrix {
    let rows = vec![vec![0.9, 0.1, 0.2], vec![0.7, 0.8, 0.3], vec![0.6, 0.5, 0.7]];
    AccuracyMatrix::from_rows(rows).unwrap().with_before(vec![0.1, 0.1, 0.1]).unwrap()
}

#[test]
fn metrics_are_those_of_the_tracked_contexts_as_if_they_were_the_stream() {
    let (values, undefined) = evaluate(&sparse());
    let mut expected: BTreeMap<&str, f64> = evaluate(&dense()).0;
    // Worked out by hand: means over the rows after contexts 1, 3 and 5 alone.
    assert!((expected["final_accuracy"] - 0.6).abs() < 1e-12);
    assert!((expected["learning_accuracy"] - 0.8).abs() < 1e-12);
    assert!((expected["forgetting_first_last"] - 0.3).abs() < 1e-12);
    assert!(expected.remove("fwt_gem").is_some());
    assert_eq!(values, expected);
    assert_eq!(values.len() + 1, METRICS.len());
    assert_eq!(
        undefined["fwt_gem"],
        "fwt_gem needs the row right before every context; this matrix tracks 3 of 6 contexts"
    );
}

#[test]
fn what_was_not_evaluated_right_after_its_context_has_no_metric_of_the_diagonal() {
    let mut matrix = AccuracyMatrix::sparse(4, vec![0, 1, 2, 3]).unwrap();
    matrix.push_row_after(1, vec![0.9, 0.8, 0.1, 0.2]).unwrap();
    matrix.push_row_after(3, vec![0.7, 0.6, 0.5, 0.8]).unwrap();
    let (values, undefined) = evaluate(&matrix);
    assert_eq!(values.keys().copied().collect::<Vec<_>>(), ["final_accuracy", "last"]);
    assert!((values["final_accuracy"] - 0.65).abs() < 1e-12);
    assert_eq!(
        undefined["bwt_gem"],
        "bwt_gem needs a row right after every tracked context; this matrix has none after context 1"
    );
}

#[test]
fn json_of_a_sparse_matrix_is_read_back_equal_and_damaged_json_is_refused() {
    let text = serde_json::to_string(&sparse()).unwrap();
    assert!(text.ends_with("\"tracked\":[1,3,5],\"evaluated_after\":[1,2,3,5]}"), "{text}");
    assert_eq!(serde_json::from_str::<AccuracyMatrix>(&text).unwrap(), sparse());
    for (from, to, told) in [
        ("[1,3,5]", "[1,3,6]", "3 tracked contexts, expected at least one, ascending and below 6"),
        ("[1,3,5]", "[3,1,5]", "3 tracked contexts"),
        ("[1,3,5]", "[]", "0 tracked contexts"),
        ("[1,3,5]", "[1,3]", "row 0 has length 3"),
        ("[1,2,3,5]", "[1,2,3]", "evaluated_after has length 3"),
        ("[1,2,3,5]", "[1,2,2,5]", "a row after stage 2, expected 3 or later, below 6"),
        ("[1,2,3,5]", "[1,2,3,6]", "a row after stage 6"),
    ] {
        let error = serde_json::from_str::<AccuracyMatrix>(&text.replace(from, to)).unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[test]
fn a_row_of_a_full_matrix_follows_the_one_before() {
    let mut matrix = AccuracyMatrix::new(2).unwrap();
    assert!(matrix.push_row_after(1, vec![0.5, 0.5]).is_err());
    matrix.push_row_after(0, vec![0.5, 0.5]).unwrap();
    assert_eq!((matrix.tracked(), matrix.evaluated_after()), (None, None));
}
