//! Loss and gradient of experience replay against the reference code's.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{Batch, Mix, Now, Parts, Rehearse, Reports, Step, Strategy, Taken, Track, Trial};
use cl_nn::{Mlp, Network, Sgd};
use cl_replay::ExperienceReplay;
use cl_scenarios::Scenario;
use cl_tensor::Init;
use common::{expect, fill, member, rows_of, stream};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("data/er_der.json")).unwrap()
}

fn floats(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(items) => items.iter().flat_map(floats).collect(),
        number => vec![number.as_f64().unwrap() as f32],
    }
}

fn labels(value: &Value, first: u32) -> Vec<u32> {
    floats(value).into_iter().map(|label| label as u32 + first).collect()
}

/// `[out][in]` to `[in][out]`; a bias stays.
fn transposed(value: &Value) -> Vec<f32> {
    let flat = floats(value);
    let rows = if value[0].is_array() { value.as_array().unwrap().len() } else { 1 };
    let columns = flat.len() / rows;
    (0..flat.len()).map(|i| flat[i % rows * columns + i / rows]).collect()
}

/// Writes down the gradient of the task loss.
struct Gradient;

impl Strategy for Gradient {
    fn name(&self) -> String {
        "gradient".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.track(self);
    }
}

impl Track for Gradient {
    fn update<'g>(&self, step: &Step<'_, 'g>, taken: &Taken<'g>) {
        let _ = step.scope.slot("g", &[step.layout.len()], Init::Zeros);
        step.scope.assign("g", taken.task_gradient);
    }
}

/// One case of the reference: which weights, which network, which rows.
struct Case {
    key: &'static str,
    params: &'static str,
    scenario: Scenario,
    mix: Mix,
    /// The context of the step, counted from 0.
    stage: u32,
}

const CLASS: Case = Case {
    key: "er_class_vdv_rnt_half",
    params: "params",
    scenario: Scenario::Class,
    mix: Mix::ByContext,
    stage: 1,
};
const TASK: Case = Case {
    key: "er_task_vdv_context3",
    params: "params_task_6_outputs",
    scenario: Scenario::Task,
    mix: Mix::ByContext,
    stage: 2,
};
/// One mean over 8 + 6 rows.
const UNION: Case = Case { key: "er_union_mean", mix: Mix::Fixed(8.0 / 14.0), ..CLASS };
const SUM: Case = Case { key: "er_sum", mix: Mix::Sum, ..CLASS };

/// Compares one step whose weights come from a memory and, between it and the stream, from `weigh`.
fn check(case: &Case, weigh: &dyn Fn(u32) -> (f32, f32)) -> Result<(), String> {
    let golden = golden();
    let (inputs, expected) = (&golden["inputs"], &golden["expected"][case.key]);
    let task = case.scenario == Scenario::Task;

    // The stream's rows; in the task-incremental case of the third head.
    let mut x = floats(&inputs["x"]);
    let key = if task { "y_task_within_head" } else { "y" };
    let mut target = labels(&inputs[key], if task { 4 } else { 0 });
    let (current, replayed) = weigh(case.stage);
    let mut weight = vec![current / target.len() as f32; target.len()];
    let mut context = vec![case.stage; target.len()];
    // The replayed rows: one set for each past context of the task-incremental case.
    let sets: &[(&str, &str, u32)] = match task {
        true => &[("x_replay", "y_replay", 0), ("x_replay_2", "y_replay_2", 1)],
        false => &[("x_replay", "y_replay", 0)],
    };
    for &(x_key, y_key, head) in sets {
        x.extend(floats(&inputs[x_key]));
        let own = labels(&inputs[y_key], 2 * head);
        context.extend(vec![head; own.len()]);
        target.extend(own);
    }

    // How a memory weighs so many rows, each context's behind the other's.
    let stream = stream(case.scenario);
    let er = ExperienceReplay::per_class(3);
    let mut memory = er.memory(&member(&stream, 6 * sets.len())).unwrap();
    let now = |stage| Now { seed: common::SEED, stage, step: 0 };
    for stage in 0..case.stage {
        let rows = rows_of(&stream, stage as usize);
        memory.end_context(now(stage), &rows, &Reports::none()).unwrap();
    }
    let own = fill(&mut memory, now(case.stage), &rows_of(&stream, case.stage as usize)).entries;
    let contexts: Vec<u32> = own.iter().map(|entry| entry.row.context).collect();
    expect(contexts == context[8..], || format!("replayed rows are of contexts {contexts:?}"))?;
    weight.extend(own.iter().map(|entry| entry.weight * replayed));

    let params = &inputs[case.params];
    let outputs = params["b3"].as_array().unwrap().len();
    let network: Box<dyn Network> = Box::new(Mlp::new(&[6, 5, 4, outputs]).unwrap());
    let size = (target.len(), 3);
    let mut trial = Trial::new(&Gradient, network, &Sgd::new(0.0), size, task).unwrap();
    if task {
        let head = |context: usize| (0..outputs).map(|unit| unit / 2 == context).collect();
        trial.set_active(&(0..3).map(head).collect::<Vec<_>>()).unwrap();
    }
    for name in ["w1", "b1", "w2", "b2", "w3", "b3"] {
        trial.set_parameter(name, &transposed(&params[name])).unwrap();
    }
    let loss = trial.step(&Batch { x, target, context, weight }).unwrap();
    close("loss", &[loss], &[expected["loss"].as_f64().unwrap() as f32])?;
    for (name, gradient) in trial.parameters("gradient/g").unwrap() {
        close(&name, &gradient, &transposed(&expected["grad"][&name]))?;
    }
    Ok(())
}

/// Per tensor |a − b| ≤ 1e-5 · max|b|.
fn close(what: &str, found: &[f32], expected: &[f32]) -> Result<(), String> {
    let largest = expected.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    for (a, b) in found.iter().zip(expected) {
        expect((a - b).abs() <= 1e-5 * largest, || format!("{what}: {a}, expected {b}"))?;
    }
    expect(found.len() == expected.len(), || format!("{what}: {} values", found.len()))
}

#[test]
fn loss_and_gradient_are_the_references() {
    for case in [CLASS, TASK, UNION, SUM] {
        check(&case, &|stage| case.mix.weights(stage))
            .unwrap_or_else(|error| panic!("{}: {error}", case.key));
    }
}

#[test]
fn other_weights_are_found() {
    let by_context = |stage| Mix::ByContext.weights(stage);
    let swapped = |stage| (by_context(stage).1, by_context(stage).0);
    assert!(check(&TASK, &swapped).is_err());
    let one_behind = |stage: u32| by_context(stage - 1);
    let half = |_| (0.5, 0.5);
    for case in [CLASS, TASK] {
        assert!(check(&case, &one_behind).is_err(), "{}", case.key);
        assert!(check(&case, &|stage| Mix::Sum.weights(stage)).is_err(), "{}", case.key);
    }
    assert!(check(&TASK, &half).is_err());
    assert!(check(&UNION, &half).is_err());
    // One past context more than there was: 2/3 instead of 1/2.
    assert!(check(&CLASS, &|stage| by_context(stage + 1)).is_err());
}
