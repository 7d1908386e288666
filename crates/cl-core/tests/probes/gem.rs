//! GEM: one memory apart, one gradient per past context, a quadratic program.

use crate::memory::Keep;
use cl_core::{Error, GradientMap, Member, Parts, Rehearse, Step, Strategy};
use cl_tensor::Var;

/// The nearest gradient that no past loss objects to (Lopez-Paz & Ranzato 2017, eq. 8 to 11).
pub struct Gem {
    pub per_context: usize,
    pub margin: f32,
    pub ridge: f32,
}

impl Strategy for Gem {
    fn name(&self) -> String {
        "gem".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        let each = self.per_context;
        let memory = move |contexts: usize| Keep::new(each, each.max(1) * (contexts - 1));
        let make = move |member: &Member<'_>| -> Result<Box<dyn Rehearse>, Error> {
            Ok(Box::new(memory(member.stream.contexts())))
        };
        parts.rehearse_apart("memory", make).gradient_map(self);
    }
}

impl GradientMap for Gem {
    fn task<'g>(&self, step: &Step<'_, 'g>, g: Var<'g>) -> Var<'g> {
        let past = past_gradients(step, "memory");
        let margin = step.scope.hyper("margin", self.margin);
        project(g, past, margin, step.scope.hyper("ridge", self.ridge))
    }
}

/// The gradient of the mean loss over the rows of every context but the last, `[contexts − 1, theta]`;
/// 0 where there are none yet.
fn past_gradients<'g>(step: &Step<'_, 'g>, memory: &str) -> Var<'g> {
    let (graph, rows) = (step.graph(), step.rows(memory));
    let past = step.contexts() - 1;
    let gradient = |context: usize| {
        let number = graph.iota(past).slice(0, context..context + 1);
        let own = rows.context.equal_index(number) * rows.weight;
        let loss = cl_nn::losses::weighted_mean(rows.row_losses, own);
        graph.grad(loss, step.theta).reshape(&[1, step.theta.len()])
    };
    graph.concat(&(0..past).map(gradient).collect::<Vec<_>>(), 0)
}

/// g + Mᵀv, v = argmin ½ vᵀ(M Mᵀ + ridge I)v + (M g)ᵀv, v ≥ margin; M `[k, theta]`, g `[theta]`.
fn project<'g>(g: Var<'g>, past: Var<'g>, margin: Var<'g>, ridge: Var<'g>) -> Var<'g> {
    let (k, n) = (past.shape()[0], g.len());
    let gram = past.matmul(past.t()) + g.graph().iota(k).one_hot(k) * ridge;
    let q = past.matmul(g.column()).reshape(&[k]);
    let v = gram.nnqp(q, margin.expand(&[k]));
    g + v.reshape(&[1, k]).matmul(past).reshape(&[n])
}

mod tests {
    use super::*;
    use crate::common::{Setup, finished};
    use crate::golden::{assert_close, floats, golden, numbers, read};
    use crate::guarantees::population_is_singles_and_resume_is_whole;
    use crate::seen::{Seen, assert_same, slot};
    use crate::slow::{dot, pixels, rows};
    use cl_core::{Batch, Naive, Row, Trial, from_state, run};
    use cl_nn::{Mlp, Sgd};
    use cl_tensor::{CpuSession, Graph, Init, Plan, Session};
    use serde_json::Value;

    const GEM: Gem = Gem { per_context: 12, margin: 0.0, ridge: 0.0 };

    const SEEN: Seen = Seen(|step, taken| {
        let (before, after) = (taken.task_gradient, taken.total_gradient);
        let past = past_gradients(step, "gem/memory");
        vec![("before", before), ("after", after), ("past", past), ("theta", step.theta)]
    });

