//! LoRA: weights move in a few directions per context, merged into the frozen base at its end.

use crate::common::{Setup, own, run_to};
use crate::golden::{assert_close, read};
use crate::guarantees::population_is_singles_and_resume_is_whole;
use crate::trials::{CONTEXTS_KNOWN, LOGITS, made_up, parameters, trial};
use cl_core::{
    Around, Boundary, Consolidate, GradientMap, Naive, Needs, Parts, Step, Strategy, ViewSite,
    WeightView,
};
use cl_nn::{Initializer, ParamSpec, Theta};
use cl_scenarios::Scenario;
use cl_tensor::{Scope, Var};

/// Hu et al. 2021: context t reads W + A_t B_t, A `[in, R]`, B `[R, out]`, for every weight `[in, out]`.
struct Lora;

/// The rank.
const R: usize = 2;

/// A_t B_t of every weight, where it lies in theta; t is u32 `[1]`.
fn products<'g>(scope: &Scope<'g>, theta: Theta<'_, 'g>, t: Var<'g>) -> Var<'g> {
    let pieces = theta.layout.ranges().iter().filter_map(|w| {
        let factor = |of: &str| {
            let factor = theta.layout.range(&scope.name(&format!("{}/{of}", w.name)))?;
            Some(theta.get(&factor.name).gather(t))
        };
        let (a, b) = (factor("a")?, factor("b")?);
        Some((w.offset, a.reshape(&[w.shape[0], R]).matmul(b.reshape(&[R, w.shape[1]]))))
    });
    scope.graph().assemble(theta.layout.len(), &pieces.collect::<Vec<_>>())
}

impl WeightView for Lora {
    fn params(&self, around: Around<'_>) -> Vec<ParamSpec> {
        let weights = around.network.params().into_iter().filter(|spec| spec.shape.len() == 2);
        let adapters = weights.flat_map(|ParamSpec { name, shape, .. }| {
            let adapter = |of, len, init| {
                let (name, shape) = (format!("{name}/{of}"), vec![around.contexts, len]);
                ParamSpec { name, shape, init }
            };
            let a = adapter("a", shape[0] * R, Initializer::FanInOf(shape[0]));
            [a, adapter("b", R * shape[1], Initializer::Constant(0.0))]
        });
        adapters.collect()
    }
    fn view<'g>(&self, at: &ViewSite<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        theta + products(&at.scope, Theta { flat: theta, layout: at.layout }, at.context)
    }
}

impl GradientMap for Lora {
    fn delta<'g>(&self, step: &Step<'_, 'g>, delta: Var<'g>) -> Var<'g> {
        own(step, delta)
    }
}

impl Consolidate for Lora {
    /// W += A_t B_t, B_t = 0.
    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let named = Theta { flat: theta, layout: at.layout };
        let own = |name: &str| name.starts_with(&at.scope.name("")) && name.ends_with("/b");
        let used = at.layout.ranges().iter().filter(|range| own(&range.name));
        let pieces = used.map(|range| {
            let b = named.get(&range.name);
            (range.offset, b.gather(at.index).scatter_add(at.index, range.shape[0]))
        });
        let used = at.scope.graph().assemble(at.layout.len(), &pieces.collect::<Vec<_>>());
        theta + products(&at.scope, named, at.index) - used
    }
}

impl Strategy for Lora {
    fn name(&self) -> String {
        "lora".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.weight_view(self).gradient_map(self).consolidate(self);
    }
    fn needs(&self) -> Needs {
        CONTEXTS_KNOWN
    }
}

#[test]
fn an_adapter_that_is_zero_changes_no_bit_of_the_logits() {
    let (batch, with) = (made_up(6, 5, 3, 1), (Lora, LOGITS));
    let mut with = trial(&with, &[5, 4, 3], (6, 3), false);
    let mut without = trial(&LOGITS, &[5, 4, 3], (6, 3), false);
    with.step(&batch).unwrap();
    without.step(&batch).unwrap();
    assert_eq!(read(&with, "seen/logits"), read(&without, "seen/logits"));
    with.step(&batch).unwrap();
    assert_ne!(read(&with, "seen/logits"), read(&without, "seen/logits"), "a step moves them");
}

