//! The guarantees of the loop, with no method and with a small one of our own.
#![allow(clippy::unwrap_used)]

use cl_core::{
    Checkpoint, Consolidate, Error, Fill, Learner, Member, Mix, Naive, Now, Observer, Outcome,
    Parts, Penalty, Phase, PhaseContext, Phases, Rehearse, Reports, Row, Settings, Share, Source,
    Step, Strategy, from_state, run, to_state,
};
use cl_nn::{Adam, Mlp};
use cl_scenarios::{ContextStream, Part, Protocol, Scenario, Stream, StreamSpec, digits};
use cl_tensor::{Cpu, Device, Init, Session, Var};
use std::sync::Arc;

fn spec(seed: u64, scenario: Scenario, protocol: Protocol) -> ContextStream {
    let spec = StreamSpec { protocol, scenario, contexts: 5, seed, part: Part::Final, pad: 0 };
    spec.build(&digits()).unwrap()
}

fn settings(steps: u32, threads: usize) -> Settings {
    Settings::new(steps, 32, Box::new(Adam::new(1e-3))).on_threads(threads)
}

fn learner<'s>(
    strategy: &'s dyn Strategy,
    seeds: &[u64],
    threads: usize,
    steps: u32,
    stream: &dyn Fn(u64) -> ContextStream,
) -> Result<Learner<'s>, Error> {
    let population: Vec<(u64, Box<dyn Stream>)> =
        seeds.iter().map(|&seed| (seed, Box::new(stream(seed)) as Box<dyn Stream>)).collect();
    let outputs = population[0].1.outputs();
    let network = Mlp::new(&[64, 40, outputs])?.with_dropout(0.2)?;
    Learner::new(strategy, &digits(), population, Box::new(network), settings(steps, threads))
}

fn accuracies(outcomes: &[Outcome]) -> Vec<Vec<Vec<f64>>> {
    outcomes.iter().map(|outcome| outcome.accuracy.rows().to_vec()).collect()
}

/// The CPU under another name.
#[derive(Debug)]
struct Elsewhere(Cpu);

impl Device for Elsewhere {
    fn session(&self, seeds: &[u64]) -> Result<Box<dyn Session>, cl_tensor::Error> {
        self.0.session(seeds)
    }
    fn describe(&self) -> String {
        "elsewhere".to_owned()
    }
}

#[test]
fn a_run_that_was_restored_on_another_device_names_both() {
    let stream = |seed| spec(seed, Scenario::Task, Protocol::Split);
    let on = |device: Option<Elsewhere>| {
        let population: Vec<(u64, Box<dyn Stream>)> = vec![(2, Box::new(stream(2)))];
        let network = Mlp::new(&[64, 8, population[0].1.outputs()]).unwrap();
        let mut settings = settings(3, 1);
        if let Some(device) = device {
            settings.device = Arc::new(device);
        }
        Learner::new(&Naive, &digits(), population, Box::new(network), settings).unwrap()
    };
    let first = on(None);
    assert_eq!(first.device(), "cpu");
    let mut second = on(Some(Elsewhere(Cpu { threads: 1 })));
    second.restore(&first.save().unwrap()).unwrap();
    assert_eq!(second.device(), "cpu, then elsewhere");
    let mut third = on(Some(Elsewhere(Cpu { threads: 1 })));
    third.restore(&second.save().unwrap()).unwrap();
    assert_eq!(third.device(), "cpu, then elsewhere");
    let mut same = on(None);
    same.restore(&first.save().unwrap()).unwrap();
    assert_eq!(same.device(), "cpu");
}

/// Pulls theta towards where it was at the last boundary.
struct Pull(f32);

impl Strategy for Pull {
    fn name(&self) -> String {
        "pull".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).consolidate(self);
    }
}

impl Penalty for Pull {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let shape = [step.layout.len()];
        let anchor = step.scope.kept("anchor", &shape, step.layout.init());
        step.scope.hyper("strength", self.0) * (step.theta - anchor).square().sum()
    }
}

impl Consolidate for Pull {
    fn consolidate<'g>(&self, at: &cl_core::Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        at.scope.kept("anchor", &[at.layout.len()], at.layout.init());
        at.scope.assign("anchor", theta);
        theta
    }
}

/// Replays the first rows of the first context, and checks what the loop shows it.
struct FirstRows(Vec<Row>);

