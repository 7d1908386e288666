//! FROMP against published code and materialised Jacobians, and faults that these catch.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{
    Batch, Boundary, Consolidate, Error, Now, Parts, Pass, Penalty, Replayed, SlotStore, Step,
    Strategy, Trial,
};
use cl_nn::{Adam, Mlp, Sgd};
use cl_regularize::{Fromp, Kernel, memorable};
use cl_tensor::{Session, Var};
use common::slow::SlowMlp;
use common::{Watched, close, floats, golden, labels, number, numbers, read, slot_is, write};
use serde_json::Value;
use std::sync::Mutex;

/// The inverse of a symmetric positive matrix, by elimination.
fn inverted(matrix: &[f64]) -> Vec<f64> {
    let n = matrix.len().isqrt();
    let mut rows: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            let unit = (0..n).map(|j| f64::from(u8::from(i == j)));
            matrix[i * n..(i + 1) * n].iter().copied().chain(unit).collect()
        })
        .collect();
    for pivot in 0..n {
        let scale = rows[pivot][pivot];
        rows[pivot].iter_mut().for_each(|x| *x /= scale);
        let of_pivot = rows[pivot].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(i, _)| *i != pivot) {
            let factor = row[pivot];
            row.iter_mut().zip(&of_pivot).for_each(|(x, p)| *x -= factor * p);
        }
    }
    rows.iter().flat_map(|row| &row[n..]).copied().collect()
}

/// The kept inverse of a class of a context's first `points` points.
fn kept_inverse(trial: &Trial<'_>, context: usize, class: usize, points: usize) -> Vec<f64> {
    let (inverse, outputs) = (read(trial, "fromp/inverse"), trial.model.competing);
    let cells = read(trial, "fromp/anchor").len() / outputs;
    let n = cells / trial.model.contexts;
    let at = |i: usize, j: usize| ((context * n + i) * n + j) * outputs + class;
    let pairs = (0..points).flat_map(|i| (0..points).map(move |j| (i, j)));
    pairs.map(|(i, j)| f64::from(inverse[at(i, j)])).collect()
}

/// Rows of a chunk for `rows` rows, the last of them padding; each present one weighs `weight`.
fn padded(x: &[f32], target: &[u32], context: u32, rows: usize, weight: f32) -> Batch {
    let (mut x, mut target) = (x.to_vec(), target.to_vec());
    let present = target.len();
    let width = x.len() / present;
    x.resize(rows * width, 0.0);
    target.resize(rows, 0);
    let weight = (0..rows).map(|row| if row < present { weight } else { 0.0 }).collect();
    Batch { x, target, context: vec![context; rows], weight }
}

fn network() -> Box<Mlp> {
    Box::new(Mlp::new(&[6, 5, 4, 4]).unwrap())
}

/// A trial at the end of the first golden context.
fn ended<'s>(method: &'s dyn Strategy, file: &Value) -> Trial<'s> {
    let inputs = &file["inputs"];
    let memories = [("fromp/memory", 6)];
    // The reference's own Adam adds ε before it corrects the second moment's bias, 1 − β₂ at first.
    let adam = Adam { eps: 1e-8 / (1.0 - 0.999_f64).sqrt(), ..Adam::new(number(&inputs["lr"])) };
    let mut trial =
        Trial::with_memories(method, network(), &adam, (8, 2), true, &memories).unwrap();
    let active = ["label_set_context1", "label_set_context2"].map(|set| {
        let units = labels(&inputs[set]);
        (0..4).map(|unit| units.contains(&unit)).collect::<Vec<bool>>()
    });
    trial.set_active(&active).unwrap();
    write(&mut trial, "theta", &inputs["params_at_end_of_context1"]);
    let (x, y) = (floats(&inputs["x_context1"]), labels(&inputs["y_context1"]));
    let chunks = [padded(&x[..48], &y[..8], 0, 8, 1.0), padded(&x[48..], &y[8..], 0, 8, 1.0)];
    let kept = points(file, &[0, 1, 2, 3, 4, 5]);
    trial.boundary_with(&chunks, &[padded(&kept, &[0; 6], 0, 8, 1.0)]).unwrap();
    trial
}

/// These memory points of a golden file.
fn points(file: &Value, which: &[usize]) -> Vec<f32> {
    let rows = labels(&file["expected"]["memory_indices_per_class"]);
    let x = floats(&file["inputs"]["x_context1"]);
    which.iter().flat_map(|&point| &x[6 * rows[point] as usize..][..6]).copied().collect()
}

