//! DIKI: a residual attention branch per context that starts as exactly nothing.

use crate::common::{Setup, finished, own, run_to};
use crate::golden::{assert_close, read};
use crate::guarantees::population_is_singles_and_resume_is_whole;
use crate::seen::slot;
use crate::slow::{Weights, pixels, relu, rows, wide};
use crate::trials::{CONTEXTS_KNOWN, LOGITS, made_up, trial};
use cl_core::{
    Around, At, Boundary, Consolidate, Gate, GateSite, GradientMap, Needs, Parts, Pass, Step,
    Strategy,
};
use cl_nn::{Initializer, Mode, ParamSpec, Point};
use cl_scenarios::Scenario;
use cl_tensor::{Init, Scope, Session, Var};

/// arXiv 2407.05342 on hidden layers: h + w · softmax(h K_tᵀ / √units) V_t with V_t = 0 at first.
/// In training w = 1, at test w = σ(log N(x; μ_t, I) / inputs − 1), row by row.
struct Diki;

/// Keys and values of a context.
const PAIRS: usize = 3;

/// The mean input of each context, `[contexts, inputs]`.
fn means<'g>(scope: &Scope<'g>, contexts: usize, inputs: usize) -> Var<'g> {
    scope.kept("mean", &[contexts, inputs], Init::Zeros)
}

/// The branch's weight of each row, `[rows, 1]`.
fn familiar<'g>(at: &GateSite<'_, 'g>) -> Var<'g> {
    let x = at.site.x;
    let square = (x - means(&at.scope, at.contexts, x.shape()[1]).gather(at.context)).square();
    let log_density = square.mean_axis(1) * -0.5 - 0.5 * std::f32::consts::TAU.ln();
    (log_density - 1.0).sigmoid().column()
}

impl Gate for Diki {
    fn params(&self, around: Around<'_>) -> Vec<ParamSpec> {
        let layers = around.network.hidden().into_iter().enumerate();
        let layer = |(layer, units): (usize, usize)| {
            let spec = |name, init| {
                let shape = vec![around.contexts, PAIRS * units];
                ParamSpec { name: format!("{name}{layer}"), shape, init }
            };
            [spec("k", Initializer::FanInOf(1)), spec("v", Initializer::Constant(0.0))]
        };
        layers.flat_map(layer).collect()
    }
    fn branch<'g>(&self, at: &GateSite<'_, 'g>, h: Var<'g>) -> Option<Var<'g>> {
        if at.site.point != Point::PostActivation {
            return None;
        }
        let (rows, units) = (h.shape()[0], at.site.units);
        let pairs = |name| {
            let all = at.param(&format!("{name}{}", at.site.layer));
            all.gather(at.context).reshape(&[rows, PAIRS, units])
        };
        let scores = pairs("k").matmul(h.reshape(&[rows, units, 1])) / (units as f32).sqrt();
        let attention = scores.reshape(&[rows, PAIRS]).softmax().reshape(&[rows, 1, PAIRS]);
        let read = attention.matmul(pairs("v")).reshape(&[rows, units]);
        Some(if at.site.mode == Mode::Train { read } else { read * familiar(at) })
    }
}

impl GradientMap for Diki {
    fn delta<'g>(&self, step: &Step<'_, 'g>, delta: Var<'g>) -> Var<'g> {
        own(step, delta)
    }
}

impl Consolidate for Diki {
    /// Also in the last context, where nothing else consolidates.
    fn at(&self) -> At {
        At::PhaseEnd("train")
    }
    fn passes(&self) -> Vec<Pass> {
        vec![Pass::default()]
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        let inputs = step.x.shape()[1];
        step.scope.accumulate("sum", (step.x.t() * step.weight).sum_axis(1).reshape(&[1, inputs]));
    }
    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let inputs = at.around.network.inputs();
        means(&at.scope, at.around.contexts, inputs);
        let mean = at.scope.take("sum", &[1, inputs]) / at.examples[0];
        at.scope.assign_rows("mean", at.index, mean);
        theta
    }
}

impl Strategy for Diki {
    fn name(&self) -> String {
        "diki".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.gate(self).gradient_map(self).consolidate(self);
    }
    fn needs(&self) -> Needs {
        CONTEXTS_KNOWN
    }
}

/// Every n-th unit of each hidden layer is on, others in every context; 1: none is.
struct Mask(usize);

impl Gate for Mask {
    fn apply<'g>(&self, at: &GateSite<'_, 'g>, h: Var<'g>) -> Var<'g> {
        let (contexts, units) = (at.contexts, at.site.units);
        let open =
            (0..contexts * units).map(|i| f32::from((i / units + i) % self.0 == 1)).collect();
        let mask = at.scope.slot(&format!("{units}"), &[contexts, units], Init::Values(open));
        if at.site.point == Point::PostActivation { h * mask.gather(at.context) } else { h }
    }
}

impl Strategy for Mask {
    fn name(&self) -> String {
        "mask".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.gate(self);
    }
}

const SETUP: Setup<'_> = Setup { scenario: Scenario::Task, ..Setup::SMALL };

