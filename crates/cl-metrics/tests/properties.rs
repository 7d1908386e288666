//! What holds for every accuracy matrix.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_metrics::*;
use proptest::prelude::*;

/// A square matrix over 2 to 6 contexts, and an order of its contexts.
fn square() -> impl Strategy<Value = (Vec<Vec<f64>>, Vec<usize>)> {
    (2_usize..7).prop_flat_map(|t| {
        let rows = prop::collection::vec(prop::collection::vec(0.0..=1.0, t), t);
        (rows, Just((0..t).collect::<Vec<_>>()).prop_shuffle())
    })
}

fn matrix(rows: Vec<Vec<f64>>) -> AccuracyMatrix {
    AccuracyMatrix::from_rows(rows).unwrap()
}

fn columns_in(rows: &[Vec<f64>], order: &[usize]) -> Vec<Vec<f64>> {
    rows.iter().map(|row| order.iter().map(|&j| row[j]).collect()).collect()
}

fn rows_in(rows: &[Vec<f64>], order: &[usize]) -> Vec<Vec<f64>> {
    order.iter().map(|&i| rows[i].clone()).collect()
}

type Formula = fn(&AccuracyMatrix) -> Result<f64, Undefined>;

fn same(formula: Formula, one: &AccuracyMatrix, other: &AccuracyMatrix) -> bool {
    (formula(one).unwrap() - formula(other).unwrap()).abs() < 1e-12
}

proptest! {
    #[test]
    fn forgetting_with_the_last_row_included_is_never_negative((rows, _) in square()) {
        let matrix = matrix(rows);
        prop_assert!(forgetting_max_incl(&matrix).unwrap() >= 0.0);
        prop_assert!(
            forgetting_max_incl(&matrix).unwrap() >= forgetting_chaudhry(&matrix).unwrap()
        );
        prop_assert!(
            forgetting_chaudhry(&matrix).unwrap() >= forgetting_first_last(&matrix).unwrap()
        );
    }

    #[test]
    fn forgetting_from_first_to_last_is_backward_transfer_turned((rows, _) in square()) {
        let matrix = matrix(rows);
        prop_assert_eq!(forgetting_first_last(&matrix).unwrap(), -bwt_gem(&matrix).unwrap());
    }

    #[test]
    fn last_is_final_accuracy((rows, _) in square()) {
        let matrix = matrix(rows);
        prop_assert_eq!(last(&matrix).unwrap(), final_accuracy(&matrix).unwrap());
    }

    #[test]
    fn metrics_of_accuracies_are_fractions((rows, _) in square()) {
        let (values, _) = evaluate(&matrix(rows));
        for (name, value) in values {
            let least = if name.contains("bwt") || name.contains("forgetting") { -1.0 } else { 0.0 };
            prop_assert!((least - 1e-12..=1.0 + 1e-12).contains(&value), "{name} {value}");
        }
    }

    /// Final accuracy and the mean of whole columns do not know which context is which.
    #[test]
    fn the_order_of_columns_is_nothing_to_whole_rows((rows, order) in square()) {
        let other = matrix(columns_in(&rows, &order));
        let one = matrix(rows);
        for formula in [final_accuracy as Formula, average] {
            prop_assert!(same(formula, &one, &other));
        }
    }

    /// A mean over whole columns does not know which row is which.
    #[test]
    fn the_order_of_rows_is_nothing_to_whole_columns((rows, order) in square()) {
        let other = matrix(rows_in(&rows, &order));
        prop_assert!(same(average, &matrix(rows), &other));
    }

    /// Rows and columns together: the diagonal keeps its entries.
    #[test]
    fn renaming_contexts_leaves_the_diagonal((rows, order) in square()) {
        let other = matrix(rows_in(&columns_in(&rows, &order), &order));
        prop_assert!(same(learning_accuracy, &matrix(rows), &other));
    }

    /// A maximum over earlier rows does not know their order, nor a mean over past contexts
    /// theirs; the last row and the last context stay.
    #[test]
    fn the_order_of_the_past_is_nothing_to_maxima((rows, order) in square()) {
        let end = rows.len() - 1;
        let mut past: Vec<usize> = order.into_iter().filter(|&i| i != end).collect();
        past.push(end);
        let one = matrix(rows.clone());
        let by_rows = matrix(rows_in(&rows, &past));
        let by_columns = matrix(columns_in(&rows, &past));
        for formula in [forgetting_chaudhry as Formula, forgetting_max_incl] {
            prop_assert!(same(formula, &one, &by_rows));
            prop_assert!(same(formula, &one, &by_columns));
        }
        // Backward transfer reads the diagonal: both together.
        let renamed = matrix(rows_in(&columns_in(&rows, &past), &past));
        prop_assert!(same(bwt_gem, &one, &renamed));
    }

    #[test]
    fn a_summary_does_not_know_the_order_of_its_values(
        values in prop::collection::vec(-1.0..1.0, 2..12_usize).prop_flat_map(|values| {
            (Just(values.clone()), Just(values).prop_shuffle())
        })
    ) {
        let (one, other) = (Summary::of(&values.0).unwrap(), Summary::of(&values.1).unwrap());
        prop_assert!((one.mean - other.mean).abs() < 1e-12);
        prop_assert!((one.sd.unwrap() - other.sd.unwrap()).abs() < 1e-12);
        let (low, high) = one.ci95.unwrap();
        prop_assert!(low <= one.mean && one.mean <= high);
    }
}
