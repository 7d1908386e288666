//! `PackNet` in whole runs: weights and answers of old contexts bit for bit, scores against slow ones,
//! and faults.
#![allow(clippy::unwrap_used)]

use cl_core::{
    At, Batch, Boundary, Consolidate, Error, GradientMap, Learner, Length, Now, Observer, Phase,
    PhaseContext, Phases, Settings, SlotStore, Start, Step, Strategy, Trial, ViewSite, WeightView,
    run,
};
use cl_gating::PackNet;
use cl_nn::{Adam, AdamW, Mlp, Network, Optimizer, Sgd};
use cl_scenarios::{Dataset, Part, Protocol, Scenario, Stream, StreamKind, StreamSpec, digits};
use cl_tensor::{Init, Session, Var};

const CONTEXTS: usize = 5;
const SIZES: [usize; 4] = [64, 24, 20, 10];
const STEPS: u32 = 300;

fn spec() -> StreamSpec {
    let (protocol, scenario, part) = (Protocol::Split, Scenario::Task, Part::Final);
    StreamSpec { protocol, scenario, contexts: CONTEXTS, seed: 2, part, pad: 0 }
}

fn learner<'s>(
    strategy: &'s dyn Strategy,
    sizes: &[usize],
    optimizer: Box<dyn Optimizer>,
) -> Learner<'s> {
    let data = digits();
    let settings = Settings::new(STEPS, 16, optimizer);
    let population: Vec<(u64, Box<dyn Stream>)> = vec![(2, Box::new(spec().build(&data).unwrap()))];
    let network = Box::new(Mlp::new(sizes).unwrap());
    Learner::new(strategy, &data, population, network, settings).unwrap()
}

fn indices(bits: Vec<f32>) -> Vec<u32> {
    bits.into_iter().map(f32::to_bits).collect()
}

#[test]
fn a_run_ends_with_the_error() {
    // Of the 2 x 2 weights 2 go, then of those round(1.5) = 2 -> 1, of which none can.
    let packnet = PackNet::default();
    let mut learner = learner(&packnet, &[64, 2, 2, 10], Box::new(Adam::new(1e-3)));
    let error = run(&mut learner, &mut ()).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Capacity { strategy: "packnet", seed: 2, context: 3, to_come: 2, .. }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("layer w2: 4 of 4 weights"), "{error}");
}

/// What a run left behind each context.
#[derive(Default)]
struct AfterEach(Vec<(Vec<f32>, Vec<f32>)>);

impl Observer for AfterEach {
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        if learner.progress().rows.len() > self.0.len() {
            self.0.push((learner.read("theta", 0)?, learner.read("packnet/owner", 0)?));
        }
        Ok(())
    }
}

/// 32 test rows of a context.
fn test_rows(data: &Dataset, context: usize) -> Batch {
    let stream = spec().build(data).unwrap();
    let rows = &stream.test(context)[..32];
    let pixels = |&row: &u32| data.image(row).iter().map(|&byte| f32::from(byte) * data.scale);
    let target = |&row: &u32| stream.target(context, data.labels[row as usize]);
    let x = rows.iter().flat_map(pixels).collect();
    Batch::mean(x, rows.iter().map(target).collect(), context as u32)
}

fn fails(what: String, holds: bool) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what) }
}

/// Slow scores of rows in f64: weights of owner <= context, all biases, ReLU.
fn slow_scores(theta: &[f32], owner: &[u32], batch: &Batch, context: u32) -> Vec<f64> {
    let layout = cl_nn::Layout::new(&Mlp::new(&SIZES).unwrap().params()).unwrap();
    let seen = |i: usize| if owner[i] <= context { f64::from(theta[i]) } else { 0.0 };
    let score = |x: &[f32]| -> Vec<f64> {
        (1..=3).fold(x.iter().map(|&x| f64::from(x)).collect(), |h: Vec<f64>, layer| {
            let [w, b] = ["w", "b"].map(|p| layout.range(&format!("{p}{layer}")).unwrap().offset);
            let units = SIZES[layer];
            let sum = |unit: usize| -> f64 {
                h.iter().enumerate().map(|(i, h)| h * seen(w + i * units + unit)).sum()
            };
            let z = |unit: usize| sum(unit) + seen(b + unit);
            (0..units).map(|unit| if layer < 3 { z(unit).max(0.0) } else { z(unit) }).collect()
        })
    };
    batch.x.chunks(SIZES[0]).flat_map(score).collect()
}

