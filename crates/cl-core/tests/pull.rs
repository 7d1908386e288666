//! How hard penalties pull beside the task, measured when a stage ends.
#![allow(clippy::unwrap_used)]

use cl_core::{
    Boundary, Consolidate, Error, Fill, Learner, Length, Now, Parts, Penalty, Phase, PhaseContext,
    Phases, Progress, Pull, Rehearse, Reports, Row, Settings, Share, Step, Strategy, from_state,
    run, to_state,
};
use cl_nn::{Adam, Mlp};
use cl_scenarios::{ContextStream, Part, Protocol, Scenario, Stream, StreamSpec, digits};
use cl_tensor::{Init, Var};
use serde_json::Value;

/// strength · Σ (θ − θ*)², θ* from the last boundary; nothing before the first.
#[derive(Clone, Copy)]
struct Quadratic(f32);

impl Penalty for Quadratic {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let ended = step.scope.kept("ended", &[], Init::Zeros);
        let anchor = step.frozen("anchor").flat;
        // A penalty may write slots; where nothing is trained they stay.
        step.scope.accumulate("asked", step.graph().constant(1.0));
        ended * step.scope.hyper("strength", self.0) * (step.theta - anchor).square().sum()
    }
}

impl Consolidate for Quadratic {
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        boundary.freeze("anchor", theta);
        boundary.scope.remember("ended", theta.graph().constant(1.0));
        theta
    }
}

impl Strategy for Quadratic {
    fn name(&self) -> String {
        "quadratic".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).consolidate(self);
    }
}

fn stream(seed: u64) -> ContextStream {
    let (protocol, scenario, part) = (Protocol::Split, Scenario::Class, Part::Final);
    let spec = StreamSpec { protocol, scenario, contexts: 5, seed, part, pad: 0 };
    spec.build(&digits()).unwrap()
}

/// Softmax regression on split digits.
fn learner<'s>(strategy: &'s dyn Strategy, seeds: &[u64], batch: usize) -> Learner<'s> {
    learner_on(|stream| stream, None, strategy, seeds, batch)
}

/// The same on a stream that is shown in another way.
fn learner_on<'s>(
    shown: fn(ContextStream) -> ContextStream,
    consolidate_every: Option<u32>,
    strategy: &'s dyn Strategy,
    seeds: &[u64],
    batch: usize,
) -> Learner<'s> {
    let settings =
        Settings { consolidate_every, ..Settings::new(6, batch, Box::new(Adam::new(0.01))) };
    let member = |&seed: &u64| (seed, Box::new(shown(stream(seed))) as Box<dyn Stream>);
    let population = seeds.iter().map(member).collect();
    let network = Box::new(Mlp::new(&[64, 10]).unwrap());
    Learner::new(strategy, &digits(), population, network, settings).unwrap()
}

fn slot(learner: &Learner<'_>, name: &str) -> Vec<f64> {
    learner.read(name, 0).unwrap().into_iter().map(f64::from).collect()
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|x| x * x).sum::<f64>().sqrt()
}

/// ‖∂ mean CE / ∂ (W, b)‖ of x W + b over all rows of a context, in f64.
fn task_norm(learner: &Learner<'_>, context: usize) -> f64 {
    let (data, stream, theta) = (digits(), learner.stream(0), slot(learner, "theta"));
    let layout = &learner.model().layout;
    let [w, b] = ["w1", "b1"].map(|name| &theta[layout.range(name).unwrap().floats()]);
    let rows = stream.train(context);
    let mut gradient = vec![0.0; 65 * 10];
    for &example in rows {
        let image = data.image(example).iter();
        let mut x: Vec<f64> = image.map(|&byte| f64::from(f32::from(byte) * data.scale)).collect();
        let logit = |c: usize| b[c] + (0..64).map(|i| x[i] * w[10 * i + c]).sum::<f64>();
        let exp: Vec<f64> = (0..10).map(|c| logit(c).exp()).collect();
        let total: f64 = exp.iter().sum();
        let target = stream.target(context, data.labels[example as usize]) as usize;
        x.push(1.0);
        for (i, x) in x.iter().enumerate() {
            for (c, exp) in exp.iter().enumerate() {
                let delta = exp / total - f64::from(u8::from(c == target));
                gradient[10 * i + c] += x * delta / rows.len() as f64;
            }
        }
    }
    norm(gradient.into_iter())
}

