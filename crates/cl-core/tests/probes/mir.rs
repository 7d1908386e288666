//! MIR (Aljundi et al. 2019): the rows that a virtual step would harm most, chosen on the device.

use crate::common::Setup;
use crate::golden;
use crate::guarantees::{Path, population_is_singles_and_resume_is_whole};
use crate::slow::{Weights, pixels, wide};
use cl_buffers::{Buffer, Reservoir, RowSize, draw_uniform};
use cl_core::{
    Batch, Error, Fill, Generate, Mix, Now, Parts, RecordedRows, Rehearse, Replayed, Reports, Row,
    Share, Step, Strategy, Targets, Trial, from_state, to_state,
};
use cl_nn::losses;
use cl_nn::{Mlp, Sgd};
use cl_random::{Address, Purpose};
use cl_scenarios::digits;
use cl_tensor::{Init, Session};
use serde_json::Value;
use std::ops::Range;

/// θ' = θ − lr ∇CE(current rows); score = CE(θ'; x) − CE(θ; x) of every candidate; the `keep` largest
/// join the step. The task gradient is that of the mean where sources add up: `Mix::Sum`.
struct Mir {
    candidates: usize,
    keep: usize,
    lr: f32,
}

impl Strategy for Mir {
    fn name(&self) -> String {
        "mir".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        let rows = self.candidates;
        parts.generate(self).rehearse_apart("candidates", move |_| {
            Ok(Box::new(Candidates(
                Buffer::new(60, RowSize::from_bytes(1), Reservoir::new())?,
                rows,
            )))
        });
    }
}

impl Generate for Mir {
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> RecordedRows<'g> {
        let all = step.rows("candidates");
        let loss = |logits| losses::cross_entropy(logits, all.target, all.active);
        let ahead = step.theta - step.scope.hyper("virtual_lr", self.lr) * step.task_gradient();
        let score = loss(all.forward_with(ahead).logits) - loss(all.forward.logits);
        let nobody = step.graph().full(&[self.candidates], -1e30);
        let chosen = all.weight.select(score, nobody).top_k(self.keep);
        step.scope.slot("chosen", &[self.keep], Init::Zeros);
        step.scope.assign("chosen", chosen.to_float());
        step.report("chosen", chosen.to_float());
        let contexts = all.context.to_float() * all.weight.sign();
        step.scope.slot("contexts", &[self.candidates], Init::Zeros);
        step.scope.assign("contexts", contexts);
        let present = all.weight.gather(chosen).sign();
        RecordedRows {
            x: all.x.gather(chosen),
            targets: Targets::Units(all.target.gather(chosen)),
            weight: present / present.sum().maximum(step.graph().constant(1.0)),
            context: all.context.gather(chosen),
            active: all.active.map(|active| active.gather(chosen)),
        }
    }
}

/// Rows of a reservoir that are not of the present context.
struct Candidates(Buffer<Reservoir>, usize);

impl Rehearse for Candidates {
    fn rows(&self) -> usize {
        self.1
    }
    fn fill(&mut self, now: Now, _: &[Row], fill: &mut Fill<'_>) -> Result<Share, Error> {
        let old = self.0.positions_where(|row| row.context != now.stage);
        let address = Address::new(now.seed, Purpose::REPLAY).context(now.stage).step(now.step);
        let count = draw_uniform(&old, address, fill.cells);
        for i in 0..count {
            fill.rows[i] = self.0.rows()[fill.cells[i] as usize];
            fill.weights[i] = 1.0 / count as f32;
        }
        Ok(Share::Joined(1.0))
    }
    fn store(&mut self, now: Now, rows: &[Row], reports: &Reports<'_>) -> Result<(), Error> {
        assert!(reports.get("chosen").unwrap().iter().all(|&place| (place as usize) < self.1));
        Ok(self.0.offer(rows, Address::new(now.seed, Purpose::STORE))?)
    }
    fn peak_bytes(&self) -> u64 {
        self.0.peak_bytes()
    }
    fn save(&self) -> Result<Value, Error> {
        to_state("mir", &self.0)
    }
    fn restore(&mut self, state: &Value) -> Result<(), Error> {
        self.0 = from_state("mir", state)?;
        Ok(())
    }
}

