//! `RanPAC` against a loop over its formulas, and faults that it catches.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::Batch;
use cl_templates::{Ranpac, Ridge};
use cl_tensor::Session;
use common::{
    chunks, close, floats, golden, labels, numbers, on_features, predicted, read, scores,
};

fn given(lambda: f32) -> Ranpac {
    Ranpac { projections: 8, ridge: Ridge::Given(lambda), ..Ranpac::default() }
}

/// Moments after each context, weights and scores.
fn check(ranpac: &Ranpac, size: usize, projection: &[f32]) -> Result<(), String> {
    let file = golden("ranpac");
    let (inputs, expected) = (&file["inputs"], &file["expected"]);
    let (x, y) = (floats(&inputs["features"]), labels(&inputs["labels"]));
    let mut trial = on_features(ranpac, (5, 4), size);
    trial.session.write("ranpac/projection", 0, projection).unwrap();
    let (first, second): (Vec<Batch>, Vec<Batch>) =
        (chunks(&x[..50], &y[..10], size), chunks(&x[50..], &y[10..], size));
    trial.boundary(&first).unwrap();
    let gram = numbers(&expected["G_after_first_10_rows"]);
    close("G of 10 rows", &read(&trial, "ranpac/gram"), &gram, 1e-5)?;
    trial.boundary(&second).unwrap();
    close("G", &read(&trial, "ranpac/gram"), &numbers(&expected["G"]), 1e-5)?;
    close("Q", &read(&trial, "ranpac/moments"), &numbers(&expected["Q"]), 1e-5)?;
    let weights = numbers(&expected["weights[M][class]"]);
    close("weights", &read(&trial, "ranpac/weights"), &weights, 2e-5)?;
    let mut found = Vec::new();
    for rows in floats(&inputs["test_features"]).chunks(5 * size) {
        let mut padded = rows.to_vec();
        padded.resize(5 * size, 0.0);
        found.extend(&scores(&mut trial, &padded, 5, &[])[..rows.len() / 5 * 4]);
    }
    close("scores", &found, &numbers(&expected["scores"]), 2e-5)?;
    assert_eq!(predicted(&found, 4), labels(&expected["predicted"]));
    Ok(())
}

fn projection() -> Vec<f32> {
    floats(&golden("ranpac")["inputs"]["projection[d][M]"])
}

#[test]
fn moments_weights_and_scores_are_those_of_the_loop_in_chunks_of_any_size() {
    for size in [1, 3, 10] {
        check(&given(1.0), size, &projection()).unwrap();
    }
}

#[test]
fn mutants_are_caught() {
    let error = check(&given(2.0), 3, &projection()).unwrap_err();
    assert!(error.starts_with("weights"), "{error}");
    let turned: Vec<f32> = projection().iter().map(|w| -w).collect();
    assert!(check(&given(1.0), 3, &turned).unwrap_err().starts_with("G of 10 rows"));
    // λ chosen per context is another one than 1.
    let chosen = Ranpac { ridge: Ridge::Chosen, ..given(1.0) };
    assert!(check(&chosen, 3, &projection()).unwrap_err().starts_with("weights"));
}

#[test]
fn the_projection_is_standard_normal() {
    let ranpac = Ranpac { projections: 500, ..Ranpac::default() };
    let trial = on_features(&ranpac, (40, 2), 2);
    let w = read(&trial, "ranpac/projection");
    let n = w.len() as f64;
    let moment = |k: i32| w.iter().map(|&x| f64::from(x).powi(k)).sum::<f64>() / n;
    // Standard errors over 20,000 numbers: 0.007, 0.01, 0.07.
    assert!(moment(1).abs() < 0.03, "{}", moment(1));
    assert!((moment(2) - 1.0).abs() < 0.04, "{}", moment(2));
    assert!((moment(4) - 3.0).abs() < 0.3, "{}", moment(4));
}

#[test]
fn a_context_of_one_row_is_fitted_with_lambda_one() {
    let ranpac = Ranpac { ridge: Ridge::Chosen, ..given(0.0) };
    let mut trial = on_features(&ranpac, (5, 4), 3);
    trial.boundary(&chunks(&[1.0, 2.0, 3.0, 4.0, 5.0], &[2], 3)).unwrap();
    assert_eq!(read(&trial, "ranpac/lambda"), [1.0]);
    let found = scores(&mut trial, &[1.0; 15], 5, &[]);
    assert_eq!(predicted(&found, 4), [2, 2, 2], "nobody else has arrived");
    assert_eq!(found[0], -1e30);
}
