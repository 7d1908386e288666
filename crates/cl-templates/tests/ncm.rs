//! Nearest class means against loops of the definition, and faults that they catch.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{Batch, Consolidate, Parts, Pass, Readout, Step, Strategy};
use cl_templates::{Features, Lengths, Means, Ncm};
use cl_tensor::{Init, Var};
use common::{
    chunks, close, floats, golden, labels, numbers, on_features, predicted, read, scores,
};

const LENGTHS: [(Lengths, &str); 2] =
    [(Lengths::AsTheyAre, "ncm"), (Lengths::Averaged, "ncm_normalised")];

/// The published scores, whatever the chunks that rows come in.
fn check(method: &dyn Strategy, key: &str, size: usize) -> Result<(), String> {
    let file = golden("slda_ncm");
    let (inputs, expected) = (&file["inputs"], &file["expected"][key]);
    let rows = chunks(&floats(&inputs["features_in_order"]), &labels(&inputs["labels"]), size);
    let mut trial = on_features(method, (4, 3), 6);
    // Two contexts: a running mean does not care where one ends.
    for part in rows.chunks(rows.len().div_ceil(2)) {
        let padded: Vec<Batch> = part.iter().map(|chunk| widened(chunk, 6)).collect();
        trial.boundary(&padded).unwrap();
    }
    let scores = scores(&mut trial, &floats(&inputs["test_features"]), 4, &[]);
    close(key, &scores, &numbers(&expected["scores"]), 2e-6)?;
    assert_eq!(predicted(&scores, 3), labels(&expected["predicted"]));
    Ok(())
}

/// A chunk with more padding behind it.
fn widened(chunk: &Batch, rows: usize) -> Batch {
    let mut wide = chunk.clone();
    wide.x.resize(rows * 4, 7.0);
    wide.target.resize(rows, 2);
    wide.context.resize(rows, 0);
    wide.weight.resize(rows, 0.0);
    wide
}

#[test]
fn scores_are_those_of_the_loop_in_chunks_of_any_size() {
    for (lengths, key) in LENGTHS {
        for size in [1, 3, 4, 6] {
            let ncm = Ncm { lengths, ..Ncm::default() };
            check(&ncm, key, size).unwrap();
        }
    }
}

#[test]
fn lengths_when_compared_are_those_of_a_slow_loop() {
    // One mean (3, 4) and (0, 1): lengths 5 and 1. The row (4, 3) at length 1 is (0.8, 0.6):
    // −‖(0.8, 0.6) − (0.6, 0.8)‖² = −0.08, −‖(0.8, 0.6) − (0, 1)‖² = −0.8.
    let ncm = Ncm::avalanche();
    let mut trial = on_features(&ncm, (2, 2), 3);
    let rows = chunks(&[2.0, 4.0, 4.0, 4.0, 0.0, 1.0], &[0, 0, 1], 3);
    trial.boundary(&rows).unwrap();
    let scores = scores(&mut trial, &[4.0, 3.0, 0.0, 0.0, 1.0, 0.0], 2, &[]);
    close("scores", &scores[..2], &[-0.08, -0.8], 1e-6).unwrap();
}

#[test]
fn a_class_that_never_arrives_is_never_chosen() {
    let ncm = Ncm::default();
    let mut trial = on_features(&ncm, (2, 3), 2);
    let x = [5.0, 5.0, 6.0, 6.0];
    assert_eq!(scores(&mut trial, &x, 2, &[]), [-1e30; 6], "nobody has arrived");
    trial.boundary(&chunks(&x, &[0, 2], 2)).unwrap();
    // The mean of class 1 would be 0, nearest to the rows.
    let found = scores(&mut trial, &[0.0, 0.1, -0.1, 0.0], 2, &[]);
    assert_eq!([found[1], found[4]], [-1e30; 2]);
    assert_eq!(predicted(&found, 3), [0, 0]);
}

