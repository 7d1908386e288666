//! The variational autoencoder against the reference code (tests/data/README.md), and its divergence
//! against numerical integration.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

mod common;

use cl_nn::{Gaussian, Layout, MixturePrior, Reconstruction, Theta, Vae, losses};
use cl_tensor::{Graph, Var};
use common::*;
use serde_json::Value;
use std::f64::consts::TAU;

fn golden() -> Value {
    serde_json::from_str(include_str!("data/vae.json")).unwrap()
}

/// The reference's name of a parameter.
fn key(name: &str) -> String {
    let (kind, layer) = name.split_once('_').unwrap();
    let layer = layer.replace("down", "enc").replace("up", "dec").replace("log_variance", "logvar");
    format!("{layer}_{kind}")
}

/// theta and the parameters by our names.
fn parameters(layout: &Layout, params: &Value) -> Vec<f32> {
    let named =
        layout.ranges().iter().map(|range| (range.name.clone(), params[key(&range.name)].clone()));
    theta(layout, &Value::Object(named.collect()))
}

fn vae() -> Vae {
    Vae::new(9, &[5, 5], 2).unwrap()
}

fn layout_of(vae: &Vae) -> Layout {
    Layout::new(&vae.params()).unwrap()
}

struct Recorded<'a, 'g> {
    graph: &'g Graph,
    inputs: &'a Value,
    theta: Theta<'a, 'g>,
}

impl<'g> Recorded<'_, 'g> {
    fn rows(&self, name: &str, columns: usize) -> Var<'g> {
        let values = singles(&self.inputs[name]);
        tensor(self.graph, name, &[values.len() / columns, columns], values)
    }
}

/// What a formula of the reference's inputs gives, slowly and by the CPU's kernels.
fn recorded(
    record: impl for<'g> Fn(&Recorded<'_, 'g>) -> Vec<(&'static str, Var<'g>)>,
) -> [(Tensors, f64); 2] {
    let golden = golden();
    let (inputs, layout) = (&golden["inputs"], layout_of(&vae()));
    let results = on_both_devices(|graph| {
        let flat = tensor(graph, "theta", &[layout.len()], parameters(&layout, &inputs["params"]));
        record(&Recorded { graph, inputs, theta: Theta { flat, layout: &layout } })
    });
    // One ninth and one third are single precision in f64, too.
    results.map(|(found, tolerance)| (found, tolerance.max(1e-7)))
}

#[test]
fn every_value_on_the_way_is_the_references() {
    let expected = &golden()["expected"];
    let results = recorded(|it| {
        let posterior = vae().encode(it.theta, it.rows("x", 9));
        let z = posterior.sample(it.rows("noise", 2));
        let reconstruction = vae().decode(it.theta, z).sigmoid();
        let (mean, logvar) = (posterior.mean, posterior.log_variance);
        vec![("mean", mean), ("logvar", logvar), ("z", z), ("reconstruction", reconstruction)]
    });
    for (found, tolerance) in results {
        for (name, values) in &found {
            assert_close(name, values, &floats(&expected["forward"][name]), tolerance);
        }
    }
}

fn check(case: &str, replay: bool, weights: (f32, f32)) {
    let expected = &golden()["expected"][case];
    let layout = layout_of(&vae());
    let results = recorded(|it| {
        let mean = |x: &str, noise: &str| {
            let (x, noise) = (it.rows(x, 9), it.rows(noise, 2));
            let entropy = Reconstruction::CrossEntropy;
            vae().loss(it.theta, x, noise, entropy).mean()
        };
        let mut loss = mean("x", "noise") * weights.0;
        if replay {
            loss = loss + mean("x_replay", "noise_replay") * weights.1;
        }
        vec![("loss", loss), ("grad", it.graph.grad(loss, it.theta.flat))]
    });
    for (found, tolerance) in results {
        assert_close(case, &found["loss"], &floats(&expected["loss"]), tolerance);
        for range in layout.ranges() {
            let grad = parameter(&layout, &found["grad"], &range.name);
            let expected = floats(&expected["grad"][key(&range.name)]);
            assert_close(&range.name, &grad, &expected, tolerance);
        }
    }
}

