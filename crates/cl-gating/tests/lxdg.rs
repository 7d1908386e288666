//! LXDG's three terms against numbers from elsewhere and explicit loops, and faults that they catch.
#![allow(clippy::unwrap_used)]

use cl_core::{Batch, Parts, Penalty, Replayed, Step, Strategy, Taken, Track, Trial};
use cl_gating::{Lxdg, Terms};
use cl_nn::{Mlp, Sgd};
use cl_tensor::{Init, Session, Var};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("data/lxdg.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

/// What is done with the penalty.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    ChangeAttracts,
    KeepAgainstCurrentGates,
    ChangeWithoutOldRows,
    NoTargetOfSparsity,
    ContextsAveraged,
    UnitsSummed,
}

/// LXDG with a fault, that writes down its terms and its gradient.
struct Watched {
    lxdg: Lxdg,
    fault: Fault,
}

impl Watched {
    /// Gates of a layer as the gate network of no hidden layer makes them.
    fn gates<'g>(step: &Step<'_, 'g>, layer: usize, x: Var<'g>) -> Var<'g> {
        let parameter = |of: &str| step.network().get(&format!("lxdg/{of}{layer}-1"));
        (x.matmul(parameter("w")) + parameter("b")).sigmoid()
    }

    fn terms<'g>(&self, step: &Step<'_, 'g>) -> Terms<'g> {
        let terms = self.lxdg.terms(step);
        let anchors = step.rows("anchors");
        let sum = |term: &dyn Fn(usize) -> Var<'g>| term(1) + term(2);
        let gates = |layer, x| Self::gates(step, layer, x);
        let mean = |a: Var<'g>, b: Var<'g>| (a * b).mean_axis(1);
        match self.fault {
            Fault::ChangeAttracts => Terms { change: -terms.change, ..terms },
            Fault::KeepAgainstCurrentGates => {
                let keep = sum(&|layer| {
                    let now = gates(layer, anchors.x);
                    (anchors.weight * (mean(now, now.detach()) - 0.3).square()).sum()
                });
                Terms { keep, ..terms }
            }
            Fault::ChangeWithoutOldRows => {
                let change = sum(&|layer| {
                    let now = gates(layer, step.x);
                    (step.weight * mean(now, now).square()).sum() * 2.0
                });
                Terms { change, ..terms }
            }
            Fault::NoTargetOfSparsity => {
                let sparse = sum(&|layer| {
                    let now = gates(layer, step.x);
                    (step.weight * mean(now, now).square()).sum()
                });
                Terms { sparse, ..terms }
            }
            Fault::ContextsAveraged => {
                Terms { change: terms.change * 0.5, keep: terms.keep * 0.5, ..terms }
            }
            Fault::UnitsSummed => {
                let sparse = sum(&|layer| {
                    let now = gates(layer, step.x);
                    let off = ((now * now).sum_axis(1) - 0.2).square();
                    (step.weight * off).sum()
                });
                Terms { sparse, ..terms }
            }
            Fault::None => terms,
        }
    }
}

impl Penalty for Watched {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        if self.fault == Fault::None {
            return self.lxdg.loss(step);
        }
        // Its slots must be there.
        let _ = self.lxdg.loss(step);
        let Terms { sparse, change, keep } = self.terms(step);
        1000.0 * (sparse + change + keep)
    }
}

impl Track for Watched {
    fn update<'g>(&self, step: &Step<'_, 'g>, taken: &Taken<'g>) {
        let Terms { sparse, change, keep } = self.terms(step);
        let gradient = taken.total_gradient - taken.task_gradient;
        for (name, value) in [
            ("sparse", sparse),
            ("change", change),
            ("keep", keep),
            ("penalty", self.loss(step)),
            ("gradient", gradient),
        ] {
            step.scope.slot(name, &value.shape(), Init::Zeros);
            step.scope.assign(name, value);
        }
    }
}

impl Strategy for Watched {
    fn name(&self) -> String {
        "lxdg".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        let Self { lxdg, .. } = self;
        parts.gate(lxdg).consolidate(lxdg).penalty(self).track(self);
        parts.rehearse_apart("anchors", |_| unreachable!("rows of a trial are given"));
    }
}

