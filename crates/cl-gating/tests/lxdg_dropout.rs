//! LXDG: which hidden units of gate networks are dropped, read off the gates.
#![allow(clippy::unwrap_used)]

use cl_core::{Batch, Parts, Replayed, Step, Strategy, Taken, Track, Trial};
use cl_gating::Lxdg;
use cl_nn::{Mlp, Sgd};
use cl_tensor::{Init, Session};

const INPUTS: usize = 3;
const UNITS: usize = 16;
const ROWS: usize = 64;

/// Keeps what the second hidden layer and the output see.
struct Seen;

impl Track for Seen {
    fn update<'g>(&self, step: &Step<'_, 'g>, _: &Taken<'g>) {
        for (name, value) in
            [("gates1", step.forward.layers[1].input), ("gates2", step.forward.features)]
        {
            step.scope.slot(name, &value.shape(), Init::Zeros);
            step.scope.assign(name, value);
        }
    }
}

impl Strategy for Seen {
    fn name(&self) -> String {
        "seen".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.track(self);
    }
}

/// LXDG with anchors that the trial feeds by hand.
struct Bare(Lxdg);

impl Strategy for Bare {
    fn name(&self) -> String {
        "lxdg".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.gate(&self.0).consolidate(&self.0).penalty(&self.0);
        parts.rehearse_apart("anchors", |_| unreachable!("rows of a trial are given"));
    }
}

/// A unit i of a gate network passes on to unit i alone. With dropout 0.5 the first layer gives
/// 2 m, the second 2 n (2 m + 1), where m and n are 1 for a unit that stays and 0 else, and the gate
/// is the sigmoid of half of it: of 0 where n = 0, of 1 or 3 where n = 1.
#[test]
fn units_are_dropped_independently_in_every_layer_of_every_gate_network() {
    let lxdg = Lxdg { hidden: vec![UNITS; 2], anchors: 1, ..Lxdg::default() };
    let both = (Bare(lxdg), Seen);
    let network = Box::new(Mlp::new(&[INPUTS, UNITS, UNITS, 2]).unwrap());
    let memories = [("lxdg/anchors", 1)];
    let mut trial =
        Trial::with_memories(&both, network, &Sgd::new(0.0), (ROWS, 2), false, &memories).unwrap();
    let diagonal = |value: f32| -> Vec<f32> {
        (0..UNITS * UNITS).map(|at| if at % (UNITS + 1) == 0 { value } else { 0.0 }).collect()
    };
    let mut set = |name: String, values: Vec<f32>| trial.set_parameter(&name, &values).unwrap();
    for layer in 1..=2 {
        // The gated network puts out 1 wherever a gate acts.
        set(format!("w{layer}"), vec![0.0; UNITS * if layer == 1 { INPUTS } else { UNITS }]);
        set(format!("b{layer}"), vec![1.0; UNITS]);
        set(format!("lxdg/w{layer}-1"), vec![0.0; INPUTS * UNITS]);
        set(format!("lxdg/b{layer}-1"), vec![1.0; UNITS]);
        set(format!("lxdg/w{layer}-2"), diagonal(1.0));
        set(format!("lxdg/b{layer}-2"), vec![1.0; UNITS]);
        set(format!("lxdg/w{layer}-3"), diagonal(0.5));
        set(format!("lxdg/b{layer}-3"), vec![0.0; UNITS]);
    }
    let rows = Batch::mean(vec![0.5; ROWS * INPUTS], vec![0; ROWS], 0);
    let nothing = Batch { weight: vec![0.0], ..Batch::mean(vec![0.5; INPUTS], vec![0], 0) };
    let replayed =
        Replayed { rows: Some(nothing), cells: vec![u32::MAX], stored: vec![u32::MAX; ROWS] };
    trial.step_with(&rows, &[("lxdg/anchors", replayed)]).unwrap();

    let values = [0.0_f64, 1.0, 3.0].map(|z| 1.0 / (1.0 + (-z).exp()));
    let which = |gate: &f32| {
        let near = |value: &f64| (f64::from(*gate) - value).abs() < 1e-5;
        values.iter().position(near).unwrap_or_else(|| panic!("a gate of {gate}"))
    };
    let [first, second] =
        ["seen/gates1", "seen/gates2"].map(|name| trial.session.read(name, 0).unwrap());
    let mut counts = [[0_u32; 3]; 3];
    for (first, second) in first.iter().zip(&second) {
        counts[which(first)][which(second)] += 1;
    }
    // 1,024 pairs; five deviations, √(n p (1 − p)).
    let n = (ROWS * UNITS) as f64;
    let share = [0.5, 0.25, 0.25];
    for (a, row) in counts.iter().enumerate() {
        for (b, &count) in row.iter().enumerate() {
            let p: f64 = share[a] * share[b];
            let off = (f64::from(count) - n * p).abs();
            assert!(off < 5.0 * (n * p * (1.0 - p)).sqrt(), "{a} and {b}: {counts:?}");
        }
    }
}
