//! Boundaries that nobody tells: each member consolidates at steps of its own.

use crate::common::Setup;
use crate::guarantees::{Path, population_is_singles_and_resume_is_whole};
use cl_core::{
    Boundary, Consolidate, Detect, Error, Naive, Needs, Now, Parts, Pass, Penalty, Step, Strategy,
    from_state, run,
};
use cl_scenarios::{ContextStream, Scenario, Stage, Stream, Transform, Visibility};
use cl_tensor::{Init, Var};
use serde_json::{Value, json};

/// λ Σ (θ − θ*)², θ* ← θ at a boundary; counts boundaries and the rows since the last one.
struct Pull;

impl Strategy for Pull {
    fn name(&self) -> String {
        "pull".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).consolidate(self);
    }
    fn needs(&self) -> Needs {
        Needs { boundaries: true, ..Needs::default() }
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
    }
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let scope = &boundary.scope;
        scope.kept("anchor", &[boundary.layout.len()], boundary.layout.init());
        scope.assign("anchor", theta);
        let count = scope.slot("count", &[], Init::Zeros);
        scope.assign("count", count + 1.0);
        theta
    }
}

/// Says that a context ends every so many steps, by the member's seed.
pub struct Every(pub fn(u64) -> usize);

impl Strategy for Every {
    fn name(&self) -> String {
        "every".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.detect(|member| Ok(Box::new(Count { every: self.0(member.seed), seen: Vec::new() })));
    }
}

struct Count {
    every: usize,
    /// Stage and step of every task loss it saw.
    seen: Vec<(u32, u32)>,
}

impl Detect for Count {
    fn ends_here(&mut self, now: Now, loss: f32) -> bool {
        assert!(loss.is_finite() && !self.seen.contains(&(now.stage, now.step)));
        self.seen.push((now.stage, now.step));
        self.seen.len().is_multiple_of(self.every)
    }
    fn save(&self) -> Value {
        json!(self.seen)
    }
    fn restore(&mut self, state: &Value) -> Result<(), Error> {
        self.seen = from_state("every", state)?;
        Ok(())
    }
}

/// A stream that tells no boundaries.
struct Untold(ContextStream);

#[rustfmt::skip]
impl Stream for Untold {
    fn visibility(&self) -> Visibility { Visibility { boundaries: false, ..self.0.visibility() } }
    fn scenario(&self) -> Scenario { self.0.scenario() }
    fn contexts(&self) -> usize { self.0.contexts() }
    fn stages(&self) -> &[Stage] { self.0.stages() }
    fn outputs(&self) -> usize { self.0.outputs() }
    fn train(&self, context: usize) -> &[u32] { self.0.train(context) }
    fn test(&self, context: usize) -> &[u32] { self.0.test(context) }
    fn target(&self, context: usize, label: u8) -> u32 { self.0.target(context, label) }
    fn active(&self, stage: usize, context: usize) -> Vec<bool> { self.0.active(stage, context) }
    fn transform(&self, context: usize) -> &Transform { self.0.transform(context) }
    fn describe(&self) -> Vec<(&'static str, String)> { self.0.describe() }
}

const UNTOLD: fn(ContextStream) -> Box<dyn Stream> = |stream| Box::new(Untold(stream));
const BY_SEED: Every = Every(|seed| 3 + seed as usize % 3);

#[test]
fn the_anchor_is_theta_at_the_members_own_boundaries_and_stays_in_between() {
    for shown in [UNTOLD, Setup::default().shown] {
        let strategy = (BY_SEED, Pull);
        let setup = Setup { seeds: &[2, 3, 4], shown, ..Setup::default() };
        let slots = ["theta", "pull/anchor", "pull/count", "pull/seen"];
        let path = Path::of(&mut setup.learner(&strategy).unwrap(), &slots);
        for (member, every) in [5, 3, 4].into_iter().enumerate() {
            let mut anchor = path.slot(0, member, "theta");
            for step in 1..=path.steps() {
                if step % every == 0 {
                    anchor = path.slot(step, member, "theta");
                }
                assert!(path.slot(step, member, "pull/anchor") == anchor, "step {step}");
                let boundaries = step / every;
                assert_eq!(path.slot(step, member, "pull/count"), [boundaries as f32]);
                // No row comes twice within these few steps.
                let seen = (boundaries * every * setup.batch) as f32;
                assert_eq!(path.slot(step, member, "pull/seen"), [seen]);
            }
        }
    }
}

#[test]
fn who_needs_boundaries_is_refused_where_nobody_tells_or_finds_them() {
    let setup = Setup { shown: UNTOLD, ..Setup::default() };
    let error = setup.learner(&Pull).err().unwrap().to_string();
    let expected =
        "pull needs to be told when a context ends; a class-incremental stream does not show it";
    assert_eq!(error, expected);
    let error = setup.learner(&(BY_SEED, Every(|_| 4))).err().unwrap().to_string();
    assert!(error.contains("both own the boundaries"), "{error}");
    assert!(setup.learner(&(BY_SEED, Pull)).is_ok());
    for (shown, boundaries) in [(UNTOLD, 0), (Setup::default().shown, 4)] {
        let mut learner = Setup { shown, ..setup }.learner(&Naive).unwrap();
        run(&mut learner, &mut ()).unwrap();
        assert_eq!(learner.boundaries(0), boundaries, "who is told nothing knows nothing");
    }
}

#[test]
fn detectors_keep_their_guarantees() {
    for every in [BY_SEED, Every(|_| 7)] {
        let setup = Setup { shown: UNTOLD, ..Setup::default() };
        population_is_singles_and_resume_is_whole(&setup, &(every, Pull), [2, 3, 9, 10, 17]);
    }
}