impl Rehearse for FirstRows {
    fn rows(&self) -> usize {
        4
    }
    fn fill(&mut self, now: Now, current: &[Row], fill: &mut Fill<'_>) -> Result<Share, Error> {
        assert_eq!(current.len(), 32);
        if self.0.is_empty() {
            return Ok(Share::Empty);
        }
        assert!(now.stage > 0);
        fill.rows.copy_from_slice(&self.0);
        fill.weights.fill(0.25);
        Ok(Share::Joined(1.0))
    }
    fn store(&mut self, _: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
        assert_eq!(rows.len(), 32);
        Ok(())
    }
    fn end_context(&mut self, now: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
        assert!(rows.iter().all(|row| row.context == now.stage));
        if self.0.is_empty() {
            self.0 = rows[..4].to_vec();
        }
        Ok(())
    }
    fn peak_bytes(&self) -> u64 {
        4 * 66
    }
    fn save(&self) -> Result<serde_json::Value, Error> {
        to_state("first rows", &self.0)
    }
    fn restore(&mut self, state: &serde_json::Value) -> Result<(), Error> {
        self.0 = from_state("first rows", state)?;
        Ok(())
    }
}

struct Replay;

impl Strategy for Replay {
    fn name(&self) -> String {
        "replay".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.rehearse(|_: &Member<'_>| Ok(Box::new(FirstRows(Vec::new()))));
    }
}

#[test]
fn a_population_gives_the_bits_of_single_runs_on_any_number_of_threads() {
    let stream = |seed| spec(seed, Scenario::Class, Protocol::Split);
    let strategy = (Pull(0.1), Replay);
    let mut population = learner(&strategy, &[2, 3, 4], 2, 6, &stream).unwrap();
    let together = accuracies(&run(&mut population, &mut ()).unwrap());
    for (member, seed) in [2, 3, 4].into_iter().enumerate() {
        for threads in [1, 2] {
            let mut single = learner(&strategy, &[seed], threads, 6, &stream).unwrap();
            let alone = accuracies(&run(&mut single, &mut ()).unwrap());
            assert_eq!(alone[0], together[member]);
            for slot in single.session().slots() {
                let alone = single.session().read(&slot, 0).unwrap();
                let bits =
                    |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
                let together = population.session().read(&slot, member).unwrap();
                assert!(bits(alone) == bits(together), "slot {slot}, seed {seed}");
            }
        }
    }
}

#[test]
fn training_learns_the_present_context_and_forgets_the_first() {
    let stream = |seed| spec(seed, Scenario::Task, Protocol::Split);
    let mut learner = learner(&Naive, &[2, 3], 2, 150, &stream).unwrap();
    let outcomes = run(&mut learner, &mut ()).unwrap();
    for outcome in &outcomes {
        let rows = outcome.accuracy.rows();
        assert_eq!(rows.len(), 5);
        assert!((0..5).all(|i| rows[i][i] > 0.9), "{rows:?}");
        let before = outcome.accuracy.before().unwrap();
        assert!(before.iter().sum::<f64>() / 5.0 < 0.9, "{before:?}");
    }
}

#[test]
fn joint_training_learns_everything() {
    for scenario in Scenario::ALL {
        let stream = |seed| spec(seed, scenario, Protocol::Split).joint();
        let mut learner = learner(&Naive, &[2], 2, 150, &stream).unwrap();
        let outcomes = run(&mut learner, &mut ()).unwrap();
        let rows = outcomes[0].accuracy.rows();
        assert_eq!(rows.len(), 1);
        assert!(rows[0].iter().sum::<f64>() / 5.0 > 0.9, "{scenario}: {rows:?}");
    }
}

#[test]
fn rotated_and_permuted_contexts_are_shown_as_their_transforms_say() {
    for protocol in [Protocol::Permuted, Protocol::Rotated] {
        let stream = |seed| spec(seed, Scenario::Domain, protocol);
        let mut learner = learner(&Naive, &[2], 1, 250, &stream).unwrap();
        let outcomes = run(&mut learner, &mut ()).unwrap();
        let rows = outcomes[0].accuracy.rows();
        assert!(rows[0][0] > 0.8, "{rows:?}");
        assert!(rows[0][4] < rows[0][0] - 0.2, "the last context looks different: {rows:?}");
        assert!(rows[4][4] > 0.8, "{rows:?}");
    }
}

#[test]
fn a_sweep_over_a_hyper_parameter_is_a_population() {
    let stream = |_| spec(2, Scenario::Class, Protocol::Split);
    let pull = Pull(0.0);
    let mut sweep = learner(&pull, &[2, 2], 2, 6, &stream).unwrap();
    sweep.set_hyper("pull/strength", 1, 10.0).unwrap();
    run(&mut sweep, &mut ()).unwrap();
    let strong = Pull(10.0);
    let mut single = learner(&strong, &[2], 1, 6, &stream).unwrap();
    run(&mut single, &mut ()).unwrap();
    let theta =
        |learner: &mut Learner<'_>, member| learner.session().read("theta", member).unwrap();
    assert_eq!(theta(&mut sweep, 1), theta(&mut single, 0));
    assert_ne!(theta(&mut sweep, 0), theta(&mut sweep, 1));
}

#[test]
fn at_strength_zero_a_penalty_changes_no_bit() {
    let stream = |seed| spec(seed, Scenario::Domain, Protocol::Split);
    let neutral = Pull(0.0);
    let mut with = learner(&neutral, &[2], 1, 6, &stream).unwrap();
    run(&mut with, &mut ()).unwrap();
    let mut without = learner(&Naive, &[2], 1, 6, &stream).unwrap();
    run(&mut without, &mut ()).unwrap();
    let theta = |learner: &mut Learner<'_>| learner.session().read("theta", 0).unwrap();
    assert_eq!(theta(&mut with), theta(&mut without));
}

#[test]
fn bytes_kept_are_kept_slots_without_padding_and_buffers() {
    let stream = |seed| spec(seed, Scenario::Class, Protocol::Split);
    let strategy = (Pull(0.1), Replay);
    let learner = learner(&strategy, &[2], 1, 1, &stream).unwrap();
    let parameters = 64 * 40 + 40 + 40 * 10 + 10;
    assert_eq!(learner.model().layout.parameters(), parameters);
    assert_eq!(learner.bytes_kept(), 4 * parameters as u64 + 4 * 66);
}

#[test]
fn a_loss_that_is_not_a_number_names_context_step_and_strategy() {
    struct Poisoned;
    impl Strategy for Poisoned {
        fn name(&self) -> String {
            "poisoned".to_owned()
        }
        fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
            parts.penalty(self);
        }
    }
    impl Penalty for Poisoned {
        fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
            let zero = step.scope.slot("zero", &[], Init::Zeros);
            step.theta.sum() * (zero / zero)
        }
    }
    let stream = |seed| spec(seed, Scenario::Class, Protocol::Split);
    let mut learner = learner(&Poisoned, &[2, 3], 2, 6, &stream).unwrap();
    let error = run(&mut learner, &mut ()).unwrap_err().to_string();
    assert!(error.starts_with("poisoned, seed 2: the loss is NaN at context 1, step 2"), "{error}");
}

