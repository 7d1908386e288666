//! Streaming LDA against a loop of the recursion, and faults that it catches.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{Consolidate, GradientMap, Parts, Pass, SlotStore, Step, Strategy};
use cl_templates::{Features, Slda};
use cl_tensor::{Init, Session, Var};
use common::{
    chunks, close, floats, golden, labels, numbers, on_features, predicted, read, scores,
};

fn slda(shrinkage: f32) -> Slda {
    Slda { shrinkage, ..Slda::default() }
}

/// State after every example, weights and scores, in chunks of `size` rows.
fn check(method: &dyn Strategy, size: usize) -> Result<(), String> {
    let file = golden("slda_ncm");
    let (inputs, expected) = (&file["inputs"], &file["expected"]);
    let (x, y) = (floats(&inputs["features_in_order"]), labels(&inputs["labels"]));
    let states = expected["after_each_example"].as_array().unwrap();
    let mut trial = on_features(method, (4, 3), size);
    let mut seen = 0;
    // A boundary behind every second chunk.
    let all = chunks(&x, &y, size);
    for part in all.chunks(2) {
        trial.boundary(part).unwrap();
        seen = y.len().min(seen + 2 * size);
        let state = &states[seen - 1];
        close("sigma", &read(&trial, "slda/sigma"), &numbers(&state["sigma"]), 1e-5)?;
        close("means", &read(&trial, "slda/means"), &numbers(&state["means"]), 1e-5)?;
    }
    let weights = read(&trial, "slda/weights");
    let by_class: Vec<f32> =
        (0..3).flat_map(|class| (0..4).map(move |j| j * 3 + class)).map(|at| weights[at]).collect();
    close("weights", &by_class, &numbers(&expected["weights"]), 1e-5)?;
    close("bias", &read(&trial, "slda/bias"), &numbers(&expected["bias"]), 1e-5)?;
    // The trial takes as many test rows as it has rows in a chunk.
    let test = floats(&inputs["test_features"]);
    let mut found = Vec::new();
    for rows in test.chunks(4 * size) {
        let mut padded = rows.to_vec();
        padded.resize(4 * size, 0.0);
        found.extend(&scores(&mut trial, &padded, 4, &[])[..rows.len() / 4 * 3]);
    }
    close("scores", &found, &numbers(&expected["scores"]), 1e-5)?;
    assert_eq!(predicted(&found, 3), labels(&expected["predicted"]));
    Ok(())
}

#[test]
fn every_state_is_that_of_the_loop_in_chunks_of_any_size() {
    let method = slda(0.01);
    for size in [1, 2, 3, 5, 10] {
        check(&method, size).unwrap();
    }
}

/// 300 rows of 5 classes in 8 dimensions, far from 0, against the recursion in f64.
#[test]
fn a_long_stream_is_the_recursion_in_f64() {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 23) - 1.0
    };
    let labels: Vec<u32> = (0..300).map(|i| (i * i % 7 % 5) as u32).collect();
    let x: Vec<f32> = labels
        .iter()
        .flat_map(|&label| (0..8).map(move |j| (label, j)))
        .map(|(label, j)| (3.0 + f64::from(label * j) / 4.0 + next()) as f32)
        .collect();
    let (mut sigma, mut means, mut counts) = (vec![0.0; 64], vec![0.0; 40], [0.0; 5]);
    for (n, (row, &label)) in x.chunks(8).zip(&labels).enumerate() {
        let (n, mean) = (n as f64, &mut means[label as usize * 8..][..8]);
        let apart: Vec<f64> =
            row.iter().zip(mean.iter()).map(|(&x, mean)| f64::from(x) - mean).collect();
        for (at, sigma) in sigma.iter_mut().enumerate() {
            let delta = apart[at / 8] * apart[at % 8] * n / (n + 1.0);
            *sigma = (n * *sigma + delta) / (n + 1.0);
        }
        counts[label as usize] += 1.0;
        for (mean, apart) in mean.iter_mut().zip(&apart) {
            *mean += apart / counts[label as usize];
        }
    }
    let method = slda(1e-4);
    let mut trial = on_features(&method, (8, 5), 64);
    let all = chunks(&x, &labels, 64);
    let (first, second) = all.split_at(2);
    trial.boundary(first).unwrap();
    trial.boundary(second).unwrap();
    close("sigma", &read(&trial, "slda/sigma"), &sigma, 1e-5).unwrap();
    close("means", &read(&trial, "slda/means"), &means, 1e-5).unwrap();
}

