//! Streams without boundaries: what methods see of them, and consolidation by a clock.

use crate::common::{Setup, StopAt};
use crate::guarantees::{Path, population_is_singles_and_resume_is_whole};
use cl_core::{
    Boundary, Consolidate, Detect, Error, Fill, Head, Learner, Mix, Naive, Needs, Now, Parts, Pass,
    Penalty, Phase, PhaseContext, Phases, Rehearse, Reports, Row, Share, Source, Step, Strategy,
    from_state, run, to_state,
};
use cl_scenarios::{ContextStream, Scenario, Stream};
use cl_tensor::{Init, Var};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const FUZZY: fn(ContextStream) -> Box<dyn Stream> = |stream| Box::new(stream.fuzzy(3));
const RANDOM: fn(ContextStream) -> Box<dyn Stream> = |stream| Box::new(stream.random());
const ONE_PASS: fn(ContextStream) -> Box<dyn Stream> = |stream| Box::new(stream.one_pass());
const KINDS: [fn(ContextStream) -> Box<dyn Stream>; 3] = [FUZZY, RANDOM, ONE_PASS];

fn setup(shown: fn(ContextStream) -> Box<dyn Stream>) -> Setup<'static> {
    Setup { shown, mix: Mix::Fixed(0.5), ..Setup::default() }
}

/// λ Σ (θ − θ*)², θ* ← θ at every moment; counts moments and the rows since the last one.
struct Pull;

impl Strategy for Pull {
    fn name(&self) -> String {
        "pull".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).consolidate(self);
    }
    fn needs(&self) -> Needs {
        Needs { moments: true, ..Needs::default() }
    }
}

impl Penalty for Pull {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let anchor = step.scope.kept("anchor", &[step.layout.len()], step.layout.init());
        step.scope.hyper("lambda", 0.1) * (step.theta - anchor).square().sum()
    }
}

impl Consolidate for Pull {
    fn passes(&self) -> Vec<Pass> {
        vec![Pass::default()]
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        let seen = step.scope.slot("seen", &[], Init::Zeros);
        step.scope.assign("seen", seen + step.weight.sum());
        // Something that needs the forward pass.
        let logits = step.scope.slot("logits", &[], Init::Zeros);
        step.scope.assign("logits", logits + step.forward.logits.sum());
    }
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let scope = &boundary.scope;
        scope.kept("anchor", &[boundary.layout.len()], boundary.layout.init());
        scope.assign("anchor", theta);
        scope.assign("count", scope.slot("count", &[], Init::Zeros) + 1.0);
        theta
    }
}

/// Writes down the rows of the stream, step by step; replays the first four it saw.
struct Watch;

impl Strategy for Watch {
    fn name(&self) -> String {
        "watch".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.rehearse(|_| Ok(Box::new(Watched::default())));
    }
}

#[derive(Default)]
struct Watched {
    steps: Vec<Vec<Row>>,
    /// Stage and step of every fill; kept, because gradients are also measured on batches to come,
    /// which leave no trace.
    moments: Vec<(u32, u32)>,
    /// Rows that moments showed.
    ended: Vec<Vec<Row>>,
}

impl Rehearse for Watched {
    fn rows(&self) -> usize {
        4
    }
    fn fill(&mut self, now: Now, _: &[Row], fill: &mut Fill<'_>) -> Result<Share, Error> {
        let moment = (now.stage, now.step);
        assert!(!self.moments.contains(&moment), "two steps of one address");
        self.moments.push(moment);
        let Some(first) = self.steps.first() else { return Ok(Share::Empty) };
        fill.rows.copy_from_slice(&first[..4]);
        fill.weights.fill(0.25);
        Ok(Share::Joined(1.0))
    }
    fn store(&mut self, _: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
        self.steps.push(rows.to_vec());
        Ok(())
    }
    fn end_context(&mut self, _: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
        self.ended.push(rows.to_vec());
        Ok(())
    }
    fn peak_bytes(&self) -> u64 {
        0
    }
    fn save(&self) -> Result<Value, Error> {
        to_state("watched", &(&self.steps, &self.ended, &self.moments))
    }
    fn restore(&mut self, state: &Value) -> Result<(), Error> {
        (self.steps, self.ended, self.moments) = from_state("watched", state)?;
        Ok(())
    }
}

