//! KFAC: what a layer saw, A, and what came back to it, G, whose product stands for its Fisher block.

use crate::common::Setup;
use crate::golden::{assert_close, floats, golden, labels, numbers, read, write};
use crate::guarantees::population_is_singles_and_resume_is_whole;
use crate::slow::{Weights, softmax, wide};
use crate::trials::{made_up, trial};
use cl_core::{Batch, Boundary, Consolidate, Linear, Parts, Pass, Step, Strategy, Trial};
use cl_tensor::Var;

/// Ritter, Botev & Barber 2018, per linear layer with input a (and a trailing 1) and derivative δ at
/// its pre-activation: A = E_x a aᵀ, G = E_x E_{y ~ p(y|x)} δ δᵀ, exact in the labels.
struct Kfac;

impl Consolidate for Kfac {
    fn passes(&self) -> Vec<Pass> {
        vec![Pass::default()]
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        let (graph, layers, logits) = (step.graph(), &step.forward.layers, step.active_logits());
        let [rows, classes] = logits.shape()[..] else { return };
        let outer = |weight: Var<'g>, a: Var<'g>| (a * weight.column()).t().matmul(a);
        for layer in layers {
            let a = graph.concat(&[layer.input, graph.full(&[rows, 1], 1.0)], 1);
            step.scope.accumulate(&format!("{}/sum_a", layer.weight), outer(step.weight, a));
        }
        let (p, log_p) = (logits.softmax(), logits.log_softmax());
        let traces: Vec<_> = layers.iter().map(|layer| layer.pre_activation).collect();
        let of_class = |class: usize| -> Vec<Var<'g>> {
            let column = |of: Var<'g>| of.slice(1, class..class + 1).reshape(&[rows]);
            let deltas = graph.grads(-column(log_p).sum(), &traces);
            deltas.into_iter().map(|d| outer(step.weight * column(p), d)).collect()
        };
        let mut sums = of_class(0);
        for class in 1..classes {
            sums = sums.into_iter().zip(of_class(class)).map(|(sum, g)| sum + g).collect();
        }
        for (layer, g) in layers.iter().zip(sums) {
            step.scope.accumulate(&format!("{}/sum_g", layer.weight), g);
        }
    }
    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        for Linear { weight, .. } in at.layers() {
            for (factor, n) in [("a", weight.shape[0] + 1), ("g", weight.shape[1])] {
                let name = |what: &str| format!("{}/{what}{factor}", weight.name);
                let sum = at.scope.take(&name("sum_"), &[n, n]);
                at.scope.remember(&name(""), sum / at.examples[0]);
            }
        }
        theta
    }
}

impl Strategy for Kfac {
    fn name(&self) -> String {
        "kfac".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.consolidate(self);
    }
}

fn factors(trial: &Trial<'_>, layer: usize) -> [Vec<f64>; 2] {
    ["a", "g"].map(|factor| read(trial, &format!("kfac/w{layer}/{factor}")))
}

/// What one example brings to a layer: a with its 1, and for every label its probability and δ.
type Trace = (Vec<f64>, Vec<(f64, Vec<f64>)>);

/// One example through the network and back, slowly.
fn slow(trial: &Trial<'_>, x: &[f32], active: usize) -> Vec<Trace> {
    let (theta, depth) = (read(trial, "theta"), trial.model.layers.len());
    let weights = Weights(&trial.model.layout, &theta);
    let h = weights.forward(&wide(x));
    let p = softmax(&h[depth][..active]);
    let mut layers: Vec<_> =
        h[..depth].iter().map(|a| ([&a[..], &[1.0]].concat(), vec![])).collect();
    for (class, &probability) in p.iter().enumerate() {
        let unit = |j: usize| p.get(j).map_or(0.0, |p| p - f64::from(u8::from(j == class)));
        let logits = (0..h[depth].len()).map(unit).collect();
        for (layer, delta) in layers.iter_mut().zip(weights.backward(&h, logits)) {
            layer.1.push((probability, delta));
        }
    }
    layers
}