/// All that is promised of a run, for one optimiser.
///
/// The accuracies at the end.
fn check(strategy: &dyn Strategy, optimizer: Box<dyn Optimizer>) -> Result<Vec<f64>, String> {
    let mut learner = learner(strategy, &SIZES, optimizer);
    let layout = learner.model().layout.clone();
    let initial = learner.read("theta", 0).unwrap();
    let mut after = AfterEach::default();
    let outcomes = run(&mut learner, &mut after).unwrap();
    let data = digits();
    let network = Box::new(Mlp::new(&SIZES).unwrap());
    let mut trial = Trial::new(strategy, network, &Sgd::new(0.1), (32, CONTEXTS), true).unwrap();
    let stream = spec().build(&data).unwrap();
    trial.set_active(&(0..CONTEXTS).map(|c| stream.active(4, c)).collect::<Vec<_>>()).unwrap();

    // Of 64 x 24 weights half go, then three quarters of those, ..; the last context keeps all.
    let shares = [[768, 192, 144, 108, 324], [240, 60, 45, 34, 101]];
    let mut scores: Vec<Vec<u32>> = Vec::new();
    for (stage, (theta, owner)) in after.0.iter().enumerate() {
        let owner = indices(owner.clone());
        for (layer, shares) in ["w1", "w2"].iter().zip(&shares) {
            let range = layout.range(layer).unwrap().floats();
            for (context, &expected) in shares.iter().enumerate().take(stage + 1) {
                let of = |&&o: &&u32| o == context as u32;
                let found = owner[range.clone()].iter().filter(of).count();
                let free = expected + shares[stage + 1..].iter().sum::<usize>();
                let expected = if context == stage + 1 { free } else { expected };
                fails(format!("{layer} of {context} after {stage}: {found}"), found == expected)?;
            }
        }
        for range in layout.ranges() {
            for (k, i) in range.floats().enumerate() {
                let context = match range.name.as_str() {
                    "w1" | "w2" => owner[i],
                    "w3" => (k % 10 / 2) as u32,
                    "b3" => (k / 2) as u32,
                    _ => 0,
                } as usize;
                // Behind the stage that owns it, a weight keeps its bits.
                let name = &range.name;
                let kept =
                    context >= stage || theta[i].to_bits() == after.0[context].0[i].to_bits();
                fails(format!("{name}[{k}] of context {context} moved in {stage}"), kept)?;
                let free = context > stage && name.starts_with('w') && name != "w3";
                fails(format!("{name}[{k}] is not free after {stage}"), !free || theta[i] == 0.0)?;
                let waits = context > stage && name.ends_with('3');
                let still = theta[i].to_bits() == initial[i].to_bits();
                fails(format!("{name}[{k}] moved before its context"), !waits || still)?;
            }
        }
        trial.session.write("theta", 0, theta).unwrap();
        trial.session.write("packnet/owner", 0, &after.0[stage].1).unwrap();
        for context in 0..=stage {
            let rows = test_rows(&data, context);
            let found = trial.scores(&rows, &[]).unwrap();
            let slow = slow_scores(theta, &owner, &rows, context as u32);
            let own = (0..320).filter(|i| i % 10 / 2 == context);
            let close = own.clone().all(|i| (f64::from(found[i]) - slow[i]).abs() < 1e-4);
            fails(format!("scores of {context} after {stage}"), close)?;
            let bits: Vec<u32> = own.map(|i| found[i].to_bits()).collect();
            if context == stage {
                scores.push(bits);
            } else {
                fails(format!("answers of {context} after {stage}"), bits == scores[context])?;
            }
        }
    }
    let rows = outcomes[0].accuracy.rows();
    let last = &rows[CONTEXTS - 1];
    let same = (0..CONTEXTS).all(|context| rows[context][context] == last[context]);
    fails(format!("accuracies: {rows:?}"), same)?;
    Ok(last.clone())
}

