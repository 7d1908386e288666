//! EWC with Kronecker factors against published code and slow loops, and faults that these catch.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{Batch, Boundary, Consolidate, Naive, Parts, Pass, Penalty, Step, Strategy, Trial};
use cl_nn::Sgd;
use cl_regularize::{Divisor, FactorLabels, KfacEwc, KroneckerFisher};
use cl_tensor::{Init, Session, Var};
use common::dense::{
    Borrowed, Matrix, Scales, add_outer, entries, matrix, product, trace, with_bias,
};
use common::slow::SlowMlp;
use common::{
    Method, Valued, Watched, bits, close, floats, golden, labels, number, numbers, read, slot_is,
    some_batch, trial, write,
};
use serde_json::Value;

/// Inputs and outputs of the layers of the golden network.
const LAYERS: [(usize, usize); 3] = [(6, 5), (5, 4), (4, 4)];

fn kfac(labels: FactorLabels) -> KfacEwc {
    KfacEwc {
        fisher: KroneckerFisher { labels, ..KroneckerFisher::default() },
        ..Default::default()
    }
}

fn factors_are(trial: &Trial<'_>, expected: &Value) -> Result<(), String> {
    for layer in 0..3 {
        for (slot, key) in [("a", "A"), ("g", "G")] {
            let slot = format!("ewc-kfac/w{}/{slot}", layer + 1);
            close(&slot, &read(trial, &slot), &numbers(&expected[layer][key]), 1e-5)?;
        }
    }
    Ok(())
}

/// Writes A = G = I/√n into every layer.
fn write_prior(trial: &mut Trial<'_>, n: f64) {
    for (layer, (inputs, units)) in LAYERS.into_iter().enumerate() {
        for (slot, size) in [("a", inputs + 1), ("g", units)] {
            let entry =
                |at: usize| if at.is_multiple_of(size + 1) { n.sqrt().recip() as f32 } else { 0.0 };
            let values: Vec<f32> = (0..size * size).map(entry).collect();
            let slot = format!("ewc-kfac/w{}/{slot}", layer + 1);
            trial.session.write(&slot, 0, &values).unwrap();
        }
    }
}

/// Factors, their sum with a prior; with exact labels, the penalty, and the step's gradient too.
fn check(method: &dyn Method, labels_are: &str) -> Result<(), String> {
    let file = golden("kfac_ncl");
    let (inputs, expected) = (&file["inputs"], &file["expected"]);
    let batch = Batch::mean(floats(&inputs["x"]), labels(&inputs["y"]), 0);
    let valued = Valued(method);
    let watched = Watched(&valued);
    let mut trial = trial(&watched, &Sgd::new(0.1), 8, false);
    write(&mut trial, "theta", &inputs["params_anchor"]);
    trial.boundary(std::slice::from_ref(&batch)).unwrap();
    factors_are(&trial, &expected[format!("labels_{labels_are}")])?;

    write_prior(&mut trial, number(&inputs["data_size_n"]));
    trial.boundary(std::slice::from_ref(&batch)).unwrap();
    factors_are(&trial, &expected[format!("sum_with_prior_labels_{labels_are}")])?;

    if labels_are != "all" {
        return Ok(());
    }
    write(&mut trial, "theta", &inputs["params_now"]);
    let task = trial.step(&batch).unwrap();
    let value = read(&trial, "ewc-kfac/value")[0];
    close("penalty", &[value], &[number(&expected["penalty_without_lambda"])], 1e-5)?;
    close("loss", &[task + value], &[number(&expected["ncl"]["loss_total"])], 1e-5)?;
    slot_is(&trial, "probe/total", &expected["ncl"]["grad_total_before_preconditioning"], 1e-5)
}

#[test]
fn factors_sum_penalty_and_gradient_are_those_of_the_reference() {
    check(&kfac(FactorLabels::Exact), "all").unwrap();
    check(&kfac(FactorLabels::True), "true").unwrap();
}

#[test]
fn the_vdv_preset_divides_by_n_unless_rows_are_limited() {
    assert_eq!(KfacEwc::vdv(3.0, None), KfacEwc { lambda: 3.0, ..KfacEwc::default() });
    let limited = KfacEwc::vdv(3.0, Some(500)).fisher;
    assert_eq!((limited.rows, limited.divisor), (Some(501), Divisor::NMinusOne));
    assert!(check(&KfacEwc::vdv(1.0, Some(500)), "all").is_err());
}