#[test]
fn means_of_exemplars_are_computed_anew_before_every_evaluation() {
    let file = golden("icarl_herding");
    let (inputs, expected) = (&file["inputs"], &file["expected"]["nearest_mean"]);
    let exemplars = inputs["exemplars_per_class"].as_array().unwrap();
    let count = |class: &serde_json::Value| class.as_array().unwrap().len();
    let target: Vec<u32> =
        (0..).zip(exemplars).flat_map(|(class, all)| vec![class; count(all)]).collect();
    let kept = chunks(&floats(&inputs["exemplars_per_class"]), &target, 7);
    for (lengths, key) in
        [(Lengths::Averaged, "normalised"), (Lengths::AsTheyAre, "not_normalised")]
    {
        let ncm = Ncm { lengths, means: Means::Exemplars, features: Features::Finetuned };
        let network = Box::new(cl_nn::Mlp::new(&[6, 5, 4, 4]).unwrap());
        let mut trial =
            cl_core::Trial::new(&ncm, network, &cl_nn::Sgd::new(0.1), (7, 2), false).unwrap();
        for (name, values) in common::params(&inputs["params"]) {
            trial.set_parameter(&name, &values).unwrap();
        }
        for _ in 0..2 {
            let found = scores(&mut trial, &floats(&inputs["x"]), 6, &kept);
            close(key, &found, &numbers(&expected[key]["scores"]), 1e-5).unwrap();
            assert_eq!(predicted(&found, 4), labels(&expected[key]["predicted"]));
        }
        let found = scores(&mut trial, &floats(&inputs["x"]), 6, &[]);
        assert!(found.iter().all(|&score| score == -1e30), "no exemplars, no scores");
    }
}

#[test]
fn the_network_moves_as_long_as_its_features_say() {
    let batch = Batch::mean(vec![1.0, -1.0, 0.5, 2.0], vec![0, 1], 0);
    let moves = |features, means| {
        let ncm = Ncm { features, means, ..Ncm::default() };
        let mut trial = on_features(&ncm, (2, 2), 2);
        let mut moved = Vec::new();
        for _ in 0..2 {
            let before = read(&trial, "theta");
            trial.step(&batch).unwrap();
            moved.push(read(&trial, "theta") != before);
            trial.boundary(std::slice::from_ref(&batch)).unwrap();
        }
        moved
    };
    for means in [Means::Stream, Means::Exemplars] {
        assert_eq!(moves(Features::FirstContext, means), [true, false]);
        assert_eq!(moves(Features::Finetuned, means), [true, true]);
        assert_eq!(moves(Features::Random, means), [false, false]);
        assert_eq!(moves(Features::Pixels, means), [true, true]);
    }
}

/// Nearest means with a fault.
struct Mutant {
    fault: Fault,
    ncm: Ncm,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The mean moves by a fixed share instead of 1/n.
    FixedShare,
    /// The sum in place of the mean.
    Sum,
    /// The largest distance wins.
    Farthest,
}

impl Strategy for Mutant {
    fn name(&self) -> String {
        "ncm".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.consolidate(self).readout(self);
    }
}

impl Consolidate for Mutant {
    fn passes(&self) -> Vec<Pass> {
        self.ncm.passes()
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, pass: usize) {
        if self.fault == Fault::Farthest {
            return self.ncm.observe(step, pass);
        }
        let one_hot = step.target.one_hot(3) * step.weight.column();
        let counts = step.scope.slot("counts", &[3], Init::Zeros);
        let means = step.scope.slot("means", &[3, 4], Init::Zeros);
        let (sums, rows) = (one_hot.t().matmul(step.x), one_hot.sum_axis(0));
        step.scope.assign("counts", counts + rows);
        let moved = sums - means * rows.column();
        let updated = match self.fault {
            Fault::Sum => means + sums,
            Fault::FixedShare | Fault::Farthest => means + moved * 0.3,
        };
        step.scope.assign("means", updated);
    }
}

impl Readout for Mutant {
    fn scores<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let scores = self.ncm.scores(step);
        if self.fault == Fault::Farthest { -scores } else { scores }
    }
}

#[test]
fn mutants_are_caught() {
    for fault in [Fault::FixedShare, Fault::Sum, Fault::Farthest] {
        let mutant = Mutant { fault, ncm: Ncm::default() };
        let caught = std::panic::catch_unwind(|| check(&mutant, "ncm", 4));
        assert!(!matches!(caught, Ok(Ok(()))), "{fault:?}");
    }
}
