//! DER and DER++ against published numbers; what is stored against loops; faults that these catch.
#![allow(clippy::unwrap_used)]

#[path = "common/golden.rs"]
mod golden;
#[path = "common/runs.rs"]
mod runs;
#[path = "common/slow.rs"]
mod slow;

use cl_buffers::{Buffer, Reservoir};
use cl_core::{
    Error, Member, Parts, Penalty, Rehearse, Replayed, Row, Step, Strategy, Trial, from_state,
};
use cl_nn::losses::{mse, weighted_sum};
use cl_nn::{Mlp, Sgd};
use cl_replay::{Budget, Der, DerPlusPlus, Distance};
use cl_scenarios::Scenario;
use cl_tensor::{Init, Session, Var};
use golden::{GRADIENTS, close, flat, floats, golden, joined, read, rows, write};
use slow::{Weights, pixels, wide};

/// Hands over a penalty under a name, and keeps its value.
struct Told<'a>(&'static str, &'a (dyn Penalty + Sync));

impl Strategy for Told<'_> {
    fn name(&self) -> String {
        self.0.to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        let never = |_: &Member<'_>| -> Result<Box<dyn Rehearse>, Error> {
            Err(Error::Misfit("a trial has no members".to_owned()))
        };
        parts.penalty(self).rehearse_apart("memory", never);
    }
}

impl Penalty for Told<'_> {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let loss = self.1.loss(step);
        step.scope.slot("told", &[], Init::Zeros);
        step.scope.assign("told", loss);
        loss
    }
}

/// One step on the rows of the golden file; loss and gradient of all that is minimised.
fn check_golden(
    name: &'static str,
    key: &str,
    penalty: &(dyn Penalty + Sync),
) -> Result<(), String> {
    let file = golden("er_der");
    let (inputs, expected) = (&file["inputs"], &file["expected"][key]);
    let first = rows(inputs, "x_replay", "y_replay", 0);
    let replayed = match name {
        "derpp" => joined(first, rows(inputs, "x_replay_2", "y_replay_2", 0)),
        _ => first,
    };
    let count = replayed.target.len();
    let both = (Told(name, penalty), GRADIENTS);
    let memory = format!("{name}/memory");
    let network = Box::new(Mlp::new(&[6, 5, 4, 4]).unwrap());
    let memories = [(&*memory, count)];
    let mut trial =
        Trial::with_memories(&both, network, &Sgd::new(0.1), (8, 2), false, &memories).unwrap();
    write(&mut trial, "theta", &inputs["params"]);
    // The row of cell c is row count − 1 − c of the batch.
    let mut logits = vec![0.0; count * 4];
    let stored = floats(&inputs["stored_logits_of_x_replay"]);
    for (row, values) in stored.chunks(4).enumerate() {
        logits[4 * (count - 1 - row)..][..4].copy_from_slice(values);
    }
    trial.session.write(&format!("{name}/logits"), 0, &logits).unwrap();
    let replayed = Replayed {
        rows: Some(replayed),
        cells: (0..count as u32).rev().collect(),
        stored: vec![u32::MAX; 8],
    };
    let loss = trial.step_with(&rows(inputs, "x", "y", 1), &[(&*memory, replayed)]).unwrap();
    let told = read(&trial, &format!("{name}/told"))[0];
    close("loss", &[f64::from(loss) + told], &[expected["loss"].as_f64().unwrap()], 1e-5)?;
    let want = flat(&trial, &expected["grad"]);
    close("gradient", &read(&trial, "seen/after"), &want, 1e-5)
}

fn der(distance: Distance) -> Der {
    Der { alpha: 0.2, distance, ..Der::default() }
}

fn both(distance: Distance) -> DerPlusPlus {
    DerPlusPlus { logits: der(distance), beta: 0.5 }
}

#[test]
fn loss_and_gradient_are_those_of_the_published_formulas() {
    check_golden("der", "der", &der(Distance::Mean)).unwrap();
    check_golden("der", "der_paper_norm", &der(Distance::Norm)).unwrap();
    check_golden("derpp", "derpp_two_draws", &both(Distance::Mean)).unwrap();
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    OtherCells,
    HalfSquare,
    LogitsOfOneDraw,
    LabelsOfTheFirst,
    LabelsOfBoth,
    StudentFixed,
}

/// DER++ with a fault.
struct Mutant(Fault);

