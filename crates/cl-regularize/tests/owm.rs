//! Orthogonal weights modification against published code and dense f64 matrices, and faults that
//! these catch.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{
    Batch, Boundary, Consolidate, Error, GradientMap, Member, Now, Parts, Pass, Rehearse, Replayed,
    SlotStore, Step, Strategy, Trial,
};
use cl_nn::{Mlp, Sgd};
use cl_regularize::{Alpha, Owm};
use cl_tensor::{Init, Session, Var};
use common::dense::{
    Borrowed, Matrix, Scales, add_outer, entries, identity, inverse, matrix, product, with_bias,
};
use common::slow::SlowMlp;
use common::{Watched, close, floats, golden, labels, number, numbers, read, slot_is, some_batch};
use common::{trial, write};
use serde_json::Value;

fn per_batch(alpha: f64) -> Owm {
    Owm::PerBatch { alpha: vec![Alpha::constant(alpha)], clip: None }
}

fn batch(inputs: &Value, number: usize) -> Batch {
    let (x, y) = (&inputs["x_per_batch"][number], &inputs["y_per_batch"][number]);
    Batch::mean(floats(x), labels(y), 0)
}

/// Three batches at fixed parameters, another α for each.
fn check_per_batch(method: &dyn Strategy) -> Result<(), String> {
    let file = golden("owm");
    let (inputs, expected) = (&file["inputs"], &file["expected"]["per_batch"]);
    let watched = Watched(method);
    let mut trial = trial(&watched, &Sgd::new(0.1), 8, false);
    for number in 0..3 {
        let alpha = floats(&inputs["alpha_per_batch"][number]);
        trial.session.write("owm/alpha", 0, &alpha).unwrap();
        write(&mut trial, "theta", &inputs["params"]);
        trial.step(&batch(inputs, number)).unwrap();
        let expected = &expected[number];
        for layer in 0..3 {
            let slot = format!("owm/w{}/projector", layer + 1);
            let want = numbers(&expected["projector_per_layer"][layer]);
            close(&slot, &read(&trial, &slot), &want, 1e-5)?;
        }
        slot_is(&trial, "probe/task", &expected["grad_raw"], 1e-5)?;
        slot_is(&trial, "probe/total", &expected["grad_projected"], 1e-5)?;
    }
    Ok(())
}

/// Two contexts of one batch each, and the gradient of a third batch.
fn check_per_context(method: &dyn Strategy) -> Result<(), String> {
    let file = golden("owm");
    let (inputs, expected) = (&file["inputs"], &file["expected"]);
    let watched = Watched(method);
    let mut trial = trial(&watched, &Sgd::new(0.1), 8, false);
    trial.session.write("owm/alpha", 0, &[number(&inputs["vdv_alpha"]) as f32]).unwrap();
    write(&mut trial, "theta", &inputs["params"]);
    for context in 0..2 {
        trial.boundary(&[batch(inputs, context)]).unwrap();
    }
    for layer in 0..3 {
        let slot = format!("owm/w{}/a", layer + 1);
        let want = numbers(&expected["vdv_A_after_2_contexts"][layer]);
        close(&slot, &read(&trial, &slot), &want, 1e-5)?;
    }
    trial.step(&batch(inputs, 2)).unwrap();
    slot_is(&trial, "probe/total", &expected["vdv_grad_third_batch"], 1e-5)
}

#[test]
fn projectors_and_gradients_are_those_of_the_reference() {
    check_per_batch(&Owm::default()).unwrap();
    check_per_context(&Owm::vdv(1.0)).unwrap();
}

/// The gradient that the optimiser got is P times the one before, layer by layer.
fn is_projected(trial: &Trial<'_>, projectors: &[Matrix], factor: f64) {
    for (layer, p) in projectors.iter().enumerate() {
        let [task, total] = ["probe/task", "probe/total"].map(|slot| with_bias(trial, slot, layer));
        let want: Vec<f64> = product(p, &task).concat().iter().map(|g| factor * g).collect();
        let got: Vec<f32> = total.concat().iter().map(|&x| x as f32).collect();
        close("projected gradient", &got, &want, 1e-5).unwrap();
    }
}