/// A step of a trial, which replays one program once, on rows of two contexts.
fn step(trial: &mut Trial<'_>, current: &Batch, candidates: Batch) -> Vec<u32> {
    let nowhere = |rows: &Batch| vec![u32::MAX; rows.target.len()];
    let (cells, stored) = (nowhere(&candidates), nowhere(current));
    let candidates = Replayed { rows: Some(candidates), cells, stored };
    trial.step_with(current, &[("mir/candidates", candidates)]).unwrap();
    let chosen = trial.session.read("mir/chosen", 0).unwrap();
    chosen.into_iter().map(|place| place as u32).collect()
}

fn trial<'s>(mir: &'s Mir, sizes: &[usize], rows: usize, lr: f64) -> Trial<'s> {
    let memory = [("mir/candidates", mir.candidates)];
    let network = Box::new(Mlp::new(sizes).unwrap());
    let mut trial =
        Trial::with_memories(mir, network, &Sgd::new(lr), (rows, 2), false, &memory).unwrap();
    // Generated rows count from the second context on.
    trial.boundary(&[]).unwrap();
    trial
}

#[test]
fn chosen_rows_and_the_real_step_are_the_published_numbers() {
    let golden = golden::golden("mir");
    let (inputs, expected) = (&golden["inputs"], &golden["expected"]);
    let mir = Mir { candidates: 12, keep: 4, lr: 0.5 };
    let mut trial = trial(&mir, &[6, 5, 4, 4], 8, 1.0);
    golden::write(&mut trial, "theta", &inputs["params"]);
    let rows = |x: &str, y: &str, context| {
        Batch::mean(golden::floats(&inputs[x]), golden::labels(&inputs[y]), context)
    };
    let before = golden::read(&trial, "theta");
    let chosen = step(&mut trial, &rows("x", "y", 1), rows("x_candidates", "y_candidates", 0));
    assert_eq!(chosen, golden::labels(&expected["chosen"]));
    let after = golden::read(&trial, "theta");
    let gradient: Vec<f64> = before.iter().zip(after).map(|(b, a)| b - a).collect();
    let published = golden::flat(&trial, &expected["step_grad_current_plus_chosen"]);
    golden::assert_close(&gradient, &published, 1e-5);
}

#[test]
fn on_digits_the_chosen_rows_are_those_of_a_virtual_step_that_is_taken() {
    let mir = Mir { candidates: 24, keep: 6, lr: 0.5 };
    let mut trial = trial(&mir, &[64, 24, 20, 10], 16, 0.1);
    let labels = digits().labels;
    let rows = |examples: Range<u32>, context| {
        let target = examples.clone().map(|example| u32::from(labels[example as usize])).collect();
        Batch::mean(pixels(examples), target, context)
    };
    for first in [0, 100, 200, 300] {
        let (current, candidates) = (rows(first..first + 16, 1), rows(first + 50..first + 74, 0));
        let before = golden::read(&trial, "theta");
        let layout = trial.model.layout.clone();
        let loss = |theta: &[f64], rows: &Batch, row: usize| {
            Weights(&layout, theta)
                .cross_entropy(&wide(&rows.x[64 * row..][..64]), rows.target[row])
        };
        let mut ahead = before.clone();
        for row in 0..16 {
            let gradient = loss(&before, &current, row).1;
            ahead.iter_mut().zip(gradient).for_each(|(ahead, g)| *ahead -= 0.5 * g / 16.0);
        }
        let score = |row| loss(&ahead, &candidates, row).0 - loss(&before, &candidates, row).0;
        let mut order: Vec<u32> = (0..24).collect();
        order.sort_by(|&a, &b| score(b as usize).total_cmp(&score(a as usize)));
        assert_eq!(step(&mut trial, &current, candidates.clone()), order[..6]);
    }
}

#[test]
fn no_candidate_is_of_the_present_context() {
    let (mir, mix) = (Mir { candidates: 24, keep: 6, lr: 0.1 }, Mix::Sum);
    let setup = Setup { mix, ..Setup::default() };
    let path = Path::of(&mut setup.learner(&mir).unwrap(), &["mir/contexts"]);
    for (step, &(stage, ..)) in path.progress.iter().enumerate().filter(|(_, at)| at.0 > 0) {
        let contexts = path.slot(step, 0, "mir/contexts");
        assert!(contexts.iter().all(|&context| context < stage as f32), "{stage}: {contexts:?}");
    }
}

#[test]
fn mir_keeps_its_guarantees() {
    let (mir, mix) = (Mir { candidates: 24, keep: 6, lr: 0.1 }, Mix::Sum);
    let setup = Setup { mix, ..Setup::default() };
    population_is_singles_and_resume_is_whole(&setup, &mir, [3, 9, 12, 20]);
}
