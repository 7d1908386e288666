//! Beside a replay memory: rows of earlier contexts train what is shared, and nothing else.

use crate::{Fault, Watched};
use cl_core::{Batch, Error, Parts, Replayed, Strategy, Trial};
use cl_gating::{Annealing, Hat};
use cl_nn::{Mlp, Sgd};
use cl_tensor::Session;

/// A rehearsal that a trial feeds by hand.
struct Memory;

impl Strategy for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.rehearse(|_| Err(Error::Misfit("a trial makes no memory".to_owned())));
    }
}

const INPUTS: usize = 3;
const UNITS: [usize; 2] = [5, 4];

/// Two rows of the stream, of context 1, one of context 2 that is padding, two of context 0 that are
/// replayed.
fn batch() -> Batch {
    Batch {
        x: (0..5 * INPUTS).map(|i| (i as f32 * 1.3).sin()).collect(),
        target: vec![2, 3, 4, 0, 1],
        context: vec![1, 1, 2, 0, 0],
        weight: vec![0.3, 0.3, 0.0, 0.2, 0.2],
    }
}

/// Takes a step with every row in the batch; says what is wrong with the penalty and with what moved.
fn check(fault: Option<Fault>) -> Result<(), String> {
    let hat = Hat { s_max: 4.0, annealing: Annealing::ByRows, ..Hat::default() };
    let both = (Watched { hat, fault }, Memory);
    let network = Box::new(Mlp::new(&[INPUTS, UNITS[0], UNITS[1], 6]).unwrap());
    let optimizer = Sgd { lr: 0.1, momentum: 0.9, nesterov: false, weight_decay: 0.1 };
    let mut trial =
        Trial::with_memories(&both, network, &optimizer, (5, 3), true, &[("memory", 2)]).unwrap();
    let active = |context: usize| (0..6).map(|unit| unit / 2 == context).collect();
    trial.set_active(&[active(0), active(1), active(2)]).unwrap();
    trial.set_place(1, 2);
    let theta = (0..trial.model.layout.len()).map(|i| (i as f32 * 0.7).cos()).collect::<Vec<_>>();
    trial.session.write("theta", 0, &theta).unwrap();

    let before = trial.parameters("theta").unwrap();
    let replayed = Replayed { rows: None, cells: vec![u32::MAX; 2], stored: vec![u32::MAX; 3] };
    trial.step_with(&batch(), &[("memory", replayed)]).unwrap();
    let after = trial.parameters("theta").unwrap();

    // Nothing is used yet: λ times the mean gate of context 1, at s half way from 1/4 to 4.
    let gate = |e: &f32| 1.0 / (1.0 + (-2.125 * f64::from(*e)).exp());
    let of_layer = |(layer, units): (usize, usize)| -> f64 {
        let name = format!("hat/embedding{}", layer + 1);
        let (_, e) = before.iter().find(|(known, _)| *known == name).unwrap();
        e[units..2 * units].iter().map(gate).sum()
    };
    let opened: f64 = UNITS.into_iter().enumerate().map(of_layer).sum();
    let (found, expected) = (trial.session.read("hat/penalty", 0).unwrap()[0], 0.75 * opened / 9.0);
    if (f64::from(found) - expected).abs() > 1e-5 {
        return Err(format!("penalty {found}, expected {expected}"));
    }
    // Embeddings by row and outputs by column: those of context 1 and no others.
    for ((name, after), (_, before)) in after.iter().zip(&before) {
        let context = |i: usize| match name.as_str() {
            "hat/embedding1" => i / UNITS[0],
            "hat/embedding2" => i / UNITS[1],
            "w3" | "b3" => i % 6 / 2,
            // Shared, and free as yet.
            _ => 1,
        };
        for (i, (after, before)) in after.iter().zip(before).enumerate() {
            let moved = after.to_bits() != before.to_bits();
            if moved != (context(i) == 1) {
                return Err(format!("{name}[{i}] of context {}: moved is {moved}", context(i)));
            }
        }
    }
    Ok(())
}

#[test]
fn replayed_rows_pay_for_no_gate_and_move_no_embedding_and_no_output_of_their_context() {
    check(None).unwrap();
}

#[test]
fn every_fault_is_found() {
    for fault in [Fault::EmbeddingsFree, Fault::HeadsFree, Fault::ReplayPays] {
        assert!(check(Some(fault)).is_err(), "{fault:?} passes");
    }
}