#[test]
fn loss_and_gradient_are_the_references() {
    check("current_only", false, (1.0, 0.0));
}

#[test]
fn with_replayed_rows_loss_and_gradient_are_the_references() {
    check("with_replay_rnt_one_third", true, (1.0 / 3.0, 2.0 / 3.0));
}

#[test]
fn either_reconstruction_and_the_divergence_are_the_references() {
    let expected = &golden()["expected"];
    let results = recorded(|it| {
        let (x, noise) = (it.rows("x", 9), it.rows("noise", 2));
        let posterior = vae().encode(it.theta, x);
        let logits = vae().decode(it.theta, posterior.sample(noise));
        let entropy = Reconstruction::CrossEntropy.rows(logits, x).mean() / 9.0;
        let squared = Reconstruction::SquaredError;
        vec![
            ("recon", entropy),
            ("kl_over_pixels", posterior.kl_to_standard_normal().mean() / 9.0),
            ("squared", squared.rows(logits, x).mean() / 9.0),
            ("squared_loss", vae().loss(it.theta, x, noise, squared).mean()),
        ]
    });
    for (found, tolerance) in results {
        for name in ["recon", "kl_over_pixels"] {
            assert_close(name, &found[name], &floats(&expected["current_only"][name]), tolerance);
        }
        let squared = &expected["recon_mse"];
        assert_close("squared", &found["squared"], &floats(&squared["recon"]), tolerance);
        assert_close("squared loss", &found["squared_loss"], &floats(&squared["loss"]), tolerance);
    }
}

/// log N(x; μ, e^v) in one dimension.
fn log_normal(x: f64, mean: f64, log_variance: f64) -> f64 {
    -0.5 * (TAU.ln() + log_variance + (x - mean).powi(2) / log_variance.exp())
}

/// ∫ f over [-30, 30] by the trapezoidal rule, whose error is far below 1e-10 for such f.
fn integral(f: impl Fn(f64) -> f64) -> f64 {
    let steps = 60_000;
    (0..=steps).map(|i| f(-30.0 + 60.0 * f64::from(i) / f64::from(steps))).sum::<f64>() * 60.0
        / f64::from(steps)
}

const MEANS: [f32; 6] = [0.5, -1.25, 2.0, 0.0, -0.375, 1.5];
const LOG_VARIANCES: [f32; 6] = [0.25, -1.5, 0.75, 0.0, 1.0, -0.5];

/// KL = Σ_d ∫ q log(q / p), dimension by dimension.
#[test]
fn the_divergence_is_the_integral_of_its_definition() {
    let one = |i: usize| {
        let (mean, log_variance) = (f64::from(MEANS[i]), f64::from(LOG_VARIANCES[i]));
        integral(|x| {
            let log_q = log_normal(x, mean, log_variance);
            log_q.exp() * (log_q - log_normal(x, 0.0, 0.0))
        })
    };
    let expected = [one(0) + one(1), one(2) + one(3), one(4) + one(5)];
    let results = on_both_devices(|graph| {
        let mean = tensor(graph, "mean", &[3, 2], MEANS.to_vec());
        let log_variance = tensor(graph, "log_variance", &[3, 2], LOG_VARIANCES.to_vec());
        vec![("kl", Gaussian { mean, log_variance }.kl_to_standard_normal())]
    });
    for (found, tolerance) in results {
        assert_close("kl", &found["kl"], &expected, tolerance.max(1e-8));
    }
}

/// exp(log density) of one latent value, on a grid.
fn density(grid: &[f32], record: impl for<'g> Fn(&'g Graph, Var<'g>) -> Var<'g>) -> Vec<f64> {
    let results = on_both_devices(|graph| {
        let z = tensor(graph, "z", &[grid.len(), 1], grid.to_vec());
        vec![("density", record(graph, z).exp())]
    });
    let [(slow, _), (fast, _)] = results;
    assert_close("on both devices", &fast["density"], &slow["density"], 1e-4);
    slow["density"].clone()
}

