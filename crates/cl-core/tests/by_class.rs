//! Rows that come class by class, and a module that takes its steps itself.
#![allow(clippy::unwrap_used)]

use cl_core::{
    Learner, Module, Parts, Phase, PhaseContext, Phases, Settings, Source, Step, Strategy, Trains,
    run,
};
use cl_nn::{Adam, Initializer, Mlp, Optimizer, ParamSpec, Sgd, Theta};
use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamKind, StreamSpec, digits};
use cl_tensor::{Init, Var};

const BATCH: usize = 7;
const STEPS: u32 = 4;

/// Sums up what it sees of the rows of each class; its one parameter goes up by a half of the schedule.
struct Watch {
    rows: Source,
    /// Contexts of a stage, classes, kind.
    told: fn(PhaseContext) -> bool,
}

impl Phases for Watch {
    fn phases(&self, context: PhaseContext) -> Vec<Phase> {
        assert!((self.told)(context), "{context:?}");
        let cycle = vec![Trains::Module("own")];
        vec![Phase { rows: self.rows, cycle, ..Phase::stream("watch", context.steps) }]
    }
}

impl Module for Watch {
    fn name(&self) -> &'static str {
        "own"
    }
    fn params(&self, _: usize, _: usize) -> Vec<ParamSpec> {
        vec![ParamSpec { name: "a".to_owned(), shape: vec![1], init: Initializer::Constant(0.0) }]
    }
    fn optimizer(&self) -> Box<dyn Optimizer> {
        Box::new(Adam::default())
    }
    fn loss<'g>(&self, _: &Step<'_, 'g>, theta: Theta<'_, 'g>) -> Var<'g> {
        theta.get("a").sum()
    }
    fn train<'g>(&self, step: &Step<'_, 'g>, schedule: Var<'g>) -> Var<'g> {
        let own = step.module("own").flat;
        step.scope.assign("own", own + schedule * 0.5);
        let target = step.target.to_float();
        if let Some(count) = step.rows_per_class() {
            let classes = target.len() / count;
            let apart = target.reshape(&[classes, count]);
            let present = step.weight.reshape(&[classes, count]).sign();
            let unlike = (apart - apart.slice(1, 0..1)).abs() * present;
            step.scope.accumulate("unlike", unlike.sum());
            step.scope.accumulate("present", present.sum());
        }
        step.scope.slot("present", &[], Init::Zeros).sum()
    }
}

impl Strategy for Watch {
    fn name(&self) -> String {
        "watch".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.phases(self).module(self);
    }
}

fn learner(watch: &Watch, kind: StreamKind, joint: bool) -> Learner<'_> {
    let data = digits();
    let (protocol, scenario, part) = (Protocol::Split, Scenario::Class, Part::Final);
    let spec = StreamSpec { protocol, scenario, contexts: 5, seed: 2, part, pad: 0 };
    let stream = spec.build(&data).unwrap();
    let stream = if joint { stream.joint() } else { stream.of_kind(kind) };
    let network = Box::new(Mlp::new(&[64, 5, 10]).unwrap());
    let settings = Settings::new(STEPS, BATCH, Box::new(Sgd::new(0.1)));
    let population = vec![(2, Box::new(stream) as Box<dyn Stream>)];
    Learner::new(watch, &data, population, network, settings).unwrap()
}

fn ended(mut learner: Learner<'_>) -> [f32; 3] {
    let theta = learner.session().read("theta", 0).unwrap();
    run(&mut learner, &mut ()).unwrap();
    assert_eq!(learner.session().read("theta", 0).unwrap(), theta, "the network is not trained");
    let session = learner.session();
    ["watch/own", "watch/present", "watch/unlike"]
        .map(|slot| session.read(slot, 0).map_or(-1.0, |values| values[0]))
}

#[test]
fn a_step_sees_so_many_rows_of_each_class_of_the_context() {
    let rows = Source::StreamByClass;
    let told = |it: PhaseContext| (it.contexts, it.classes, it.kind) == (1, 2, StreamKind::Sharp);
    let watch = Watch { rows, told };
    let steps = 5.0 * STEPS as f32;
    let rows_of_two = 2.0 * BATCH as f32;
    assert_eq!(
        ended(learner(&watch, StreamKind::Sharp, false)),
        [steps * 0.5, steps * rows_of_two, 0.0]
    );
    let told = |it: PhaseContext| (it.contexts, it.classes) == (5, 10);
    let watch = Watch { rows, told };
    assert_eq!(
        ended(learner(&watch, StreamKind::Sharp, true)),
        [steps * 0.5, steps * 5.0 * rows_of_two, 0.0]
    );
}

#[test]
fn rows_as_the_stream_brings_them_are_not_by_class_and_phases_are_told_its_kind() {
    let told = |it: PhaseContext| it.kind == StreamKind::Sharp && it.classes == 2;
    let watch = Watch { rows: Source::Stream, told };
    let steps = 5.0 * STEPS as f32;
    assert_eq!(ended(learner(&watch, StreamKind::Sharp, false)), [steps * 0.5, 0.0, -1.0]);
    let watch = Watch { rows: Source::Stream, told: |it| it.kind == StreamKind::Random };
    assert_eq!(ended(learner(&watch, StreamKind::Random, false)), [steps * 0.5, 0.0, -1.0]);
}
