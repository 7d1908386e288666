//! What the field measures in place of the exact Fisher information, against published code and slow
//! loops.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{Batch, Strategy, Trial};
use cl_nn::Sgd;
use cl_random::{Address, Purpose, threefry2x32};
use cl_regularize::{Divisor, Estimate, Ewc, Fisher, OnlineEwc};
use common::slow::{SlowMlp, add, wide};
use common::{bits, close, floats, golden, labels, read, slot_is, some_batch, tensors_are};
use serde_json::Value;

const ROWS: usize = 8;

fn ewc(estimate: Estimate, divisor: Divisor) -> Ewc {
    Ewc { fisher: Fisher { estimate, divisor, ..Fisher::default() }, ..Ewc::default() }
}

/// A trial at the parameters of the golden file.
fn trial<'s>(method: &'s dyn Strategy, file: &Value, masked: bool) -> Trial<'s> {
    let mut trial = common::trial(method, &Sgd::new(0.1), ROWS, masked);
    common::write(&mut trial, "theta", &file["inputs"]["params"]);
    trial
}

/// The golden rows with the labels of a variant, in batches of this size; missing rows are padding
/// that must not count.
fn batches(file: &Value, variant: &str, context: u32, size: usize) -> Vec<Batch> {
    let x = floats(&file["inputs"]["x"]);
    let target = labels(&file["inputs"]["labels"][variant]);
    let rows = x.chunks(6 * size).zip(target.chunks(size));
    rows.map(|(x, target)| {
        let mut batch = some_batch(size, 99);
        batch.x[..x.len()].copy_from_slice(x);
        batch.target[..target.len()].copy_from_slice(target);
        batch.context = vec![context; size];
        batch.weight = (0..size).map(|row| f32::from(u8::from(row < target.len()))).collect();
        batch
    })
    .collect()
}

/// The Fisher information by an estimate against the entry of the golden file for these labels.
fn check(estimate: Estimate, key: &str) -> Result<(), String> {
    let file = golden("ewc_fisher");
    for (variant, context) in [("class_all_outputs", 0), ("task_context1", 0), ("task_context2", 1)]
    {
        for (divisor, name) in
            [(Divisor::N, "exact_divided_by_N"), (Divisor::NMinusOne, "vdv_divided_by_N_minus_1")]
        {
            let (ewc, masked) = (ewc(estimate, divisor), variant != "class_all_outputs");
            let mut trial = trial(&ewc, &file, masked);
            if masked {
                let (yes, no) = (true, false);
                trial.set_active(&[vec![yes, yes, no, no], vec![no, no, yes, yes]]).unwrap();
            }
            trial.boundary(&batches(&file, variant, context, ROWS)).unwrap();
            let want = &file["expected"][variant][key][name];
            slot_is(&trial, "ewc/precision", want, 1e-5)?;
        }
    }
    Ok(())
}

#[test]
fn each_kind_of_label_gives_the_numbers_of_the_reference_and_no_other() {
    let kinds = [(Estimate::Exact, "all"), (Estimate::Predicted, "pred"), (Estimate::True, "true")];
    for (estimate, own) in kinds {
        for (_, key) in kinds {
            let checked = check(estimate, key);
            assert_eq!(checked.is_ok(), key == own, "{estimate:?} against {key}: {checked:?}");
        }
    }
    for other in [Estimate::Sample, Estimate::TrueByProbability, Estimate::Batched(ROWS)] {
        assert!(kinds.iter().all(|(_, key)| check(other, key).is_err()), "{other:?}");
    }
}

#[test]
fn the_square_of_mini_batch_gradients_is_that_of_a_loop_and_depends_on_their_size() {
    let file = golden("ewc_fisher");
    let expected = &file["expected"]["class_batched_true_batch4"];
    let measured = |estimate, divisor, size| {
        let ewc = ewc(estimate, divisor);
        let mut trial = trial(&ewc, &file, false);
        trial.boundary(&batches(&file, "class_all_outputs", 0, size)).unwrap();
        assert_eq!(read(&trial, "ewc/fisher_batches"), [0.0]);
        let is = |key: &str| slot_is(&trial, "ewc/precision", &expected[key], 1e-5);
        let keys = ["mean_over_batches", "vdv_divided_by_last_index"];
        keys.map(|key| is(key).is_ok())
    };
    assert_eq!(measured(Estimate::Batched(4), Divisor::N, 4), [true, false]);
    assert_eq!(measured(Estimate::Batched(4), Divisor::NMinusOne, 4), [false, true]);
    assert_eq!(measured(Estimate::Batched(8), Divisor::N, 8), [false, false]);
    let avalanche = Ewc::avalanche(1.0, 4);
    assert_eq!(avalanche.fisher, ewc(Estimate::Batched(4), Divisor::N).fisher);
}