/// |a − b| ≤ tolerance · max|b|.
fn close(what: &str, got: &[f32], want: &[f64], tolerance: f64) -> Result<(), String> {
    assert_eq!(got.len(), want.len(), "{what}");
    let scale = want.iter().fold(1e-30_f64, |max, x| max.max(x.abs()));
    let off = |(got, want): (&f32, &f64)| (f64::from(*got) - want).abs() / scale;
    let worst = got.iter().zip(want).map(off).fold(0.0, f64::max);
    if worst <= tolerance { Ok(()) } else { Err(format!("{what}: off by {worst} of {scale}")) }
}

/// Row r of the identity, so that row r of a gate network's weight is the gates of example r.
fn one_hot(rows: std::ops::Range<usize>, of: usize) -> Vec<f32> {
    rows.flat_map(|row| (0..of).map(move |i| f32::from(u8::from(i == row)))).collect()
}

fn logits(gates: &[f64]) -> Vec<f32> {
    gates.iter().map(|g| (g / (1.0 - g)).ln() as f32).collect()
}

/// Values per example where gate networks have a hidden layer.
const INPUTS: usize = 3;
const ROWS: usize = 6;
const UNITS: usize = 5;
/// New rows and those of two past contexts.
const EXAMPLES: usize = 3 * ROWS;

/// Terms, penalty and gradient of the golden gates: every example is a row of the identity and gate
/// networks have no hidden layer, so that d/dW = g (1 − g) d/dg.
fn check(fault: Fault) -> Result<(), String> {
    let golden = golden();
    let (inputs, expected) = (&golden["inputs"], &golden["expected"]);
    let lxdg = Lxdg { hidden: vec![], dropout: 0.0, anchors: 2 * ROWS, ..Lxdg::default() };
    let watched = Watched { lxdg, fault };
    let network = Box::new(Mlp::new(&[EXAMPLES, UNITS, UNITS, 2]).unwrap());
    let memories = [("lxdg/anchors", 2 * ROWS)];
    let mut trial =
        Trial::with_memories(&watched, network, &Sgd::new(0.0), (ROWS, 2), false, &memories)
            .unwrap();
    let mut gates = Vec::new();
    for layer in 0..2 {
        let old =
            |task: usize| &inputs["gates_on_old_rows_now[task][layer][row][unit]"][task][layer];
        let new = &inputs["gates_new[layer][row][unit]"][layer];
        let all = [numbers(new), numbers(old(0)), numbers(old(1))].concat();
        trial.set_parameter(&format!("lxdg/w{}-1", layer + 1), &logits(&all)).unwrap();
        trial.set_parameter(&format!("lxdg/b{}-1", layer + 1), &[0.0; UNITS]).unwrap();
        let then = &inputs["gates_on_old_rows_stored[task][layer][row][unit]"];
        let then = [numbers(&then[0][layer]), numbers(&then[1][layer])].concat();
        let then: Vec<f32> = then.into_iter().map(|g| g as f32).collect();
        trial.session.write(&format!("lxdg/gates{}", layer + 1), 0, &then).unwrap();
        gates.push(all);
    }
    let new = Batch::mean(one_hot(0..ROWS, EXAMPLES), vec![0, 1, 0, 1, 0, 1], 2);
    let old = Batch {
        x: one_hot(ROWS..EXAMPLES, EXAMPLES),
        target: vec![0; 2 * ROWS],
        context: [vec![0; ROWS], vec![1; ROWS]].concat(),
        weight: vec![1.0 / ROWS as f32; 2 * ROWS],
    };
    let cells = (0..2 * ROWS as u32).collect();
    let replayed = Replayed { rows: Some(old), cells, stored: vec![u32::MAX; ROWS] };
    trial.step_with(&new, &[("lxdg/anchors", replayed)]).unwrap();

    let read = |name: &str| trial.session.read(&format!("lxdg/{name}"), 0).unwrap();
    let total = |name: &str| [numbers(&expected[name]).iter().sum::<f64>()];
    close("sparse", &read("sparse"), &total("sparse_per_layer"), 1e-5)?;
    close("change", &read("change"), &total("change[task][layer]"), 1e-5)?;
    close("keep", &read("keep"), &total("keep[task][layer]"), 1e-5)?;
    close("penalty", &read("penalty"), &total("total_times_lambda"), 1e-5)?;
    for (layer, gates) in gates.iter().enumerate() {
        let name = format!("lxdg/w{}-1", layer + 1);
        let parameters = trial.parameters("lxdg/gradient").unwrap();
        let (_, found) = parameters.iter().find(|(known, _)| *known == name).unwrap();
        let old = |task: usize| numbers(&expected["grad_gates_old_now"][task][layer]);
        let new = numbers(&expected["grad_gates_new"][layer]);
        let by_gate = [new, old(0), old(1)].concat();
        let want: Vec<f64> = by_gate.iter().zip(gates).map(|(d, g)| d * g * (1.0 - g)).collect();
        close(&name, found, &want, 1e-5)?;
    }
    Ok(())
}

