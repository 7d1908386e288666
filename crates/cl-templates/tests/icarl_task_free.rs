//! iCaRL without boundaries against slow loops in f64, and faults that they catch.
#![allow(clippy::unwrap_used)]

mod common;

use cl_buffers::{Buffer, Reservoir, Row};
use cl_core::{
    Batch, Criterion, Error, Learner, Observer, Parts, Settings, Step, Strategy, Taken, Track,
    Trial, run,
};
use cl_nn::{Mlp, Sgd, losses};
use cl_scenarios::{Dataset, Part, Protocol, Scenario, Stream, StreamKind, StreamSpec, digits};
use cl_templates::{ExemplarBudget, TaskFreeIcarl};
use cl_tensor::{Init, Var};
use common::{close, floats, golden, labels, numbers, predicted, scores};

/// A strategy beside what a step saw.
struct Watched<'s>(&'s dyn Strategy);

impl Strategy for Watched<'_> {
    fn name(&self) -> String {
        "watched".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.strategy(self.0);
        parts.track(self);
    }
}

impl Track for Watched<'_> {
    fn update<'g>(&self, step: &Step<'_, 'g>, taken: &Taken<'g>) {
        step.scope.slot("gradient", &[step.layout.len()], Init::Zeros);
        step.scope.assign("gradient", taken.task_gradient);
        if let Some(replayed) = step.rows_of("icarl") {
            for (name, value) in [
                ("weight", step.weight.slice(0, replayed)),
                ("cells", step.cells("icarl").to_float()),
            ] {
                step.scope.slot(name, value.shape().as_ref(), Init::Zeros);
                step.scope.assign(name, value);
            }
        }
    }
}

const WIDTH: usize = 3;
const CLASSES: usize = 4;

/// Loss and gradient of one batch on z = x W + b: Σ_r w_r Σ_c −y log σ(z) − (1 − y) log(1 − σ(z)) over the
/// outputs that compete for the row, and its derivative x (σ(z) − y).
fn loss_is(strategy: &dyn Strategy, active: Option<[[bool; CLASSES]; 2]>) -> Result<(), String> {
    let number = |i: usize| ((i * 37 + 11) % 29) as f32 / 10.0 - 1.4;
    let x: Vec<f32> = (0..4 * WIDTH).map(number).collect();
    let (w, b): (Vec<f32>, Vec<f32>) = (
        (20..20 + WIDTH * CLASSES).map(number).collect(),
        (50..50 + CLASSES).map(number).collect(),
    );
    let (target, context, weight) = ([0, 3, 1, 2], [0, 1, 0, 1], [0.4, 0.1, 0.3, 0.2]);
    let watched = Watched(strategy);
    let network = Box::new(Mlp::new(&[WIDTH, CLASSES]).unwrap());
    let sgd = Sgd::new(0.1);
    let mut trial = Trial::new(&watched, network, &sgd, (4, 2), active.is_some()).unwrap();
    trial.set_parameter("w1", &w).unwrap();
    trial.set_parameter("b1", &b).unwrap();
    if let Some(active) = active {
        trial.set_active(&active.map(|outputs| outputs.to_vec())).unwrap();
    }
    let (mut loss, mut of_w, mut of_b) = (0.0, vec![0.0; WIDTH * CLASSES], vec![0.0; CLASSES]);
    for row in 0..4 {
        for class in 0..CLASSES {
            if active.is_some_and(|active| !active[context[row]][class]) {
                continue;
            }
            let wide = |values: &[f32], at: usize| f64::from(values[at]);
            let terms =
                (0..WIDTH).map(|i| wide(&x, row * WIDTH + i) * wide(&w, i * CLASSES + class));
            let p = 1.0 / (1.0 + (-(terms.sum::<f64>() + wide(&b, class))).exp());
            let y = f64::from(u8::from(target[row] == class));
            let weight = f64::from(weight[row]);
            loss -= weight * (y * p.ln() + (1.0 - y) * (1.0 - p).ln());
            of_b[class] += weight * (p - y);
            for i in 0..WIDTH {
                of_w[i * CLASSES + class] += weight * (p - y) * wide(&x, row * WIDTH + i);
            }
        }
    }
    let batch = Batch {
        x,
        target: target.map(|class| class as u32).to_vec(),
        context: context.map(|context| context as u32).to_vec(),
        weight: weight.to_vec(),
    };
    close("loss", &[trial.step(&batch).unwrap()], &[loss], 1e-5)?;
    for (name, got) in trial.parameters("watched/gradient").unwrap() {
        close(&name, &got, if name == "w1" { &of_w } else { &of_b }, 1e-5)?;
    }
    Ok(())
}