#[test]
fn a_branch_changes_no_bit_until_its_first_step() {
    let (batch, with) = (made_up(6, 5, 3, 1), (Diki, LOGITS));
    let mut with = trial(&with, &[5, 4, 3], (6, 3), false);
    let mut without = trial(&LOGITS, &[5, 4, 3], (6, 3), false);
    with.step(&batch).unwrap();
    without.step(&batch).unwrap();
    assert_eq!(read(&with, "seen/logits"), read(&without, "seen/logits"));
    with.step(&batch).unwrap();
    assert_ne!(read(&with, "seen/logits"), read(&without, "seen/logits"));
}

#[test]
fn steps_move_the_branch_of_their_context_and_nothing_else() {
    let mut learner = SETUP.learner(&Diki).unwrap();
    let layout = learner.model().layout.clone();
    let start = learner.session().read("theta", 0).unwrap();
    run_to(&mut learner, (0, 0, 7));
    let now = learner.session().read("theta", 0).unwrap();
    for range in layout.ranges() {
        let row = if range.name.starts_with("diki/") { range.len / 5 } else { 0 };
        let moved: Vec<usize> =
            range.floats().filter(|&i| now[i].to_bits() != start[i].to_bits()).collect();
        assert!(moved.len() > row / 2 || row == 0, "{}: {} moved", range.name, moved.len());
        assert!(moved.iter().all(|&i| i < range.offset + row), "{}", range.name);
    }
}

/// A mask belongs to the activations, the branch is added to what it leaves.
#[test]
fn masks_and_branches_compose_in_any_order() {
    let slots = [finished(&SETUP, &(Mask(2), Diki)), finished(&SETUP, &(Diki, Mask(2)))].map(
        |mut slots| {
            slots.sort();
            slots
        },
    );
    assert!(slots[0] == slots[1]);
    let mut alone = finished(&SETUP, &Diki);
    alone.sort();
    assert!(alone.iter().any(|slot| !slots[0].contains(slot)), "the mask does something");
}

#[test]
fn a_branch_reads_activations_that_a_mask_switched_off() {
    let (batch, strategy) = (made_up(6, 5, 3, 1), (Mask(1), Diki, LOGITS));
    let mut trial = trial(&strategy, &[5, 4, 3], (6, 3), false);
    let values: Vec<f32> = (0..3 * PAIRS * 4).map(|i| (i % 7) as f32).collect();
    trial.set_parameter("diki/v0", &values).unwrap();
    trial.step(&batch).unwrap();
    let logits = read(&trial, "seen/logits");
    assert_ne!(logits[..3], logits[3..6], "rows differ in nothing but the activations");
}

/// With equal values V the attention reads exactly V: logits are (relu(x W1 + b1) + w V) W2 + b2.
#[test]
fn rows_far_from_their_context_read_less_of_the_branch_at_test() {
    let batch = made_up(6, 5, 3, 1);
    let mut trial = trial(&Diki, &[5, 4, 3], (6, 3), false);
    let mean = [0.0, 0.5, -0.5, 0.25, 1.0];
    trial.set_parameter("diki/v0", &[1.5; 3 * PAIRS * 4]).unwrap();
    trial.session.write("diki/mean", 0, &[[9.0; 5], mean, [9.0; 5]].concat()).unwrap();
    let theta = read(&trial, "theta");
    let weights = Weights(&trial.model.layout, &theta);
    let x = rows(&wide(&batch.x), 5);
    let mut h = relu(weights.dense(&x, "1"));
    for (x, h) in x.iter().zip(&mut h) {
        let square: f64 = x.iter().zip(mean).map(|(x, m)| (x - f64::from(m)).powi(2)).sum();
        let log_density = -0.5 * square - 2.5 * std::f64::consts::TAU.ln();
        h.iter_mut().for_each(|h| *h += 1.5 / (1.0 + (1.0 - log_density / 5.0).exp()));
    }
    let want = weights.dense(&h, "2").concat();
    assert_close(&wide(&trial.scores(&batch, &[]).unwrap()), &want, 1e-5);
}

#[test]
fn every_context_leaves_its_mean_behind_also_the_last() {
    let mut learner = SETUP.learner(&Diki).unwrap();
    cl_core::run(&mut learner, &mut ()).unwrap();
    let means = slot(&mut learner, "diki/mean");
    for (context, mean) in means.chunks(64).enumerate() {
        let rows = learner.stream(0).train(context);
        let mut want = vec![0.0; 64];
        for pixels in rows.iter().map(|&row| pixels([row])) {
            let share = |pixel: f32| f64::from(pixel) / rows.len() as f64;
            want.iter_mut().zip(pixels).for_each(|(sum, pixel)| *sum += share(pixel));
        }
        assert_close(mean, &want, 1e-5);
    }
}

#[test]
fn diki_is_resumed_within_a_context_and_runs_in_populations() {
    population_is_singles_and_resume_is_whole(&SETUP, &(Mask(2), Diki), [3, 8, 9, 41]);
}