/// A and G of each layer by a loop over examples and labels.
fn slow_factors(trial: &Trial<'_>, x: &[f32], active: Vec<bool>) -> Vec<(Matrix, Matrix)> {
    let slow = SlowMlp::of(trial, vec![], active);
    let rows = (x.len() / 6) as f64;
    let zeros = |n: usize| entries(n, n, |_, _| 0.0);
    let mut factors: Vec<_> = LAYERS.map(|(i, o)| (zeros(i + 1), zeros(o))).into();
    for x in matrix(x, 6) {
        for ((a, g), (input, labels)) in factors.iter_mut().zip(slow.traces(&x)) {
            add_outer(a, 1.0 / rows, &input);
            labels.iter().for_each(|(p, delta)| add_outer(g, p / rows, delta));
        }
    }
    factors
}

fn plus(a: &Matrix, factor: f64, b: &Matrix) -> Matrix {
    entries(a.len(), a.len(), |i, j| a[i][j] + factor * b[i][j])
}

/// Three contexts in chunks with padding, some outputs inactive, γ = 0.7.
#[test]
fn factors_and_their_running_sum_are_those_of_slow_loops() {
    let method = KfacEwc { gamma: 0.7, ..KfacEwc::default() };
    let mut trial = trial(&method, &Sgd::new(0.5), 4, true);
    let masks = [vec![true, true, false, false], vec![true, false, true, true]];
    trial.set_active(&masks).unwrap();
    let mut running: Option<Vec<(Matrix, Matrix)>> = None;
    for (stage, context) in [(0, 0), (1, 1), (2, 0)] {
        trial.step(&some_batch(4, 70 + stage)).unwrap();
        let chunks = [some_batch(4, 10 * stage), some_batch(4, 10 * stage + 1)];
        let [first, mut second] = chunks.map(|batch| Batch { context: vec![context; 4], ..batch });
        second.weight[2..].fill(0.0); // padding: six rows count
        trial.boundary(&[first.clone(), second.clone()]).unwrap();
        let x = [&first.x[..], &second.x[..12]].concat();
        let new = slow_factors(&trial, &x, masks[context as usize].clone());
        let sum: Vec<(Matrix, Matrix)> = match &running {
            None => new,
            Some(old) => old
                .iter()
                .zip(new)
                .map(|((a, g), (a1, g1))| {
                    let a = entries(a.len(), a.len(), |i, j| 0.7 * a[i][j]);
                    let pi = (trace(g) * trace(&a1) / (trace(&g1) * trace(&a))).sqrt();
                    (plus(&a, 1.0 / pi, &a1), plus(g, pi, &g1))
                })
                .collect(),
        };
        for (layer, (a, g)) in sum.iter().enumerate() {
            for (slot, want) in [("a", a), ("g", g)] {
                let slot = format!("ewc-kfac/w{}/{slot}", layer + 1);
                close(&slot, &read(&trial, &slot), &want.concat(), 3e-6).unwrap();
            }
        }
        running = Some(sum);
    }
}

/// For one example the gradient of [W; b] is a ⊗ δ, so A ⊗ G is the exact block Σ_y p vec vecᵀ.
#[test]
fn for_one_example_the_product_of_the_factors_is_the_fisher_block() {
    let method = KfacEwc::default();
    let mut trial = trial(&method, &Sgd::new(0.1), 1, false);
    let batch = some_batch(1, 3);
    trial.boundary(std::slice::from_ref(&batch)).unwrap();
    let x = matrix(&batch.x, 6).swap_remove(0);
    for (layer, (a, labels)) in
        SlowMlp::of(&trial, vec![], vec![true; 4]).traces(&x).into_iter().enumerate()
    {
        let units = LAYERS[layer].1;
        let n = a.len() * units;
        let mut fisher = entries(n, n, |_, _| 0.0);
        for (p, delta) in &labels {
            let gradient: Vec<f64> =
                a.iter().flat_map(|a| delta.iter().map(move |d| a * d)).collect();
            add_outer(&mut fisher, *p, &gradient);
        }
        let read = |slot: &str| read(&trial, &format!("ewc-kfac/w{}/{slot}", layer + 1));
        let (got_a, got_g) = (matrix(&read("a"), a.len()), matrix(&read("g"), units));
        let block = entries(n, n, |i, j| got_a[i / units][j / units] * got_g[i % units][j % units]);
        let narrow: Vec<f32> = block.concat().into_iter().map(|x| x as f32).collect();
        close("block", &narrow, &fisher.concat(), 1e-6).unwrap();
    }
}