const HEADS: [[bool; CLASSES]; 2] = [[true, true, false, false], [false, false, true, true]];

#[test]
fn the_loss_is_binary_cross_entropy_summed_over_the_outputs_that_compete() {
    for active in [None, Some(HEADS)] {
        loss_is(&TaskFreeIcarl::default(), active).unwrap();
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// Classes compete by a softmax.
    Softmax,
    /// The mean over classes in place of the sum.
    Mean,
    /// Outputs of other contexts are pushed down too.
    AllCompete,
}

struct Mutant(Fault);

impl Strategy for Mutant {
    fn name(&self) -> String {
        "icarl".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.criterion(self);
    }
}

impl Criterion for Mutant {
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let all = step.forward.logits;
        let logits = step.active.map_or(all, |active| losses::mask_inactive(all, active));
        let targets = step.target.one_hot(CLASSES);
        match self.0 {
            Fault::Softmax => logits.cross_entropy(step.target),
            Fault::Mean => {
                losses::binary_cross_entropy_with_logits(logits, targets) / CLASSES as f32
            }
            Fault::AllCompete => losses::binary_cross_entropy_with_logits(all, targets),
        }
    }
}

#[test]
fn mutants_of_the_loss_are_caught() {
    for fault in [Fault::Softmax, Fault::Mean] {
        assert!(loss_is(&Mutant(fault), None).is_err(), "{fault:?}");
    }
    loss_is(&Mutant(Fault::AllCompete), None).unwrap();
    assert!(loss_is(&Mutant(Fault::AllCompete), Some(HEADS)).is_err());
}

#[test]
fn the_read_out_is_the_published_nearest_mean_of_exemplars() {
    let file = golden("icarl_herding");
    let (inputs, expected) = (&file["inputs"], &file["expected"]["nearest_mean"]["normalised"]);
    let exemplars = inputs["exemplars_per_class"].as_array().unwrap();
    let count = |class: &serde_json::Value| class.as_array().unwrap().len();
    let target: Vec<u32> =
        (0..).zip(exemplars).flat_map(|(class, all)| vec![class; count(all)]).collect();
    let kept = common::chunks(&floats(&inputs["exemplars_per_class"]), &target, 7);
    let icarl = TaskFreeIcarl::default();
    let network = Box::new(Mlp::new(&[6, 5, 4, 4]).unwrap());
    let mut trial = Trial::new(&icarl, network, &Sgd::new(0.1), (7, 2), false).unwrap();
    for (name, values) in common::params(&inputs["params"]) {
        trial.set_parameter(&name, &values).unwrap();
    }
    let found = scores(&mut trial, &floats(&inputs["x"]), 6, &kept);
    close("scores", &found, &numbers(&expected["scores"]), 1e-5).unwrap();
    assert_eq!(predicted(&found, 4), labels(&expected["predicted"]));
}

const BATCH: usize = 16;

/// On features that are the pixels themselves: no hidden layer.
fn learner<'s>(
    strategy: &'s dyn Strategy,
    data: &Dataset,
    (kind, scenario): (StreamKind, Scenario),
) -> Result<Learner<'s>, Error> {
    let (protocol, part) = (Protocol::Split, Part::Final);
    let spec = StreamSpec { protocol, scenario, contexts: 5, seed: 2, part, pad: 0 };
    let stream = spec.build(data).unwrap().of_kind(kind);
    let network = Box::new(Mlp::new(&[64, stream.outputs()]).unwrap());
    let settings = Settings::new(9, BATCH, Box::new(Sgd::new(0.1)));
    let settings = Settings { mix: cl_core::Mix::Fixed(0.5), ..settings };
    Learner::new(strategy, data, vec![(2, Box::new(stream))], network, settings)
}

fn reservoir(learner: &Learner<'_>) -> Buffer<Reservoir> {
    let host: serde_json::Value = learner.save().unwrap().host(0).unwrap();
    let (buffer, _): (Buffer<Reservoir>, serde_json::Value) =
        cl_core::from_state("icarl", &host["memories"][0][1]).unwrap();
    buffer
}

/// After every step: weights and cells of replayed rows, and rows offered so far.
#[derive(Default)]
struct Steps(Vec<(Vec<f32>, Vec<f32>, usize)>);