/// A rehearsal of two rows; only its place in the batch matters here.
struct Replays;

impl Strategy for Replays {
    fn name(&self) -> String {
        "replays".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        let never = |_: &Member<'_>| -> Result<Box<dyn Rehearse>, Error> {
            Err(Error::Misfit("a trial has no members".to_owned()))
        };
        parts.rehearse(never);
    }
}

/// P⁻¹ = I + Σ r rᵀ/α over ten batches of training. Of eight rows five count: two are of a memory, one
/// is padding; the weights of the others differ.
#[test]
fn after_many_batches_the_projector_is_the_dense_inverse_over_rows_of_the_stream() {
    let (owm, alpha) = (per_batch(0.3), f64::from(0.3_f32));
    let both = (Borrowed(&owm), Replays);
    let watched = Watched(&both);
    let network = Box::new(Mlp::new(&[6, 5, 4, 4]).unwrap());
    let memories = [("replays", 2)];
    let mut trial =
        Trial::with_memories(&watched, network, &Sgd::new(0.5), (8, 2), false, &memories).unwrap();
    let mut inverses: Vec<Matrix> = [7, 6, 5].map(identity).into();
    for seed in 0..10 {
        let mut batch = some_batch(8, seed);
        batch.weight = vec![0.1, 0.2, 0.3, 0.1, 0.1, 0.0, 0.4, 0.4];
        let slow = SlowMlp::of(&trial, vec![], vec![true; 4]);
        let mut means: Vec<Vec<f64>> = [7, 6, 5].map(|n| vec![0.0; n]).into();
        for (x, weight) in matrix(&batch.x, 6).iter().zip(&batch.weight[..6]) {
            for (mean, (input, _)) in means.iter_mut().zip(slow.traces(x)) {
                let share = f64::from(*weight) / 0.8;
                mean.iter_mut().zip(input).for_each(|(mean, a)| *mean += share * a);
            }
        }
        let rows = Replayed { rows: None, cells: vec![0, 1], stored: vec![u32::MAX; 6] };
        trial.step_with(&batch, &[("replays", rows)]).unwrap();
        for (inverse, mean) in inverses.iter_mut().zip(&means) {
            add_outer(inverse, 1.0 / alpha, mean);
        }
        let projectors: Vec<Matrix> = inverses.iter().map(inverse).collect();
        for (layer, p) in projectors.iter().enumerate() {
            let slot = format!("owm/w{}/projector", layer + 1);
            close(&slot, &read(&trial, &slot), &p.concat(), 1e-5).unwrap();
        }
        is_projected(&trial, &projectors, 1.0);
    }
}

/// (A/α + I)⁻¹ of the mean over three contexts, in chunks with padding; a gate's parameter is left.
#[test]
fn after_some_contexts_the_projector_is_the_dense_inverse_of_their_mean() {
    let owm = Owm::vdv(0.05);
    let both = (Borrowed(&owm), Scales);
    let watched = Watched(&both);
    let mut trial = trial(&watched, &Sgd::new(0.5), 4, false);
    for (layer, (_, scale)) in trial.parameters("theta").unwrap()[6..].iter().enumerate() {
        // As in the slow network.
        assert_eq!(scale, &[1.25], "{layer}");
        trial.set_parameter(&format!("scales/{layer}"), &[1.0]).unwrap();
    }
    let mut means: Vec<Vec<Matrix>> = Vec::new();
    for context in 0..3 {
        let [first, mut second] = [some_batch(4, 10 * context), some_batch(4, 10 * context + 1)];
        second.weight[1..].fill(0.0); // five rows count
        trial.boundary(&[first.clone(), second.clone()]).unwrap();
        let slow = SlowMlp::of(&trial, vec![], vec![true; 4]);
        let mut of_context: Vec<Matrix> = [7, 6, 5].map(|n| entries(n, n, |_, _| 0.0)).into();
        for x in matrix(&[&first.x[..], &second.x[..6]].concat(), 6) {
            for (a, (input, _)) in of_context.iter_mut().zip(slow.traces(&x)) {
                add_outer(a, 0.2, &input);
            }
        }
        means.push(of_context);
        let projectors: Vec<Matrix> = (0..3)
            .map(|layer| {
                let n = means[0][layer].len();
                let count = means.len() as f64;
                let damped = entries(n, n, |i, j| {
                    let mean = means.iter().map(|a| a[layer][i][j]).sum::<f64>() / count;
                    mean / 0.05 + f64::from(u8::from(i == j))
                });
                inverse(&damped)
            })
            .collect();
        trial.step(&some_batch(4, 50 + context)).unwrap();
        is_projected(&trial, &projectors, 1.0);
        let [task, total] =
            ["probe/task", "probe/total"].map(|slot| trial.parameters(slot).unwrap());
        assert_eq!(task[6..], total[6..]);
        assert!(task[6].1[0] != 0.0);
        for layer in 0..2 {
            trial.set_parameter(&format!("scales/{layer}"), &[1.0]).unwrap();
        }
    }
}