fn optimizers() -> [Box<dyn Optimizer>; 3] {
    [
        Box::new(Adam::new(5e-3)),
        Box::new(AdamW { weight_decay: 0.05, ..AdamW::new(5e-3) }),
        Box::new(Sgd { lr: 0.1, momentum: 0.9, nesterov: false, weight_decay: 1e-2 }),
    ]
}

#[test]
fn weights_and_answers_of_earlier_contexts_stay_bit_for_bit() {
    for optimizer in optimizers() {
        let words = optimizer.describe();
        let last = check(&PackNet::default(), optimizer);
        let last = last.unwrap_or_else(|found| panic!("{words}: {found}"));
        assert!(last.iter().all(|&accuracy| accuracy > 0.7), "{words}: {last:?}");
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    NoMask,
    GradientAlone,
    HeadsMove,
    PruneAll,
    AllWeights,
    NoPruning,
    NotToZero,
}

/// `PackNet` with one fault.
struct Mutant(PackNet, Fault);

/// 1 where a weight is the step's own, an earlier, a later context's.
fn owned<'g>(step: &Step<'_, 'g>) -> [Var<'g>; 3] {
    let owner = step.scope.kept_u32("owner", &[step.layout.len()], Init::Zeros).to_float();
    let now = step.context.slice(0, 0..1).to_float();
    [owner.equal(now), now.greater(owner), owner.greater(now)]
}

impl WeightView for Mutant {
    fn view<'g>(&self, at: &ViewSite<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let viewed = self.0.view(at, theta);
        if self.1 == Fault::AllWeights { theta } else { viewed }
    }
}

impl GradientMap for Mutant {
    fn total<'g>(&self, step: &Step<'_, 'g>, gradient: Var<'g>) -> Var<'g> {
        let [own, ..] = owned(step);
        if self.1 == Fault::GradientAlone { gradient * own } else { gradient }
    }
    fn delta<'g>(&self, step: &Step<'_, 'g>, delta: Var<'g>) -> Var<'g> {
        let masked = self.0.delta(step, delta);
        let of_head = |name: &str| name.ends_with('3');
        let pieces = |head: Var<'g>, rest: Var<'g>| {
            let piece = |range: &cl_nn::ParamRange| {
                let from = if of_head(&range.name) { head } else { rest };
                (range.offset, from.slice(0, range.floats()))
            };
            let pieces: Vec<_> = step.layout.ranges().iter().map(piece).collect();
            step.graph().assemble(step.layout.len(), &pieces)
        };
        let [_, earlier, later] = owned(step);
        match self.1 {
            Fault::NoMask | Fault::GradientAlone => pieces(masked, masked + delta * earlier),
            Fault::HeadsMove => pieces(delta, masked),
            // What was pruned is hidden from its context, but stays where it was.
            Fault::NotToZero => masked * (1.0 - later),
            _ => masked,
        }
    }
}

impl Phases for Mutant {
    fn phases(&self, context: PhaseContext) -> Vec<Phase> {
        self.0.phases(context)
    }
}

impl Consolidate for Mutant {
    fn at(&self) -> At {
        self.0.at()
    }
    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        self.0.consolidate(at, theta)
    }
    fn end_context(&self, now: Now, slots: &mut SlotStore<'_>) -> Result<(), Error> {
        let before = slots.read_u32("owner")?;
        match self.1 {
            Fault::NoPruning => return Ok(()),
            // Every weight is the context's own.
            Fault::PruneAll => slots.write_u32("owner", &vec![now.stage; before.len()])?,
            _ => {}
        }
        self.0.end_context(now, slots)
    }
}

