//! `FeCAM` against a loop over its formulas, and faults that it catches.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{Batch, Trial};
use cl_templates::Fecam;
use common::{
    chunks, close, floats, golden, labels, numbers, on_features, predicted, read, scores,
};
use serde_json::Value;

/// Rows of the three classes, mixed.
fn rows(file: &Value) -> (Vec<f32>, Vec<u32>) {
    let x = floats(&file["inputs"]["features_per_class"]);
    let order: Vec<usize> = (0..24).map(|i| i * 7 % 24).collect();
    let mixed = order.iter().flat_map(|&row| x[row * 4..][..4].to_vec()).collect();
    (mixed, order.iter().map(|&row| (row / 8) as u32).collect())
}

/// Means, covariances and distances, in chunks of `size` rows and two contexts.
fn check(fecam: &Fecam, size: usize) -> Result<(), String> {
    let file = golden("fecam");
    let expected = &file["expected"];
    let (x, y) = rows(&file);
    let mut trial = on_features(fecam, (4, 3), size);
    let all = chunks(&x, &y, size);
    let (first, second) = all.split_at(all.len() / 2);
    trial.boundary(first).unwrap();
    trial.boundary(second).unwrap();
    let means = numbers(&expected["means_untransformed"]);
    close("means", &read(&trial, "fecam/means"), &means, 1e-5)?;
    let covariance: Vec<f32> = read(&trial, "fecam/scatter").iter().map(|x| x / 7.0).collect();
    close("covariance", &covariance, &numbers(&expected["covariance_of_tukey"]), 1e-5)?;
    let found = distances(&mut trial, &file, size);
    close("distances", &found, &numbers(&expected["distances"]), 1e-5)?;
    let nearest: Vec<f32> = found.iter().map(|distance| -distance).collect();
    assert_eq!(predicted(&nearest, 3), labels(&expected["predicted"]));
    Ok(())
}

fn distances(trial: &mut Trial<'_>, file: &Value, size: usize) -> Vec<f32> {
    let mut found = Vec::new();
    for rows in floats(&file["inputs"]["test_features"]).chunks(4 * size) {
        let mut padded = rows.to_vec();
        padded.resize(4 * size, 1.0);
        let all = scores(trial, &padded, 4, &[]);
        found.extend(all[..rows.len() / 4 * 3].iter().map(|score| -score));
    }
    found
}

#[test]
fn distances_are_those_of_the_loop_in_chunks_of_any_size() {
    for size in [1, 3, 5, 24] {
        check(&Fecam::default(), size).unwrap();
    }
}

#[test]
fn mutants_are_caught() {
    let faults = [
        ("covariance", Fecam { beta: 1.0, ..Fecam::default() }),
        ("distances", Fecam { times: 1, ..Fecam::default() }),
        ("distances", Fecam { alpha1: 0.5, ..Fecam::default() }),
        ("distances", Fecam { alpha2: 0.0, ..Fecam::default() }),
    ];
    for (what, fault) in faults {
        let error = check(&fault, 5).unwrap_err();
        assert!(error.starts_with(what), "{fault:?}: {error}");
    }
}

/// With neither shrinkage nor transform: two features of correlation 0.8 have the inverse
/// ((1, −0.8), (−0.8, 1)) / 0.36.
#[test]
fn without_shrinkage_it_is_the_inverse_of_the_correlations_worked_out_by_hand() {
    let plain = Fecam { beta: 1.0, alpha1: 0.0, alpha2: 0.0, times: 2, ..Fecam::default() };
    let mut trial = on_features(&plain, (2, 2), 4);
    // Deviations (−2, −1), (−1, −2), (1, 2), (2, 1): scatter 10 and 8; then again, another length.
    let around = |a: f32, b: f32, s: f32| {
        [[a - 2.0 * s, b - s], [a - s, b - 2.0 * s], [a + s, b + 2.0 * s], [a + 2.0 * s, b + s]]
            .concat()
    };
    trial.boundary(&chunks(&around(5.0, 5.0, 1.0), &[0; 4], 4)).unwrap();
    trial.boundary(&chunks(&around(3.0, 9.0, 0.5), &[1; 4], 4)).unwrap();
    let precision = read(&trial, "fecam/precision");
    let one = [1.0, -0.8, -0.8, 1.0].map(|x| x / 0.36);
    close("precision", &precision, &[one, one].concat(), 1e-5).unwrap();
    // u = (0.6, 0.8) and m = (1, 1)/√2 differ by d: (d₁² − 1.6 d₁ d₂ + d₂²) / 0.36.
    let half = 0.5_f64.sqrt();
    let d = [0.6 - half, 0.8 - half];
    let want = -(d[0] * d[0] - 1.6 * d[0] * d[1] + d[1] * d[1]) / 0.36;
    let found = scores(&mut trial, &[3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 2, &[]);
    close("score", &found[..1], &[want], 1e-4).unwrap();
}

#[test]
fn a_class_that_never_arrives_and_features_that_never_vary_do_no_harm() {
    let fecam = Fecam { alpha1: 0.0, alpha2: 0.0, ..Fecam::default() };
    let mut trial = on_features(&fecam, (2, 3), 3);
    // Class 0 has one row only, class 2 a feature that is 0 throughout.
    let batch: Vec<Batch> = chunks(&[1.0, 2.0, 4.0, 0.0, 1.0, 0.0], &[0, 2, 2], 3);
    trial.boundary(&batch).unwrap();
    let found = scores(&mut trial, &[1.0, 2.0, 3.0, 0.0, 0.0, 0.0], 2, &[]);
    assert!(found.iter().all(|score| score.is_finite()), "{found:?}");
    assert_eq!([found[1], found[4], found[7]], [-1e30; 3]);
}