#[test]
fn a_need_that_the_stream_does_not_meet_is_refused_by_name() {
    struct Asks;
    impl Strategy for Asks {
        fn name(&self) -> String {
            "asks".to_owned()
        }
        fn parts<'s>(&'s self, _: &mut Parts<'s>) {}
        fn needs(&self) -> cl_core::Needs {
            cl_core::Needs { task_id_at_test: true, ..Default::default() }
        }
    }
    let stream = |seed| spec(seed, Scenario::Class, Protocol::Split);
    let error = learner(&(Pull(0.1), Asks), &[2], 1, 1, &stream).err().unwrap().to_string();
    assert_eq!(
        error,
        "asks needs the context of each test example; a class-incremental stream does not show it"
    );
}

#[test]
fn slots_bear_the_name_of_their_strategy_whatever_stands_around_it() {
    let stream = |seed| spec(seed, Scenario::Class, Protocol::Split);
    let list: Vec<Box<dyn Strategy>> = vec![Box::new(Pull(0.1))];
    let mut alone = learner(&list, &[2], 1, 1, &stream).unwrap();
    assert!(alone.session().slots().contains(&"pull/anchor".to_owned()));
    let twice = (Pull(0.1), Pull(0.2));
    let slots = learner(&twice, &[2], 1, 1, &stream).unwrap().session().slots();
    assert!(slots.contains(&"pull/strength".to_owned()), "{slots:?}");
    assert!(slots.contains(&"pull#2/strength".to_owned()), "{slots:?}");
}