#[test]
fn terms_and_their_gradients_are_those_of_the_published_formulas() {
    check(Fault::None).unwrap();
}

#[test]
fn every_fault_is_found() {
    for fault in [
        Fault::ChangeAttracts,
        Fault::KeepAgainstCurrentGates,
        Fault::ChangeWithoutOldRows,
        Fault::NoTargetOfSparsity,
        Fault::ContextsAveraged,
        Fault::UnitsSummed,
    ] {
        assert!(check(fault).is_err(), "{fault:?} passes");
    }
}

/// A dense layer, slowly.
fn dense(h: &[f64], w: &[f64], b: &[f64]) -> Vec<f64> {
    let out = |j: usize| h.iter().enumerate().map(|(i, h)| h * w[i * b.len() + j]).sum::<f64>();
    (0..b.len()).map(|j| out(j) + b[j]).collect()
}

/// Numbers in (−1, 1), made up but fixed.
fn made_up(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// Four new rows of which the last is padding, seven anchors of which three belong to context 0 and
/// three to context 1 (⌈4 / 2⌉ = 2 would be a batch of 4; here a row more each) and one is padding.
#[test]
fn anchors_are_paired_with_new_rows_in_turn_and_padding_has_no_say() {
    terms_beside_replay(0);
}

#[test]
fn rows_that_a_replay_memory_adds_are_in_no_term() {
    terms_beside_replay(2);
}

/// A rehearsal that a trial feeds by hand.
struct Memory;

impl Strategy for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.rehearse(|_| unreachable!("rows of a trial are given"));
    }
}