/// One step on the second golden context with these memory points.
fn stepped(trial: &mut Trial<'_>, file: &Value, which: &[usize], rows: usize) -> f32 {
    let inputs = &file["inputs"];
    write(trial, "theta", &inputs["params_now"]);
    let x = floats(&inputs["x_context2"])[..6 * rows].to_vec();
    // The head's own labels; the output units follow those of the first head.
    let first = labels(&inputs["label_set_context2"])[0];
    let heads = first > 0 && labels(&inputs["y_context2"]).iter().all(|&y| y < first);
    let shift = if heads { first } else { 0 };
    let y: Vec<u32> = labels(&inputs["y_context2"])[..rows].iter().map(|y| y + shift).collect();
    let batch = padded(&x, &y, 1, 8, 1.0 / rows as f32);
    let target = vec![0; which.len()];
    let weight = 1.0 / which.len() as f32;
    let memory = padded(&points(file, which), &target, 0, 6, weight);
    let mut cells: Vec<u32> = which.iter().map(|&point| point as u32).collect();
    cells.resize(6, u32::MAX);
    let replayed = Replayed { rows: Some(memory), cells, stored: vec![u32::MAX; 8] };
    trial.step_with(&batch, &[("fromp/memory", replayed)]).unwrap()
}

/// What the first boundary leaves and one step, against a golden file; `gradient`: before or after
/// clipping.
fn check(method: &dyn Strategy, name: &str, gradient: &str) -> Result<(), String> {
    let file = golden(name);
    let (inputs, expected) = (&file["inputs"], &file["expected"]);
    let watched = Watched(method);
    let mut trial = ended(&watched, &file);
    trial.session.write("fromp/tau", 0, &[number(&inputs["tau"]) as f32]).unwrap();
    slot_is(&trial, "fromp/fisher", &expected["fisher"], 1e-5)?;

    let classes = labels(&inputs["label_set_context1"]).len();
    let anchor = read(&trial, "fromp/anchor");
    let rows = anchor.chunks(4).take(6);
    let stored: Vec<f32> = rows.flat_map(|row| &row[..classes]).copied().collect();
    close("anchor", &stored, &numbers(&expected["memory_probs_stored"]), 1e-5)?;
    for class in 0..classes {
        let inverse = kept_inverse(&trial, 0, class, 6);
        let want = numbers(&expected["kernel_inverse_per_class"][class]);
        let single: Vec<f32> = inverse.iter().map(|&x| x as f32).collect();
        close(&format!("inverse {class}"), &single, &want, 1e-4)?;
        let kernel: Vec<f32> = inverted(&inverse).iter().map(|&x| x as f32).collect();
        let want = numbers(&expected["kernel_per_class"][class]);
        close(&format!("kernel {class}"), &kernel, &want, 1e-5)?;
    }
    for (key, which, rows) in
        [("all_6_points", &[0, 1, 2, 3, 4, 5][..], 8), ("subset_4_points", &[3, 5, 0, 1], 4)]
    {
        let mut trial = ended(&watched, &file);
        trial.session.write("fromp/tau", 0, &[number(&inputs["tau"]) as f32]).unwrap();
        let step = &expected["step"][key];
        let indices = labels(&step["memory_indices"]);
        assert!(indices.iter().zip(which).all(|(a, b)| *a as usize == *b));
        let loss = stepped(&mut trial, &file, which, rows);
        close("task loss", &[loss], &[number(&step["loss_ce"])], 1e-5)?;
        slot_is(&trial, "probe/task", &step["grad_ce"], 1e-5)?;
        slot_is(&trial, "probe/total", &step[gradient], 1e-5)?;
        if gradient == "grad_after_clip" {
            slot_is(&trial, "theta", &step["params_after_adam_step"], 2e-6)?;
        }
    }
    Ok(())
}

fn three_per_class() -> Fromp {
    Fromp { per_class: 3, ..Fromp::vdv(0.25) }
}

#[test]
fn fisher_anchors_kernels_inverses_and_steps_are_those_of_the_reference() {
    for name in ["fromp_task", "fromp_class"] {
        let unclipped = Fromp { clip: None, ..three_per_class() };
        check(&unclipped, name, "grad_total_before_clip").unwrap();
        check(&three_per_class(), name, "grad_after_clip").unwrap();
    }
}