/// λ/2 Σ ⟨D, A D G⟩ and its gradient λ A D G by loops; the parameter of a gate is not held.
#[test]
fn value_and_gradient_are_those_of_loops_and_gates_are_left_alone() {
    let method = KfacEwc { lambda: 2.5, ..KfacEwc::default() };
    let valued = Valued(&method);
    let both = (Borrowed(&valued), Scales);
    let watched = Watched(&both);
    let mut trial = trial(&watched, &Sgd::new(0.5), 8, false);
    trial.boundary(&[some_batch(8, 0)]).unwrap();
    for seed in 1..4 {
        trial.step(&some_batch(8, seed)).unwrap();
    }
    let distances: Vec<Matrix> = (0..3)
        .map(|layer| {
            let [now, then] =
                ["theta", "ewc-kfac/anchor"].map(|slot| with_bias(&trial, slot, layer));
            entries(now.len(), now[0].len(), |i, j| now[i][j] - then[i][j])
        })
        .collect();
    trial.step(&some_batch(8, 5)).unwrap();
    let mut value = 0.0;
    for (layer, d) in distances.iter().enumerate() {
        let factor =
            |slot: &str, n| matrix(&read(&trial, &format!("ewc-kfac/w{}/{slot}", layer + 1)), n);
        let (a, g) = (factor("a", d.len()), factor("g", d[0].len()));
        let pull = product(&product(&a, d), &g);
        value += 1.25 * d.concat().iter().zip(pull.concat()).map(|(d, m)| d * m).sum::<f64>();
        let [task, total] =
            ["probe/task", "probe/total"].map(|slot| with_bias(&trial, slot, layer));
        let want = entries(d.len(), d[0].len(), |i, j| task[i][j] + 2.5 * pull[i][j]);
        let got: Vec<f32> = total.concat().into_iter().map(|x| x as f32).collect();
        close("gradient", &got, &want.concat(), 2e-6).unwrap();
    }
    close("value", &read(&trial, "ewc-kfac/value"), &[value], 1e-5).unwrap();
    let [task, total] = ["probe/task", "probe/total"].map(|slot| trial.parameters(slot).unwrap());
    assert_eq!(task[6..], total[6..]);
    assert_eq!(task[6].0, "scales/0");
    assert!(task[6].1[0] != 0.0);
}

#[test]
fn of_two_pairs_the_one_without_a_positive_trace_is_left_out() {
    let method = KfacEwc::default();
    let mut of_rows = trial(&method, &Sgd::new(0.1), 8, false);
    of_rows.boundary(&[some_batch(8, 0)]).unwrap();
    let slots = ["ewc-kfac/w2/a", "ewc-kfac/w2/g"];
    let measured = slots.map(|slot| read(&of_rows, slot));
    assert!(measured.iter().flatten().all(|x| x.is_finite()));
    of_rows.boundary(&[]).unwrap(); // no rows: both new factors are 0
    assert_eq!(slots.map(|slot| read(&of_rows, slot)), measured);
    of_rows.session.write(slots[1], 0, &[0.0; 16]).unwrap();
    of_rows.boundary(&[some_batch(8, 0)]).unwrap();
    assert_eq!(slots.map(|slot| read(&of_rows, slot)), measured);
    // γ = 0 forgets: the stored product has no trace.
    of_rows.session.write("ewc-kfac/gamma", 0, &[0.0]).unwrap();
    of_rows.session.write(slots[1], 0, &[3.0; 16]).unwrap();
    of_rows.boundary(&[some_batch(8, 0)]).unwrap();
    assert_eq!(slots.map(|slot| read(&of_rows, slot)), measured);
}

#[test]
fn before_the_first_boundary_it_is_plain_training_and_then_it_is_not() {
    let trained = |method: &dyn Strategy| {
        let mut trial = trial(method, &Sgd::new(0.1), 8, false);
        let thetas = (0..6).map(|seed| {
            trial.step(&some_batch(8, seed)).unwrap();
            if seed == 2 {
                trial.boundary(&[some_batch(8, 0)]).unwrap();
            }
            bits(&read(&trial, "theta"))
        });
        thetas.collect::<Vec<_>>()
    };
    let (plain, held) = (trained(&Naive), trained(&KfacEwc { lambda: 50.0, ..KfacEwc::default() }));
    assert_eq!(plain[..3], held[..3]);
    assert_ne!(plain[5], held[5]);
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    NegatedPenalty,
    MissingHalf,
    NoStrength,
    AnchorAtZero,
    /// π multiplies A and divides G.
    FactorsSwapped,
    /// A + A₁ and G + G₁.
    PlainSum,
    /// The input without its 1.
    NoBias,
    OtherLabels,
}

