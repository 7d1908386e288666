//! Importance-sampled likelihood against the reference code (tests/data/README.md) and against models
//! whose likelihood is known.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

mod common;

use cl_nn::{Gaussian, Layout, Theta, Vae, log_importance_weight, log_mean_exp};
use cl_random::Purpose;
use cl_tensor::{Graph, Init, Var};
use common::*;
use serde_json::Value;

const CLASSES: usize = 3;
const SAMPLES: usize = 5;
const ROWS: usize = 6;

fn golden() -> Value {
    serde_json::from_str(include_str!("data/generative_classifier.json")).unwrap()
}

/// theta of a class.
fn parameters(layout: &Layout, params: &Value) -> Vec<f32> {
    let named = layout.ranges().iter().map(|range| {
        let (kind, layer) = range.name.split_once('_').unwrap();
        let layer = layer.replace("down", "enc").replace("up", "dec");
        let key = format!("{}_{kind}", layer.replace("log_variance", "logvar"));
        (range.name.clone(), params[key].clone())
    });
    theta(layout, &Value::Object(named.collect()))
}

#[test]
fn every_term_and_every_likelihood_is_the_references() {
    let golden = golden();
    let (inputs, expected) = (&golden["inputs"], &golden["expected"]);
    let vae = Vae::new(9, &[5, 5], 2).unwrap();
    let layout = Layout::new(&vae.params()).unwrap();
    let mut likelihoods = [vec![0.0; ROWS * CLASSES], vec![0.0; ROWS * CLASSES]];
    for class in 0..CLASSES {
        let noise = singles(&inputs["noise"][class]);
        let own = parameters(&layout, &inputs["params_per_class"][class]);
        let results = on_both_devices(|graph| {
            let flat = tensor(graph, "theta", &[layout.len()], own.clone());
            let theta = Theta { flat, layout: &layout };
            let x = tensor(graph, "x", &[ROWS, 9], singles(&inputs["x"]));
            let noise = tensor(graph, "noise", &[SAMPLES, ROWS, 2], noise.clone());
            let posterior = vae.encode(theta, x);
            let term = |sample: usize| {
                let z = posterior.sample(noise.slice(0, sample..sample + 1).reshape(&[ROWS, 2]));
                log_importance_weight(x, vae.decode(theta, z).sigmoid(), posterior, z)
            };
            let terms: Vec<Var<'_>> = (0..SAMPLES).map(term).collect();
            let all = vae.log_likelihood(theta, x, noise);
            vec![("terms", graph.concat(&terms, 0)), ("likelihood", all)]
        });
        for ((found, tolerance), all) in results.iter().zip(&mut likelihoods) {
            let terms = floats(&expected["per_sample_terms"][class]);
            // The reference's 12 digits are rounded.
            assert_close("terms", &found["terms"], &terms, tolerance.max(1e-7));
            for (row, value) in found["likelihood"].iter().enumerate() {
                all[row * CLASSES + class] = *value;
            }
        }
    }
    for (found, tolerance) in likelihoods.iter().zip([1e-7, 1e-5]) {
        assert_close("likelihood", found, &floats(&expected["log_likelihood"]), tolerance);
        let classes: Vec<u32> = found.chunks(CLASSES).map(largest).collect();
        assert_eq!(classes, indices(&expected["predicted"]));
    }
}