/// A density sums to 1; that of a mixture has the mean Σ p μ and the second moment Σ p (σ² + μ²).
#[test]
fn a_prior_of_modes_is_a_density_with_the_moments_of_its_parts() {
    let (mean, log_variance) = ([-2.0_f32, 0.5, 3.0], [0.5_f32, -1.0, 0.25]);
    let step = 1.0 / 64.0;
    let grid: Vec<f32> = (-2048..=2048).map(|i| i as f32 * step as f32).collect();
    let prior = MixturePrior { classes: 3, latent: 1 };
    let layout = Layout::new(&prior.params()).unwrap();
    let mut values = vec![0.0; layout.len()];
    for (name, of) in [("prior_mean", mean), ("prior_log_variance", log_variance)] {
        values[layout.range(name).unwrap().floats()].copy_from_slice(&of);
    }
    for p in [[0.25_f32, 0.5, 0.25], [0.0, 1.0, 0.0], [0.75, 0.0, 0.25]] {
        let found = density(&grid, |graph, z| {
            let flat = tensor(graph, "theta", &[layout.len()], values.clone());
            let all = tensor(graph, "p", &[1, 3], p.to_vec()).expand(&[grid.len(), 3]);
            prior.log_density(Theta { flat, layout: &layout }, z, all)
        });
        let moment = |k: i32| {
            let terms = grid.iter().zip(&found).map(|(&z, density)| f64::from(z).powi(k) * density);
            terms.sum::<f64>() * step
        };
        let of = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
            let parts = p.iter().zip(mean.iter().zip(&log_variance));
            parts.map(|(&p, (&m, &v))| f64::from(p) * f(f64::from(m), f64::from(v))).sum()
        };
        let expected = [1.0, of(&|m, _| m), of(&|m, v| v.exp() + m * m)];
        // The constant log 2π is single precision.
        assert_close("moments", &[moment(0), moment(1), moment(2)], &expected, 1e-6);
    }
}

#[test]
fn a_gaussian_is_a_density_that_sums_to_one() {
    let step = 1.0 / 64.0;
    let grid: Vec<f32> = (-2048..=2048).map(|i| i as f32 * step as f32).collect();
    let found = density(&grid, |graph, z| {
        let of =
            |name: &str, value: f32| tensor(graph, name, &[1, 1], vec![value]).expand(&z.shape());
        Gaussian { mean: of("mean", 0.75), log_variance: of("log_variance", -0.5) }.log_density(z)
    });
    assert_close("sum", &[found.iter().sum::<f64>() * step], &[1.0], 1e-6);
}

/// Classifiers and generators of van de Ven et al. 2022 for MNIST.
#[test]
fn the_published_generator_has_the_published_number_of_parameters() {
    let vae = Vae::new(784, &[400, 400], 100).unwrap();
    assert_eq!(layout_of(&vae).parameters(), 1_069_684);
    let of_class = Vae::new(784, &[85, 85], 5).unwrap();
    assert_eq!(layout_of(&of_class).parameters(), 150_134);
    assert_eq!(vae.describe(), "VAE 784-400-400-z100, mirrored, ReLU");
    let error = Vae::new(784, &[0], 5).unwrap_err().to_string();
    assert!(error.starts_with("VAE: sizes [784, 0, 5], expected"), "{error}");
}

/// Rows of weight 0 cost nothing, the others their share.
#[test]
fn rows_are_weighed_one_by_one() {
    let results = recorded(|it| {
        let (x, noise) = (it.rows("x", 9), it.rows("noise", 2));
        let rows = vae().loss(it.theta, x, noise, Reconstruction::CrossEntropy);
        let weight = [0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0].to_vec();
        let some = losses::weighted_sum(rows, tensor(it.graph, "weight", &[8], weight));
        vec![("rows", rows), ("some", some)]
    });
    for (found, tolerance) in results {
        let expected = (found["rows"][0] + found["rows"][1]) / 2.0;
        assert_close("some", &found["some"], &[expected], tolerance);
    }
}
