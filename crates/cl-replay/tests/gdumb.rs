//! GDumb against a run from scratch on its sample, step by step, and faults that this catches.
#![allow(clippy::unwrap_used)]

#[path = "common/golden.rs"]
mod golden;
#[path = "common/runs.rs"]
mod runs;
#[path = "common/slow.rs"]
mod slow;

use cl_buffers::{Buffer, Greedy, Row, Sweep};
use cl_core::{Batch, GradientMap, Parts, Step, Strategy, Trial, from_state};
use cl_nn::{Mlp, Sgd};
use cl_random::{Address, Purpose};
use cl_replay::{Budget, Gdumb};
use cl_scenarios::Scenario;
use cl_tensor::{Session, Var};
use slow::{pixels, wide};
use std::collections::BTreeMap;
use std::f64::consts::PI;

const PASSES: u32 = 5;

fn gdumb() -> Gdumb {
    Gdumb { budget: Budget::Rows(36), passes: PASSES, rows: 8, ..Gdumb::default() }
}

/// Clips at a length, by the formula.
struct Clip(f32);

impl Strategy for Clip {
    fn name(&self) -> String {
        "clip".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.gradient_map(self);
    }
}

impl GradientMap for Clip {
    fn total<'g>(&self, step: &Step<'_, 'g>, g: Var<'g>) -> Var<'g> {
        let length = g.square().sum().sqrt() + 1e-6;
        g * (self.0 / length).minimum(step.graph().constant(1.0))
    }
}

/// 0.1 in the first pass, then cosines from 1 to 0.01 of 1, 2, 4 passes.
fn rate(pass: u32) -> f64 {
    let place = [0.0, 0.0, 0.0, 1.0 / 2.0, 0.0][pass as usize];
    let factor = 0.01 + 0.99 / 2.0 * (1.0 + (PI * place).cos());
    0.05 * if pass == 0 { 0.1 } else { factor }
}

/// theta after every context is that of a network trained from the first theta on the sample alone.
fn check(gdumb: &Gdumb, clip: f32) -> Result<(), String> {
    let mut learner = runs::learner(gdumb, Scenario::Class, 12);
    let path = runs::Path::of(&mut learner, &["theta"]);
    for stage in 0..5 {
        let end = path.progress.iter().rposition(|&(at, ..)| at == stage).unwrap();
        let (buffer, _): (Buffer<Greedy>, Sweep) = from_state("gdumb", path.memory(end)).unwrap();
        let kept: &[Row] = buffer.rows();
        let strategy = Clip(clip);
        let network = Box::new(Mlp::new(&[64, 24, 20, 10]).unwrap());
        let sgd = Sgd { lr: 0.05, momentum: 0.9, nesterov: false, weight_decay: 1e-6 };
        // The last batch of a pass has 4 rows and padding.
        let mut trial = Trial::new(&strategy, network, &sgd, (8, 5), false).unwrap();
        trial.session.write("theta", 0, path.slot(0, "theta")).unwrap();
        for pass in 0..PASSES {
            let mut order: Vec<u32> = (0..kept.len() as u32).collect();
            let address = Address::new(2, Purpose::named("gdumb")).context(stage as u32);
            address.step(pass).rng().shuffle(&mut order);
            trial.session.write("optimizer/lr", 0, &[rate(pass) as f32]).unwrap();
            for batch in order.chunks(8) {
                let of = |&p: &u32| kept[p as usize];
                let rows: Vec<Row> = batch.iter().map(of).collect();
                let used = rows.len();
                let mut x = pixels(rows.iter().map(|row| row.example));
                x.resize(8 * 64, 0.0);
                let mut batch =
                    Batch::mean(x, rows.iter().map(|row| row.label).collect(), stage as u32);
                batch.target.resize(8, 0);
                batch.context.resize(8, 0);
                batch.weight.resize(8, 0.0);
                assert_eq!(batch.weight[0], 1.0 / used as f32);
                trial.step(&batch).unwrap();
            }
        }
        let want = golden::read(&trial, "theta");
        golden::close(&format!("context {stage}"), &wide(path.slot(end, "theta")), &want, 1e-5)?;
    }
    Ok(())
}

#[test]
fn after_each_context_theta_is_that_of_a_run_from_scratch_on_the_sample_alone() {
    check(&gdumb(), 10.0).unwrap();
    // A length that every step has to be clipped to.
    check(&Gdumb { clip: 0.2, ..gdumb() }, 0.2).unwrap();
}

#[test]
fn every_fault_is_found() {
    let faults = [
        Gdumb { lr: 0.06, ..gdumb() },
        Gdumb { floor: 0.5, ..gdumb() },
        Gdumb { clip: 0.2, ..gdumb() },
        Gdumb { passes: PASSES + 1, ..gdumb() },
        Gdumb { rows: 9, ..gdumb() },
    ];
    for fault in faults {
        assert!(check(&fault, 10.0).is_err(), "{fault:?}");
    }
}

/// 36 places over 2, 4, 6, 8, 10 classes: 18, 9, 6, 4 or 5, 3 or 4 of each.
#[test]
fn every_class_that_came_has_its_share_and_no_row_is_there_twice() {
    let gdumb = gdumb();
    for (scenario, bytes) in [(Scenario::Class, 65), (Scenario::Domain, 66), (Scenario::Task, 66)] {
        let mut learner = runs::learner(&gdumb, scenario, 40);
        let path = runs::Path::of(&mut learner, &[]);
        for stage in 0..5 {
            let end = path.progress.iter().rposition(|&(at, ..)| at == stage).unwrap();
            let (buffer, _): (Buffer<Greedy>, Sweep) =
                from_state("gdumb", path.memory(end)).unwrap();
            let mut counts: BTreeMap<(u32, u32), usize> = BTreeMap::new();
            let mut examples: Vec<u32> = Vec::new();
            for row in buffer.rows() {
                *counts.entry((row.context, row.label)).or_default() += 1;
                examples.push(row.example);
            }
            let classes = 2 * (stage + 1);
            assert_eq!((counts.len(), buffer.len()), (classes, 36), "{scenario}, {stage}");
            let share = 36 / classes;
            let all = counts.values().all(|&count| (share..=share + 1).contains(&count));
            assert!(all, "{scenario}, context {stage}: {counts:?}");
            examples.sort_unstable();
            examples.dedup();
            assert_eq!(examples.len(), 36);
        }
        assert_eq!(learner.bytes_kept(), 36 * bytes);
    }
}

#[test]
fn a_budget_below_one_row_of_each_class_is_refused_with_both_numbers() {
    let gdumb = Gdumb { budget: Budget::Bytes(649), ..gdumb() };
    let error = runs::try_learner(&gdumb, Scenario::Class, 2).err().unwrap().to_string();
    assert!(error.contains("649") && error.contains("650"), "{error}");
}
