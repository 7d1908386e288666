//! A-GEM: a rehearsal apart and a map of the task gradient.

use crate::memory::Keep;
use cl_core::{GradientMap, Parts, Step, Strategy};
use cl_tensor::Var;

/// g − min(0, g·r) / (r·r + ε) r, r the gradient of the memory's loss (Chaudhry et al. 2019, eq. 11;
/// ε of van de Ven's code).
pub struct Agem {
    pub per_context: usize,
    pub rows: usize,
    pub eps: f32,
}

impl Strategy for Agem {
    fn name(&self) -> String {
        "agem".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        let memory = || Keep::new(self.per_context, self.rows);
        parts.rehearse_apart("memory", move |_| Ok(Box::new(memory()))).gradient_map(self);
    }
}

impl GradientMap for Agem {
    fn task<'g>(&self, step: &Step<'_, 'g>, g: Var<'g>) -> Var<'g> {
        let r = reference(step, "memory");
        let eps = step.scope.hyper("eps", self.eps);
        let conflict = (g * r).sum().minimum(step.graph().constant(0.0));
        g - conflict / (r.square().sum() + eps) * r
    }
}

/// The gradient of the memory's loss.
fn reference<'g>(step: &Step<'_, 'g>, memory: &str) -> Var<'g> {
    step.graph().grad(step.loss_of(memory), step.theta)
}

mod tests {
    use super::*;
    use crate::common::{Setup, bits, finished};
    use crate::golden::{assert_close, flat, floats, golden, labels, read, write};
    use crate::guarantees::population_is_singles_and_resume_is_whole;
    use crate::seen::{Seen, assert_same, slot};
    use crate::slow::dot;
    use cl_core::{Batch, Naive, Penalty, Replayed, Trial, run};
    use cl_nn::{Mlp, Sgd};

    const AGEM: Agem = Agem { per_context: 20, rows: 10, eps: 1e-7 };

    const SEEN: Seen = Seen(|step, taken| {
        let reference = reference(step, "agem/memory");
        let (before, after) = (taken.task_gradient, taken.total_gradient);
        vec![("before", before), ("after", after), ("reference", reference)]
    });

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
            step.scope.hyper("lambda", 0.3) * step.theta.square().sum()
        }
    }

    /// One step on the rows of the golden file.
    fn stepped<'s>(strategy: &'s dyn Strategy, golden: &serde_json::Value) -> Trial<'s> {
        let inputs = &golden["inputs"];
        let network = Box::new(Mlp::new(&[6, 5, 4, 4]).unwrap());
        let (sgd, memories) = (Sgd::new(0.1), [("agem/memory", 8)]);
        let trial = Trial::with_memories(strategy, network, &sgd, (8, 2), false, &memories);
        let mut trial = trial.unwrap();
        write(&mut trial, "theta", &inputs["params"]);
        let rows = |x, y, context| Batch::mean(floats(&inputs[x]), labels(&inputs[y]), context);
        let replayed = Replayed {
            rows: Some(rows("x_replay", "y_replay", 0)),
            cells: vec![u32::MAX; 8],
            stored: vec![u32::MAX; 8],
        };
        trial.step_with(&rows("x", "y", 1), &[("agem/memory", replayed)]).unwrap();
        trial
    }

    #[test]
    fn the_gradient_is_projected_as_in_the_published_code() {
        let golden = golden("agem");
        let expected = &golden["expected"]["network_class"];
        let strategy = (AGEM, SEEN);
        let trial = stepped(&strategy, &golden);
        let names = [("before", "current"), ("reference", "reference"), ("after", "projected")];
        for (slot, key) in names {
            let expected = flat(&trial, &expected[format!("grad_{key}")]);
            assert_close(&read(&trial, &format!("seen/{slot}")), &expected, 1e-5);
        }
    }

    /// ∇ λ‖θ‖² = 2 λ θ, untouched by the projection.
    #[test]
    fn the_gradient_of_a_penalty_is_added_after_the_projection() {
        let golden = golden("agem");
        let strategy = (AGEM, Decay, SEEN);
        let trial = stepped(&strategy, &golden);
        let projected = flat(&trial, &golden["expected"]["network_class"]["grad_projected"]);
        let theta = flat(&trial, &golden["inputs"]["params"]);
        let expected: Vec<f64> =
            projected.iter().zip(theta).map(|(g, theta)| g + 0.6 * theta).collect();
        assert_close(&read(&trial, "seen/after"), &expected, 1e-5);
    }

    #[test]
    fn no_step_goes_against_the_memory() {
        let (mut acted, mut conflicts) = (0, 0);
        for steps in 1..8 {
            let strategy = (AGEM, SEEN);
            let setup = Setup { contexts: 2, steps, ..Setup::default() };
            let mut learner = setup.learner(&strategy).unwrap();
            run(&mut learner, &mut ()).unwrap();
            let [before, after, reference] = ["before", "after", "reference"]
                .map(|name| slot(&mut learner, &format!("seen/{name}")));
            let scale = (dot(&after, &after) * dot(&reference, &reference)).sqrt();
            assert!(dot(&reference, &reference) > 0.0);
            assert!(dot(&after, &reference) >= -1e-5 * scale);
            conflicts += usize::from(dot(&before, &reference) < 0.0);
            acted += usize::from(before != after);
        }
        assert!(conflicts > 0 && acted == conflicts, "{acted} of {conflicts}");
    }

    #[test]
    fn an_empty_memory_changes_no_bit() {
        let empty = Agem { per_context: 0, ..AGEM };
        let setup = Setup::default();
        let mut learner = setup.learner(&empty).unwrap();
        run(&mut learner, &mut ()).unwrap();
        let mut with = bits(&mut learner, 0);
        with.retain(|(slot, _)| !slot.starts_with("agem/"));
        assert_same(&with, &finished(&setup, &Naive));
        assert!(finished(&setup, &AGEM) != finished(&setup, &empty));
    }

    #[test]
    fn populations_are_singles_and_a_resumed_run_is_the_whole() {
        population_is_singles_and_resume_is_whole(&Setup::default(), &AGEM, [3, 8, 14]);
    }
}