/// A batch is the whole last context, so every batch has the gradient of all of its rows.
#[test]
fn the_ratio_is_that_of_norms_worked_out_by_hand() {
    let quadratic = Quadratic(0.375);
    let batch = stream(2).train(4).len();
    let mut learner = learner(&quadratic, &[2], batch);
    let outcome = run(&mut learner, &mut ()).unwrap().remove(0);
    assert_eq!(outcome.pulls.len(), 5);
    assert_eq!(outcome.pulls[0], None, "nothing was learned before the first stage");
    let last = outcome.pulls[4].unwrap();

    // The last boundary was that of stage 4; the last stage ends with theta.
    let (theta, anchor) = (slot(&learner, "theta"), slot(&learner, "quadratic/anchor"));
    let distance = norm(theta.iter().zip(&anchor).map(|(theta, anchor)| theta - anchor));
    let (task, penalties) = (task_norm(&learner, 4), 2.0 * 0.375 * distance);
    assert!((last.task / task - 1.0).abs() < 1e-5, "{} and {task}", last.task);
    assert!((last.penalties / penalties - 1.0).abs() < 1e-5, "{} and {penalties}", last.penalties);
    assert_eq!(last.ratio(), Some(last.penalties / last.task));
}

/// Replays the rows it has stored one after the other: each step begins where the last one ended.
#[derive(Default)]
struct InTurn {
    rows: Vec<Row>,
    next: usize,
}

impl Rehearse for InTurn {
    fn rows(&self) -> usize {
        4
    }
    fn fill(&mut self, now: Now, _: &[Row], fill: &mut Fill<'_>) -> Result<Share, Error> {
        if now.stage == 0 || self.rows.is_empty() {
            return Ok(Share::Empty);
        }
        for (row, weight) in fill.rows.iter_mut().zip(&mut *fill.weights) {
            (*row, *weight) = (self.rows[self.next % self.rows.len()], 0.25);
            self.next += 1;
        }
        Ok(Share::Joined(1.0))
    }
    fn store(&mut self, _: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
        self.rows.extend_from_slice(&rows[..3]);
        Ok(())
    }
    fn peak_bytes(&self) -> u64 {
        self.rows.len() as u64
    }
    fn save(&self) -> Result<Value, Error> {
        to_state("in turn", &(&self.rows, self.next))
    }
    fn restore(&mut self, state: &Value) -> Result<(), Error> {
        (self.rows, self.next) = from_state("in turn", state)?;
        Ok(())
    }
}

/// Trains, and then lets two more batches pass by the memory, which the draw goes on with.
struct Replay;

impl Phases for Replay {
    fn phases(&self, context: PhaseContext) -> Vec<Phase> {
        let pass_by = Phase { cycle: Vec::new(), ..Phase::stream("pass by", 2) };
        assert_eq!(pass_by.length, Length::Steps(2));
        vec![Phase::stream("train", context.steps), pass_by]
    }
}

impl Strategy for Replay {
    fn name(&self) -> String {
        "replay".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.phases(self).rehearse(|_| Ok(Box::new(InTurn::default())));
    }
}

#[test]
fn a_run_whose_penalties_are_measured_is_the_run_without_bit_for_bit() {
    let end = |strategy: &dyn Strategy| {
        let mut learner = learner(strategy, &[2, 3], 16);
        let outcomes = run(&mut learner, &mut ()).unwrap();
        let saved = learner.save().unwrap();
        let member = |member: usize| {
            let theta: Vec<u32> =
                learner.read("theta", member).unwrap().into_iter().map(f32::to_bits).collect();
            (theta, outcomes[member].accuracy.clone(), saved.host::<Value>(member).unwrap())
        };
        ([member(0), member(1)], outcomes[0].pulls.clone())
    };
    let (plain, nothing) = end(&Replay);
    assert_eq!(nothing, []);
    let (measured, pulls) = end(&(Replay, Quadratic(0.0)));
    assert!(plain == measured);
    assert!(pulls[1..].iter().all(|pull| pull.unwrap().ratio() == Some(0.0)), "{pulls:?}");
    assert!(end(&(Replay, Quadratic(0.1))).0 != plain);
}

