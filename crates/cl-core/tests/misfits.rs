//! What does not fit is told before training: whose part it is, what was expected, and the line of
//! the formula.
#![allow(clippy::unwrap_used)]

use cl_core::{
    At, Boundary, Consolidate, Criterion, Gate, GateSite, GradientMap, Learner, Naive, Over, Parts,
    Pass, Penalty, Phase, PhaseContext, Phases, Readout, Rehearse, Settings, Start, Step, Strategy,
    Trains, WeightView, run,
};
use cl_nn::{Adam, Mlp, Sgd};
use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamSpec, digits};
use cl_tensor::Var;
use std::sync::Arc;

/// The part that a strategy plays, wrongly.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Plays {
    Penalty,
    Criterion,
    Task,
    Delta,
    Gate,
    View,
    Readout,
    Consolidate,
    Evaluation,
    PhaseEnd,
    Memory,
    NoPhase,
}

struct Wrong(Plays);

/// Where [`three`] multiplies.
const LINE: u32 = line!() + 4;

/// Three numbers, where nobody wants three.
fn three<'g>(like: Var<'g>) -> Var<'g> {
    like.graph().full(&[3], 1.0) * 2.0
}

impl Penalty for Wrong {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        three(step.theta)
    }
}

impl Criterion for Wrong {
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        three(step.theta)
    }
}

impl GradientMap for Wrong {
    fn task<'g>(&self, _: &Step<'_, 'g>, gradient: Var<'g>) -> Var<'g> {
        if self.0 == Plays::Task { three(gradient) } else { gradient }
    }
    fn delta<'g>(&self, _: &Step<'_, 'g>, delta: Var<'g>) -> Var<'g> {
        if self.0 == Plays::Delta { three(delta) } else { delta }
    }
}

impl Gate for Wrong {
    fn apply<'g>(&self, _: &GateSite<'_, 'g>, h: Var<'g>) -> Var<'g> {
        three(h)
    }
}

impl WeightView for Wrong {
    fn view<'g>(&self, _: &cl_core::ViewSite<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        three(theta)
    }
}

impl Readout for Wrong {
    fn scores<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        three(step.theta)
    }
}

impl Consolidate for Wrong {
    fn at(&self) -> At {
        match self.0 {
            Plays::Evaluation => At::Evaluation,
            Plays::PhaseEnd => At::PhaseEnd("nope"),
            _ => At::ContextEnd,
        }
    }
    fn passes(&self) -> Vec<Pass> {
        match self.0 {
            Plays::Memory => {
                vec![Pass { over: Over::Memory("nope".to_owned()), ..Pass::default() }]
            }
            _ => Vec::new(),
        }
    }
    fn consolidate<'g>(&self, _: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        match self.0 {
            Plays::Consolidate => three(theta),
            Plays::Evaluation => theta * 0.5,
            _ => theta,
        }
    }
}

impl Phases for Wrong {
    fn phases(&self, _: PhaseContext) -> Vec<Phase> {
        Vec::new()
    }
}

impl Strategy for Wrong {
    fn name(&self) -> String {
        "wrong".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        match self.0 {
            Plays::Penalty => parts.penalty(self),
            Plays::Criterion => parts.criterion(self),
            Plays::Task | Plays::Delta => parts.gradient_map(self),
            Plays::Gate => parts.gate(self),
            Plays::View => parts.weight_view(self),
            Plays::Readout => parts.readout(self),
            Plays::NoPhase => parts.phases(self),
            Plays::Consolidate | Plays::Evaluation | Plays::PhaseEnd | Plays::Memory => {
                parts.consolidate(self)
            }
        };
    }
}

fn learner<'s>(
    strategy: &'s dyn Strategy,
    reset_optimizer: bool,
) -> Result<Learner<'s>, cl_core::Error> {
    let (protocol, scenario, part) = (Protocol::Split, Scenario::Class, Part::Final);
    let spec = StreamSpec { protocol, scenario, contexts: 5, seed: 2, part, pad: 0 };
    let stream: Box<dyn Stream> = Box::new(spec.build(&digits()).unwrap());
    let settings = Settings { reset_optimizer, ..Settings::new(3, 8, Box::new(Adam::new(1e-3))) };
    let network = Box::new(Mlp::new(&[64, 8, 10]).unwrap());
    Learner::new(strategy, &digits(), vec![(2, stream)], network, settings)
}