impl Strategy for Mutant {
    fn name(&self) -> String {
        "packnet".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut cl_core::Parts<'s>) {
        parts.weight_view(self).gradient_map(self).phases(self).consolidate(self);
    }
    fn needs(&self) -> cl_core::Needs {
        self.0.needs()
    }
}

#[test]
fn every_fault_is_found() {
    let faults = [
        (Fault::NoMask, "of context 0 moved in 1"),
        (Fault::GradientAlone, "of context 0 moved in 1"),
        (Fault::HeadsMove, "w3[2] moved before its context"),
        (Fault::PruneAll, "w1 of 0 after 1: 0"),
        (Fault::AllWeights, "scores of 0 after 1"),
        (Fault::NoPruning, "w1 of 0 after 0: 1536"),
        (Fault::NotToZero, "w1[0] is not free after 0"),
    ];
    for (fault, expected) in faults {
        let mutant = Mutant(PackNet::default(), fault);
        let [.., sgd] = optimizers();
        let found = check(&mutant, sgd);
        let wrong = found.expect_err(&format!("{fault:?} passes"));
        assert!(wrong.contains(expected), "{fault:?}: {wrong}");
    }
}

#[test]
fn a_context_trains_is_pruned_and_retrains_and_the_last_only_trains() {
    let packnet = PackNet::default();
    let phases = |stage| {
        let (contexts, classes, kind) = (1, 2, StreamKind::Sharp);
        let (stages, steps, batch) = (3, 2000, 128);
        let context = PhaseContext { stage, stages, contexts, classes, kind, steps, batch };
        packnet.phases(context)
    };
    let told = |stage| -> Vec<(&str, Length, Start)> {
        phases(stage).into_iter().map(|phase| (phase.name, phase.length, phase.start)).collect()
    };
    let (train, retrain) = (Length::Steps(1333), Length::Steps(667));
    let both = [("train", train, Start::Optimizer), ("retrain", retrain, Start::Optimizer)];
    assert_eq!((told(0), told(1)), (both.to_vec(), both.to_vec()));
    assert_eq!(told(2), [("train", Length::Steps(2000), Start::Optimizer)]);
}

#[test]
fn members_may_differ_in_what_they_prune() {
    let packnet = PackNet::default();
    let mut learner = learner(&packnet, &SIZES, Box::new(Adam::new(1e-3)));
    learner.set_hyper("packnet/p_first", 0, 0.25).unwrap();
    learner.set_hyper("packnet/p", 0, 0.5).unwrap();
    run(&mut learner, &mut ()).unwrap();
    let owner = indices(learner.read("packnet/owner", 0).unwrap());
    let of_layer = learner.model().layout.range("w1").unwrap().floats();
    let owned = |context| owner[of_layer.clone()].iter().filter(|&&o| o == context).count();
    // Of 1,536 a quarter goes, of 384 the half, ..
    assert_eq!([0, 1, 2, 3, 4].map(owned), [1152, 192, 96, 48, 48]);
}

#[test]
fn streams_without_boundaries_or_contexts_are_refused() {
    let data = digits();
    let refused = |stream: &dyn Stream| cl_core::check(&PackNet::default(), stream, None);
    let task = spec().build(&data).unwrap();
    assert!(refused(&task).is_ok());
    let error = refused(&task.clone().joint()).unwrap_err().to_string();
    assert!(error.starts_with("packnet needs batches of one context each"), "{error}");
    let class = StreamSpec { scenario: Scenario::Class, ..spec() }.build(&data).unwrap();
    let error = refused(&class).unwrap_err().to_string();
    assert!(error.starts_with("packnet needs the context of each training example"), "{error}");
}