/// 5 stages of 6 steps; the 8 batches of a measurement take none.
#[test]
fn a_measurement_writes_no_slot() {
    let quadratic = Quadratic(0.1);
    let mut learner = learner(&quadratic, &[2], 16);
    run(&mut learner, &mut ()).unwrap();
    assert_eq!(slot(&learner, "quadratic/asked"), [30.0]);
}

#[test]
fn members_of_a_sweep_have_each_their_ratio() {
    let quadratic = Quadratic(0.1);
    let mut both = learner(&quadratic, &[2, 2], 16);
    both.set_hyper("quadratic/strength", 1, 1e6).unwrap();
    let ratios: Vec<f64> = run(&mut both, &mut ())
        .unwrap()
        .iter()
        .map(|outcome| outcome.pulls[1].unwrap().ratio().unwrap())
        .collect();
    let strong = Quadratic(1e6);
    let alone = run(&mut learner(&strong, &[2], 16), &mut ()).unwrap();
    assert_eq!(alone[0].pulls[1].unwrap().ratio(), Some(ratios[1]));
    assert!(ratios[0] < 1.0 && ratios[1] > 1e3, "{ratios:?}");
}

/// Members of a one-pass stream take as many steps as they have rows. At a clock that ticks with the last
/// step theta becomes the anchor: the pull is that of the moment before.
#[test]
fn where_a_clock_ticks_each_member_is_measured_before_its_last_tick() {
    let random: fn(ContextStream) -> ContextStream = |stream| stream.random();
    let one_pass: fn(ContextStream) -> ContextStream = |stream| stream.one_pass();
    for (shown, every) in [(random, 3), (random, 4), (one_pass, 1), (one_pass, 5)] {
        let seeds = [2, 3, 4];
        let together = pulls(shown, every, &seeds);
        for (pulls, seed) in together.iter().zip(seeds) {
            assert_eq!(pulls.len(), 5);
            assert!(pulls[1..].iter().all(|pull| pull.unwrap().penalties > 0.0), "{pulls:?}");
            assert!(pulls[1..].iter().all(|pull| pull.unwrap().task > 0.0), "{pulls:?}");
            assert_eq!(
                self::pulls(shown, every, &[seed]),
                std::slice::from_ref(pulls),
                "seed {seed}"
            );
        }
    }
}

/// Of every member of a population whose clock ticks after so many steps.
fn pulls(
    shown: fn(ContextStream) -> ContextStream,
    every: u32,
    seeds: &[u64],
) -> Vec<Vec<Option<Pull>>> {
    let quadratic = Quadratic(0.1);
    let mut learner = learner_on(shown, Some(every), &quadratic, seeds, 16);
    let outcomes = run(&mut learner, &mut ()).unwrap();
    outcomes.into_iter().map(|outcome| outcome.pulls).collect()
}

#[test]
fn without_a_task_gradient_there_is_no_ratio_and_none_is_infinite() {
    assert_eq!(Pull { task: 0.0, penalties: 0.0 }.ratio(), None);
    assert_eq!(Pull { task: 0.0, penalties: 1.0 }.ratio(), None);
    assert_eq!(Pull { task: 1e-300, penalties: f64::MAX }.ratio(), Some(f64::MAX));
}

#[test]
fn progress_that_was_saved_without_it_is_read() {
    let saved = r#"{"stage":1,"phase":0,"step":0,"before":null,"rows":[],"seconds":0.5}"#;
    let progress: Progress = serde_json::from_str(saved).unwrap();
    assert_eq!(progress.pulls, Vec::<Vec<Option<Pull>>>::new());
}
