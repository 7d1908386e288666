//! Barlow Twins against a slow loop, and features learned without labels.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{Batch, Criterion, Parts, Step, Strategy, Trial};
use cl_nn::{Mlp, Sgd};
use cl_templates::{IcarlSsl, Projector, Views, barlow_twins};
use cl_tensor::{Init, Var};
use common::{close, read};

/// The loss of two embeddings that stand side by side in a row, and its gradient with respect to a
/// factor on every entry.
struct Twins;

impl Criterion for Twins {
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let (a, b) = (step.x.slice(1, 0..3), step.x.slice(1, 3..6));
        let lambda = step.scope.hyper("lambda", 0.3);
        let loss = barlow_twins(a, b, step.weight, lambda);
        let gradient = step.graph().grad(loss, step.x);
        let shape = gradient.shape();
        step.scope.slot("gradient", &shape, Init::Zeros);
        step.scope.assign("gradient", gradient);
        loss.expand(&step.weight.shape())
    }
}

impl Strategy for Twins {
    fn name(&self) -> String {
        "twins".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.criterion(self);
    }
}

/// Eq. 1 and 2 of the paper in f64, rows counting by weight.
fn slow(x: &[f64], weight: &[f64], lambda: f64) -> f64 {
    let total: f64 = weight.iter().sum();
    let over = |of: &dyn Fn(usize) -> f64| -> f64 {
        weight.iter().enumerate().map(|(row, w)| w / total * of(row)).sum()
    };
    let standard = |unit: usize| -> Vec<f64> {
        let value = |row: usize| x[row * 6 + unit];
        let mean = over(&value);
        let variance = over(&|row| (value(row) - mean).powi(2));
        (0..weight.len()).map(|row| (value(row) - mean) / (variance + 1e-5).sqrt()).collect()
    };
    let mut loss = 0.0;
    for i in 0..3 {
        for j in 0..3 {
            let (a, b) = (standard(i), standard(3 + j));
            let c = over(&|row| a[row] * b[row]);
            loss += if i == j { (1.0 - c).powi(2) } else { lambda * c * c };
        }
    }
    loss
}

#[test]
fn loss_and_gradient_are_those_of_the_paper_in_a_slow_loop() {
    let x: Vec<f32> = (0..30).map(|i| ((i * i * 7 + i * 3) % 17) as f32 / 8.0 - 1.0).collect();
    let weight = vec![0.25, 0.25, 0.125, 0.375, 0.0];
    let network = Box::new(Mlp::new(&[6, 2]).unwrap());
    let mut trial = Trial::new(&Twins, network, &Sgd::new(0.0), (5, 1), false).unwrap();
    let batch =
        Batch { x: x.clone(), target: vec![0; 5], context: vec![0; 5], weight: weight.clone() };
    let loss = trial.step(&batch).unwrap();
    let (x, weight) = (common::wide(&x), common::wide(&weight));
    close("loss", &[loss], &[slow(&x, &weight, 0.3)], 1e-5).unwrap();
    let gradient: Vec<f64> = (0..30)
        .map(|at| {
            let moved = |by: f64| {
                let mut x = x.clone();
                x[at] += by;
                slow(&x, &weight, 0.3)
            };
            (moved(1e-6) - moved(-1e-6)) / 2e-6
        })
        .collect();
    close("gradient", &read(&trial, "twins/gradient"), &gradient, 1e-5).unwrap();
    // Swapped weights of the two terms, or no division by the deviations, are another number.
    assert!((slow(&x, &weight, 1.0) - f64::from(loss)).abs() > 1e-2);
}

/// Four pixels: embeddings of views that differ in nothing agree, those of noisy ones do not.
#[test]
fn labels_play_no_part_and_equal_views_agree() {
    let still = Views { shift: 0.0, degrees: 0.0, noise: 0.0 };
    let x: Vec<f32> = (0..64).map(|i| (i * i % 13) as f32 / 13.0).collect();
    let loss = |views: Views, labels: u32| {
        let method = IcarlSsl {
            views,
            projector: Projector { units: 4, outputs: 4 },
            lambda: 0.0,
            ..IcarlSsl::default()
        };
        let network = Box::new(Mlp::new(&[4, 8, 3]).unwrap());
        let mut trial = Trial::new(&method, network, &Sgd::new(0.1), (16, 1), false).unwrap();
        let target = (0..16).map(|row| row * labels % 3).collect();
        let batch = Batch::mean(x.clone(), target, 0);
        let losses = [(); 2].map(|()| trial.step(&batch).unwrap());
        (losses, read(&trial, "theta"))
    };
    let (agreeing, _) = loss(still, 1);
    assert!(agreeing.iter().all(|loss| loss.abs() < 0.05), "{agreeing:?}");
    let noisy = Views { noise: 1.0, ..still };
    let (first, theta) = loss(noisy, 1);
    assert!(first[0] > 0.5, "{first:?}");
    assert_eq!((first, theta), loss(noisy, 2), "other labels, the same bits");
}

#[test]
fn images_that_are_not_square_are_refused_by_name() {
    let method = IcarlSsl::default();
    let network = Box::new(Mlp::new(&[6, 8, 3]).unwrap());
    let error = Trial::new(&method, network, &Sgd::new(0.1), (4, 1), false).err().unwrap();
    assert!(error.to_string().contains("6 values per example are no square image"), "{error}");
}
