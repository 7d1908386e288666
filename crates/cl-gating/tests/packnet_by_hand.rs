//! `PackNet` by hand: what is pruned, and steps against masked steps of plain training.
#![allow(clippy::unwrap_used)]

use cl_core::{Batch, Naive, Strategy, Trial};
use cl_gating::PackNet;
use cl_nn::{Mlp, Sgd};

fn small(strategy: &dyn Strategy, contexts: usize) -> Trial<'_> {
    let network = Box::new(Mlp::new(&[2, 4, 2 * contexts]).unwrap());
    let sgd = Sgd::new(0.5);
    let mut trial = Trial::new(strategy, network, &sgd, (3, contexts), true).unwrap();
    let active = |context: usize| (0..2 * contexts).map(|unit| unit / 2 == context).collect();
    trial.set_active(&(0..contexts).map(active).collect::<Vec<_>>()).unwrap();
    trial
}

fn owners(trial: &Trial<'_>, parameter: &str) -> Vec<u32> {
    let owners = trial.parameters("packnet/owner").unwrap();
    let owners = owners.into_iter().find(|(name, _)| name == parameter).unwrap().1;
    owners.into_iter().map(f32::to_bits).collect()
}

#[test]
fn the_smallest_of_a_contexts_own_weights_go_and_of_equal_ones_the_first() {
    let packnet = PackNet { p_first: 0.375, p: 0.5, ..PackNet::default() };
    let mut trial = small(&packnet, 4);
    // |w| sorted: 0.1 at 1, 3, 4 and 6, then 0.3 ..; round(0.375 x 8) = 3 of the four go.
    trial.set_parameter("w1", &[0.5, -0.1, 0.3, 0.1, -0.1, 0.9, 0.1, -0.7]).unwrap();
    trial.boundary(&[]).unwrap();
    assert_eq!(owners(&trial, "w1"), [0, 1, 0, 1, 1, 0, 0, 0]);
    // The second context owns 1, 3 and 4 and prunes round(0.5 x 3) = round(1.5) = 2 of those, however
    // small the others' are.
    trial.set_parameter("w1", &[0.5, 0.6, 0.01, -0.2, 0.4, 0.9, 0.1, -0.02]).unwrap();
    trial.boundary(&[]).unwrap();
    assert_eq!(owners(&trial, "w1"), [0, 1, 0, 2, 2, 0, 0, 0]);
    // round(0.5 x 2) = 1 of 3 and 4, which are equal.
    trial.set_parameter("w1", &[0.0, 0.0, 0.0, 0.7, -0.7, 0.0, 0.0, 0.0]).unwrap();
    trial.boundary(&[]).unwrap();
    assert_eq!(owners(&trial, "w1"), [0, 1, 0, 3, 2, 0, 0, 0]);
    // The last context keeps what it has; biases and the output layer were never shared out.
    trial.boundary(&[]).unwrap();
    assert_eq!(owners(&trial, "w1"), [0, 1, 0, 3, 2, 0, 0, 0]);
    assert!(["b1", "w2", "b2"].iter().all(|name| owners(&trial, name).iter().all(|&o| o == 0)));
}

#[test]
fn halves_are_rounded_to_even_and_one_weight_stays() {
    // 8 weights: round(0.3125 x 8 = 2.5) = 2, round(0.4375 x 8 = 3.5) = 4, round(0.99 x 8) = 8 -> 7.
    for (p_first, pruned) in [(0.3125, 2), (0.4375, 4), (0.99, 7)] {
        let packnet = PackNet { p_first, ..PackNet::default() };
        let mut trial = small(&packnet, 2);
        trial.boundary(&[]).unwrap();
        let free = owners(&trial, "w1").into_iter().filter(|&owner| owner == 1).count();
        assert_eq!(free, pruned, "p = {p_first}");
    }
}

#[test]
fn a_layer_without_free_weights_for_the_next_context_is_an_error_that_names_it() {
    // 8 weights: 4 go, then round(0.75 x 4) = 3, round(2.25) = 2, round(1.5) = 2 -> 1, then of the
    // one that is left none.
    let packnet = PackNet::default();
    let mut trial = small(&packnet, 7);
    for _ in 0..4 {
        trial.boundary(&[]).unwrap();
    }
    assert_eq!(
        trial.boundary(&[]).unwrap_err().to_string(),
        "packnet, seed 0: no capacity left after context 5 for 2 more: layer w1: 8 of 8 weights are \
         owned, context 6 finds none free: of its 1 this one prunes round(0.75 x 1); expected 1 at \
         least, as with more units or a larger p"
    );
    // As many contexts as fit: the last needs to leave nothing.
    let mut trial = small(&packnet, 5);
    (0..5).for_each(|_| trial.boundary(&[]).unwrap());
}

