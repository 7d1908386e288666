//! A-GEM against published numbers and its defining property, and faults that these catch.
#![allow(clippy::unwrap_used)]

#[path = "common/golden.rs"]
mod golden;
#[path = "common/runs.rs"]
mod runs;

use cl_core::{
    Error, GradientMap, Member, Naive, Parts, Penalty, Rehearse, Replayed, Row, Step, Strategy,
    Trial, from_state,
};
use cl_nn::{Mlp, Sgd};
use cl_replay::{Agem, Budget, Constrains, Episodes, project_one};
use cl_scenarios::Scenario;
use cl_tensor::Var;
use golden::{
    Borrowed, GRADIENTS, Seen, close, flat, golden, numbers, read, rows, value_of, write,
};

const AGEM: Agem = Agem {
    budget: Budget::PerClass(10),
    memory: Episodes::Ring,
    rows: Some(10),
    eps: 1e-7,
    constrains: Constrains::Task,
};

/// λ ‖θ‖².
struct Decay;

impl Strategy for Decay {
    fn name(&self) -> String {
        "decay".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self);
    }
}

impl Penalty for Decay {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        0.05 * step.theta.square().sum()
    }
}

/// One step on the rows of the golden file.
fn stepped(strategy: &dyn Strategy) -> Trial<'_> {
    let file = golden("agem");
    let network = Box::new(Mlp::new(&[6, 5, 4, 4]).unwrap());
    let (sgd, memories) = (Sgd::new(0.1), [("agem/memory", 8)]);
    let trial = Trial::with_memories(strategy, network, &sgd, (8, 2), false, &memories);
    let mut trial = trial.unwrap();
    let inputs = &file["inputs"];
    write(&mut trial, "theta", &inputs["params"]);
    let replayed = Replayed {
        rows: Some(rows(inputs, "x_replay", "y_replay", 0)),
        cells: vec![u32::MAX; 8],
        stored: vec![u32::MAX; 8],
    };
    trial.step_with(&rows(inputs, "x", "y", 1), &[("agem/memory", replayed)]).unwrap();
    trial
}

fn check_golden(agem: &dyn Strategy) -> Result<(), String> {
    let file = golden("agem");
    let both = (Borrowed(agem), GRADIENTS);
    let trial = stepped(&both);
    let expected = &file["expected"]["network_class"];
    for (slot, key) in [("before", "current"), ("after", "projected")] {
        let want = flat(&trial, &expected[format!("grad_{key}")]);
        close(slot, &read(&trial, &format!("seen/{slot}")), &want, 1e-5)?;
    }
    Ok(())
}

#[test]
fn the_gradient_is_projected_as_in_the_published_code() {
    check_golden(&AGEM).unwrap();
    check_golden(&Agem { constrains: Constrains::Total, ..AGEM }).unwrap();
    let file = golden("agem");
    let vector = |key: &str| numbers(&file["inputs"][key]);
    let (g, r, agrees) = (vector("g"), vector("g_ref"), vector("g_not_violated"));
    for (key, eps) in [("violated_eps0", 0.0), ("violated_eps1e-7", 1e-7)] {
        let found = value_of(&[&g, &r], |graph, v| project_one(v[0], v[1], graph.constant(eps)));
        close(key, &found, &numbers(&file["expected"]["vectors"][key]), 1e-6).unwrap();
    }
    let found = value_of(&[&agrees, &r], |graph, v| project_one(v[0], v[1], graph.constant(0.0)));
    assert_eq!(found, agrees);
    let none = vec![0.0; g.len()];
    let found = value_of(&[&g, &none], |graph, v| project_one(v[0], v[1], graph.constant(0.0)));
    assert_eq!(found, g, "an empty memory divides nothing by nothing");
}