impl Observer for Steps {
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        if learner.progress().step > 0 {
            let read = |name: &str| learner.read(&format!("watched/{name}"), 0);
            let seen = reservoir(learner).policy().seen() as usize;
            self.0.push((read("weight")?, read("cells")?, seen));
        }
        Ok(())
    }
    fn interval(&self) -> u32 {
        1
    }
}

#[test]
fn every_step_replays_distinct_rows_of_what_was_offered_before_it() {
    const ROOM: usize = 40;
    let icarl = TaskFreeIcarl { budget: ExemplarBudget::Shared(ROOM) };
    let watched = Watched(&icarl);
    let kind = StreamKind::Fuzzy { fuzziness: 3 };
    let mut learner = learner(&watched, &digits(), (kind, Scenario::Class)).unwrap();
    let mut steps = Steps::default();
    run(&mut learner, &mut steps).unwrap();
    let mut before = 0;
    assert!(steps.0.len() > 40, "{} steps", steps.0.len());
    for (weight, cells, offered) in &steps.0 {
        let kept = before.min(ROOM);
        let used: Vec<usize> = (0..BATCH).filter(|&row| weight[row] > 0.0).collect();
        assert_eq!(used.len(), kept.min(BATCH));
        assert!(used.is_empty() || (weight.iter().sum::<f32>() - 0.5).abs() < 1e-5);
        let mut places: Vec<u32> = used.iter().map(|&row| cells[row] as u32).collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), used.len());
        assert!(places.iter().all(|&place| (place as usize) < kept));
        assert_eq!(*offered, before + BATCH);
        before = *offered;
    }
    assert_eq!((reservoir(&learner).len(), reservoir(&learner).capacity()), (ROOM, ROOM));
}

/// The class whose rows of the reservoir, of length 1 each, have the mean that is nearest when its length is
/// 1 too; on the outputs `among`.
fn nearest(data: &Dataset, kept: &[Row], example: u32, among: &[u32]) -> u32 {
    let unit = |x: Vec<f64>| -> Vec<f64> {
        let length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
        x.into_iter().map(|x| x / length).collect()
    };
    let features = |example: u32| {
        let image = &data.images[example as usize * 64..][..64];
        unit(image.iter().map(|&byte| f64::from(byte) / 16.0).collect())
    };
    let x = features(example);
    let distance = |class: u32| {
        let mut sum = vec![0.0; 64];
        for row in kept.iter().filter(|row| row.label == class) {
            sum.iter_mut().zip(features(row.example)).for_each(|(sum, x)| *sum += x);
        }
        match sum.iter().all(|&x| x == 0.0) {
            true => f64::INFINITY,
            false => unit(sum).iter().zip(&x).map(|(a, b)| (a - b).powi(2)).sum::<f64>(),
        }
    };
    among.iter().copied().min_by(|&a, &b| distance(a).total_cmp(&distance(b))).unwrap()
}

#[test]
fn a_run_classifies_by_what_its_reservoir_holds() {
    let (data, icarl) = (digits(), TaskFreeIcarl::per_class(3));
    for scenario in [Scenario::Class, Scenario::Task] {
        for kind in [StreamKind::Random, StreamKind::OnePass] {
            let mut learner = learner(&icarl, &data, (kind, scenario)).unwrap();
            let outcome = run(&mut learner, &mut ()).unwrap().remove(0);
            let kept = reservoir(&learner).rows().to_vec();
            assert_eq!(kept.len(), 30);
            let stream = learner.stream(0);
            let last = outcome.accuracy.rows().last().unwrap();
            for (context, &found) in last.iter().enumerate() {
                let active = stream.active(4, context);
                let among: Vec<u32> = (0..10).filter(|&class| active[class as usize]).collect();
                let test = stream.test(context);
                let is_hit = |&&example: &&u32| {
                    let target = stream.target(context, data.labels[example as usize]);
                    nearest(&data, &kept, example, &among) == target
                };
                let expected = test.iter().filter(is_hit).count() as f64 / test.len() as f64;
                assert!((found - expected).abs() < 1e-9, "{scenario}, {kind}: {found}, {expected}");
            }
        }
    }
}

#[test]
fn a_reservoir_of_less_than_one_row_per_class_is_refused() {
    let small = TaskFreeIcarl { budget: ExemplarBudget::Shared(9) };
    let error = learner(&small, &digits(), (StreamKind::Random, Scenario::Class)).err().unwrap();
    assert_eq!(
        error.to_string(),
        "icarl: a reservoir of 9 rows; expected at least one for each of 10 classes"
    );
}
