//! MIR against published numbers and a virtual step that is taken, and faults that these catch.
#![allow(clippy::unwrap_used)]

#[path = "common/golden.rs"]
mod golden;
#[path = "common/runs.rs"]
mod runs;
#[path = "common/slow.rs"]
mod slow;

use cl_core::{
    Batch, Error, Generate, Member, Parts, RecordedRows, Rehearse, Replayed, Step, Strategy,
    Targets, Trial,
};
use cl_nn::{Layout, Mlp, Sgd, losses};
use cl_replay::{Budget, Mir, Score};
use cl_scenarios::{Scenario, digits};
use cl_tensor::Session;
use golden::{Borrowed, close, flat, floats, golden, labels, numbers, read, rows, write};
use slow::{Weights, pixels, wide};
use std::ops::Range;

fn mir(candidates: usize, chosen: usize, score: Score) -> Mir {
    Mir { candidates, chosen, virtual_lr: 0.5, score, ..Mir::default() }
}

fn trial<'s>(
    mir: &'s dyn Strategy,
    sizes: &[usize],
    rows: usize,
    candidates: usize,
    lr: f64,
) -> Trial<'s> {
    let memory = [("mir/candidates", candidates)];
    let network = Box::new(Mlp::new(sizes).unwrap());
    let mut trial =
        Trial::with_memories(mir, network, &Sgd::new(lr), (rows, 2), false, &memory).unwrap();
    // Generated rows count from the second context on.
    trial.boundary(&[]).unwrap();
    trial
}

/// A step; the cell of candidate c is c.
fn step(trial: &mut Trial<'_>, current: &Batch, candidates: Batch) {
    let (count, stored) = (candidates.target.len(), vec![u32::MAX; current.target.len()]);
    let cells = (0..count as u32).collect();
    let candidates = Replayed { rows: Some(candidates), cells, stored };
    trial.step_with(current, &[("mir/candidates", candidates)]).unwrap();
}

/// ∇ of mean CE over the current rows + mean CE over these candidates, by loops.
fn gradient(
    weights: &Weights<'_>,
    current: &Batch,
    candidates: &Batch,
    chosen: &[u32],
) -> Vec<f64> {
    let mut sum = vec![0.0; weights.1.len()];
    let mut add = |batch: &Batch, rows: &[u32]| {
        let width = batch.x.len() / batch.target.len();
        for &row in rows {
            let x = wide(&batch.x[row as usize * width..][..width]);
            let (_, gradient) = weights.cross_entropy(&x, batch.target[row as usize]);
            sum.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += g / rows.len() as f64);
        }
    };
    add(current, &(0..current.target.len() as u32).collect::<Vec<_>>());
    add(candidates, chosen);
    sum
}

/// The step on the rows of the golden file goes along the gradient of current and chosen rows.
fn check_golden(mir: &dyn Strategy, score: Score) -> Result<(), String> {
    let file = golden("mir");
    let (inputs, expected) = (&file["inputs"], &file["expected"]);
    let mut trial = trial(mir, &[6, 5, 4, 4], 8, 12, 1.0);
    write(&mut trial, "theta", &inputs["params"]);
    let before = read(&trial, "theta");
    let (current, candidates) =
        (rows(inputs, "x", "y", 1), rows(inputs, "x_candidates", "y_candidates", 0));
    if score == Score::Best {
        let stored = floats(&inputs["stored_logits_of_candidates"]);
        trial.session.write("mir/logits", 0, &stored).unwrap();
    }
    step(&mut trial, &current, candidates.clone());
    let moved = before.iter().zip(read(&trial, "theta")).map(|(b, a)| b - a);
    let moved: Vec<f64> = moved.collect();
    if score == Score::Now {
        let published = flat(&trial, &expected["step_grad_current_plus_chosen"]);
        return close("step", &moved, &published, 1e-5);
    }
    let expected = &expected["compare_to_stored"];
    let weights = Weights(&trial.model.layout, &before);
    let chosen = labels(&expected["chosen"]);
    close("step", &moved, &gradient(&weights, &current, &candidates, &chosen), 1e-5)?;
    let stored = numbers(&expected["stored_logits_after"]);
    close("stored logits", &read(&trial, "mir/logits"), &stored, 1e-5)
}

#[test]
fn chosen_rows_the_real_step_and_stored_logits_are_the_published_numbers() {
    for score in [Score::Now, Score::Best] {
        check_golden(&mir(12, 4, score), score).unwrap();
    }
}

#[test]
fn other_numbers_of_rows_and_another_rate_are_found() {
    assert!(check_golden(&mir(12, 5, Score::Now), Score::Now).is_err());
    let own = mir(12, 4, Score::Now);
    assert!(check_golden(&Mir { virtual_lr: 0.0, ..own }, Score::Now).is_err());
}

/// The scores of candidates after a virtual step that is taken, in f64.
fn scores(layout: &Layout, theta: &[f64], current: &Batch, candidates: &Batch) -> Vec<f64> {
    let loss = |theta: &[f64], rows: &Batch, row: usize| {
        Weights(layout, theta).cross_entropy(&wide(&rows.x[64 * row..][..64]), rows.target[row])
    };
    let mut ahead = theta.to_vec();
    for row in 0..16 {
        let gradient = loss(theta, current, row).1;
        ahead.iter_mut().zip(gradient).for_each(|(ahead, g)| *ahead -= 0.5 * g / 16.0);
    }
    let score = |row| loss(&ahead, candidates, row).0 - loss(theta, candidates, row).0;
    (0..24).map(score).collect()
}

