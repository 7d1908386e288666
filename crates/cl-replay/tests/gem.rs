//! GEM's dual against published numbers and brute force, and faults that these catch.
#![allow(clippy::unwrap_used)]

#[path = "common/golden.rs"]
mod golden;
#[path = "common/runs.rs"]
mod runs;
#[path = "common/slow.rs"]
mod slow;

use cl_buffers::{Buffer, Ring};
use cl_core::{Naive, Row, Strategy, from_state};
use cl_replay::{Budget, Gem, project};
use cl_scenarios::Scenario;
use cl_tensor::{Graph, Var};
use golden::{Borrowed, GRADIENTS, close, golden, numbers, value_of};
use slow::{Weights, dot, pixels, wide};

/// The projection of g, `[10]`, by M, `[3 · 10]`, with margin and ridge.
type Projection = for<'g> fn(Var<'g>, Var<'g>, Var<'g>, Var<'g>) -> Var<'g>;

fn check_golden(projection: Projection) -> Result<(), String> {
    let file = golden("gem");
    let vector = |key: &str| numbers(&file["inputs"][key]);
    let (g, past) = (vector("g"), vector("past_gradients_rows"));
    let keys = [
        ("margin0_ridge0", 0.0, 0.0),
        ("margin0_ridge0.001", 0.0, 1e-3),
        ("margin0.5_ridge0.001", 0.5, 1e-3),
    ];
    for (key, margin, ridge) in keys {
        let found = value_of(&[&g, &past], |graph: &Graph, v| {
            let [margin, ridge] = [margin, ridge].map(|x| graph.constant(x));
            projection(v[0], v[1].reshape(&[3, 10]), margin, ridge)
        });
        close(key, &found, &numbers(&file["expected"][key]["gradient"]), 1e-5)?;
    }
    Ok(())
}

#[test]
fn the_projection_is_that_of_the_published_formula() {
    check_golden(project).unwrap();
}

/// Faults in g + Mᵀv, v = argmin ½ vᵀ(M Mᵀ + ridge I)v + (M g)ᵀv, v ≥ margin.
#[test]
fn every_fault_of_the_projection_is_found() {
    let faults: [Projection; 6] = [
        |g, past, margin, ridge| g - (project(g, past, margin, ridge) - g),
        |g, past, _, ridge| project(g, past, g.graph().constant(0.0), ridge),
        |g, past, margin, _| project(g, past, margin, g.graph().constant(0.0)),
        |g, past, margin, ridge| -project(-g, past, margin, ridge),
        |g, past, margin, ridge| project(g, past.slice(0, 0..2), margin, ridge),
        // Each by itself, one after the other.
        |g, past, margin, ridge| {
            (0..3).fold(g, |g, k| project(g, past.slice(0, k..k + 1), margin, ridge))
        },
    ];
    for (at, fault) in faults.into_iter().enumerate() {
        assert!(check_golden(fault).is_err(), "fault {at}");
    }
}

/// ½‖x − g‖² subject to m·x ≥ 0 for the rows m of M: of all sets of rows taken as equalities, the one
/// whose multipliers are not negative and whose x violates no row.
fn brute_force(g: &[f64], past: &[Vec<f64>]) -> Vec<f64> {
    let unit = |m: &Vec<f64>| m.iter().map(|x| x / dot(m, m).sqrt()).collect::<Vec<f64>>();
    let past: Vec<Vec<f64>> = past.iter().map(unit).collect();
    let mut solutions = (0..1 << past.len()).filter_map(|set: usize| {
        let active: Vec<&Vec<f64>> =
            (0..past.len()).filter(|k| set >> k & 1 == 1).map(|k| &past[k]).collect();
        let v = solve(
            active.iter().map(|a| active.iter().map(|b| dot(a, b)).collect()).collect(),
            active.iter().map(|a| -dot(a, g)).collect(),
        );
        let x: Vec<f64> = (0..g.len())
            .map(|i| g[i] + active.iter().zip(&v).map(|(a, v)| v * a[i]).sum::<f64>())
            .collect();
        let tolerance = -1e-9 * dot(g, g).sqrt();
        let fits = v.iter().all(|&v| v >= -1e-9) && past.iter().all(|m| dot(m, &x) >= tolerance);
        fits.then_some(x)
    });
    solutions.next_back().unwrap()
}

/// Gauss-Jordan elimination of a positive definite system.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    for i in 0..b.len() {
        for j in (0..b.len()).filter(|&j| j != i) {
            let factor = a[j][i] / a[i][i];
            let pivot = a[i].clone();
            a[j].iter_mut().zip(pivot).for_each(|(x, pivot)| *x -= factor * pivot);
            b[j] -= factor * b[i];
        }
    }
    (0..b.len()).map(|i| b[i] / a[i][i]).collect()
}