/// ∇ λ‖θ‖² = 2 λ θ: added after the projection of the task's gradient, before that of the total.
#[test]
fn penalties_are_added_behind_or_in_front_of_the_projection() {
    let file = golden("agem");
    let task = (AGEM, Decay, GRADIENTS);
    let trial = stepped(&task);
    let of = |key: &str| flat(&trial, &file["expected"]["network_class"][key]);
    let (projected, current, r) = (of("grad_projected"), of("grad_current"), of("grad_reference"));
    let theta = flat(&trial, &file["inputs"]["params"]);
    let plus = |g: &[f64]| -> Vec<f64> { g.iter().zip(&theta).map(|(g, t)| g + 0.1 * t).collect() };
    close("task", &read(&trial, "seen/after"), &plus(&projected), 1e-5).unwrap();

    let total = (Agem { constrains: Constrains::Total, ..AGEM }, Decay, GRADIENTS);
    let trial = stepped(&total);
    let g = plus(&current);
    let factor = dot(&g, &r).min(0.0) / dot(&r, &r);
    let expected: Vec<f64> = g.iter().zip(&r).map(|(g, r)| g - factor * r).collect();
    close("total", &read(&trial, "seen/after"), &expected, 1e-5).unwrap();
    assert!(factor < 0.0 && close("differ", &expected, &plus(&projected), 1e-3).is_err());
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

const PROPERTY: Seen = Seen(|step, taken| {
    let reference = step.graph().grad(step.loss_of("agem/memory"), step.theta);
    let (before, after) = (taken.task_gradient, taken.total_gradient);
    vec![("before", before), ("after", after), ("reference", reference)]
});

/// In every step from the second context on: none goes against the memory, and one that did not before
/// is left alone. Domain-incremental, so that there are steps of both kinds.
fn check_property(agem: &dyn Strategy) -> Result<(), String> {
    let both = (Borrowed(agem), PROPERTY);
    let mut learner = runs::learner(&both, Scenario::Domain, 12);
    let slots = ["seen/before", "seen/after", "seen/reference"];
    let path = runs::Path::of(&mut learner, &slots);
    let (mut conflicts, mut agreements) = (0, 0);
    for step in 13..=path.steps() {
        let [before, after, reference] = slots.map(|slot| runs::wide(path.slot(step, slot)));
        let scale = (dot(&after, &after) * dot(&reference, &reference)).sqrt();
        if scale == 0.0 || dot(&after, &reference) < -1e-5 * scale {
            return Err(format!("step {step} goes against the memory"));
        }
        let product = dot(&before, &reference);
        // Too near to call in f64 what was decided in f32.
        if product.abs() < 1e-5 * scale {
            continue;
        }
        if (product < 0.0) == (before == after) {
            return Err(format!("step {step}: g r = {product}, changed: {}", before != after));
        }
        (conflicts, agreements) =
            (conflicts + usize::from(product < 0.0), agreements + usize::from(product > 0.0));
    }
    match conflicts > 2 && agreements > 2 {
        true => Ok(()),
        false => Err(format!("{conflicts} conflicts, {agreements} agreements: nothing was seen")),
    }
}

#[test]
fn no_step_goes_against_the_memory_and_others_are_left_alone() {
    let all = [Episodes::Ring, Episodes::Exemplars, Episodes::PerContext, Episodes::OneBatch];
    for memory in all {
        check_property(&Agem { memory, eps: 0.0, ..AGEM }).unwrap();
    }
}

#[test]
fn the_first_context_is_plain_training_to_the_bit() {
    let slots = ["theta"];
    let plain = runs::Path::of(&mut runs::learner(&Naive, Scenario::Class, 4), &slots);
    let agem = Agem { eps: 0.0, ..AGEM };
    let own = runs::Path::of(&mut runs::learner(&agem, Scenario::Class, 4), &slots);
    for step in 0..=4 {
        assert!(own.slot(step, "theta") == plain.slot(step, "theta"), "step {step}");
    }
    assert!(own.slot(20, "theta") != plain.slot(20, "theta"));
}

/// Of every memory: rows of past contexts alone, never twice, as many as asked; bytes within the budget.
#[test]
fn the_reference_is_over_rows_of_contexts_that_have_ended() {
    let seen = Seen(|step, _| {
        let rows = step.rows("agem/memory");
        vec![("context", rows.context.to_float()), ("weight", rows.weight)]
    });
    for (memory, kept) in [
        (Episodes::Ring, 100),
        (Episodes::PerContext, 80),
        (Episodes::OneBatch, 4 * runs::BATCH as u64),
        (Episodes::Exemplars, 80),
    ] {
        let agem = Agem { memory, ..AGEM };
        let both = (agem, Borrowed(&seen));
        let mut learner = runs::learner(&both, Scenario::Class, 30);
        let path = runs::Path::of(&mut learner, &["seen/context", "seen/weight"]);
        for step in 1..=path.steps() {
            let stage = path.progress[step].0 as f32;
            let weight = path.slot(step, "seen/weight");
            let used = weight.iter().filter(|&&w| w > 0.0).count();
            assert_eq!(used, if stage == 0.0 { 0 } else { 10 }, "{memory:?}, step {step}");
            let of = path.slot(step, "seen/context").iter().zip(weight);
            assert!(of.clone().all(|(context, &w)| w == 0.0 || *context < stage), "{memory:?}");
        }
        let rows = learner.bytes_kept() / 65;
        assert_eq!(rows, kept, "{memory:?}");
        let state = path.memory(path.steps()).clone();
        if memory == Episodes::Ring {
            let (buffer, _): (cl_buffers::Buffer<cl_buffers::Ring>, serde_json::Value) =
                from_state("agem", &state).unwrap();
            let mut rows: Vec<Row> = buffer.rows().to_vec();
            rows.sort_unstable_by_key(|row| (row.context, row.label));
            let counts: Vec<usize> =
                rows.chunk_by(|a, b| a.label == b.label).map(<[_]>::len).collect();
            assert_eq!(counts, [10; 10]);
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Always,
    WhereItAgrees,
    Added,
    Halved,
    AgainstItself,
    NotSquared,
}

/// A-GEM with a fault in its projection.
struct Mutant(Fault);

impl Strategy for Mutant {
    fn name(&self) -> String {
        "agem".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        let make =
            |member: &Member<'_>| -> Result<Box<dyn Rehearse>, Error> { AGEM.memory(member) };
        parts.rehearse_apart("memory", make).gradient_map(self);
    }
}

impl GradientMap for Mutant {
    fn task<'g>(&self, step: &Step<'_, 'g>, g: Var<'g>) -> Var<'g> {
        let zero = step.graph().constant(0.0);
        let r = step.graph().grad(step.loss_of("memory"), step.theta);
        let (product, norm) = ((g * r).sum(), r.square().sum() + 1e-7);
        let conflict = product.minimum(zero);
        match self.0 {
            Fault::Always => g - product / norm * r,
            Fault::WhereItAgrees => g - product.maximum(zero) / norm * r,
            Fault::Added => g + conflict / norm * r,
            Fault::Halved => g - 0.5 * conflict / norm * r,
            Fault::AgainstItself => g - conflict / (g.square().sum() + 1e-7) * g,
            Fault::NotSquared => g - conflict / norm.sqrt() * r,
        }
    }
}

#[test]
fn every_fault_is_found() {
    let faults = [
        Fault::WhereItAgrees,
        Fault::Added,
        Fault::Halved,
        Fault::AgainstItself,
        Fault::NotSquared,
    ];
    for fault in faults {
        assert!(check_golden(&Mutant(fault)).is_err(), "{fault:?}");
    }
    // On vectors that object all the time it is the rule itself.
    assert!(check_property(&Mutant(Fault::Always)).is_err());
    assert!(check_golden(&Agem { eps: 1.0, ..AGEM }).is_err());
}

#[test]
fn a_budget_below_one_row_of_each_class_is_refused_with_both_numbers() {
    for memory in [Episodes::Ring, Episodes::PerContext, Episodes::Reservoir] {
        let agem = Agem { memory, budget: Budget::Bytes(649), ..AGEM };
        let error = runs::try_learner(&agem, Scenario::Class, 2).err().unwrap().to_string();
        assert!(error.contains("649") && error.contains("650"), "{error}");
    }
}
