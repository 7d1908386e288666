//! ER-ACE against published numbers and loops, and faults that these catch.
#![allow(clippy::unwrap_used)]

#[path = "common/golden.rs"]
mod golden;
#[path = "common/runs.rs"]
mod runs;
#[path = "common/slow.rs"]
mod slow;

use cl_core::{
    Batch, Criterion, Error, Member, Naive, Parts, Rehearse, Replayed, Step, Strategy, Trial,
};
use cl_nn::{Mlp, Sgd, losses};
use cl_replay::{Balance, Begins, Budget, Competitors, ErAce};
use cl_scenarios::Scenario;
use cl_tensor::Var;
use golden::{Borrowed, GRADIENTS, close, flat, golden, joined, read, rows, write};
use slow::Weights;

/// A criterion under the name of the method, with a memory that a trial never makes.
struct Named<'a>(&'a (dyn Criterion + Sync));

impl Strategy for Named<'_> {
    fn name(&self) -> String {
        "er-ace".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        let never = |_: &Member<'_>| -> Result<Box<dyn Rehearse>, Error> {
            Err(Error::Misfit("a trial has no members".to_owned()))
        };
        parts.criterion(self.0).rehearse(never);
    }
}

fn trial(strategy: &dyn Strategy, replayed: usize) -> Trial<'_> {
    let network = Box::new(Mlp::new(&[6, 5, 4, 4]).unwrap());
    let memories = [("er-ace", replayed)];
    let (sgd, shape) = (Sgd::new(0.1), (8 + replayed, 2));
    Trial::with_memories(strategy, network, &sgd, shape, false, &memories).unwrap()
}

/// Rows of a memory that are part of the batch.
fn apart(replayed: usize) -> Replayed {
    Replayed { rows: None, cells: vec![u32::MAX; replayed], stored: vec![u32::MAX; 8] }
}

fn check_golden(ace: &dyn Strategy) -> Result<(), String> {
    let file = golden("er_der");
    let (inputs, expected) = (&file["inputs"], &file["expected"]["er_ace"]);
    let both = (Borrowed(ace), GRADIENTS);
    let mut trial = trial(&both, 6);
    write(&mut trial, "theta", &inputs["params"]);
    // The sum of two means.
    let batch = joined(rows(inputs, "x", "y", 1), rows(inputs, "x_replay", "y_replay", 0));
    let loss = trial.step_with(&batch, &[("er-ace", apart(6))]).unwrap();
    close("loss", &[f64::from(loss)], &[expected["loss"].as_f64().unwrap()], 1e-5)?;
    let want = flat(&trial, &expected["grad"]);
    close("gradient", &read(&trial, "seen/before"), &want, 1e-5)
}

#[test]
fn loss_and_gradient_are_those_of_the_published_formula() {
    for ace in [ErAce::default(), ErAce::avalanche(), ErAce::mammoth()] {
        check_golden(&ace).unwrap();
    }
}

/// Classes of the current rows of some steps, made up: 0 and 1; 1; 2; 0; 0 and 3, then 0 alone.
const STEPS: [[u32; 8]; 6] =
    [[0, 1, 1, 0, 1, 0, 0, 1], [1; 8], [2; 8], [0; 8], [0, 3, 3, 0, 3, 0, 0, 3], [0; 8]];

/// Which classes compete for current rows in those steps.
fn competing(competitors: Competitors) -> [[bool; 4]; 6] {
    let (t, f) = (true, false);
    match competitors {
        Competitors::Present => {
            [[t, t, f, f], [f, t, f, f], [f, f, t, f], [t, f, f, f], [t, f, f, t], [t, f, f, f]]
        }
        // From the largest that came on: 1, 2, 3; 1, 2, 3; 2, 3; 2, 3; 3; 3.
        Competitors::PresentAndUnseen => {
            [[t, t, t, t], [f, t, t, t], [f, f, t, t], [t, f, t, t], [t, f, f, t], [t, f, f, t]]
        }
        // Of these the last two not: class 3 is the last of all, and it came.
        Competitors::UntilTheLast => {
            [[t, t, t, t], [f, t, t, t], [f, f, t, t], [t, f, t, t], [t, f, f, t], [t, f, f, f]]
        }
    }
}