#[test]
fn a_smaller_last_batch_has_a_mean_of_its_own() {
    let file = golden("ewc_fisher");
    let ewc = ewc(Estimate::Batched(5), Divisor::N);
    let mut trial = trial(&ewc, &file, false);
    let slow = SlowMlp::of(&trial, Vec::new(), vec![true; 4]);
    trial.boundary(&batches(&file, "class_all_outputs", 0, 5)).unwrap();
    let x = floats(&file["inputs"]["x"]);
    let target = labels(&file["inputs"]["labels"]["class_all_outputs"]);
    let mut want = slow.zeros();
    for rows in [0..5, 5..8] {
        let of_batch = slow.mean_gradient(&x[6 * rows.start..6 * rows.end], &target[rows]);
        add(&mut want, &of_batch, |g| g * g / 2.0);
    }
    tensors_are(&trial, "ewc/precision", &want, 1e-5).unwrap();
}

#[test]
fn mammoths_squares_are_weighted_by_the_probability_of_the_true_label() {
    let file = golden("ewc_fisher");
    let method = OnlineEwc::mammoth(90.0, 1.0, 3);
    let mut trial = trial(&method, &file, false);
    let slow = SlowMlp::of(&trial, Vec::new(), vec![true; 4]);
    // Forty-two batches of three in a chunk, most of them padding.
    trial.boundary(&batches(&file, "class_all_outputs", 0, 126)).unwrap();
    let target = labels(&file["inputs"]["labels"]["class_all_outputs"]);
    let label = |row: usize| target[row] as usize;
    let mut want =
        slow.squares(&floats(&file["inputs"]["x"]), |row, p| vec![(label(row), p[label(row)])]);
    // Eight rows in batches of three: three batches times three.
    want.iter_mut().flatten().for_each(|sum| *sum /= 9.0);
    tensors_are(&trial, "ewc-online/fisher", &want, 1e-5).unwrap();
}

#[test]
fn mammoths_batches_are_counted_over_chunks() {
    let method = OnlineEwc::mammoth(90.0, 1.0, 64);
    let mut trial = common::trial(&method, &Sgd::new(0.1), ROWS, false);
    let slow = SlowMlp::of(&trial, Vec::new(), vec![true; 4]);
    let (first, mut second) = (some_batch(128, 1), some_batch(128, 2));
    second.weight[8..].fill(0.0);
    trial.boundary(&[first.clone(), second.clone()]).unwrap();
    let x = [&first.x[..], &second.x[..6 * 8]].concat();
    let target = [first.target, second.target].concat();
    let label = |row: usize| target[row] as usize;
    let mut want = slow.squares(&x, |row, p| vec![(label(row), p[label(row)])]);
    // 128 + 8 rows in batches of 64: three of them.
    want.iter_mut().flatten().for_each(|sum| *sum /= 192.0);
    tensors_are(&trial, "ewc-online/fisher", &want, 1e-5).unwrap();
}

/// What row `row` of `context` draws at boundary `boundary` under seed 0.
fn drawn(boundary: u32, row: u32, context: u32) -> f64 {
    let address = Address::new(0, Purpose::named("uniform/ewc/label")).context(boundary);
    let word = threefry2x32(address.step(row).ordinal(context).key(), [0, 0])[0];
    f64::from(word >> 8) / f64::from(1 << 24)
}

#[test]
fn a_drawn_label_is_the_one_at_the_address_of_its_row_and_always_active() {
    let file = golden("ewc_fisher");
    let x = floats(&file["inputs"]["x"]);
    let ewc = ewc(Estimate::Sample, Divisor::N);
    let variants = [vec![true, true, false, false], vec![false, true, false, true]];
    for context in [0, 1] {
        let active = &variants[context as usize];
        let mut trial = trial(&ewc, &file, true);
        trial.set_active(&variants).unwrap();
        let slow = SlowMlp::of(&trial, Vec::new(), active.clone());
        trial.boundary(&batches(&file, "class_all_outputs", context, ROWS)).unwrap();
        let label = |row: usize, p: &[f64]| {
            let (u, mut below) = (drawn(0, row as u32, context), 0.0);
            let up_to = p.iter().map(|p| {
                below += p;
                below
            });
            up_to.collect::<Vec<_>>().iter().position(|&below| below > u).unwrap()
        };
        let mut want = slow.squares(&x, |row, p| vec![(label(row, p), 1.0)]);
        want.iter_mut().flatten().for_each(|sum| *sum /= 8.0);
        tensors_are(&trial, "ewc/precision", &want, 1e-5).unwrap();
        let distinct: std::collections::BTreeSet<_> =
            x.chunks(6).enumerate().map(|(row, x)| label(row, &slow.forward(&wide(x)).1)).collect();
        assert!(distinct.len() > 1, "the draws tell labels apart");
    }
}

