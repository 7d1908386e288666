//! The exact Fisher information against published code and against a slow loop.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{Batch, Gate, GateSite, Parts, Strategy, Trial};
use cl_nn::{Point, Sgd};
use cl_regularize::{Divisor, Ewc, Fisher};
use cl_tensor::{Init, Var};
use common::slow::SlowMlp;
use common::{bits, close, floats, golden, labels, read, slot_is, some_batch, trial, write};

fn ewc(divisor: Divisor) -> Ewc {
    Ewc { fisher: Fisher { divisor, ..Fisher::default() }, ..Ewc::default() }
}

#[test]
fn the_fisher_information_is_that_of_the_reference_over_all_or_some_classes() {
    let file = golden("ewc_fisher");
    let (all, first, second) = ("class_all_outputs", "task_context1", "task_context2");
    for (variant, context) in [(all, 0), (first, 0), (second, 1)] {
        for (divisor, key) in
            [(Divisor::N, "exact_divided_by_N"), (Divisor::NMinusOne, "vdv_divided_by_N_minus_1")]
        {
            let ewc = ewc(divisor);
            let mut trial = trial(&ewc, &Sgd::new(0.1), 8, variant != all);
            write(&mut trial, "theta", &file["inputs"]["params"]);
            if variant != all {
                let (yes, no) = (true, false);
                trial.set_active(&[vec![yes, yes, no, no], vec![no, no, yes, yes]]).unwrap();
            }
            let target = labels(&file["inputs"]["labels"][variant]);
            let rows = Batch::mean(floats(&file["inputs"]["x"]), target, context);
            trial.boundary(&[rows]).unwrap();
            let want = &file["expected"][variant]["all"][key];
            slot_is(&trial, "ewc/precision", want, 1e-5).unwrap();
        }
    }
}

/// Multiplies x W by a fixed mask per hidden layer, before the bias is added.
struct Mask;

const MASKS: [[f32; 5]; 2] = [[1.0, 0.0, 1.0, 1.0, 0.5], [0.0, 1.0, 1.0, 2.0, 0.0]];

impl Gate for Mask {
    fn apply<'g>(&self, at: &GateSite<'_, 'g>, h: Var<'g>) -> Var<'g> {
        if at.site.point != Point::PreBias {
            return h;
        }
        let mask = MASKS[at.site.layer][..at.site.units].to_vec();
        let name = format!("mask{}", at.site.layer);
        h * at.scope.slot(&name, &[1, at.site.units], Init::Values(mask.into()))
    }
}

impl Strategy for Mask {
    fn name(&self) -> String {
        "mask".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.gate(self);
    }
}

fn precision_is(trial: &Trial<'_>, slow: &SlowMlp, x: &[f32], tolerance: f64) {
    let rows = (x.len() / 6) as f64;
    let want = slow.fisher_sum(x);
    for ((name, got), want) in trial.parameters("ewc/precision").unwrap().iter().zip(want) {
        let want: Vec<f64> = want.iter().map(|sum| sum / rows).collect();
        close(name, got, &want, tolerance).unwrap();
    }
}

#[test]
fn the_fisher_information_is_a_sum_over_examples_and_labels() {
    let ewc = ewc(Divisor::N);
    let mut trial = trial(&ewc, &Sgd::new(0.1), 100, false);
    let rows = some_batch(100, 1);
    trial.boundary(std::slice::from_ref(&rows)).unwrap();
    precision_is(&trial, &SlowMlp::of(&trial, Vec::new(), vec![true; 4]), &rows.x, 1e-5);
}

#[test]
fn gates_inside_the_network_belong_to_the_gradient_of_each_example() {
    let gated = (Mask, ewc(Divisor::N));
    let mut trial = trial(&gated, &Sgd::new(0.1), 32, false);
    let rows = some_batch(32, 2);
    trial.boundary(std::slice::from_ref(&rows)).unwrap();
    let gates = MASKS.iter().map(|mask| mask.iter().map(|&x| f64::from(x)).collect()).collect();
    let masked = SlowMlp::of(&trial, gates, vec![true; 4]);
    precision_is(&trial, &masked, &rows.x, 1e-5);
    let first = &trial.parameters("ewc/precision").unwrap()[0].1;
    assert!(first.iter().skip(1).step_by(5).all(|&f| f == 0.0), "unit 1 of layer 1 is gated off");
}

/// The first `take` rows from `from`, padded to `rows` with rows that must not count.
fn chunk(all: &Batch, from: usize, take: usize, rows: usize) -> Batch {
    let mut chunk = some_batch(rows, 99);
    chunk.weight = (0..rows).map(|row| f32::from(u8::from(row < take))).collect();
    chunk.x[..6 * take].copy_from_slice(&all.x[6 * from..6 * (from + take)]);
    chunk
}

#[test]
fn the_fisher_information_does_not_depend_on_how_rows_are_cut_into_chunks() {
    let all = some_batch(96, 3);
    let measured = |rows: usize, chunks: &[Batch]| {
        let ewc = ewc(Divisor::NMinusOne);
        let mut trial = trial(&ewc, &Sgd::new(0.1), rows, false);
        trial.boundary(chunks).unwrap();
        assert!(read(&trial, "ewc/fisher_sum").iter().all(|&sum| sum == 0.0));
        read(&trial, "ewc/precision")
    };
    let whole = measured(96, &[chunk(&all, 0, 96, 96)]);
    let padded = measured(128, &[chunk(&all, 0, 96, 128)]);
    assert_eq!(bits(&whole), bits(&padded), "rows of weight 0 change nothing");

    let cut: Vec<Batch> = (0..10).map(|i| chunk(&all, 10 * i, 10.min(96 - 10 * i), 10)).collect();
    let want: Vec<f64> = whole.iter().map(|&x| f64::from(x)).collect();
    close("cut into tens", &measured(10, &cut), &want, 1e-6).unwrap();
}

#[test]
fn a_limit_of_rows_is_a_limit_of_the_pass_and_must_not_be_zero() {
    assert_eq!(Fisher { rows: Some(7), ..Fisher::default() }.pass().limit, Some(7));
    let none = Ewc { fisher: Fisher { rows: Some(0), ..Fisher::default() }, ..Ewc::default() };
    assert_eq!(
        none.check().unwrap_err().to_string(),
        "ewc: fisher rows = 0; expected at least 1, or none for all rows"
    );
}