/// Σ = 1 / (F + δ) of the reference from what the slots hold.
#[test]
fn the_covariance_is_that_of_the_reference() {
    for name in ["fromp_task", "fromp_class"] {
        let (file, method) = (golden(name), three_per_class());
        let mut trial = ended(&method, &file);
        let delta = read(&trial, "fromp/delta")[0];
        let fisher = read(&trial, "fromp/fisher");
        let covariance: Vec<f32> = fisher.iter().map(|f| 1.0 / (f + delta)).collect();
        trial.session.write("theta", 0, &covariance).unwrap();
        slot_is(&trial, "theta", &file["expected"]["covariance"], 1e-5).unwrap();
    }
}

/// A method whose pass over the context is listened to.
struct Scored(Fromp, Mutex<Vec<f32>>);

impl Consolidate for Scored {
    fn passes(&self) -> Vec<Pass> {
        self.0.passes()
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, pass: usize) {
        self.0.observe(step, pass);
    }
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        self.0.consolidate(boundary, theta)
    }
    fn end_context(&self, now: Now, slots: &mut SlotStore<'_>) -> Result<(), Error> {
        *self.1.lock().unwrap() = slots.report("score").unwrap().to_vec();
        self.0.end_context(now, slots)
    }
}

impl Strategy for Scored {
    fn name(&self) -> String {
        self.0.name()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(&self.0).gradient_map(&self.0).consolidate(self);
        parts.rehearse_apart("memory", |_| Err(Error::Misfit("never made".to_owned())));
    }
}

#[test]
fn scores_and_memorable_points_are_those_of_the_reference() {
    for name in ["fromp_task", "fromp_class"] {
        let file = golden(name);
        let method = Scored(three_per_class(), Mutex::default());
        ended(&method, &file);
        let scores = method.1.lock().unwrap().clone();
        let want = numbers(&file["expected"]["scores_context1_data"]);
        close("scores", &scores, &want, 1e-5).unwrap();
        let chosen = memorable(&labels(&file["inputs"]["y_context1"]), &scores, 3);
        let chosen: Vec<u32> = chosen.into_iter().map(|row| row as u32).collect();
        assert_eq!(chosen, labels(&file["expected"]["memory_indices_per_class"]));
    }
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    NegatedPenalty,
    MissingHalf,
    NothingToComeBackTo,
    AveragedFisher,
    InverseOfTheSubBlock,
    OneKernelForAllClasses,
}

struct Mutant(Fromp, Fault);

impl Penalty for Mutant {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let loss = self.0.loss(step);
        match self.1 {
            Fault::NegatedPenalty => -loss,
            Fault::MissingHalf => 2.0 * loss,
            _ => loss,
        }
    }
}

impl Consolidate for Mutant {
    fn passes(&self) -> Vec<Pass> {
        self.0.passes()
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, pass: usize) {
        self.0.observe(step, pass);
    }
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        self.0.consolidate(boundary, theta)
    }
    fn end_context(&self, now: Now, slots: &mut SlotStore<'_>) -> Result<(), Error> {
        if matches!(self.1, Fault::AveragedFisher) {
            let mean: Vec<f32> = slots.read("fisher")?.iter().map(|f| f / 12.0).collect();
            slots.write("fisher", &mean)?;
            self.0.end_context(now, slots)?;
            let sum: Vec<f32> = mean.iter().map(|f| f * 12.0).collect();
            return slots.write("fisher", &sum);
        }
        self.0.end_context(now, slots)?;
        let (mut inverse, mut anchor) = (slots.read("inverse")?, slots.read("anchor")?);
        let (n, outputs) = (12, 4);
        let at = |i: usize, j: usize, class: usize| (i * n + j) * outputs + class;
        match self.1 {
            Fault::NothingToComeBackTo => anchor.fill(0.0),
            Fault::OneKernelForAllClasses => {
                for (i, j) in (0..6).flat_map(|i| (0..6).map(move |j| (i, j))) {
                    let first = inverse[at(i, j, 0)];
                    inverse[at(i, j, 0)..][..outputs].fill(first);
                }
            }
            // Of the points that the second step looks at.
            Fault::InverseOfTheSubBlock => {
                let sub = [3, 5, 0, 1];
                for class in 0..outputs {
                    let pairs = |of: &[usize]| -> Vec<(usize, usize)> {
                        of.iter().flat_map(|&i| of.iter().map(move |&j| (i, j))).collect()
                    };
                    let all = pairs(&[0, 1, 2, 3, 4, 5]).into_iter();
                    let kept: Vec<f64> =
                        all.map(|(i, j)| inverse[at(i, j, class)].into()).collect();
                    if kept[0] == 0.0 {
                        continue; // not of the label set
                    }
                    let kernel = inverted(&kept);
                    let block: Vec<f64> =
                        pairs(&sub).into_iter().map(|(i, j)| kernel[6 * i + j]).collect();
                    for ((i, j), value) in pairs(&sub).into_iter().zip(inverted(&block)) {
                        inverse[at(i, j, class)] = value as f32;
                    }
                }
            }
            _ => {}
        }
        slots.write("anchor", &anchor)?;
        slots.write("inverse", &inverse)
    }
}