impl Penalty for Mutant {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let memory = step.rows("memory");
        let rows = memory.weight.len();
        let stored = step.scope.kept("logits", &[step.capacity("memory"), 4], Init::Zeros);
        let cells = match self.0 {
            Fault::OtherCells => step.graph().iota(rows),
            _ => step.cells("memory"),
        };
        let (first, second) = (0..rows / 2, rows / 2..rows);
        let logits = match self.0 {
            Fault::StudentFixed => memory.forward.logits.detach(),
            _ => memory.forward.logits,
        };
        let distance = mse(logits, stored.gather(cells));
        let part = |value: Var<'g>, range: &std::ops::Range<usize>| value.slice(0, range.clone());
        let mean = |value: Var<'g>, range: &std::ops::Range<usize>| {
            weighted_sum(part(value, range), part(memory.weight, range))
        };
        let distillation = match self.0 {
            Fault::LogitsOfOneDraw => mean(distance, &second),
            Fault::HalfSquare => 0.5 * mean(distance, &first),
            _ => mean(distance, &first),
        };
        let labels = match self.0 {
            Fault::LabelsOfTheFirst => mean(memory.row_losses, &first),
            Fault::LabelsOfBoth => 0.5 * weighted_sum(memory.row_losses, memory.weight),
            _ => mean(memory.row_losses, &second),
        };
        0.2 * distillation + 0.5 * labels
    }
}

#[test]
fn every_fault_is_found() {
    let faults = [
        Fault::OtherCells,
        Fault::HalfSquare,
        Fault::LogitsOfOneDraw,
        Fault::LabelsOfTheFirst,
        Fault::LabelsOfBoth,
        Fault::StudentFixed,
    ];
    for fault in faults {
        assert!(check_golden("derpp", "derpp_two_draws", &Mutant(fault)).is_err(), "{fault:?}");
    }
    assert!(check_golden("der", "der", &der(Distance::Norm)).is_err());
    assert!(check_golden("derpp", "derpp_two_draws", &both(Distance::Norm)).is_err());
}

/// (row, when it may have been stored).
fn kept(state: &serde_json::Value) -> Vec<Row> {
    let (buffer, _): (Buffer<Reservoir>, serde_json::Value) = from_state("der", state).unwrap();
    buffer.rows().to_vec()
}

/// A place that changed hands has the logits of the network before that step for its row; any other has
/// what it had.
#[test]
fn what_is_stored_is_what_the_network_said_when_the_row_passed() {
    for (name, strategy) in [
        ("der", Box::new(Der { budget: Budget::Rows(40), ..Der::default() }) as Box<dyn Strategy>),
        (
            "derpp",
            Box::new(DerPlusPlus {
                logits: Der { budget: Budget::Rows(40), ..Der::default() },
                beta: 0.5,
            }),
        ),
    ] {
        let mut learner = runs::learner(&*strategy, Scenario::Class, 6);
        let slot = format!("{name}/logits");
        let path = runs::Path::of(&mut learner, &["theta", &slot]);
        let layout = learner.model().layout.clone();
        let (mut stored, mut contexts) = (0, Vec::new());
        for step in 1..=path.steps() {
            let theta = wide(path.slot(step - 1, "theta"));
            let (before, now) = (kept(path.memory(step - 1)), kept(path.memory(step)));
            let old = path.slot(step - 1, &slot).chunks(10);
            for (cell, (old, new)) in old.zip(path.slot(step, &slot).chunks(10)).enumerate() {
                let Some(row) = now.get(cell) else {
                    assert_eq!(new, [0.0; 10]);
                    continue;
                };
                if before.get(cell) == Some(row) && old == new {
                    continue;
                }
                let said = Weights(&layout, &theta).forward(&wide(&pixels([row.example])));
                close(&format!("step {step}, cell {cell}"), &wide(new), &said[3], 1e-5).unwrap();
                stored += 1;
                contexts.push(row.context);
            }
        }
        contexts.dedup();
        assert!(stored > 60 && contexts.len() == 5, "{stored} rows of contexts {contexts:?}");
        // 64 pixels, a label, ten logits.
        assert_eq!(learner.bytes_kept(), 40 * (65 + 40));
    }
}

/// Rows and logits together stay within a budget in bytes; below one row of each class it is refused.
#[test]
fn the_budget_covers_the_logits() {
    let der = |bytes| Der { budget: Budget::Bytes(bytes), ..Der::default() };
    let (odd, small) = (der(2000), der(1049));
    let mut learner = runs::learner(&odd, Scenario::Class, 3);
    cl_core::run(&mut learner, &mut ()).unwrap();
    // 19 rows of 105 bytes.
    assert_eq!(learner.bytes_kept(), 1995);
    let error = runs::try_learner(&small, Scenario::Class, 3).err().unwrap().to_string();
    assert!(error.contains("1049") && error.contains("1050"), "{error}");
}