struct Mutant(KfacEwc, Fault);

impl Penalty for Mutant {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let loss = self.0.loss(step);
        match self.1 {
            Fault::NegatedPenalty => -loss,
            Fault::MissingHalf => loss * 2.0,
            Fault::NoStrength => loss * 0.0,
            _ => loss,
        }
    }
}

impl Consolidate for Mutant {
    fn passes(&self) -> Vec<Pass> {
        self.0.passes()
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, pass: usize) {
        let labels = match (self.1, self.0.fisher.labels) {
            (Fault::OtherLabels, FactorLabels::Exact) => FactorLabels::True,
            (Fault::OtherLabels, FactorLabels::True) => FactorLabels::Exact,
            (_, labels) => labels,
        };
        kfac(labels).observe(step, pass);
    }
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let (scope, graph) = (&boundary.scope, theta.graph());
        match self.1 {
            Fault::AnchorAtZero => {
                self.0.consolidate(boundary, theta * 0.0);
            }
            Fault::FactorsSwapped | Fault::PlainSum | Fault::NoBias => {
                for layer in boundary.layers() {
                    let name = &layer.weight.name;
                    let [n, units] = [layer.weight.shape[0] + 1, layer.weight.shape[1]];
                    let pair = |a: &str, g: &str| {
                        [(a, n), (g, units)].map(|(slot, n)| {
                            let slot = format!("{name}/{slot}");
                            (scope.slot(&slot, &[n, n], Init::Zeros), graph.iota(n).one_hot(n))
                        })
                    };
                    let [(a, i), (g, j)] = pair("a", "g");
                    let [a1, g1] =
                        pair("sum_a", "sum_g").map(|(sum, _)| sum / boundary.examples[0]);
                    let pi =
                        ((g * j).sum() * (a1 * i).sum() / ((g1 * j).sum() * (a * i).sum())).sqrt();
                    let one = graph.constant(1.0);
                    let pi = (a * i).sum().greater(graph.constant(0.0)).select(pi, one);
                    let (of_a, of_g) = match self.1 {
                        Fault::FactorsSwapped => (pi, one / pi),
                        Fault::PlainSum => (one, one),
                        _ => (one / pi, pi),
                    };
                    let last = graph.iota(n).equal_index(graph.iota(n).slice(0, n - 1..n));
                    let inputs = match self.1 {
                        Fault::NoBias => (one - last).column() * (one - last),
                        _ => graph.full(&[n, n], 1.0),
                    };
                    for sum in ["sum_a", "sum_g"] {
                        let n = if sum == "sum_a" { n } else { units };
                        let _ = scope.take(&format!("{name}/{sum}"), &[n, n]);
                    }
                    scope.assign(&format!("{name}/a"), a + of_a * a1 * inputs);
                    scope.assign(&format!("{name}/g"), g + of_g * g1);
                }
                scope.remember("anchor", theta);
            }
            _ => {
                self.0.consolidate(boundary, theta);
            }
        }
        theta
    }
}

impl Strategy for Mutant {
    fn name(&self) -> String {
        self.0.name()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).consolidate(self);
    }
}

#[test]
fn the_reference_catches_each_fault() {
    for fault in [
        Fault::NegatedPenalty,
        Fault::MissingHalf,
        Fault::NoStrength,
        Fault::AnchorAtZero,
        Fault::FactorsSwapped,
        Fault::PlainSum,
        Fault::NoBias,
        Fault::OtherLabels,
    ] {
        let caught = check(&Mutant(kfac(FactorLabels::Exact), fault), "all");
        assert!(caught.is_err(), "{fault:?} passes");
    }
}

#[test]
fn hyper_parameters_out_of_range_are_refused_and_named() {
    let message = |method: KfacEwc| method.check().unwrap_err().to_string();
    assert_eq!(
        message(KfacEwc { lambda: -1.0, ..KfacEwc::default() }),
        "ewc-kfac: lambda = -1; expected a finite number of at least 0"
    );
    assert_eq!(
        message(KfacEwc { gamma: 1.5, ..KfacEwc::default() }),
        "ewc-kfac: gamma = 1.5; expected a number in [0, 1]"
    );
}
