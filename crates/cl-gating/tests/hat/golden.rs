//! A step in the second task, as a slow reference takes it.

use crate::{Fault, Watched};
use cl_core::{Batch, Gate, GateSite, Trial};
use cl_gating::{Annealing, EmbeddingGradient, Hat, Masking};
use cl_nn::{Layout, Mlp, Mode, Point, Sgd, Site, Theta};
use cl_tensor::{Graph, ReferenceSession, Scope, Session, Values};
use serde_json::Value;

/// s = 3.375 is this share of the way from 1/400 to 400: 33725/3999975, reduced.
const PLACE: (u32, u32) = (1349, 159_999);
const PARAMETERS: [&str; 6] = ["w1", "b1", "w2", "b2", "w3", "b3"];

/// The form of the golden file: s by share of the rows.
fn by_rows() -> Hat {
    Hat { annealing: Annealing::ByRows, ..Hat::default() }
}

fn golden() -> Value {
    serde_json::from_str(include_str!("../data/hat.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

fn floats(value: &Value) -> Vec<f32> {
    numbers(value).into_iter().map(|x| x as f32).collect()
}

/// `[out][in]` to `[in, out]`; a bias stays.
fn transposed(value: &Value) -> Vec<f64> {
    let flat = numbers(value);
    let rows = if value[0].is_array() { value.as_array().unwrap().len() } else { 1 };
    let columns = flat.len() / rows;
    (0..flat.len()).map(|i| flat[i % rows * columns + i / rows]).collect()
}

/// What the head of the second task has, among the outputs of both.
fn both_heads(name: &str, value: Vec<f64>, other: f64) -> Vec<f64> {
    match name {
        "w3" | "b3" => value.chunks(2).flat_map(|own| [other, other, own[0], own[1]]).collect(),
        _ => value,
    }
}

/// Per tensor |a − b| ≤ 1e-5 · max|b|.
fn close(what: &str, found: &[f32], expected: &[f64]) -> Result<(), String> {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1e-30_f64, |largest, value| largest.max(value.abs()));
    let off = |(a, b): &(&f32, &f64)| (f64::from(**a) - **b).abs();
    // A NaN is not within any tolerance.
    match found.iter().zip(expected).find(|pair| off(pair).is_nan() || off(pair) > 1e-5 * largest) {
        Some((a, b)) => Err(format!("{what}: {a}, expected {b}; largest {largest}")),
        None => Ok(()),
    }
}

/// The golden network, with another head, after the first task.
fn trial(strategy: &Watched) -> Trial<'_> {
    let (golden, network) = (golden(), Box::new(Mlp::new(&[6, 5, 4, 4]).unwrap()));
    let mut trial = Trial::new(strategy, network, &Sgd::new(1.0), (8, 2), true).unwrap();
    trial.set_active(&[vec![true, true, false, false], vec![false, false, true, true]]).unwrap();
    for name in PARAMETERS {
        let value = both_heads(name, transposed(&golden["inputs"]["params"][name]), 0.25);
        let value: Vec<f32> = value.into_iter().map(|x| x as f32).collect();
        trial.set_parameter(name, &value).unwrap();
    }
    set_embeddings(&mut trial);
    trial.set_place(PLACE.0, PLACE.1);
    trial
}

fn set_embeddings(trial: &mut Trial<'_>) {
    let inputs = golden()["inputs"].clone();
    for layer in 0..2 {
        let of = |task: usize| floats(&inputs[format!("embeddings_task{task}")][layer]);
        trial
            .set_parameter(&format!("hat/embedding{}", layer + 1), &[of(1), of(2)].concat())
            .unwrap();
    }
}

fn batch() -> Batch {
    let inputs = &golden()["inputs"];
    let target = floats(&inputs["y"]).into_iter().map(|y| y as u32 + 2).collect();
    Batch::mean(floats(&inputs["x"]), target, 1)
}

fn read(trial: &Trial<'_>, slot: &str) -> Vec<f32> {
    trial.session.read(&format!("hat/{slot}"), 0).unwrap()
}

fn masks_are(trial: &Trial<'_>, key: &str) -> Result<(), String> {
    (0..2).try_for_each(|layer| {
        let found = read(trial, &format!("mask{}", layer + 1));
        close(key, &found, &numbers(&golden()["expected"][key][layer]))
    })
}

/// Two boundaries and a step between them against the reference.
fn check(strategy: &Watched) -> Result<(), String> {
    let (golden, mut trial) = (golden(), trial(strategy));
    let expected = &golden["expected"];
    let hat = strategy.hat;

    trial.boundary(&[]).unwrap();
    masks_are(&trial, "cumulative_mask_after_task1")?;

    let before = trial.parameters("theta").unwrap();
    let ce = trial.step(&batch()).unwrap();
    close("ce", &[ce], &numbers(&expected["ce"]))?;
    let penalty = read(&trial, "penalty");
    close("penalty", &penalty, &[0.75 * numbers(&expected["capacity_penalty"])[0]])?;
    close("loss", &[ce + penalty[0]], &numbers(&expected["loss"]))?;
    let logits: Vec<f32> =
        read(&trial, "logits").chunks(4).flat_map(|all| [all[2], all[3]]).collect();
    close("logits", &logits, &numbers(&expected["logits"]))?;

    // SGD at 1: the step is the gradient, masked one way or the other.
    let steps = trial.parameters("hat/step").unwrap();
    let gradients = trial.parameters("hat/gradient").unwrap();
    for (((name, gradient), (_, step)), (_, before)) in gradients.iter().zip(&steps).zip(&before) {
        if let Some(layer) = name.strip_prefix("hat/embedding") {
            let layer = layer.parse::<usize>().unwrap() - 1;
            let key = match hat.gradient {
                EmbeddingGradient::Compensated => "grad_embedding_compensated",
                EmbeddingGradient::Plain => "grad_embedding_raw",
            };
            let own = numbers(&expected[key][layer]);
            let (first, second) = gradient.split_at(own.len());
            close(name, second, &own)?;
            assert!(first.iter().all(|&g| g == 0.0), "{name}: {first:?}");
            // Clamped at 6 after the step.
            let e: Vec<f64> = before[own.len()..].iter().map(|&e| f64::from(e)).collect();
            let moved = e.iter().zip(&own).map(|(e, g)| (e - g).clamp(-6.0, 6.0) - e);
            close(name, &step[own.len()..], &moved.collect::<Vec<_>>())?;
            assert!(step[..own.len()].iter().all(|&step| step == 0.0), "{name}: {step:?}");
            continue;
        }
        let of = |key: &str| both_heads(name, transposed(&expected[key][name]), 0.0);
        // The head is not masked: its raw gradient is its masked one.
        let head = name.ends_with('3');
        let masked = of(if head { "grad_raw" } else { "grad_masked" });
        let recorded = if hat.masking == Masking::Step { &of("grad_raw") } else { &masked };
        close(name, gradient, recorded)?;
        let negated: Vec<f32> = step.iter().map(|step| -step).collect();
        close(&format!("step of {name}"), &negated, &masked)?;
    }

    set_embeddings(&mut trial);
    trial.boundary(&[]).unwrap();
    masks_are(&trial, "cumulative_mask_after_task2")
}

#[test]
fn loss_gradients_step_and_masks_are_the_references() {
    for masking in [Masking::Step, Masking::Gradient] {
        for gradient in [EmbeddingGradient::Compensated, EmbeddingGradient::Plain] {
            let hat = Hat { masking, gradient, ..by_rows() };
            check(&Watched::new(hat)).unwrap_or_else(|error| panic!("{hat:?}: {error}"));
        }
    }
}

#[test]
fn every_fault_is_found() {
    let faults = [
        Fault::StepNotMasked,
        Fault::MaxForMin,
        Fault::NotCompensated,
        Fault::NotAccumulated,
        Fault::FirstContextsGates,
        Fault::PenaltyWithoutItsMask,
        Fault::EmbeddingsFree,
    ];
    for fault in faults {
        if fault == Fault::NotCompensated {
            // The plain gradient, held against the compensated one.
            let plain = Hat { gradient: EmbeddingGradient::Plain, ..by_rows() };
            let watched = Watched::new(plain);
            let mut trial = trial(&watched);
            trial.boundary(&[]).unwrap();
            trial.step(&batch()).unwrap();
            let found = trial.parameters("hat/gradient").unwrap().swap_remove(6).1;
            let key = "grad_embedding_compensated";
            assert!(close("e", &found[5..], &numbers(&golden()["expected"][key][0])).is_err());
            continue;
        }
        let found = check(&Watched { hat: by_rows(), fault: Some(fault) });
        assert!(found.is_err(), "{fault:?} passes");
    }
}

#[test]
fn the_first_context_pays_for_its_mean_gate() {
    let watched = Watched::new(by_rows());
    let mut trial = trial(&watched);
    trial.step(&batch()).unwrap();
    let expected = 0.75 * numbers(&golden()["expected"]["capacity_penalty_if_first_task"])[0];
    close("penalty", &read(&trial, "penalty"), &[expected]).unwrap();
}

/// Gates of one layer applied to ones, and Σ c · gate differentiated by the embedding.
fn gates(hat: &Hat, mode: Mode, e: &[f64], c: &[f64], progress: f64) -> (Vec<f32>, Vec<f32>) {
    let graph = Graph::new();
    let units = e.len();
    let network = Mlp::new(&[1, units, 1]).unwrap();
    let params = hat.params(cl_core::Around {
        network: &network,
        contexts: 1,
        classes_per_context: 2,
        competing: 2,
    });
    let spec = params
        .into_iter()
        .map(|spec| cl_nn::ParamSpec { name: format!("hat/{}", spec.name), ..spec });
    let layout = Layout::new(&spec.collect::<Vec<_>>()).unwrap();
    let flat = graph.input("theta", &[layout.len()]);
    let site = Site { layer: 0, point: Point::PostActivation, units, x: flat, mode };
    let at = GateSite {
        site: &site,
        context: graph.input_u32("context", &[1]),
        contexts: 1,
        theta: Theta { flat, layout: &layout },
        progress: graph.input("progress", &[]),
        steps: graph.constant(1e12),
        address: None,
        scope: Scope::new(&graph, "hat"),
    };
    let gated = hat.apply(&at, graph.full(&[1, units], 1.0));
    let loss = (gated * graph.input("c", &[1, units])).sum();
    graph.output("gates", gated);
    graph.output("gradient", graph.grad(loss, flat));
    let feeds = [
        ("theta", Values::new(&[layout.len()], [e, &vec![0.0; layout.len() - units]].concat())),
        ("context", Values::new(&[1], vec![0.0])),
        ("progress", Values::new(&[], vec![progress])),
        ("c", Values::new(&[1, units], c.to_vec())),
    ];
    let outputs = ReferenceSession::new(0).run(&graph, &feeds).unwrap();
    let of = |name: &str| outputs[name].data[..units].iter().map(|&x| x as f32).collect();
    (of("gates"), of("gradient"))
}

#[test]
fn the_compensated_gradient_does_not_depend_on_s_until_it_fades() {
    let golden = golden();
    let (inputs, expected) = (&golden["inputs"]["saturated"], &golden["expected"]);
    let (e, c) = (numbers(&inputs["embedding"]), numbers(&inputs["grad_wrt_gate"]));
    let expected = &expected["saturated_grad_embedding_compensated_per_s"];
    for (key, s) in [("0.0025", 0.0025_f64), ("1.0", 1.0), ("10.0", 10.0), ("400.0", 400.0)] {
        // A ramp begins anew where the share is 1.
        let progress = ((s - 0.0025) / (400.0 - 0.0025)).min(1.0 - 1e-9);
        let (values, gradient) = gates(&by_rows(), Mode::Train, &e, &c, progress);
        // Values are the gates themselves, whatever their gradient.
        let sigmoid: Vec<f64> = e.iter().map(|e| 1.0 / (1.0 + (-s * e).exp())).collect();
        close("gates", &values, &sigmoid).unwrap();
        close(key, &gradient, &numbers(&expected[key])).unwrap();
    }
    // |s e| = 60: min(1, (cosh 50 + 1) / (cosh 60 + 1)) of 400 / (2 (cosh 6 + 1)).
    let full = 400.0 / (2.0 * (6.0_f64.cosh() + 1.0));
    let faded = full * (50.0_f64.cosh() + 1.0) / (60.0_f64.cosh() + 1.0);
    let progress = (10.0 - 0.0025) / (400.0 - 0.0025);
    let (_, gradient) = gates(&by_rows(), Mode::Train, &[6.0, -6.0], &[1.0, 1.0], progress);
    close("faded", &gradient, &[faded, faded]).unwrap();
}

#[test]
fn at_test_time_s_is_s_max_whatever_the_progress() {
    for progress in [0.0, 0.3] {
        let (gates, _) = gates(&by_rows(), Mode::Test, &[0.01, -0.005], &[1.0, 1.0], progress);
        // σ(4) and σ(−2).
        close("gates", &gates, &[0.982_013_790_038, 0.119_202_922_022]).unwrap();
    }
}