/// sum += weight · v vᵀ
fn add_outer(sum: &mut Vec<f64>, weight: f64, v: &[f64]) {
    sum.resize(v.len() * v.len(), 0.0);
    let products = v.iter().flat_map(|a| v.iter().map(move |b| a * b));
    sum.iter_mut().zip(products).for_each(|(sum, product)| *sum += weight * product);
}

#[test]
fn both_factors_are_those_of_a_slow_loop_over_chunks_of_rows() {
    let mut trial = trial(&Kfac, &[5, 4, 3, 3], (4, 2), true);
    trial.set_active(&[vec![true; 3], vec![true, true, false]]).unwrap();
    for (context, active) in [(0, 3), (1, 2)] {
        let all = made_up(8, 5, 2, context);
        let (mut first, mut second) = (all.clone(), all.clone());
        for (chunk, rows) in [(&mut first, 0..4), (&mut second, 4..8)] {
            chunk.x = all.x[5 * rows.start..5 * rows.end].to_vec();
            (chunk.target, chunk.context) = (all.target[rows.clone()].to_vec(), vec![context; 4]);
            chunk.weight = all.weight[rows].to_vec();
        }
        second.weight[2..].fill(0.0); // padding: six rows count
        trial.boundary(&[first, second]).unwrap();
        for layer in 0..3 {
            let (mut a, mut g) = (Vec::new(), Vec::new());
            for x in all.x.chunks(5).take(6) {
                let (input, labels) = slow(&trial, x, active).swap_remove(layer);
                add_outer(&mut a, 1.0 / 6.0, &input);
                labels.iter().for_each(|(p, delta)| add_outer(&mut g, p / 6.0, delta));
            }
            let [got_a, got_g] = factors(&trial, layer + 1);
            assert_close(&got_a, &a, 1e-6);
            assert_close(&got_g, &g, 2e-6);
        }
    }
}

/// For one example the gradient of [W; b] is a ⊗ δ; so A ⊗ G is the exact block Σ_y p vec vecᵀ.
#[test]
fn for_one_example_the_product_of_the_factors_is_the_fisher_block() {
    let (mut trial, batch) = (trial(&Kfac, &[5, 4, 3], (1, 1), false), made_up(1, 5, 3, 0));
    trial.boundary(std::slice::from_ref(&batch)).unwrap();
    for (layer, (a, labels)) in slow(&trial, &batch.x, 3).into_iter().enumerate() {
        let mut fisher = Vec::new();
        for (p, delta) in &labels {
            let gradient: Vec<f64> =
                a.iter().flat_map(|a| delta.iter().map(move |d| a * d)).collect();
            add_outer(&mut fisher, *p, &gradient);
        }
        let [got_a, got_g] = factors(&trial, layer + 1);
        let (m, n) = (a.len(), got_g.len().isqrt());
        let product = (0..m * n * m * n).map(|at| {
            let (row, column) = (at / (m * n), at % (m * n));
            got_a[row / n * m + column / n] * got_g[row % n * n + column % n]
        });
        assert_close(&product.collect::<Vec<_>>(), &fisher, 1e-6);
    }
}

#[test]
fn the_factors_are_those_of_the_reference_implementation() {
    let golden = golden("kfac_ncl");
    let inputs = &golden["inputs"];
    let mut trial = trial(&Kfac, &[6, 5, 4, 4], (8, 1), false);
    write(&mut trial, "theta", &inputs["params_anchor"]);
    trial.boundary(&[Batch::mean(floats(&inputs["x"]), labels(&inputs["y"]), 0)]).unwrap();
    for layer in 1..=3 {
        let expected = &golden["expected"]["labels_all"][layer - 1];
        let [a, g] = factors(&trial, layer);
        assert_close(&a, &numbers(&expected["A"]), 1e-5);
        assert_close(&g, &numbers(&expected["G"]), 1e-5);
    }
}

#[test]
fn kfac_is_resumed_and_runs_in_populations() {
    population_is_singles_and_resume_is_whole(&Setup::SMALL, &Kfac, [3, 8, 9, 23]);
}