#[test]
fn gradients_are_unchanged_in_the_first_context_of_the_per_context_variant() {
    let owm = Owm::vdv(1e-10);
    let watched = Watched(&owm);
    let mut trial = trial(&watched, &Sgd::new(0.5), 8, false);
    trial.step(&some_batch(8, 0)).unwrap();
    assert_eq!(read(&trial, "probe/total"), read(&trial, "probe/task"));
    trial.boundary(&[some_batch(8, 0)]).unwrap();
    trial.step(&some_batch(8, 0)).unwrap();
    assert_ne!(read(&trial, "probe/total"), read(&trial, "probe/task"));
    assert!(read(&trial, "probe/total").iter().all(|g| g.is_finite()));
}

/// What a layer answers to inputs it has seen hardly moves, whatever is learned next.
#[test]
fn outputs_for_earlier_inputs_stay_under_gradient_descent() {
    let moved = |method: &dyn Strategy| {
        let mut trial = trial(method, &Sgd::new(0.05), 2, false);
        let old = some_batch(2, 1);
        trial.boundary(std::slice::from_ref(&old)).unwrap();
        let before = trial.scores(&old, &[]).unwrap();
        for seed in 2..7 {
            trial.step(&some_batch(2, seed)).unwrap();
        }
        let after = trial.scores(&old, &[]).unwrap();
        before.iter().zip(after).map(|(b, a)| (b - a).abs()).fold(0.0_f32, f32::max)
    };
    let (free, held) = (moved(&cl_core::Naive), moved(&Owm::vdv(1e-6)));
    assert!(held < 1e-3 * free, "{held} against {free}");
}

#[test]
fn the_gradient_of_each_layer_is_clipped_before_it_is_projected() {
    let clip = 0.01;
    let owm = Owm::PerBatch { alpha: vec![Alpha::constant(1.0)], clip: Some(clip) };
    let watched = Watched(&owm);
    let mut trial = trial(&watched, &Sgd::new(0.1), 8, false);
    trial.step(&some_batch(8, 4)).unwrap();
    for layer in 0..3 {
        let [task, total] =
            ["probe/task", "probe/total"].map(|slot| with_bias(&trial, slot, layer));
        let norm = task.concat().iter().map(|g| g * g).sum::<f64>().sqrt();
        assert!(norm > 2.0 * clip, "{norm}");
        let p = matrix(&read(&trial, &format!("owm/w{}/projector", layer + 1)), task.len());
        let want: Vec<f64> =
            product(&p, &task).concat().iter().map(|g| g * clip / (norm + 1e-6)).collect();
        let got: Vec<f32> = total.concat().iter().map(|&x| x as f32).collect();
        close("clipped", &got, &want, 1e-5).unwrap();
    }
}