#[test]
fn a_class_that_never_arrives_is_never_chosen() {
    let method = slda(0.1);
    let mut trial = on_features(&method, (2, 3), 2);
    // Both score below 0, which is what no weights would give.
    trial.boundary(&chunks(&[5.0, 5.0, 6.0, 6.0], &[0, 2], 2)).unwrap();
    let found = scores(&mut trial, &[0.0; 4], 2, &[]);
    assert_eq!([found[1], found[4]], [-1e30; 2]);
    assert!(found[0] < 0.0 && found[2] < 0.0);
}

#[test]
fn features_that_are_no_numbers_are_told() {
    let method = Slda { features: Features::Pixels, ..Slda::default() };
    let mut trial = on_features(&method, (2, 2), 2);
    let rows = chunks(&[1.0, f32::NAN, 2.0, 3.0], &[0, 1], 2);
    let error = trial.boundary(&rows).unwrap_err().to_string();
    let start = "slda: end of context 1: inverse of the covariance: entry [";
    assert!(error.starts_with(start) && error.ends_with("expected a finite number"), "{error}");
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The pooled covariance: about the new mean.
    NewMean,
    /// Every row counts 1/n, without the factor n/(n + 1).
    NoFactor,
    /// No shrinkage.
    NoShrinkage,
}

struct Mutant(Fault, Slda);

impl Strategy for Mutant {
    fn name(&self) -> String {
        "slda".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.gradient_map(self).consolidate(self).readout(&self.1);
    }
}

impl GradientMap for Mutant {}

/// In chunks of one row, where the recursion is as it stands in the paper.
impl Consolidate for Mutant {
    fn passes(&self) -> Vec<Pass> {
        self.1.passes()
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, pass: usize) {
        if self.0 == Fault::NoShrinkage {
            return self.1.observe(step, pass);
        }
        let one_hot = step.target.one_hot(3);
        let slot = |name: &str, shape: &[usize]| step.scope.kept(name, shape, Init::Zeros);
        let (counts, means, sigma) =
            (slot("counts", &[3]), slot("means", &[3, 4]), slot("sigma", &[4, 4]));
        let n = counts.sum();
        let moved = one_hot.t().matmul(step.x - one_hot.matmul(means));
        let new = means + moved / (counts + 1.0).column();
        let about = if self.0 == Fault::NewMean { new } else { means };
        let apart = step.x - one_hot.matmul(about);
        let factor =
            if self.0 == Fault::NoFactor { n / n.maximum(n * 0.0 + 1.0) } else { n / (n + 1.0) };
        let sigma = (n * sigma + apart.t().matmul(apart) * factor) / (n + 1.0);
        step.scope.assign("sigma", sigma);
        step.scope.assign("means", new);
        step.scope.assign("counts", counts + one_hot.sum_axis(0));
    }
    fn consolidate<'g>(&self, at: &cl_core::Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        self.1.consolidate(at, theta)
    }
    fn end_context(
        &self,
        now: cl_core::Now,
        slots: &mut SlotStore<'_>,
    ) -> Result<(), cl_core::Error> {
        if self.0 == Fault::NoShrinkage {
            slots.write("shrinkage", &[0.0])?;
        }
        self.1.end_context(now, slots)
    }
}

#[test]
fn mutants_are_caught() {
    for fault in [Fault::NewMean, Fault::NoFactor, Fault::NoShrinkage] {
        let error = check(&Mutant(fault, slda(0.01)), 1).unwrap_err();
        let what = if fault == Fault::NoShrinkage { "weights" } else { "sigma" };
        assert!(error.starts_with(what), "{fault:?}: {error}");
    }
}

#[test]
fn shrinkage_is_a_slot() {
    let method = slda(0.5);
    let mut trial = on_features(&method, (4, 3), 10);
    trial.session.write("slda/shrinkage", 0, &[0.01]).unwrap();
    let file = golden("slda_ncm");
    let inputs = &file["inputs"];
    let rows = chunks(&floats(&inputs["features_in_order"]), &labels(&inputs["labels"]), 10);
    trial.boundary(&rows).unwrap();
    let bias = numbers(&file["expected"]["bias"]);
    close("bias", &read(&trial, "slda/bias"), &bias, 1e-5).unwrap();
}