/// The rows of every step, and those that moments showed.
fn watched(learner: &Learner<'_>, member: usize) -> (Vec<Vec<Row>>, Vec<Vec<Row>>) {
    let host: Value = learner.save().unwrap().host(member).unwrap();
    let state = from_state("watched", &host["memories"][0][1]).unwrap();
    let (steps, ended, _): (_, _, Vec<(u32, u32)>) = state;
    (steps, ended)
}

#[test]
fn one_pass_trains_on_every_example_once_and_members_differ_in_steps() {
    for scenario in [Scenario::Class, Scenario::Task] {
        let setup = Setup { scenario, seeds: &[2, 3], ..setup(ONE_PASS) };
        let mut learner = setup.learner(&Watch).unwrap();
        run(&mut learner, &mut ()).unwrap();
        let steps =
            |member| (0..5).map(|stage| learner.steps_of(member, stage)).collect::<Vec<_>>();
        assert_ne!(steps(0), steps(1), "the seeds should have contexts of different sizes");
        for member in 0..2 {
            let (rows, _) = watched(&learner, member);
            assert_eq!(rows.len() as u32, steps(member).iter().sum::<u32>());
            let mut seen: Vec<u32> = rows.concat().iter().map(|row| row.example).collect();
            seen.sort_unstable();
            let stream = learner.stream(member);
            let mut expected: Vec<u32> = (0..5).flat_map(|c| stream.train(c)).copied().collect();
            expected.sort_unstable();
            assert_eq!(seen, expected);
            let contexts: Vec<u32> = rows.concat().iter().map(|row| row.context).collect();
            assert!(contexts.is_sorted(), "one context after the other");
        }
    }
    let joint = Setup { seeds: &[2], ..setup(|stream| Box::new(stream.one_pass().joint())) };
    let mut learner = joint.learner(&Watch).unwrap();
    run(&mut learner, &mut ()).unwrap();
    let (rows, _) = watched(&learner, 0);
    let distinct: BTreeSet<u32> = rows.concat().iter().map(|row| row.example).collect();
    assert_eq!((distinct.len(), rows.concat().len()), (1442, 1442));
    assert!(!rows.concat().iter().map(|row| row.context).is_sorted());
}

/// The rows that a clock shows are those of its steps, each once; they are the same with no clock and
/// with any other.
#[test]
fn a_clock_shows_the_rows_since_its_last_tick_and_changes_no_row_of_the_stream() {
    for shown in KINDS {
        let mut streams = Vec::new();
        for clock in [None, Some(3), Some(7)] {
            let setup = Setup { clock, ..setup(shown) };
            let strategies: Vec<Box<dyn Strategy>> = match clock {
                None => vec![Box::new(Watch)],
                Some(_) => vec![Box::new(Watch), Box::new(Pull)],
            };
            let mut learner = setup.learner(&strategies).unwrap();
            run(&mut learner, &mut ()).unwrap();
            let (rows, ended) = watched(&learner, 0);
            let every = clock.map_or(usize::MAX, |every| every as usize);
            assert_eq!(
                (ended.len(), learner.boundaries(0) as usize),
                (rows.len() / every, rows.len() / every)
            );
            for (rows, ended) in rows.chunks_exact(every).zip(&ended) {
                let key = |row: &Row| (row.context, row.example);
                let (mut expected, mut ended) = (rows.concat(), ended.clone());
                expected.sort_unstable_by_key(key);
                expected.dedup();
                ended.sort_unstable_by_key(key);
                assert_eq!(ended, expected);
            }
            streams.push(rows);
        }
        assert!(streams.iter().all(|rows| *rows == streams[0]));
        // No context has been through once by then: passes go on from stage to stage.
        let all = streams[0].concat();
        let distinct: BTreeSet<u32> = all.iter().map(|row| row.example).collect();
        assert_eq!(distinct.len(), all.len());
    }
}