impl Strategy for Mutant {
    fn name(&self) -> String {
        self.0.name()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).gradient_map(&self.0).consolidate(self);
        parts.rehearse_apart("memory", |_| Err(Error::Misfit("never made".to_owned())));
    }
}

/// The gradient of the second step alone: what a fault does to the slots is not looked at.
fn check_step(method: &dyn Strategy, name: &str) -> Result<(), String> {
    let file = golden(name);
    let watched = Watched(method);
    let mut trial = ended(&watched, &file);
    let tau = number(&file["inputs"]["tau"]) as f32;
    trial.session.write("fromp/tau", 0, &[tau]).unwrap();
    stepped(&mut trial, &file, &[3, 5, 0, 1], 4);
    let step = &file["expected"]["step"]["subset_4_points"];
    slot_is(&trial, "probe/total", &step["grad_after_clip"], 1e-5)
}

#[test]
fn the_step_of_the_reference_catches_each_fault() {
    for name in ["fromp_task", "fromp_class"] {
        check_step(&three_per_class(), name).unwrap();
        for fault in [
            Fault::NegatedPenalty,
            Fault::MissingHalf,
            Fault::NothingToComeBackTo,
            Fault::AveragedFisher,
            Fault::InverseOfTheSubBlock,
            Fault::OneKernelForAllClasses,
        ] {
            // Two classes of one head have the same kernel.
            if name == "fromp_task" && matches!(fault, Fault::OneKernelForAllClasses) {
                continue;
            }
            let caught = check_step(&Mutant(three_per_class(), fault), name);
            assert!(caught.is_err(), "{fault:?} passes {name}");
        }
    }
}

/// Fixed numbers in [−1, 1), exact in 32 bits.
fn noise(len: usize, seed: u32) -> Vec<f32> {
    common::some_batch(len.div_ceil(6), seed).x[..len].to_vec()
}

fn slow(trial: &Trial<'_>) -> SlowMlp {
    let parameters = trial.parameters("theta").unwrap().into_iter();
    let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect();
    SlowMlp {
        sizes: vec![6, 5, 4, 4],
        tensors: parameters.map(|(_, values)| wide(values)).collect(),
        gates: Vec::new(),
        active: vec![true; 4],
    }
}

/// Probabilities and Jacobians `[points][parameters]` of every class.
fn jacobians(net: &SlowMlp, x: &[f32]) -> Vec<(Vec<f64>, Vec<Vec<f64>>)> {
    let all = x.chunks(6).map(|x| {
        let x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        let (inputs, p) = net.forward(&x);
        // ∂p = −p ∂(−log p)
        let gradient = |c: usize| net.gradient(&inputs, &p, c).concat();
        let of_class = |c: usize| gradient(c).iter().map(|g| -p[c] * g).collect::<Vec<f64>>();
        (p.clone(), (0..p.len()).map(of_class).collect())
    });
    let all: Vec<(Vec<f64>, Vec<Vec<f64>>)> = all.collect();
    let of = |c: usize| all.iter().map(|(p, j)| (p[c], j[c].clone())).unzip();
    (0..4).map(of).collect()
}