/// On digits, several steps.
fn check_digits(mir: &dyn Strategy) -> Result<(), String> {
    let mut trial = trial(mir, &[64, 24, 20, 10], 16, 24, 0.1);
    let labels = digits().labels;
    let rows = |examples: Range<u32>, context| {
        let target = examples.clone().map(|example| u32::from(labels[example as usize])).collect();
        Batch::mean(pixels(examples), target, context)
    };
    for first in [0, 100, 200, 300] {
        let (current, candidates) = (rows(first..first + 16, 1), rows(first + 50..first + 74, 0));
        let before = read(&trial, "theta");
        let layout = trial.model.layout.clone();
        let scores = scores(&layout, &before, &current, &candidates);
        let mut order: Vec<u32> = (0..24).collect();
        order.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]));
        step(&mut trial, &current, candidates.clone());
        let moved = before.iter().zip(read(&trial, "theta")).map(|(b, a)| (b - a) / 0.1);
        let moved: Vec<f64> = moved.collect();
        let want = gradient(&Weights(&layout, &before), &current, &candidates, &order[..6]);
        close(&format!("rows from {first}"), &moved, &want, 1e-4)?;
    }
    Ok(())
}

#[test]
fn on_digits_the_chosen_rows_are_those_of_a_virtual_step_that_is_taken() {
    check_digits(&mir(24, 6, Score::Now)).unwrap();
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Backwards,
    LossAfter,
    LossBefore,
    Lowest,
    First,
    StepOnCandidates,
}

struct Mutant(Fault);

impl Strategy for Mutant {
    fn name(&self) -> String {
        "mir".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        let never = |_: &Member<'_>| -> Result<Box<dyn Rehearse>, Error> {
            Err(Error::Misfit("a trial has no members".to_owned()))
        };
        parts.generate(self).rehearse_apart("candidates", never);
    }
}

impl Generate for Mutant {
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> RecordedRows<'g> {
        let all = step.rows("candidates");
        let (count, keep) = if all.weight.len() == 12 { (12, 4) } else { (24, 6) };
        let gradient = match self.0 {
            Fault::StepOnCandidates => step.graph().grad(all.task_loss, step.theta),
            Fault::Backwards => -step.task_gradient(),
            _ => step.task_gradient(),
        };
        let ahead = step.theta - 0.5 * gradient;
        let loss = |logits| losses::cross_entropy(logits, all.target, None);
        let (before, after) = (loss(all.forward.logits), loss(all.forward_with(ahead).logits));
        let score = match self.0 {
            Fault::LossAfter => after,
            Fault::LossBefore => before,
            Fault::Lowest => before - after,
            Fault::First => -step.graph().iota(count).to_float(),
            Fault::Backwards | Fault::StepOnCandidates => after - before,
        };
        let chosen = score.top_k(keep);
        RecordedRows {
            x: all.x.gather(chosen),
            targets: Targets::Units(all.target.gather(chosen)),
            weight: step.graph().full(&[keep], 1.0 / keep as f32),
            context: all.context.gather(chosen),
            active: None,
        }
    }
}

#[test]
fn every_fault_is_found() {
    for fault in [
        Fault::Backwards,
        Fault::LossAfter,
        Fault::LossBefore,
        Fault::Lowest,
        Fault::First,
        Fault::StepOnCandidates,
    ] {
        let found = check_golden(&Mutant(fault), Score::Now).is_err();
        assert!(found || check_digits(&Mutant(fault)).is_err(), "{fault:?}");
    }
}

/// In a run: candidates are of contexts that have ended, 10 of them are chosen and count like the
/// stream's rows.
#[test]
fn no_candidate_is_of_the_present_context() {
    let seen = golden::Seen(|step, _| {
        let (all, own) = (step.rows("mir/candidates"), step.rows("mir"));
        vec![
            ("context", all.context.to_float() * all.weight.sign()),
            ("candidates", all.weight.sign().sum()),
            ("chosen", own.weight.sign().sum()),
            ("weight", own.weight.sum()),
            ("current", step.weight.sum()),
        ]
    });
    let both = (Mir { budget: Budget::PerClass(6), ..Mir::default() }, Borrowed(&seen));
    let slots = ["seen/context", "seen/candidates", "seen/chosen", "seen/weight", "seen/current"];
    let path = runs::Path::of(&mut runs::learner(&both, Scenario::Class, 8), &slots);
    for step in 1..=path.steps() {
        let stage = path.progress[step].0;
        let [candidates, chosen, weight, current] =
            [1, 2, 3, 4].map(|at: usize| path.slot(step, slots[at])[0]);
        let contexts = path.slot(step, "seen/context");
        assert!(contexts.iter().all(|&context| context < stage.max(1) as f32), "{contexts:?}");
        assert_eq!((candidates, chosen) == (0.0, 0.0), stage == 0, "step {step}");
        if stage > 0 {
            assert!(chosen == 10.0 && candidates > 10.0, "{candidates}, {chosen}");
            assert!((weight - 1.0).abs() < 1e-5 && (current - 1.0).abs() < 1e-5);
        }
    }
}

#[test]
fn a_budget_below_one_row_of_each_class_is_refused_with_both_numbers() {
    // 64 pixels, a label, a context; under `Best` ten logits.
    for (score, bytes) in [(Score::Now, 660), (Score::Best, 1060)] {
        let mir = Mir { budget: Budget::Bytes(bytes - 1), score, ..Mir::default() };
        let error = runs::try_learner(&mir, Scenario::Class, 2).err().unwrap().to_string();
        assert!(error.contains(&format!("{}", bytes - 1)), "{error}");
        assert!(error.contains(&format!("{bytes}")), "{error}");
    }
}