/// The loss of every step, in f64 from the parameters before it.
fn check_steps(ace: &dyn Strategy, competitors: Competitors) -> Result<(), String> {
    let file = golden("er_der");
    let inputs = &file["inputs"];
    let mut trial = trial(ace, 6);
    write(&mut trial, "theta", &inputs["params"]);
    let replayed = rows(inputs, "x_replay", "y_replay", 0);
    for (target, competing) in STEPS.iter().zip(competing(competitors)) {
        let current = Batch { target: target.to_vec(), ..rows(inputs, "x", "y", 1) };
        let theta = read(&trial, "theta");
        let weights = Weights(&trial.model.layout, &theta);
        let loss_of = |batch: &Batch, competing: [bool; 4]| -> f64 {
            let x = slow::rows(&slow::wide(&batch.x), 6);
            let losses = x.iter().zip(&batch.target).map(|(x, &target)| {
                let z = weights.forward(x).pop().unwrap();
                let sum: f64 =
                    z.iter().zip(competing).filter(|(_, c)| *c).map(|(z, _)| z.exp()).sum();
                sum.ln() - z[target as usize]
            });
            losses.sum::<f64>() / batch.target.len() as f64
        };
        let expected = loss_of(&current, competing) + loss_of(&replayed, [true; 4]);
        let batch = joined(current, replayed.clone());
        let loss = trial.step_with(&batch, &[("er-ace", apart(6))]).unwrap();
        close(&format!("classes {target:?}"), &[f64::from(loss)], &[expected], 1e-5)?;
    }
    Ok(())
}

#[test]
fn the_classes_that_compete_follow_from_those_that_came() {
    let all = [Competitors::Present, Competitors::PresentAndUnseen, Competitors::UntilTheLast];
    for competitors in all {
        check_steps(&ErAce { competitors, ..ErAce::default() }, competitors).unwrap();
    }
    for (own, other) in all.into_iter().flat_map(|own| all.map(|other| (own, other))) {
        let is_own = check_steps(&ErAce { competitors: own, ..ErAce::default() }, other).is_ok();
        assert_eq!(is_own, own == other, "{own:?} by {other:?}");
    }
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    NoMask,
    ReplayToo,
    PresentInReplay,
    Swapped,
}

struct Mutant(Fault);

impl Criterion for Mutant {
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let current = step.is_current();
        let whose = match self.0 {
            Fault::PresentInReplay => 1.0 - current,
            _ => current,
        };
        let one_hot = step.target.one_hot(4);
        let present = (one_hot * whose.column()).sum_axis(0).sign().reshape(&[1, 4]);
        let restricted = match self.0 {
            Fault::NoMask => 0.0 * current,
            Fault::ReplayToo => 0.0 * current + 1.0,
            Fault::PresentInReplay => current,
            Fault::Swapped => 1.0 - current,
        }
        .column();
        let competing = (restricted * present + (1.0 - restricted)).maximum(one_hot);
        losses::cross_entropy(step.forward.logits, step.target, Some(competing))
    }
}

#[test]
fn every_fault_is_found() {
    for fault in [Fault::NoMask, Fault::ReplayToo, Fault::PresentInReplay, Fault::Swapped] {
        let mutant = Mutant(fault);
        assert!(check_golden(&Named(&mutant)).is_err(), "{fault:?}");
    }
}

/// mammoth: neither masks nor replay until the first context has ended.
#[test]
fn where_it_begins_with_the_second_context_the_first_is_plain_training_to_the_bit() {
    let plain = runs::Path::of(&mut runs::learner(&Naive, Scenario::Class, 5), &["theta"]);
    let own = |begins| {
        let ace = ErAce { begins, memory: Balance::Reservoir, ..ErAce::default() };
        runs::Path::of(&mut runs::learner(&ace, Scenario::Class, 5), &["theta"])
    };
    let (second, at_once) = (own(Begins::SecondContext), own(Begins::AtOnce));
    for step in 0..=5 {
        assert!(second.slot(step, "theta") == plain.slot(step, "theta"), "step {step}");
    }
    assert!(second.slot(6, "theta") != plain.slot(6, "theta"));
    assert!(at_once.slot(3, "theta") != plain.slot(3, "theta"));
}

/// Its own rule weighs the sources: the run's 1/t would give the stream's rows 1/2 in context 2.
#[test]
fn the_two_means_add_up_whatever_the_run_says() {
    let seen = golden::Seen(|step, _| {
        let replayed = step.rows_of("er-ace").unwrap();
        let sum = |range: std::ops::Range<usize>| step.weight.slice(0, range).sum();
        vec![("current", sum(step.stream_rows())), ("replayed", sum(replayed))]
    });
    for (ace, (current, replayed)) in
        [(ErAce::default(), (1.0, 1.0)), (ErAce::avalanche(), (0.5, 0.5))]
    {
        let ace = ErAce { budget: Budget::PerClass(3), ..ace };
        let both = (ace, Borrowed(&seen));
        let slots = ["seen/current", "seen/replayed"];
        let path = runs::Path::of(&mut runs::learner(&both, Scenario::Class, 4), &slots);
        for step in 2..=path.steps() {
            let [own, other] = slots.map(|slot| path.slot(step, slot)[0]);
            assert!((own - current).abs() < 1e-5 && (other - replayed).abs() < 1e-5, "{step}");
        }
    }
}