/// Saves the run once its first stage is over.
struct AfterFirstStage(Option<Checkpoint>);

impl Observer for AfterFirstStage {
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        if learner.progress().stage == 1 && self.0.is_none() {
            self.0 = Some(learner.save()?);
        }
        Ok(())
    }
}

#[test]
fn a_cumulative_run_goes_on_between_stages_that_draw_from_other_contexts() {
    let stream = |seed| spec(seed, Scenario::Task, Protocol::Split).cumulative();
    let mut whole = learner(&Naive, &[2], 1, 6, &stream).unwrap();
    let mut saved = AfterFirstStage(None);
    run(&mut whole, &mut saved).unwrap();
    let mut resumed = learner(&Naive, &[2], 1, 6, &stream).unwrap();
    resumed.restore(&saved.0.unwrap()).unwrap();
    run(&mut resumed, &mut ()).unwrap();
    let theta = |learner: &mut Learner<'_>| learner.session().read("theta", 0).unwrap();
    assert_eq!(theta(&mut whole), theta(&mut resumed));
}

#[test]
fn a_training_step_copies_nothing() {
    for scenario in Scenario::ALL {
        let stream = |seed| spec(seed, scenario, Protocol::Split);
        let strategy = (Pull(0.1), Replay);
        let learner = learner(&strategy, &[2], 1, 1, &stream).unwrap();
        assert_eq!(learner.costs().step.copies, 0, "{scenario}");
    }
}

/// A stream that tells nobody when a context ends.
struct Untold(ContextStream);

impl Stream for Untold {
    fn scenario(&self) -> Scenario {
        self.0.scenario()
    }
    fn contexts(&self) -> usize {
        self.0.contexts()
    }
    fn stages(&self) -> &[cl_scenarios::Stage] {
        self.0.stages()
    }
    fn outputs(&self) -> usize {
        self.0.outputs()
    }
    fn train(&self, context: usize) -> &[u32] {
        self.0.train(context)
    }
    fn test(&self, context: usize) -> &[u32] {
        self.0.test(context)
    }
    fn target(&self, context: usize, label: u8) -> u32 {
        self.0.target(context, label)
    }
    fn active(&self, stage: usize, context: usize) -> Vec<bool> {
        self.0.active(stage, context)
    }
    fn transform(&self, context: usize) -> &cl_scenarios::Transform {
        self.0.transform(context)
    }
    fn visibility(&self) -> cl_scenarios::Visibility {
        cl_scenarios::Visibility { boundaries: false, ..self.0.visibility() }
    }
    fn describe(&self) -> Vec<(&'static str, String)> {
        self.0.describe()
    }
}

/// Trains on memories that are not there.
struct MemoryOnly;

impl Strategy for MemoryOnly {
    fn name(&self) -> String {
        "memory-only".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.phases(self);
    }
}

impl Phases for MemoryOnly {
    fn phases(&self, context: PhaseContext) -> Vec<Phase> {
        vec![Phase { rows: Source::Memory, ..Phase::stream("rehearse", context.steps) }]
    }
}

#[test]
fn replay_that_could_never_count_is_refused_before_anything_is_recorded() {
    let made = |strategy: &'static dyn Strategy, mix, told: bool| {
        let stream = spec(2, Scenario::Class, Protocol::Split);
        let stream: Box<dyn Stream> =
            if told { Box::new(stream) } else { Box::new(Untold(stream)) };
        let network = Box::new(Mlp::new(&[64, 8, 10]).unwrap());
        let settings = Settings { mix, ..settings(2, 1) };
        Learner::new(strategy, &digits(), vec![(2, stream)], network, settings)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert!(made(&Replay, Mix::Fixed(0.5), false).is_ok());
    assert!(made(&Naive, Mix::ByContext, false).is_ok());
    let error = made(&Replay, Mix::ByContext, false).unwrap_err();
    assert!(error.starts_with("replay: weights by the number of contexts"), "{error}");
    let error = made(&MemoryOnly, Mix::ByContext, true).unwrap_err();
    assert!(error.starts_with("memory-only: phase `rehearse` trains on memories"), "{error}");
}