#[test]
fn drawn_labels_do_not_depend_on_chunks_and_change_from_context_to_context() {
    let file = golden("ewc_fisher");
    let ewc = ewc(Estimate::Sample, Divisor::N);
    let measured = |size: usize, rows: usize| {
        let mut trial = common::trial(&ewc, &Sgd::new(0.1), rows, false);
        common::write(&mut trial, "theta", &file["inputs"]["params"]);
        let chunks = batches(&file, "class_all_outputs", 0, size);
        trial.boundary(&chunks).unwrap();
        let first = read(&trial, "ewc/precision");
        trial.boundary(&chunks).unwrap();
        (first, read(&trial, "ewc/precision"))
    };
    let (whole, cut) = (measured(8, 8), measured(3, 3));
    assert_eq!(bits(&whole.0), bits(&measured(8, 8).0), "the same again");
    close("in threes", &cut.0, &wide(&whole.0), 1e-6).unwrap();
    close("in threes, later", &cut.1, &wide(&whole.1), 1e-6).unwrap();
    let twice: Vec<f64> = whole.0.iter().map(|&f| 2.0 * f64::from(f)).collect();
    assert!(close("other labels", &whole.1, &twice, 0.05).is_err());
}

/// F summed over many boundaries is a mean over many draws.
#[test]
fn drawn_labels_have_the_exact_fisher_information_as_their_mean() {
    let file = golden("ewc_fisher");
    let ewc = ewc(Estimate::Sample, Divisor::N);
    let mut trial = trial(&ewc, &file, false);
    let slow = SlowMlp::of(&trial, Vec::new(), vec![true; 4]);
    let chunks = batches(&file, "class_all_outputs", 0, ROWS);
    let boundaries = 4000;
    for _ in 0..boundaries {
        trial.boundary(&chunks).unwrap();
    }
    let mut want = slow.fisher_sum(&floats(&file["inputs"]["x"]));
    want.iter_mut().flatten().for_each(|sum| *sum *= f64::from(boundaries) / 8.0);
    tensors_are(&trial, "ewc/precision", &want, 0.04).unwrap();
}

#[test]
fn conventions_are_told_and_those_that_make_no_sense_refused() {
    let fisher = |estimate, divisor| Fisher { estimate, rows: None, divisor };
    let said = [
        (Estimate::Exact, "exact expectation over active labels, per example, all rows"),
        (Estimate::Sample, "one label drawn per example, per example, all rows"),
        (Estimate::Predicted, "predicted label, per example, all rows"),
        (Estimate::True, "true label, per example, all rows"),
        (Estimate::TrueByProbability, "true label times its probability, per example, all rows"),
    ];
    for (estimate, words) in said {
        let text = fisher(estimate, Divisor::NMinusOne).describe();
        assert_eq!(text, format!("{words}, divided by N - 1"));
    }
    assert_eq!(
        fisher(Estimate::Batched(32), Divisor::N).describe(),
        "true label, square of the mean gradient of batches of 32, all rows, \
         divided by the number of batches"
    );
    assert_eq!(
        OnlineEwc::mammoth(90.0, 1.0, 10).describe()[2..],
        [
            ("ewc-online.penalty", "lambda, without 1/2, one running term"),
            (
                "ewc-online.fisher",
                "true label times its probability, per example, all rows, \
                 divided by N rounded up to batches of 10"
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    let refused = |estimate, divisor| ewc(estimate, divisor).check().unwrap_err().to_string();
    assert_eq!(
        refused(Estimate::Batched(0), Divisor::N),
        "ewc: fisher batch = 0; expected at least 1"
    );
    assert_eq!(
        refused(Estimate::True, Divisor::WholeBatches(0)),
        "ewc: fisher batch = 0; expected at least 1"
    );
    assert_eq!(
        refused(Estimate::Batched(8), Divisor::WholeBatches(8)),
        "ewc: fisher divisor: whole batches = 8; \
         expected N or N - 1 for batches: there is one term per batch"
    );
}