/// The gradient of the mean loss over these rows, by loops.
fn gradient_of(weights: &Weights<'_>, kept: &[Row]) -> Vec<f64> {
    let mut mean = vec![0.0; weights.1.len()];
    for row in kept {
        let (_, gradient) = weights.cross_entropy(&wide(&pixels([row.example])), row.label);
        mean.iter_mut().zip(gradient).for_each(|(mean, g)| *mean += g / kept.len() as f64);
    }
    mean
}

#[test]
fn a_step_that_nobody_objects_to_stays_and_the_margin_pushes_along_all_where_one_objects() {
    let past = [1.0, 0.0, 0.0, 1.0];
    let at = |g: [f64; 2]| {
        value_of(&[&g, &past], |graph: &Graph, v| {
            let [margin, ridge] = [0.5, 0.0].map(|x| graph.constant(x));
            project(v[0], v[1].reshape(&[2, 2]), margin, ridge)
        })
    };
    assert_eq!(at([0.25, 2.0]), [0.25, 2.0]);
    // v = (max(1/2, 1), max(1/2, -2)).
    close("one objects", &at([-1.0, 2.0]), &[0.0, 2.5], 1e-6).unwrap();
}

/// Every third step of a run whose past contexts are known from what the memory kept: steps to which
/// some past context objected, and to which none did.
fn check_run(gem: &dyn Strategy, margin: f64) -> Result<[usize; 2], String> {
    let both = (Borrowed(gem), GRADIENTS);
    let mut learner = runs::learner(&both, Scenario::Domain, 4);
    let path = runs::Path::of(&mut learner, &["seen/before", "seen/after", "theta"]);
    let layout = learner.model().layout.clone();
    let mut counts = [0; 2];
    for step in (1..=path.steps()).step_by(3) {
        let [g, found] = ["seen/before", "seen/after"].map(|slot| wide(path.slot(step, slot)));
        let theta = wide(path.slot(step - 1, "theta"));
        let stage = path.progress[step].0;
        // Rows of past contexts do not change within a context.
        let buffer: Buffer<Ring> = from_state("gem", path.memory(step)).unwrap();
        let past: Vec<Vec<f64>> = (0..stage as u32)
            .map(|context| {
                let own = buffer.rows().iter().filter(|row| row.context == context);
                let own: Vec<Row> = own.copied().collect();
                assert_eq!(own.len(), 12);
                gradient_of(&Weights(&layout, &theta), &own)
            })
            .collect();
        // v = u + margin: the same problem in u ≥ 0 from where the margin leads.
        let pushed: Vec<f64> =
            (0..g.len()).map(|i| g[i] + margin * past.iter().map(|m| m[i]).sum::<f64>()).collect();
        let objects = past.iter().any(|m| dot(m, &g) < 0.0);
        let want = if objects { brute_force(&pushed, &past) } else { g };
        close(&format!("step {step}"), &found, &want, 1e-5)?;
        counts[usize::from(!objects)] += usize::from(stage > 0);
    }
    Ok(counts)
}

const GEM: Gem = Gem { budget: Budget::PerContext(12), margin: 0.0, ridge: 0.0 };

#[test]
fn with_up_to_four_past_contexts_it_is_what_brute_force_finds() {
    for margin in [0.0, 0.5] {
        let [objected, left_alone] = check_run(&Gem { margin, ..GEM }, margin).unwrap();
        assert!(objected > 1 && left_alone > 0, "{objected} {left_alone}");
    }
}

#[test]
fn other_settings_and_plain_training_are_found() {
    assert!(check_run(&Gem { margin: 0.5, ..GEM }, 0.0).is_err());
    assert!(check_run(&GEM, 0.5).is_err());
    assert!(check_run(&Gem { ridge: 0.1, ..GEM }, 0.0).is_err());
}

#[test]
fn the_first_context_is_plain_training_to_the_bit_with_any_margin() {
    let gem = Gem { margin: 0.5, ridge: 1e-3, ..GEM };
    let plain = runs::Path::of(&mut runs::learner(&Naive, Scenario::Class, 4), &["theta"]);
    let own = runs::Path::of(&mut runs::learner(&gem, Scenario::Class, 4), &["theta"]);
    for step in 0..=4 {
        assert!(own.slot(step, "theta") == plain.slot(step, "theta"), "step {step}");
    }
    assert!(own.slot(20, "theta") != plain.slot(20, "theta"));
}

#[test]
fn a_budget_below_one_row_of_each_class_is_refused_with_both_numbers() {
    let gem = Gem { budget: Budget::Bytes(649), ..GEM };
    let error = runs::try_learner(&gem, Scenario::Class, 2).err().unwrap().to_string();
    assert!(error.contains("649") && error.contains("650"), "{error}");
}
