//! PackNet: each context's network is pruned, what is left is frozen, the next one uses the rest.

use crate::common::{Setup, run_to};
use crate::guarantees::population_is_singles_and_resume_is_whole;
use crate::slow::{Weights, pixels, wide};
use crate::trials::{CONTEXTS_KNOWN, value_of};
use cl_core::{
    At, Consolidate, Error, GradientMap, Needs, Now, Parts, Phase, PhaseContext, Phases, SlotStore,
    Step, Strategy, ViewSite, WeightView, run,
};
use cl_nn::Layout;
use cl_scenarios::{Scenario, Stream, digits};
use cl_tensor::{Init, Scope, Var};

/// Mallya & Lazebnik 2018: weight i belongs to context `owner[i]`; contexts before it do not see it,
/// contexts after it do not move it.
struct PackNet;

/// u32 `[theta]`, at first all of the first context: biases stay so.
fn owner<'g>(scope: &Scope<'g>, layout: &Layout) -> Var<'g> {
    scope.kept_u32("owner", &[layout.len()], Init::Zeros).to_float()
}

impl WeightView for PackNet {
    fn view<'g>(&self, at: &ViewSite<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let later = owner(&at.scope, at.layout).greater(at.context.to_float());
        theta * (1.0 - later)
    }
}

impl GradientMap for PackNet {
    fn delta<'g>(&self, step: &Step<'_, 'g>, delta: Var<'g>) -> Var<'g> {
        let (context, owner) = (step.context.slice(0, 0..1), owner(&step.scope, step.layout));
        let now = context.to_float();
        // What is free is 0 until its context comes.
        let packed = delta * owner.equal(now) - step.theta * owner.greater(now);
        let (head, active) = (step.forward.layers.last(), step.active_for(context));
        let pieces = step.layout.ranges().iter().map(|range| {
            let cut = |flat: Var<'g>| flat.slice(0, range.floats()).reshape(&range.shape);
            match (head, active) {
                (Some(head), Some(active)) if [&head.weight, &head.bias].contains(&&range.name) => {
                    let active = active.reshape(&[active.len()]);
                    (range.offset, cut(delta) * active)
                }
                _ => (range.offset, cut(packed)),
            }
        });
        step.graph().assemble(step.layout.len(), &pieces.collect::<Vec<_>>())
    }
}

impl Phases for PackNet {
    fn phases(&self, context: PhaseContext) -> Vec<Phase> {
        let steps = context.steps;
        if context.stage + 1 == context.stages {
            return vec![Phase::stream("last", steps)];
        }
        vec![Phase::stream("train", steps - steps / 3), Phase::stream("retrain", steps / 3)]
    }
}

impl Consolidate for PackNet {
    fn at(&self) -> At {
        At::PhaseEnd("train")
    }
    fn end_context(&self, now: Now, slots: &mut SlotStore<'_>) -> Result<(), Error> {
        let (theta, mut owner) = (slots.theta()?, slots.read_u32("owner")?);
        let layers = slots.layers().split_last().map_or(&[][..], |(_head, layers)| layers);
        for layer in layers {
            let mut own: Vec<usize> =
                layer.weight.floats().filter(|&i| owner[i] == now.stage).collect();
            own.sort_by(|&a, &b| theta[a].abs().total_cmp(&theta[b].abs()));
            own[..own.len() / 2].iter().for_each(|&i| owner[i] = now.stage + 1);
        }
        slots.write_u32("owner", &owner)
    }
}

impl Strategy for PackNet {
    fn name(&self) -> String {
        "packnet".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.weight_view(self).gradient_map(self).phases(self).consolidate(self);
    }
    fn needs(&self) -> Needs {
        CONTEXTS_KNOWN
    }
}

const SETUP: Setup<'_> = Setup { scenario: Scenario::Task, steps: 12, ..Setup::SMALL };