    fn setup() -> Setup<'static> {
        Setup { steps: 4, ..Setup::default() }
    }

    #[test]
    fn the_projection_is_that_of_the_published_formula() {
        let golden = golden("gem");
        let keys = ["margin0_ridge0", "margin0_ridge0.001", "margin0.5_ridge0.001"];
        for (key, margin, ridge) in
            [(keys[0], 0.0, 0.0), (keys[1], 0.0, 1e-3), (keys[2], 0.5, 1e-3)]
        {
            let graph = Graph::new();
            let slot = |name: &str, shape: &[usize]| {
                graph.slot(name, shape, Init::Values(floats(&golden["inputs"][name]).into()))
            };
            let (g, past) = (slot("g", &[10]), slot("past_gradients_rows", &[3, 10]));
            let projected = project(g, past, graph.constant(margin), graph.constant(ridge));
            graph.assign("g", projected);
            let mut session = CpuSession::new(&[0], 1).unwrap();
            let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
            session.run_once(plan).unwrap();
            let found: Vec<f64> =
                session.read("g", 0).unwrap().into_iter().map(f64::from).collect();
            assert_close(&found, &numbers(&golden["expected"][key]["gradient"]), 1e-5);
        }
    }

    /// ½‖x − g‖² subject to m·x ≥ 0 for the rows m of M: of all sets of rows taken as equalities, the
    /// one whose multipliers are not negative and whose x violates no row.
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
            let tolerance = -1e-12 * dot(g, g).sqrt();
            let fits = v.iter().all(|&v| v >= 0.0) && past.iter().all(|m| dot(m, &x) >= tolerance);
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

    /// The gradient of the mean loss of these rows alone.
    fn gradient_of(kept: &[Row], theta: &[f64]) -> Vec<f64> {
        assert!(kept.iter().all(|row| row.context == kept[0].context));
        let watched = Seen(|_, taken| vec![("gradient", taken.task_gradient)]);
        let network = Box::new(Mlp::new(&[64, 24, 20, 10]).unwrap());
        let mut trial = Trial::new(&watched, network, &Sgd::new(0.1), (12, 5), false).unwrap();
        let theta: Vec<f32> = theta.iter().map(|&x| x as f32).collect();
        trial.session.write("theta", 0, &theta).unwrap();
        let x = pixels(kept.iter().map(|row| row.example));
        let labels = kept.iter().map(|row| row.label).collect();
        trial.step(&Batch::mean(x, labels, kept[0].context)).unwrap();
        read(&trial, "seen/gradient")
    }

    #[test]
    fn with_four_past_contexts_it_is_what_brute_force_finds() {
        let mut active = 0;
        for steps in [1, 3, 5] {
            let strategy = (GEM, SEEN);
            let setup = Setup { steps, ..setup() };
            let mut learner = setup.learner(&strategy).unwrap();
            run(&mut learner, &mut ()).unwrap();
            let [g, found, past, theta] = ["before", "after", "past", "theta"]
                .map(|name| slot(&mut learner, &format!("seen/{name}")));
            let past = rows(&past, g.len());
            assert_eq!(past.len(), 4);
            let saved: Value = learner.save().unwrap().host(0).unwrap();
            let kept: Vec<Row> = from_state("kept", &saved["memories"][0][1]).unwrap();
            for (m, kept) in past.iter().zip(kept.chunks(12)) {
                assert_close(m, &gradient_of(kept, &theta), 1e-5);
            }
            for m in &past {
                let scale = (dot(m, m) * dot(&found, &found)).sqrt();
                assert!(
                    scale > 0.0 && dot(m, &found) >= -1e-6 * scale,
                    "{}",
                    dot(m, &found) / scale
                );
                active += usize::from(dot(m, &g) < 0.0);
            }
            assert_close(&found, &brute_force(&g, &past), 1e-5);
        }
        assert!(active > 0, "no constraint was violated");
    }

    #[test]
    fn an_empty_memory_changes_no_bit() {
        let empty = Gem { per_context: 0, ..GEM };
        let mut with = finished(&setup(), &empty);
        with.retain(|(slot, _)| !slot.starts_with("gem/"));
        assert_same(&with, &finished(&setup(), &Naive));
        assert!(finished(&setup(), &GEM) != finished(&setup(), &empty));
    }

    #[test]
    fn populations_are_singles_and_a_resumed_run_is_the_whole() {
        population_is_singles_and_resume_is_whole(&setup(), &GEM, [2, 4, 13]);
    }
}