fn message(plays: Plays) -> String {
    let wrong = Wrong(plays);
    learner(&wrong, false).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn a_wrong_shape_names_strategy_part_and_the_users_line() {
    for (plays, part) in [
        (Plays::Penalty, "wrong: Penalty::loss: gave f32[3], expected shape []"),
        (Plays::Criterion, "wrong: Criterion::rows: gave f32[3], expected shape [8]"),
        (Plays::Task, "wrong: GradientMap::task: gave f32[3], expected shape [768]"),
        (Plays::Delta, "wrong: GradientMap::delta: gave f32[3], expected shape [768]"),
        (Plays::Gate, "wrong: Gate::apply: gave f32[3], expected shape [8, 8]"),
        (Plays::View, "wrong: WeightView::view: gave f32[3], expected shape [768]"),
        (Plays::Readout, "wrong: Readout::scores: gave f32[3], expected shape [128, 10]"),
        (Plays::Consolidate, "wrong: Consolidate::consolidate: gave f32[3], expected shape [768]"),
    ] {
        let error = message(plays);
        assert!(error.contains(part), "{plays:?}: {error}");
        assert!(error.contains(&format!("tests/misfits.rs:{LINE}: ")), "{plays:?}: {error}");
    }
}

#[test]
fn what_waits_for_nothing_or_changes_theta_in_an_evaluation_is_refused() {
    for (plays, text) in [
        (Plays::PhaseEnd, "wrong waits for the end of phase `nope`; there are: train"),
        (Plays::Memory, "wrong: a pass over memory `nope`; there are: "),
        (Plays::Evaluation, "before an evaluation: gave another theta"),
        (Plays::NoPhase, "wrong: no phase in context 1"),
    ] {
        let error = message(plays);
        assert!(error.contains(text), "{plays:?}: {error}");
    }
}

/// A penalty of nothing under some name.
struct Named(&'static str);

impl Strategy for Named {
    fn name(&self) -> String {
        self.0.to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self);
    }
}

impl Penalty for Named {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        step.theta.square().sum() * 0.0
    }
}

#[test]
fn names_that_would_share_slots_with_others_are_refused() {
    for name in ["", "a/b", "a#2", "theta", "optimizer", "stream"] {
        let error = learner(&Named(name), false).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("a strategy called `{name}`")), "{error}");
    }
    assert!(learner(&Named("a-b"), false).is_ok());
}

/// Rows pass by first, then an optimiser of its own trains, as GDumb does.
struct Late(Start);

impl Strategy for Late {
    fn name(&self) -> String {
        "late".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.phases(self);
    }
}

impl Phases for Late {
    fn phases(&self, context: PhaseContext) -> Vec<Phase> {
        let look = Phase { cycle: Vec::new(), ..Phase::stream("look", context.steps) };
        let optimizer: Option<Arc<dyn cl_nn::Optimizer>> =
            Some(Arc::new(Sgd { momentum: 0.9, ..Sgd::new(0.1) }));
        let cycle = vec![Trains::Network];
        let train = Phase::stream("train", context.steps);
        vec![look, Phase { optimizer, cycle, start: self.0, ..train }]
    }
}

#[test]
fn an_optimiser_starts_afresh_whichever_phase_it_belongs_to() {
    let trained = |start: Start, reset: bool| {
        let late = Late(start);
        let mut learner = learner(&late, reset).unwrap();
        run(&mut learner, &mut ()).unwrap();
        let session = learner.session();
        assert!(session.slots().iter().any(|slot| slot.starts_with("optimizer/phase1/")));
        let theta = session.read("theta", 0).unwrap();
        theta.iter().map(|value| value.to_bits()).collect::<Vec<_>>()
    };
    let kept = trained(Start::AsItIs, false);
    // Afresh in every context, by the run or by the phase: the same bits, and others than kept.
    assert_eq!(trained(Start::AsItIs, true), trained(Start::Optimizer, false));
    assert_ne!(trained(Start::Optimizer, false), kept);
}

/// A criterion that looks at rows apart and at noise, which evaluations do not have.
struct Looking;

struct Nothing;

impl Rehearse for Nothing {
    fn rows(&self) -> usize {
        4
    }
    fn peak_bytes(&self) -> u64 {
        0
    }
    fn save(&self) -> Result<serde_json::Value, cl_core::Error> {
        Ok(serde_json::Value::Null)
    }
    fn restore(&mut self, _: &serde_json::Value) -> Result<(), cl_core::Error> {
        Ok(())
    }
}

impl Strategy for Looking {
    fn name(&self) -> String {
        "looking".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.criterion(self).rehearse_apart("memory", |_| Ok(Box::new(Nothing)));
    }
}

impl Criterion for Looking {
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let noise = step.normal("noise", &step.weight.shape());
        step.row_losses * (noise + 1.0) + step.rows("memory").task_loss
    }
}

#[test]
fn a_criterion_may_look_at_rows_apart_and_draw_noise() {
    let theta = |strategy: &dyn Strategy| {
        let mut learner = learner(strategy, false).unwrap();
        run(&mut learner, &mut ()).unwrap();
        learner.session().read("theta", 0).unwrap()
    };
    assert_ne!(theta(&Looking), theta(&Naive), "it weighs the rows in training");
}