/// The terms against a loop, with so many rows of context 0 replayed behind the new ones.
fn terms_beside_replay(count: usize) {
    let lxdg = Lxdg { hidden: vec![4], dropout: 0.0, anchors: 4, ..Lxdg::default() };
    let both = (Watched { lxdg, fault: Fault::None }, Memory);
    let network = Box::new(Mlp::new(&[INPUTS, 5, 2, 2]).unwrap());
    let (memories, rows) = ([("lxdg/anchors", 7), ("memory", count)], 4 + count);
    let mut trial =
        Trial::with_memories(&both, network, &Sgd::new(0.0), (rows, 3), false, &memories).unwrap();
    let kept = [made_up(8 * 5, 5), made_up(8 * 2, 6)];
    for (layer, kept) in kept.iter().enumerate() {
        trial.session.write(&format!("lxdg/gates{}", layer + 1), 0, kept).unwrap();
    }
    let third = 1.0 / 3.0;
    let (new, old) = (made_up(4 * INPUTS, 1), made_up(7 * INPUTS, 2));
    let batch = Batch {
        x: [new.clone(), made_up(count * INPUTS, 3)].concat(),
        target: [vec![0, 1, 1, 0], vec![1; count]].concat(),
        context: [vec![2; 4], vec![0; count]].concat(),
        weight: [vec![third, third, third, 0.0], vec![0.2; count]].concat(),
    };
    let rows = Batch {
        x: old.clone(),
        target: vec![0; 7],
        context: vec![0, 0, 0, 1, 1, 1, 0],
        weight: vec![third, third, third, third, third, third, 0.0],
    };
    let cells = [3, 0, 3, 7, 5, 4, u32::MAX];
    let replayed = Replayed { rows: Some(rows), cells: cells.to_vec(), stored: vec![u32::MAX; 4] };
    let joined = Replayed { rows: None, cells: vec![u32::MAX; count], stored: vec![u32::MAX; 4] };
    trial.step_with(&batch, &[("lxdg/anchors", replayed), ("memory", joined)]).unwrap();

    let gates = |layer: usize, x: &[f32]| slow_gates(&trial, layer, x);
    let off = |a: &[f64], b: &[f64], target: f64| {
        let product: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        (product / a.len() as f64 - target).powi(2)
    };
    let (mut sparse, mut change, mut keep) = (0.0, 0.0, 0.0);
    for (layer, units) in [(1, 5), (2, 2)] {
        let new: Vec<_> = new.chunks(INPUTS).map(|x| gates(layer, x)).collect();
        let old: Vec<_> = old.chunks(INPUTS).map(|x| gates(layer, x)).collect();
        sparse += (0..3).map(|row| off(&new[row], &new[row], 0.2)).sum::<f64>() / 3.0;
        // Anchor 3 has the padded row for a partner: five pairs share the weight of six.
        let pairs = [(0, 0), (1, 1), (2, 2), (4, 0), (5, 1)];
        let sum: f64 = pairs.iter().map(|&(old_row, row)| off(&new[row], &old[old_row], 0.0)).sum();
        change += 2.0 * sum / 5.0;
        for (row, &cell) in cells[..6].iter().enumerate() {
            let cell = cell as usize * units;
            let then: Vec<f64> =
                kept[layer - 1][cell..cell + units].iter().map(|&g| g.into()).collect();
            keep += off(&old[row], &then, 0.3) / 3.0;
        }
    }
    let read = |name: &str| trial.session.read(&format!("lxdg/{name}"), 0).unwrap();
    close("sparse", &read("sparse"), &[sparse], 1e-5).unwrap();
    close("change", &read("change"), &[change], 1e-5).unwrap();
    close("keep", &read("keep"), &[keep], 1e-5).unwrap();
}

/// A gate network that is asked about the gates of an example, slowly.
fn slow_gates(trial: &Trial<'_>, layer: usize, x: &[f32]) -> Vec<f64> {
    let parameters = trial.parameters("theta").unwrap();
    let of = |what: &str, depth: usize| -> Vec<f64> {
        let wanted = format!("lxdg/{what}{layer}-{depth}");
        let (_, values) = parameters.iter().find(|(known, _)| *known == wanted).unwrap();
        values.iter().map(|&x| x.into()).collect()
    };
    let x: Vec<f64> = x.iter().map(|&x| x.into()).collect();
    let mut h = dense(&x, &of("w", 1), &of("b", 1));
    h.iter_mut().for_each(|h| *h = h.max(0.0));
    let z = dense(&h, &of("w", 2), &of("b", 2));
    z.into_iter().map(|z| 1.0 / (1.0 + (-z).exp())).collect()
}

#[test]
fn gates_of_anchors_are_written_when_their_context_ends_and_never_again() {
    let lxdg = Lxdg { hidden: vec![4], anchors: 4, ..Lxdg::default() };
    let network = Box::new(Mlp::new(&[INPUTS, 5, 2, 2]).unwrap());
    let memories = [("lxdg/anchors", 4)];
    let watched = Watched { lxdg, fault: Fault::None };
    let mut trial =
        Trial::with_memories(&watched, network, &Sgd::new(0.1), (4, 3), false, &memories).unwrap();
    let rows =
        |context: u32| Batch::mean(made_up(4 * INPUTS, 10 + context), vec![0, 1, 0, 1], context);
    // The last row of the first context's anchors is missing: those of the second follow at once.
    let mut kept = vec![Batch { weight: vec![1.0, 1.0, 1.0, 0.0], ..rows(0) }];
    let mut cells = 0;
    let mut before: Vec<Vec<f32>> = vec![vec![-1.0; 8 * 5], vec![-1.0; 8 * 2]];
    for context in 0..2 {
        let replayed =
            Replayed { rows: Some(rows(0)), cells: vec![u32::MAX; 4], stored: vec![u32::MAX; 4] };
        trial.step_with(&rows(context), &[("lxdg/anchors", replayed)]).unwrap();
        trial.boundary_with(&[rows(context)], &kept).unwrap();
        let count = if context == 0 { 3 } else { 4 };
        for (layer, before) in before.iter_mut().enumerate() {
            let units = [5, 2][layer];
            let slot = trial.session.read(&format!("lxdg/gates{}", layer + 1), 0).unwrap();
            let (from, to) = (cells * units, (cells + count) * units);
            let examples = rows(context).x;
            let new = examples.chunks(INPUTS).take(count);
            let want: Vec<f64> = new.flat_map(|x| slow_gates(&trial, layer + 1, x)).collect();
            close("gates", &slot[from..to], &want, 1e-6).unwrap();
            before[from..to].copy_from_slice(&slot[from..to]);
            assert_eq!(slot, *before, "the others stay");
        }
        cells += count;
        kept.push(rows(1));
    }
}