#[test]
fn each_layer_may_have_its_own_alpha() {
    let owm = Owm::disjoint_mnist();
    let mut trial = trial(&owm, &Sgd::new(0.1), 8, false);
    let slow = SlowMlp::of(&trial, vec![], vec![true; 4]);
    let batch = some_batch(8, 4);
    trial.step(&batch).unwrap(); // at progress 0
    for (layer, (alpha, n)) in [(0.9, 7), (1.0, 6), (0.6, 5)].into_iter().enumerate() {
        let mut mean = vec![0.0; n];
        for x in matrix(&batch.x, 6) {
            let (input, _) = slow.traces(&x).swap_remove(layer);
            mean.iter_mut().zip(input).for_each(|(mean, a)| *mean += a / 8.0);
        }
        let mut inverted = identity(n);
        add_outer(&mut inverted, 1.0 / alpha, &mean);
        let slot = format!("owm/w{}/projector", layer + 1);
        close(&slot, &read(&trial, &slot), &inverse(&inverted).concat(), 1e-5).unwrap();
    }
    let slots = ["owm/w1/base", "owm/w2/base", "owm/w3/base"].map(|slot| read(&trial, slot)[0]);
    assert_eq!(slots, [0.001, 0.1, 1.0]);
}

#[test]
fn a_number_of_alphas_that_fits_no_network_is_an_error() {
    let alpha = vec![Alpha::constant(1.0); 2];
    let owm = Owm::PerBatch { alpha, clip: None };
    let network = Box::new(Mlp::new(&[6, 5, 4, 4]).unwrap());
    let made = Trial::new(&owm, network, &Sgd::new(0.1), (8, 2), false);
    let message = made.err().unwrap().to_string();
    assert!(
        message.contains("owm: 2 values of alpha for 3 linear layers; expected 1 or 3"),
        "{message}"
    );
}

#[test]
fn inputs_that_are_not_numbers_are_an_error_with_context_and_layer() {
    let owm = Owm::vdv(1.0);
    let mut trial = trial(&owm, &Sgd::new(0.1), 8, false);
    trial.boundary(&[some_batch(8, 0)]).unwrap();
    let mut a = read(&trial, "owm/w2/a");
    a[3] = f32::NAN;
    trial.session.write("owm/w2/a", 0, &a).unwrap();
    let message = trial.boundary(&[some_batch(8, 0)]).unwrap_err().to_string();
    assert_eq!(
        message,
        "owm: end of context 2: projector of layer w2: entry [0, 3] of A is NaN; expected a finite \
         number"
    );
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// The gradient as it is; the projector learns.
    NotProjected,
    /// The projector before it learned of this batch.
    Stale,
    /// P + k kᵀ/..
    Negated,
    /// The sum of inputs in place of their mean.
    SumOfRows,
    /// The last row of [W; b] as it is.
    BiasFree,
    OutputFree,
}

/// The per-batch variant by hand.
struct ByHand(Fault);

impl GradientMap for ByHand {
    fn total<'g>(&self, step: &Step<'_, 'g>, gradient: Var<'g>) -> Var<'g> {
        let (graph, fault) = (step.graph(), self.0);
        let alpha = step.scope.hyper("alpha", 1.0);
        let (mut whole, mut end) = (Vec::new(), 0);
        let layers = &step.forward.layers;
        for (number, layer) in layers.iter().enumerate() {
            let range = |name: &str| step.layout.range(name).unwrap().clone();
            let (weight, bias) = (range(&layer.weight), range(&layer.bias));
            let (n, units) = (weight.shape[0] + 1, bias.len);
            let name = format!("{}/projector", layer.weight);
            let identity: Vec<f32> =
                (0..n * n).map(|at| f32::from(u8::from(at % (n + 1) == 0))).collect();
            let old = step.scope.slot(&name, &[n, n], Init::Values(identity.into()));
            let rows = layer.input.shape()[0];
            let input = graph.concat(&[layer.input, graph.full(&[rows, 1], 1.0)], 1);
            let r = match fault {
                Fault::SumOfRows => input.sum_axis(0),
                _ => input.mean_axis(0),
            };
            let (k, r) = (old.matmul(r.column()), r.column());
            let change = k.matmul(k.t()) / (alpha + (r * k).sum());
            let new = if fault == Fault::Negated { old + change } else { old - change };
            step.scope.assign(&name, new);
            let rows = [gradient.slice(0, weight.floats()), gradient.slice(0, bias.floats())];
            let g = graph.concat(&rows, 0).reshape(&[n, units]);
            let mapped = match fault {
                Fault::NotProjected => g,
                Fault::Stale => old.matmul(g),
                Fault::OutputFree if number + 1 == layers.len() => g,
                _ => new.matmul(g),
            };
            let last = if fault == Fault::BiasFree { g } else { mapped };
            whole.push(gradient.slice(0, end..weight.offset));
            whole.push(mapped.slice(0, 0..n - 1).reshape(&[weight.len]));
            whole.push(gradient.slice(0, weight.floats().end..bias.offset));
            whole.push(last.slice(0, n - 1..n).reshape(&[units]));
            end = bias.floats().end;
        }
        whole.push(gradient.slice(0, end..gradient.len()));
        whole.retain(|piece| !piece.shape().contains(&0));
        graph.concat(&whole, 0)
    }
}