// Steps against steps of plain training.

fn batch(context: u32) -> Batch {
    let x = vec![0.5, -1.0, 0.25, 0.75, -0.5, 1.0];
    Batch::mean(x, vec![2 * context, 2 * context + 1, 2 * context], context)
}

const W1: [f32; 8] = [0.5, -0.1, 0.3, 0.1, -0.2, 0.9, 0.15, -0.7];

fn parameter(trial: &Trial<'_>, name: &str) -> Vec<f32> {
    let all = trial.parameters("theta").unwrap();
    all.into_iter().find(|(known, _)| known == name).unwrap().1
}

/// What a step of `none` adds to each parameter, from the parameters that a context of `trial` sees.
fn plain_step(trial: &Trial<'_>, hidden: &[usize], context: u32) -> Vec<(String, Vec<f32>)> {
    let mut plain = small(&Naive, 3);
    for (name, mut values) in trial.parameters("theta").unwrap() {
        if name == "w1" {
            hidden.iter().for_each(|&i| values[i] = 0.0);
        }
        plain.set_parameter(&name, &values).unwrap();
    }
    let before = plain.parameters("theta").unwrap();
    plain.step(&batch(context)).unwrap();
    let after = plain.parameters("theta").unwrap();
    let added = |(before, after): (&Vec<f32>, &Vec<f32>)| -> Vec<f32> {
        before.iter().zip(after).map(|(before, after)| after - before).collect()
    };
    before.iter().zip(&after).map(|((name, b), (_, a))| (name.clone(), added((b, a)))).collect()
}

/// Takes a step; asserts that each parameter moved by `factor(name, index)` times the plain step.
fn moved_as(
    trial: &mut Trial<'_>,
    (context, hidden): (u32, &[usize]),
    factor: impl Fn(&str, usize) -> f32,
) {
    let plain = plain_step(trial, hidden, context);
    let before = trial.parameters("theta").unwrap();
    trial.step(&batch(context)).unwrap();
    for ((name, step), (_, before)) in plain.iter().zip(&before) {
        for (i, after) in parameter(trial, name).iter().enumerate() {
            let factor = factor(name, i);
            let expected = before[i] + factor * step[i];
            assert!((after - expected).abs() < 1e-6, "{name}[{i}]: {after}, expected {expected}");
            assert!(factor != 0.0 || after.to_bits() == before[i].to_bits(), "{name}[{i}] moved");
        }
    }
    let any = plain.iter().filter(|(_, step)| step.iter().any(|step| step.abs() > 1e-3)).count();
    assert!(any >= 3, "the test sees steps");
}

#[test]
fn training_retraining_and_the_next_context_take_the_plain_step_where_they_may() {
    let packnet = PackNet { p_first: 0.5, p: 0.5, retrain_rate: 0.25, ..PackNet::default() };
    let mut trial = small(&packnet, 3);
    trial.set_parameter("w1", &W1).unwrap();
    trial.set_parameter("b1", &[0.1, 0.2, 0.15, 0.3]).unwrap();
    // Context 1 trains everything but the other heads, as plain training does.
    moved_as(&mut trial, (0, &[]), |_, _| 1.0);
    trial.set_parameter("w1", &W1).unwrap();
    trial.boundary(&[]).unwrap();
    // 1, 3, 4 and 6 are pruned: unseen, taken to 0 with the first step; the rest is retrained.
    let pruned = [1, 3, 4, 6];
    let plain = plain_step(&trial, &pruned, 0);
    trial.step(&batch(0)).unwrap();
    let own: Vec<f32> = (0..8)
        .map(|i| if pruned.contains(&i) { 0.0 } else { W1[i] + 0.25 * plain[0].1[i] })
        .collect();
    let found = parameter(&trial, "w1");
    assert!(found.iter().zip(&own).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}, {own:?}");
    assert!(pruned.iter().all(|&i| found[i].to_bits() == 0));
    moved_as(&mut trial, (0, &pruned), |name, i| {
        f32::from(u8::from(name != "w1" || !pruned.contains(&i))) * 0.25
    });
    // The second context trains what was pruned, and of the output layer its own columns.
    for _ in 0..2 {
        moved_as(&mut trial, (1, &[]), |name, i| {
            let may = match name {
                "w1" => pruned.contains(&i),
                "w2" => i % 6 / 2 == 1,
                "b2" => i / 2 == 1,
                _ => false,
            };
            f32::from(u8::from(may))
        });
    }
}