/// Three contexts; at the end of the second the step looks at two points of the one and three of the
/// other.
fn against_jacobians(method: &Fromp, tolerance: f64) -> Result<(), String> {
    let watched = Watched(method);
    let name = format!("{}/memory", method.name());
    let memories = [(name.as_str(), 6)];
    let sgd = Sgd::new(0.1);
    let mut trial =
        Trial::with_memories(&watched, network(), &sgd, (8, 3), false, &memories).unwrap();
    let len = trial.model.layout.len();
    let start = |trial: &mut Trial<'_>, seed: u32| {
        let theta = noise(len, seed);
        let mut padded = trial.session.read("theta", 0).unwrap();
        for range in trial.model.layout.ranges() {
            padded[range.floats()].copy_from_slice(&theta[range.floats()]);
        }
        trial.session.write("theta", 0, &padded).unwrap();
    };
    let x: Vec<Vec<f32>> = (0..2).map(|context| noise(8 * 6, 50 + context)).collect();
    // The points of a context: its first four rows.
    let kept: Vec<&[f32]> = x.iter().map(|x| &x[..4 * 6]).collect();
    let (mut fisher, mut old) = (Vec::new(), Vec::new());
    for context in 0..2 {
        start(&mut trial, 7 + context);
        let rows = Batch::mean(x[context as usize].clone(), vec![0; 8], context);
        let mut memory = padded(
            &kept[..=context as usize].concat(),
            &vec![0; 4 * (context as usize + 1)],
            0,
            8,
            1.0,
        );
        memory.context[4..].fill(context);
        trial.boundary_with(&[rows], &[memory]).unwrap();
        let net = slow(&trial);
        let sums = net.fisher_sum(&x[context as usize]).concat();
        fisher.resize(sums.len(), 0.0);
        fisher.iter_mut().zip(sums).for_each(|(sum, f): (&mut f64, f64)| *sum += f);
        old = kept[..=context as usize].iter().map(|x| jacobians(&net, x)).collect::<Vec<_>>();
    }
    start(&mut trial, 9);
    let looks = [vec![3, 1], vec![0, 2, 3]];
    let n = method.per_class * 4;
    let mut memory =
        Batch { x: Vec::new(), target: vec![0; 6], context: vec![0; 6], weight: vec![0.2; 6] };
    let mut cells = vec![u32::MAX; 6];
    for (context, looks) in looks.iter().enumerate() {
        for &point in looks {
            let at = memory.x.len() / 6;
            (memory.context[at], cells[at]) = (context as u32, (context * n + point) as u32);
            memory.x.extend(&kept[context][6 * point..6 * (point + 1)]);
        }
    }
    memory.x.resize(36, 0.5);
    memory.weight[5] = 0.0;
    let replayed = Replayed { rows: Some(memory), cells, stored: vec![u32::MAX; 8] };
    let batch = Batch::mean(noise(48, 77), vec![3, 2, 3, 2, 3, 3, 2, 2], 2);
    let before = slow(&trial);
    trial.step_with(&batch, &[(&name, replayed)]).unwrap();

    let mut want: Vec<f64> = trial
        .parameters("probe/task")
        .unwrap()
        .iter()
        .flat_map(|(_, values)| values.iter().map(|&g| f64::from(g) / method.tau))
        .collect();
    for (context, looks) in looks.iter().enumerate() {
        let now = jacobians(&before, kept[context]);
        for class in 0..4 {
            let ((then, was), (value, is)) = (&old[context][class], &now[class]);
            let kernel: Vec<f64> = (0..16)
                .map(|at| match method.kernel {
                    Kernel::Identity => f64::from(u8::from(at / 4 == at % 4)),
                    Kernel::Functional { delta, jitter } => {
                        let (a, b) = (&was[at / 4], &was[at % 4]);
                        let variance = fisher.iter().map(|f| 1.0 / (f + delta));
                        let k: f64 =
                            a.iter().zip(b).zip(variance).map(|((a, b), s)| a * s * b).sum();
                        k + if at / 4 == at % 4 { jitter } else { 0.0 }
                    }
                })
                .collect();
            let inverse = inverted(&kernel);
            for &i in looks {
                let pull: f64 =
                    looks.iter().map(|&j| inverse[4 * i + j] * (value[j] - then[j])).sum();
                want.iter_mut().zip(&is[i]).for_each(|(g, j)| *g += pull * j);
            }
        }
    }
    let got: Vec<f32> =
        trial.parameters("probe/total").unwrap().into_iter().flat_map(|(_, g)| g).collect();
    close("total gradient", &got, &want, tolerance)
}

#[test]
fn a_step_over_three_contexts_is_that_of_materialised_jacobians() {
    let plain = Fromp { clip: None, per_class: 2, ..Fromp::default() };
    against_jacobians(&plain, 1e-4).unwrap();
    against_jacobians(&plain.l2(), 1e-5).unwrap();
    assert_eq!((plain.name(), plain.l2().name()), ("fromp".to_owned(), "fromp-l2".to_owned()));
}