/// The clock goes on from stage to stage: 5 stages of 8 steps, a tick every 3.
#[test]
fn the_anchor_is_theta_at_every_tick_and_stays_in_between() {
    let setup = Setup { clock: Some(3), ..setup(FUZZY) };
    let slots = ["theta", "pull/anchor", "pull/count"];
    let path = Path::of(&mut setup.learner(&Pull).unwrap(), &slots);
    assert_eq!(path.steps(), 40);
    let mut anchor = path.slot(0, 0, "theta");
    for step in 1..=path.steps() {
        if step % 3 == 0 {
            anchor = path.slot(step, 0, "theta");
        }
        assert!(path.slot(step, 0, "pull/anchor") == anchor, "step {step}");
        assert_eq!(path.slot(step, 0, "pull/count"), [(step / 3) as f32]);
    }
    // In one go the same comes out as step by step.
    let mut learner = setup.learner(&Pull).unwrap();
    run(&mut learner, &mut ()).unwrap();
    for slot in slots {
        assert!(learner.read(slot, 0).unwrap() == path.slot(40, 0, slot), "{slot}");
    }
}

/// Cut amid a stage, right at a tick (6, 12), right behind a stage, in the last one.
#[test]
fn task_free_runs_keep_their_guarantees() {
    for shown in KINDS {
        for scenario in [Scenario::Class, Scenario::Task] {
            let setup = Setup { clock: Some(6), scenario, batch: 48, ..setup(shown) };
            let cuts = [3, 6, 9, 11, 13, 28];
            population_is_singles_and_resume_is_whole(&setup, &(Watch, Pull), cuts);
        }
        population_is_singles_and_resume_is_whole(&setup(shown), &Naive, [4, 9]);
    }
}

/// Pull's pass costs the forward passes of a chunk; 13 ticks of 3 steps of 16 rows fit one chunk each.
#[test]
fn the_cost_of_a_run_counts_the_passes_of_every_tick() {
    let macs = |clock, strategy: &dyn Strategy| {
        Setup { clock, ..setup(FUZZY) }.learner(strategy).unwrap().costs().macs
    };
    let (often, seldom, never) =
        (macs(Some(3), &Pull), macs(Some(20), &Pull), macs(Some(50), &Pull));
    let chunk = 128 * (64 * 24 + 24 * 20 + 20 * 10);
    // A tick of 20 steps has 320 rows: 3 chunks.
    assert_eq!((often - never, seldom - never), (13 * chunk, 2 * 3 * chunk));
}

#[test]
fn a_clock_at_which_nothing_acts_never_ticks() {
    for shown in KINDS {
        let finished = |clock| {
            let mut learner = Setup { clock, ..setup(shown) }.learner(&Watch).unwrap();
            run(&mut learner, &mut ()).unwrap();
            (learner.read("theta", 0).unwrap(), learner.boundaries(0))
        };
        assert_eq!(finished(None), finished(Some(3)));
        assert_eq!(finished(None).1, 0);
    }
}

/// Phases of its own.
struct Phased(fn(PhaseContext) -> Vec<Phase>);

impl Strategy for Phased {
    fn name(&self) -> String {
        "phased".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.phases(self);
    }
}

impl Phases for Phased {
    fn phases(&self, context: PhaseContext) -> Vec<Phase> {
        (self.0)(context)
    }
}

/// Needs what a stream may not show.
struct Needing(Needs);

impl Strategy for Needing {
    fn name(&self) -> String {
        "needing".to_owned()
    }
    fn parts<'s>(&'s self, _: &mut Parts<'s>) {}
    fn needs(&self) -> Needs {
        self.0
    }
}

/// One phase as long as the stage is what there is without phases, also where members differ in steps.
#[test]
fn phases_that_fit_the_stream_run_and_others_are_refused() {
    let only = Phased(|context| vec![Phase::stream("only", context.steps)]);
    let half = Phased(|context| vec![Phase::stream("half", context.steps / 2); 2]);
    let by_class = Phased(|context| {
        vec![Phase { rows: Source::StreamByClass, ..Phase::stream("even", context.steps) }]
    });
    for shown in KINDS {
        let setup = Setup { seeds: &[2, 3], ..setup(shown) };
        let theta = |strategy: &dyn Strategy| {
            let mut learner = setup.learner(strategy).unwrap();
            run(&mut learner, &mut ()).unwrap();
            [0, 1].map(|member| learner.read("theta", member).unwrap())
        };
        assert!(theta(&only) == theta(&Naive));
        let error = setup.learner(&by_class).err().unwrap().to_string();
        assert!(error.contains("phase `even` draws the same number of rows of every"), "{error}");
    }
    let error = setup(ONE_PASS).learner(&half).err().unwrap().to_string();
    assert!(
        error.contains("phased: 2 phases in a stream that shows every example once"),
        "{error}"
    );
    assert!(setup(RANDOM).learner(&half).is_ok());
}