fn largest(row: &[f64]) -> u32 {
    (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap() as u32
}

#[test]
fn draws_that_rows_share_are_draws_of_each_row() {
    let vae = Vae::new(9, &[5], 2).unwrap();
    let layout = Layout::new(&vae.params()).unwrap();
    let results = on_both_devices(|graph| {
        let flat = graph.slot("theta", &[layout.len()], layout.init());
        let theta = Theta { flat, layout: &layout };
        let x = tensor(graph, "x", &[ROWS, 9], singles(&golden()["inputs"]["x"]));
        let noise: Vec<f32> = (0..8).map(|i| 0.5 - 0.25 * i as f32).collect();
        let repeated = noise.chunks(2).flat_map(|z| z.repeat(ROWS)).collect();
        let shared = tensor(graph, "shared", &[4, 1, 2], noise.clone());
        let own = tensor(graph, "own", &[4, ROWS, 2], repeated);
        vec![
            ("shared", vae.log_likelihood(theta, x, shared)),
            ("own", vae.log_likelihood(theta, x, own)),
        ]
    });
    for (found, _) in results {
        assert_close("likelihood", &found["shared"], &found["own"], 1e-12);
    }
}

/// p(x|z) = N(W z + b, I), p(z) = N(0, I): x is normal about b with covariance W Wᵀ + I. The columns of
/// W are at right angles, so that the posterior of z is normal with independent parts.
const W: [[f64; 4]; 2] = [[0.8, 0.8, 0.0, 0.0], [0.5, -0.5, 1.0, 0.0]];
const B: [f64; 4] = [0.25, -0.5, 1.0, 0.0];

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn apart(x: &[f64]) -> Vec<f64> {
    x.iter().zip(B).map(|(x, b)| x - b).collect()
}

/// log p(x) + 2 log 2π: −½ (log det Σ + rᵀ Σ⁻¹ r) with r = x − b and λ_j = ‖w_j‖², by Woodbury.
fn closed_form(x: &[f64]) -> f64 {
    let r = apart(x);
    let of_column = |w: &[f64; 4]| {
        let lambda = dot(w, w);
        (1.0 + lambda).ln() - dot(w, &r).powi(2) / (1.0 + lambda)
    };
    -0.5 * (dot(&r, &r) + W.iter().map(of_column).sum::<f64>())
}

/// The estimate of log p(x) for rows `x`, with a proposal that is the posterior moved by `moved` and
/// `wider` times as wide.
fn estimate<'g>(
    graph: &'g Graph,
    rows: &[[f64; 4]],
    noise: Var<'g>,
    (moved, wider): (f64, f64),
) -> Var<'g> {
    let (count, samples) = (rows.len(), noise.shape()[0]);
    let single = |values: Vec<f64>| values.into_iter().map(|x| x as f32).collect::<Vec<f32>>();
    let x = tensor(graph, "x", &[count, 4], single(rows.concat()));
    let w = tensor(graph, "w", &[2, 4], single(W.concat()));
    let b = tensor(graph, "b", &[4], single(B.to_vec()));
    let mean =
        rows.iter().flat_map(|x| W.map(|w| dot(&w, &apart(x)) / (1.0 + dot(&w, &w)) + moved));
    let spread = rows.iter().flat_map(|_| W.map(|w| (wider * wider / (1.0 + dot(&w, &w))).ln()));
    let of = |name: &str, values: Vec<f64>| tensor(graph, name, &[count, 2], single(values));
    let posterior =
        Gaussian { mean: of("mean", mean.collect()), log_variance: of("spread", spread.collect()) };
    let [terms] = graph.inner(samples, [noise], |_, [noise]| {
        let z = posterior.sample(noise);
        [log_importance_weight(x, z.matmul(w) + b, posterior, z).stacked()]
    });
    log_mean_exp(terms)
}

const NEAR: [[f64; 4]; 3] =
    [[0.25, -0.5, 1.0, 0.0], [1.5, 0.0, -0.75, 2.0], [-2.0, 1.0, 3.0, -1.0]];

fn likelihoods(rows: &[[f64; 4]]) -> Vec<f64> {
    rows.iter().map(|x| closed_form(x)).collect()
}

#[test]
fn with_the_posterior_as_proposal_any_number_of_draws_is_exact() {
    for samples in [1, 2, 7] {
        let results = on_both_devices(|graph| {
            let noise = (0..samples * 3 * 2).map(|i| ((i * 7 % 11) as f32 - 5.0) / 3.0).collect();
            let noise = tensor(graph, "noise", &[samples, 3, 2], noise);
            vec![("estimate", estimate(graph, &NEAR, noise, (0.0, 1.0)))]
        });
        for (found, tolerance) in results {
            // Means and variances are f32 on both devices.
            let found = &found["estimate"];
            assert_close("estimate", found, &likelihoods(&NEAR), tolerance.max(1e-6));
        }
    }
}

#[test]
fn with_another_proposal_the_estimate_goes_to_the_closed_form() {
    let off = |samples: usize| {
        let results = on_both_devices(|graph| {
            let address = graph.slot_u32("address", &[4], Init::Indices([1, 2, 3, 4].into()));
            let shape = [samples, 3, 2];
            let noise = graph.normal(address, Purpose::named("draws"), 0, &shape);
            vec![("estimate", estimate(graph, &NEAR, noise, (0.4, 1.5)))]
        });
        let found = &results[1].0["estimate"];
        let off = found.iter().zip(likelihoods(&NEAR)).map(|(found, known)| (found - known).abs());
        off.fold(0.0, f64::max)
    };
    let (few, many) = (off(4), off(20_000));
    assert!(few > 0.05 && many < 0.02, "4 draws: {few}, 20,000 draws: {many}");
}

#[test]
fn rows_whose_likelihood_is_0_in_f32_keep_their_order() {
    // exp(−103) is 0 in f32 and exp(−745) in f64.
    let far = [[300.0, 0.0, -20.0, 500.0], [301.0, 0.0, -20.0, 500.0], [-4000.0, 0.0, 0.0, 0.0]];
    let results = on_both_devices(|graph| {
        let noise = tensor(graph, "noise", &[2, 3, 2], vec![0.5; 12]);
        vec![("estimate", estimate(graph, &far, noise, (0.0, 1.0)))]
    });
    let known = likelihoods(&far);
    assert!(known.iter().all(|known| *known < -1e5) && known[1] < known[0], "{known:?}");
    for (found, _) in results {
        let found = &found["estimate"];
        assert!(found[1] < found[0], "{found:?}");
        for (found, known) in found.iter().zip(&known) {
            assert!((found / known - 1.0).abs() < 1e-5, "{found}, expected {known}");
        }
    }
}