#[test]
fn the_base_is_frozen_within_a_context_and_takes_the_adapters_in_at_its_end() {
    let setup = Setup { scenario: Scenario::Task, ..Setup::SMALL };
    let mut learner = setup.learner(&Lora).unwrap();
    let base = learner.model().layout.range("lora/w1/a").unwrap().offset;
    let mut base_after = |at| {
        run_to(&mut learner, at);
        let theta = learner.session().read("theta", 0).unwrap();
        theta[..base].iter().map(|x| x.to_bits()).collect::<Vec<_>>()
    };
    let first = base_after((0, 0, 1));
    assert!(base_after((0, 0, 7)) == first);
    let merged = base_after((1, 0, 0));
    assert!(merged != first);
    assert!(base_after((1, 0, 7)) == merged);
}

/// With x (W + A B): dA = dW Bᵀ, dB = Aᵀ dW, where dW is the gradient of a plain weight of that value.
#[test]
fn factor_gradients_follow_from_the_weights_and_a_merge_keeps_the_logits() {
    let batch = made_up(6, 5, 3, 1);
    let mut lora = trial(&Lora, &[5, 3], (6, 3), false);
    let mut plain = trial(&Naive, &[5, 3], (6, 3), false);
    let some: Vec<f32> = (0..3 * R * 3).map(|i| ((i * 7) % 11) as f32 / 8.0 - 0.5).collect();
    lora.set_parameter("lora/w1/b", &some).unwrap();
    let before = parameters(&lora);
    let a = |i: usize, k: usize| before[2][5 * R + i * R + k]; // context 1
    let b = |k: usize, j: usize| before[3][R * 3 + k * 3 + j];
    let sum = |n: usize, term: &dyn Fn(usize) -> f64| (0..n).map(term).sum::<f64>();
    let w = |i: usize, j: usize| before[0][i * 3 + j] + sum(R, &|k| a(i, k) * b(k, j));
    let effective: Vec<f32> = (0..15).map(|ij| w(ij / 3, ij % 3) as f32).collect();
    plain.set_parameter("w1", &effective).unwrap();
    plain.step(&batch).unwrap();
    lora.step(&batch).unwrap();
    // At rate 1 plain descent moves by the negative gradient.
    let (moved, after) = (parameters(&plain), parameters(&lora));
    let dw = |i: usize, j: usize| moved[0][i * 3 + j] - f64::from(effective[i * 3 + j]);
    let mut want = before.clone();
    for k in 0..R {
        (0..5).for_each(|i| want[2][5 * R + i * R + k] += sum(3, &|j| dw(i, j) * b(k, j)));
        (0..3).for_each(|j| want[3][R * 3 + k * 3 + j] += sum(5, &|i| a(i, k) * dw(i, j)));
    }
    (0..4).for_each(|p| assert_close(&after[p], &want[p], 1e-6));
    assert!(after[2] != before[2] && after[3] != before[3] && after[..2] == before[..2]);

    let mut logits = || -> Vec<f64> {
        lora.boundary(std::slice::from_ref(&batch)).unwrap();
        lora.scores(&batch, &[]).unwrap().into_iter().map(f64::from).collect()
    };
    let (before, after) = (logits(), logits()); // context 0 ends, then context 1
    assert_close(&after, &before, 1e-5);
    let merged = parameters(&lora);
    assert!(merged[3][R * 3..][..R * 3].iter().all(|&b| b == 0.0));
    let term = |ij: usize, tk: usize| {
        let (t, k) = (tk / R, tk % R);
        want[2][t * 5 * R + ij / 3 * R + k] * want[3][t * R * 3 + k * 3 + ij % 3]
    };
    let product = (0..15).map(|ij| want[0][ij] + sum(2 * R, &|tk| term(ij, tk)));
    assert_close(&merged[0], &product.collect::<Vec<_>>(), 1e-6);
}

#[test]
fn lora_is_resumed_within_a_context_and_runs_in_populations() {
    let setup = Setup { scenario: Scenario::Task, ..Setup::SMALL };
    population_is_singles_and_resume_is_whole(&setup, &Lora, [3, 8, 9, 23]);
}