/// theta as a context sees it.
fn viewed(layout: &Layout, theta: &[f32], owner: &[u32], context: u32) -> Vec<f32> {
    value_of(|graph| {
        let scope = Scope::new(graph, "packnet");
        scope.slot_u32("owner", &[owner.len()], Init::Indices(owner.into()));
        let context = graph.slot_u32("context", &[1], Init::Indices([context].into()));
        let theta = graph.slot("theta", &[theta.len()], Init::Values(theta.into()));
        PackNet.view(&ViewSite { context, contexts: 5, layout, scope }, theta)
    })
}

/// Share of a context's test rows for which the right one of its two outputs is the larger.
fn slow_accuracy(layout: &Layout, theta: &[f32], stream: &dyn Stream, context: usize) -> f64 {
    let (theta, rows, labels) = (wide(theta), stream.test(context), digits().labels);
    let weights = Weights(layout, &theta);
    let logits = rows.iter().map(|&row| weights.forward(&wide(&pixels([row]))).swap_remove(3));
    let right = rows.iter().zip(logits).filter(|(row, logits)| {
        let unit = stream.target(context, labels[**row as usize]) as usize;
        logits[unit] > logits[unit ^ 1] // units 2 t and 2 t + 1 are of context t
    });
    right.count() as f64 / rows.len() as f64
}

#[test]
fn weights_of_earlier_contexts_stay_bit_for_bit_and_so_do_their_accuracies() {
    let setup = Setup { steps: 60, ..SETUP };
    let mut learner = setup.learner(&PackNet).unwrap();
    let layout = learner.model().layout.clone();
    let (w1, b1) = (layout.range("w1").unwrap(), layout.range("b1").unwrap());
    let head = layout.range("w3").unwrap().offset;
    let mut views: Vec<Vec<f32>> = Vec::new();
    // Of 64 x 24 weights half are pruned, of those again half, ..; the last context keeps all.
    for (stage, own) in [768, 384, 192, 96, 96].into_iter().enumerate() {
        match stage {
            4 => drop(run(&mut learner, &mut ()).unwrap()),
            _ => run_to(&mut learner, (stage + 1, 0, 0)),
        }
        let theta = learner.session().read("theta", 0).unwrap();
        let owner = learner.session().read("packnet/owner", 0).unwrap();
        let owner: Vec<u32> = owner.into_iter().map(f32::to_bits).collect();
        let of = |&&owner: &&u32| owner == stage as u32;
        assert_eq!(owner[w1.floats()].iter().filter(of).count(), own);
        assert!(owner[b1.floats()].iter().all(|&owner| owner == 0));
        for (context, before) in views.iter().enumerate() {
            let now = viewed(&layout, &theta, &owner, context as u32);
            assert!(now[..head] == before[..head], "context {context} after {stage}");
        }
        let view = viewed(&layout, &theta, &owner, stage as u32);
        let mut later = (0..view.len()).filter(|&i| owner[i] > stage as u32);
        assert!(later.all(|i| view[i] == 0.0 && theta[i] == 0.0));
        views.push(view);
    }
    let rows = learner.progress().rows.clone();
    assert!((0..5).all(|c| rows[c][0][c] == rows[4][0][c] && rows[c][0][c] > 0.75), "{rows:?}");
    // Each context classified slowly through its own view, with the head as it is now.
    let theta = learner.session().read("theta", 0).unwrap();
    for (context, view) in views.iter_mut().enumerate() {
        view[head..].copy_from_slice(&theta[head..]);
        let accuracy = slow_accuracy(&layout, view, learner.stream(0), context);
        assert!((accuracy - rows[4][0][context]).abs() < 1e-9, "{context}: {accuracy} {rows:?}");
    }
}

#[test]
fn packnet_is_resumed_within_each_phase_and_runs_in_populations() {
    population_is_singles_and_resume_is_whole(&SETUP, &PackNet, [5, 10, 12, 13, 24, 53]);
}
