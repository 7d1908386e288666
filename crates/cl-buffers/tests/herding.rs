//! Herding against published numbers (tests/data/README.md) and against its definition.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_buffers::herd;
use proptest::prelude::*;
use serde_json::Value;

fn floats(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(floats).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

#[test]
fn exemplars_come_in_the_published_order() {
    let golden: Value = serde_json::from_str(include_str!("data/icarl_herding.json")).unwrap();
    let features: Vec<f32> =
        floats(&golden["inputs"]["features"]).into_iter().map(|x| x as f32).collect();
    let order: Vec<f64> = herd(&features, 4, 5).into_iter().map(|i| i as f64).collect();
    assert_eq!(order, floats(&golden["expected"]["normalised"]["order"]));
}

fn mean(rows: &[&Vec<f64>]) -> Vec<f64> {
    let sum = |j: usize| rows.iter().map(|row| row[j]).sum::<f64>();
    (0..rows[0].len()).map(|j| sum(j) / rows.len() as f64).collect()
}

fn unit(row: &[f64]) -> Vec<f64> {
    let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
    row.iter().map(|x| x / length).collect()
}

proptest! {
    /// Every choice is, among the rows that are left, one of those that bring the mean nearest.
    #[test]
    fn every_choice_brings_the_mean_of_the_chosen_nearest_to_that_of_all(
        features in proptest::collection::vec(0.1_f32..3.0, 6..60), count in 0_usize..25
    ) {
        let rows: Vec<Vec<f64>> = features
            .chunks_exact(3)
            .map(|row| unit(&row.iter().map(|&x| x.into()).collect::<Vec<f64>>()))
            .collect();
        let target = unit(&mean(&rows.iter().collect::<Vec<_>>()));
        let distance = |chosen: &[usize]| -> f64 {
            let mean = mean(&chosen.iter().map(|&i| &rows[i]).collect::<Vec<_>>());
            mean.iter().zip(&target).map(|(a, b)| (a - b).powi(2)).sum()
        };
        let chosen = herd(&features, 3, count);
        prop_assert_eq!(chosen.len(), count.min(rows.len()));
        for k in 1..=chosen.len() {
            let (before, best) = (&chosen[..k - 1], distance(&chosen[..k]));
            prop_assert!(!before.contains(&chosen[k - 1]));
            for other in (0..rows.len()).filter(|i| !before.contains(i)) {
                prop_assert!(best <= distance(&[before, &[other]].concat()) + 1e-12);
            }
        }
    }
}

#[test]
fn of_equal_rows_the_first_comes_first_and_rows_of_zeros_do_no_harm() {
    assert_eq!(herd(&[1.0, 2.0, 1.0, 2.0, 2.0, 4.0], 2, 3), [0, 1, 2]);
    // Both means are (0.6, 0.8); a row of zeros is farther from it than the row of that direction.
    assert_eq!(herd(&[0.0, 0.0, 3.0, 4.0], 2, 2), [1, 0]);
    assert!(herd(&[], 4, 3).is_empty() && herd(&[1.0, 2.0], 2, 0).is_empty());
}