impl Strategy for ByHand {
    fn name(&self) -> String {
        "owm".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.gradient_map(self);
    }
}

#[test]
fn the_reference_catches_each_fault_of_the_per_batch_variant() {
    check_per_batch(&ByHand(Fault::None)).unwrap();
    for fault in [
        Fault::NotProjected,
        Fault::Stale,
        Fault::Negated,
        Fault::SumOfRows,
        Fault::BiasFree,
        Fault::OutputFree,
    ] {
        assert!(check_per_batch(&ByHand(fault)).is_err(), "{fault:?} passes");
    }
}

#[derive(Clone, Copy, Debug)]
enum AtBoundary {
    SumOfContexts,
    LastContext,
    AlphaInverted,
    Complement,
    NeverSolved,
}

struct Mutant(Owm, AtBoundary);

impl GradientMap for Mutant {
    fn total<'g>(&self, step: &Step<'_, 'g>, gradient: Var<'g>) -> Var<'g> {
        let projected = self.0.total(step, gradient);
        if matches!(self.1, AtBoundary::Complement) { gradient - projected } else { projected }
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
        let kept = match self.1 {
            AtBoundary::SumOfContexts => 1.0,
            AtBoundary::LastContext => 0.0,
            _ => return self.0.consolidate(boundary, theta),
        };
        boundary.scope.hyper("alpha", 1.0);
        for layer in boundary.layers() {
            let (name, n) = (&layer.weight.name, layer.weight.shape[0] + 1);
            let a = boundary.scope.slot(&format!("{name}/a"), &[n, n], Init::Zeros);
            let sum = boundary.scope.take(&format!("{name}/sum_a"), &[n, n]);
            boundary.scope.assign(&format!("{name}/a"), kept * a + sum / boundary.examples[0]);
        }
        theta
    }
    fn end_context(&self, now: Now, slots: &mut SlotStore<'_>) -> Result<(), Error> {
        match self.1 {
            AtBoundary::NeverSolved => Ok(()),
            AtBoundary::AlphaInverted => {
                let alpha = slots.read("alpha")?;
                slots.write("alpha", &[1.0 / alpha[0]])?;
                self.0.end_context(now, slots)?;
                slots.write("alpha", &alpha)
            }
            _ => self.0.end_context(now, slots),
        }
    }
}

impl Strategy for Mutant {
    fn name(&self) -> String {
        "owm".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.gradient_map(self).consolidate(self);
    }
}

#[test]
fn the_reference_catches_each_fault_of_the_per_context_variant() {
    for fault in [
        AtBoundary::SumOfContexts,
        AtBoundary::LastContext,
        AtBoundary::AlphaInverted,
        AtBoundary::Complement,
        AtBoundary::NeverSolved,
    ] {
        assert!(check_per_context(&Mutant(Owm::vdv(1.0), fault)).is_err(), "{fault:?} passes");
    }
}

#[test]
fn hyper_parameters_out_of_range_are_refused_and_named() {
    let message = |method: Owm| method.check().unwrap_err().to_string();
    assert_eq!(message(per_batch(0.0)), "owm: alpha = 0; expected a finite number above 0");
    let growing = vec![Alpha { start: 1.0, base: 2.0 }];
    assert_eq!(
        message(Owm::PerBatch { alpha: growing, clip: None }),
        "owm: base of alpha = 2; expected a number in (0, 1]"
    );
}