/// Units of the network put out 1, so that features are gates: those of the sparse term are those
/// of the forward pass, and anchors have a dropout of their own, of which the keep term knows too.
#[test]
fn the_terms_see_the_dropout_of_the_forward_pass_and_anchors_their_own() {
    struct Features(Lxdg);
    impl Penalty for Features {
        fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
            let Terms { sparse, change, keep } = self.0.terms(step);
            for (name, value) in [
                ("sparse", sparse),
                ("change", change),
                ("keep", keep),
                ("features", step.forward.features),
            ] {
                step.scope.slot(name, &value.shape(), Init::Zeros);
                step.scope.assign(name, value);
            }
            self.0.loss(step)
        }
    }
    impl Strategy for Features {
        fn name(&self) -> String {
            "lxdg".to_owned()
        }
        fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
            parts.gate(&self.0).consolidate(&self.0).penalty(self);
            parts.rehearse_apart("anchors", |_| unreachable!("rows of a trial are given"));
        }
    }
    let lxdg = Lxdg { hidden: vec![32], anchors: 4, target_keep: 0.0, ..Lxdg::default() };
    let features = Features(lxdg);
    let network = Box::new(Mlp::new(&[INPUTS, 6, 2]).unwrap());
    let memories = [("lxdg/anchors", 4)];
    let mut trial =
        Trial::with_memories(&features, network, &Sgd::new(0.0), (4, 2), false, &memories).unwrap();
    trial.set_parameter("w1", &[0.0; INPUTS * 6]).unwrap();
    trial.set_parameter("b1", &[1.0; 6]).unwrap();
    let rows = Batch::mean(made_up(4 * INPUTS, 3), vec![0, 1, 0, 1], 1);
    // The anchors are the new rows, and their gates were those that the step has.
    let replayed =
        Replayed { rows: Some(rows.clone()), cells: vec![0, 1, 2, 3], stored: vec![u32::MAX; 4] };
    let step = |trial: &mut Trial<'_>| {
        trial.step_with(&rows, &[("lxdg/anchors", replayed.clone())]).unwrap();
    };
    step(&mut trial);
    let gates = trial.session.read("lxdg/features", 0).unwrap();
    trial.session.write("lxdg/gates1", 0, &gates).unwrap();
    step(&mut trial);
    let read = |name: &str| f64::from(trial.session.read(&format!("lxdg/{name}"), 0).unwrap()[0]);
    let square = |row: &[f32]| row.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>() / 6.0;
    let mean =
        |target: f64| gates.chunks(6).map(|row| (square(row) - target).powi(2)).sum::<f64>() / 4.0;
    assert!((read("sparse") - mean(0.2)).abs() < 1e-6);
    // Were the draws the same, this would be b[(mean g²)²].
    assert!((read("change") - mean(0.0)).abs() > 1e-4);
    // Change and keep: gates of new rows and of then are the same numbers, so are those of anchors.
    assert!((read("change") - read("keep")).abs() < 1e-7);
    let at_test = slow_gates(&trial, 1, &rows.x[..INPUTS]);
    assert!(at_test.iter().zip(&gates).any(|(a, b)| (a - f64::from(*b)).abs() > 1e-3));
}