#[test]
fn who_needs_what_a_task_free_stream_does_not_show_is_refused() {
    let message = |setup: Setup<'_>, strategy: &dyn Strategy| {
        setup.learner(strategy).err().map(|error| error.to_string())
    };
    let boundaries = Needing(Needs { boundaries: true, ..Needs::default() });
    let moments = Needing(Needs { moments: true, ..Needs::default() });
    let old = Needing(Needs { old_data: true, ..Needs::default() });
    let ids =
        Needing(Needs { task_id_in_training: true, task_id_at_test: true, ..Needs::default() });
    for shown in KINDS {
        // A clock is no boundary.
        for clock in [None, Some(5)] {
            let told = message(Setup { clock, ..setup(shown) }, &boundaries).unwrap();
            assert!(told.starts_with("needing needs to be told when a context ends; a class-incremental stream of kind `"), "{told}");
        }
        let told = message(setup(shown), &moments).unwrap();
        assert!(
            told.contains("needing needs moments at which to consolidate: boundaries, a detector"),
            "{told}"
        );
        assert_eq!(message(Setup { clock: Some(5), ..setup(shown) }, &moments), None);
        assert!(
            message(setup(shown), &ids).unwrap().contains("the context of each training example")
        );
        assert_eq!(message(Setup { scenario: Scenario::Task, ..setup(shown) }, &ids), None);
    }
    assert!(message(setup(ONE_PASS), &old).is_some());
    assert_eq!((message(setup(FUZZY), &old), message(setup(RANDOM), &old)), (None, None));
    assert_eq!(message(Setup::default(), &moments), None, "boundaries are moments");
}

/// Says that a context ends, never.
struct Never;

impl Strategy for Never {
    fn name(&self) -> String {
        "never".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.detect(|_| Ok(Box::new(Self)));
    }
}

impl Detect for Never {
    fn ends_here(&mut self, _: Now, _: f32) -> bool {
        false
    }
    fn save(&self) -> Value {
        json!(null)
    }
    fn restore(&mut self, _: &Value) -> Result<(), Error> {
        Ok(())
    }
}

#[test]
fn settings_that_contradict_the_stream_are_refused() {
    let message = |setup: Setup<'_>, strategy: &dyn Strategy| {
        setup.learner(strategy).err().map(|error| error.to_string()).unwrap()
    };
    let wide: fn(ContextStream) -> Box<dyn Stream> = |stream| Box::new(stream.fuzzy(5));
    let cases = [
        (message(setup(wide), &Naive), "fuzziness 5, contexts of 8 steps"),
        (message(Setup { clock: Some(0), ..setup(FUZZY) }, &Naive), "every 0 steps"),
        (
            message(Setup { clock: Some(4), ..Setup::default() }, &Naive),
            "every 4 steps, where bound",
        ),
        (message(Setup { clock: Some(4), ..setup(FUZZY) }, &Never), "every 4 steps, where bound"),
        (message(Setup { head: Head::Growing, ..setup(ONE_PASS) }, &Naive), "a head that grows"),
        (
            message(Setup { mix: Mix::ByContext, clock: Some(4), ..setup(RANDOM) }, &Watch),
            "replay would never count",
        ),
    ];
    for (message, expected) in cases {
        assert!(message.contains(expected), "{message:?} should say {expected:?}");
    }
    assert!(Setup { head: Head::Growing, ..Setup::default() }.learner(&Naive).is_ok());
    let behind = |p: &cl_core::Progress| p.stage == 1;
    let mut learner = setup(FUZZY).learner(&Naive).unwrap();
    assert!(run(&mut learner, &mut StopAt(behind)).is_err());
    assert_eq!(learner.progress().rows.len(), 1, "a row of R after each part of the stream");
}
