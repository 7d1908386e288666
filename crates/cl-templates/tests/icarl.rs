//! iCaRL against published code and the definition of herding, and faults that they catch.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{
    Batch, Criterion, Error, Learner, Parts, Settings, Step, Strategy, Taken, Track, Trial, run,
};
use cl_nn::{Adam, Mlp, Sgd, losses};
use cl_random::{Address, Purpose};
use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamSpec, digits};
use cl_templates::{ExemplarBudget, Icarl, Selection};
use cl_tensor::{Init, Session, Var};
use common::{close, floats, golden, labels, numbers, params};
use serde_json::Value;
use std::collections::BTreeMap;

const FIRST: &str = "first_context_no_distillation";
const SECOND: &str = "second_context_with_distillation";
const MEAN: &str = "mean_over_classes_target_without_temperature";

/// A strategy beside the gradient of the task loss.
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
    }
}

/// A tree of parameters as theta lies.
fn flat(trial: &Trial<'_>, tree: &Value) -> Vec<f32> {
    let mut flat = vec![0.0; trial.model.layout.len()];
    for (name, values) in params(tree) {
        flat[trial.model.layout.range(&name).unwrap().floats()].copy_from_slice(&values);
    }
    flat
}

/// Loss and gradient of one batch.
fn loss_is(strategy: &dyn Strategy, key: &str) -> Result<(), String> {
    let file = golden("icarl_loss");
    let (inputs, expected) = (&file["inputs"], &file["expected"][key]);
    let watched = Watched(strategy);
    let network = Box::new(Mlp::new(&[6, 5, 4, 4]).unwrap());
    let mut trial = Trial::new(&watched, network, &Sgd::new(0.1), (9, 2), false).unwrap();
    let (theta, teacher) =
        ["params", "teacher_params"].map(|key| flat(&trial, &inputs[key])).into();
    trial.session.write("theta", 0, &theta).unwrap();
    trial.session.write("icarl/teacher", 0, &teacher).unwrap();
    // Rows of each class so far: how many plays no part.
    let old = if key == FIRST { [0.0; 4] } else { [3.0, 1.0, 0.0, 0.0] };
    trial.session.write("icarl/old", 0, &old).unwrap();
    let batch = Batch::mean(floats(&inputs["x"]), labels(&inputs["y"]), 1);
    let loss = trial.step(&batch).unwrap();
    close("loss", &[loss], &numbers(&expected["loss"]), 1e-5)?;
    for (name, got) in trial.parameters("watched/gradient").unwrap() {
        let want: Vec<f64> = params(&expected["grad"])
            .into_iter()
            .filter(|(known, _)| *known == name)
            .flat_map(|(_, values)| values)
            .map(f64::from)
            .collect();
        close(&name, &got, &want, 1e-5)?;
    }
    Ok(())
}

#[test]
fn loss_and_gradient_are_those_of_published_code() {
    let vdv = Icarl::vdv(10, Selection::Herding);
    loss_is(&vdv, FIRST).unwrap();
    loss_is(&vdv, SECOND).unwrap();
    loss_is(&Icarl::avalanche(), MEAN).unwrap();
    // The paper's: the reference's without its temperature, n times the mean.
    assert!(loss_is(&Icarl::default(), SECOND).is_err());
    loss_is(&Icarl::default(), FIRST).unwrap();
}

/// CE over the classes so far and, beside it, softmax distillation over those of the past, by a slow
/// loop over logits that the network gives.
#[test]
fn softmax_distillation_is_a_slow_loop_over_past_classes() {
    let file = golden("icarl_loss");
    let inputs = &file["inputs"];
    let pycil = Icarl::pycil();
    let network = || Box::new(Mlp::new(&[6, 5, 4, 4]).unwrap());
    let mut trial = Trial::new(&pycil, network(), &Sgd::new(0.0), (9, 2), false).unwrap();
    let logits = |key: &str| {
        // Logits are the scores of plain training.
        let naive = cl_core::Naive;
        let mut plain = Trial::new(&naive, network(), &Sgd::new(0.0), (9, 2), false).unwrap();
        let theta = flat(&plain, &inputs[key]);
        plain.session.write("theta", 0, &theta).unwrap();
        let batch = Batch::mean(floats(&inputs["x"]), vec![0; 9], 0);
        common::wide(&plain.scores(&batch, &[]).unwrap())
    };
    let (z, teacher, y) = (logits("params"), logits("teacher_params"), labels(&inputs["y"]));
    let softmax = |z: &[f64]| {
        let total: f64 = z.iter().map(|z| z.exp()).sum();
        z.iter().map(|z| z.exp() / total).collect::<Vec<_>>()
    };
    let mut want = 0.0;
    for (row, &label) in y.iter().enumerate() {
        let (z, teacher) = (&z[row * 4..][..4], &teacher[row * 4..][..4]);
        let halved = |z: &[f64]| softmax(&z[..2].iter().map(|z| z / 2.0).collect::<Vec<_>>());
        let kd: f64 = halved(teacher).iter().zip(halved(z)).map(|(p, q)| -p * q.ln()).sum();
        want += (kd - softmax(z)[label as usize].ln()) / 9.0;
    }
    let (theta, old) = (flat(&trial, &inputs["params"]), [1.0, 1.0, 0.0, 0.0]);
    let teacher = flat(&trial, &inputs["teacher_params"]);
    trial.session.write("theta", 0, &theta).unwrap();
    trial.session.write("icarl/teacher", 0, &teacher).unwrap();
    trial.session.write("icarl/old", 0, &old).unwrap();
    let loss = trial.step(&Batch::mean(floats(&inputs["x"]), y, 1)).unwrap();
    close("loss", &[loss], &[want], 1e-5).unwrap();
}

#[test]
fn classes_of_a_later_context_do_not_compete() {
    // Two of four classes so far: at theta = 0 each costs log 2.
    let icarl = Icarl::default();
    let network = Box::new(Mlp::new(&[2, 4]).unwrap());
    let mut trial = Trial::new(&icarl, network, &Sgd::new(0.0), (2, 2), false).unwrap();
    trial.session.write("theta", 0, &vec![0.0; trial.model.layout.len()]).unwrap();
    let rows = |target: [u32; 2]| Batch::mean(vec![1.0, 2.0, 3.0, 4.0], target.to_vec(), 0);
    let log_two = 2.0_f64.ln();
    for (target, classes) in [([0, 1], 2.0), ([1, 1], 2.0), ([3, 0], 3.0)] {
        let loss = trial.step(&rows(target)).unwrap();
        close("loss", &[loss], &[classes * log_two], 1e-6).unwrap();
    }
    // Behind a boundary they are of the past.
    trial.boundary(&[rows([0, 1])]).unwrap();
    let old = trial.session.read("icarl/old", 0).unwrap();
    assert_eq!(old, [2.0, 3.0, 0.0, 1.0], "two rows in each of three steps");
    assert_eq!(trial.session.read("icarl/now", 0).unwrap(), [0.0; 4]);
}

/// The loss with a fault.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// The true label for classes of the past too.
    NoTeacher,
    /// The teacher for all classes.
    TeacherForAll,
    /// The temperature divides the student's logits as well.
    BothTempered,
    /// Past and present swapped.
    Swapped,
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
        let logits = step.forward.logits;
        let shape = logits.shape();
        let old = step.scope.kept("old", &[4], Init::Zeros).sign();
        let ones = step.graph().full(&[4], 1.0);
        let soft = (step.forward_with(step.frozen("teacher").flat).logits / 2.0).sigmoid();
        let (old, logits) = match self.0 {
            Fault::NoTeacher => (old * 0.0, logits),
            Fault::TeacherForAll => (ones, logits),
            Fault::BothTempered => (old, logits / 2.0),
            Fault::Swapped => (ones - old, logits),
        };
        let targets = old.expand(&shape).select(soft, step.target.one_hot(4));
        losses::binary_cross_entropy_with_logits(logits, targets)
    }
}

#[test]
fn mutants_of_the_loss_are_caught() {
    for fault in [Fault::NoTeacher, Fault::TeacherForAll, Fault::BothTempered, Fault::Swapped] {
        assert!(loss_is(&Mutant(fault), SECOND).is_err(), "{fault:?}");
    }
}

#[test]
fn herding_is_the_published_order() {
    let file = golden("icarl_herding");
    let (inputs, expected) = (&file["inputs"], &file["expected"]["normalised"]);
    let (features, at) = (floats(&inputs["features"]), Address::new(1, Purpose::STORE));
    let order = Selection::Herding.choose(&features, 4, 5, at);
    let want: Vec<usize> = labels(&expected["order"]).into_iter().map(|i| i as usize).collect();
    assert_eq!(order, want);
}

/// Every prefix is the greedy choice: no other row would bring the mean nearer to that of the class.
#[test]
fn herding_is_its_definition_and_as_released_is_not() {
    let file = golden("icarl_herding");
    let features = floats(&file["inputs"]["features"]);
    let units: Vec<Vec<f64>> = features
        .chunks(4)
        .map(|row| {
            let length = row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
            row.iter().map(|&x| f64::from(x) / length).collect()
        })
        .collect();
    let sum = |rows: &[usize]| -> Vec<f64> {
        (0..4).map(|j| rows.iter().map(|&row| units[row][j]).sum()).collect()
    };
    let all = sum(&(0..12).collect::<Vec<_>>());
    let length = all.iter().map(|x| x * x).sum::<f64>().sqrt();
    let distance = |rows: &[usize]| -> f64 {
        let terms = sum(rows).into_iter().zip(&all);
        terms.map(|(x, mean)| (x / rows.len() as f64 - mean / length).powi(2)).sum()
    };
    let is_greedy = |order: &[usize]| {
        (1..=order.len()).all(|k| {
            let (before, found) = (&order[..k - 1], distance(&order[..k]));
            let others = (0..12).filter(|row| !order[..k].contains(row));
            others.into_iter().all(|row| distance(&[before, &[row]].concat()) >= found)
        })
    };
    let at = |seed| Address::new(seed, Purpose::STORE);
    assert!(is_greedy(&Selection::Herding.choose(&features, 4, 12, at(1))));
    let released: Vec<Vec<usize>> =
        (1..=5).map(|seed| Selection::AsReleased.choose(&features, 4, 5, at(seed))).collect();
    assert!(released.iter().all(|order| !is_greedy(order)));
    assert!(released.iter().any(|order| *order != released[0]), "another one for every seed");
    assert_eq!(released[0], Selection::AsReleased.choose(&features, 4, 5, at(1)));
    let mut distinct = released[0].clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 5);
}

fn learner(icarl: &Icarl, scenario: Scenario) -> Result<Learner<'_>, Error> {
    let (data, protocol, part) = (digits(), Protocol::Split, Part::Final);
    let spec = StreamSpec { protocol, scenario, contexts: 5, seed: 2, part, pad: 0 };
    let stream = spec.build(&data).unwrap();
    let network = Box::new(Mlp::new(&[64, 24, 20, stream.outputs()]).unwrap());
    let members: Vec<(u64, Box<dyn Stream>)> = vec![(2, Box::new(stream))];
    let settings = Settings::new(8, 16, Box::new(Adam::new(1e-3)));
    Learner::new(icarl, &data, members, network, settings)
}

fn kept_per_class(learner: &Learner<'_>) -> BTreeMap<u32, usize> {
    let saved: Value = learner.save().unwrap().host(0).unwrap();
    let (rows, ..): (Vec<cl_core::Row>, usize, usize) =
        cl_core::from_state("exemplars", &saved["memories"][0][1]).unwrap();
    let mut counts = BTreeMap::new();
    rows.iter().for_each(|row| *counts.entry(row.label).or_default() += 1);
    counts
}

#[test]
fn a_shared_budget_is_divided_by_the_classes_so_far_and_never_exceeded() {
    let icarl = Icarl { budget: ExemplarBudget::Shared(43), ..Icarl::default() };
    let mut all = learner(&icarl, Scenario::Class).unwrap();
    run(&mut all, &mut ()).unwrap();
    assert_eq!(kept_per_class(&all), (0..10).map(|class| (class, 4)).collect());
    // The most were kept when ⌊43 / classes⌋ · classes was largest: 42 of 2 or 6 classes. Beside them the
    // teacher and a count per class.
    let theta = all.model().layout.parameters() as u64;
    assert_eq!(all.bytes_kept(), 42 * 65 + 4 * (theta + 10));
    let bytes = Icarl { budget: ExemplarBudget::Bytes(43 * 65 + 64), ..icarl };
    let mut same = learner(&bytes, Scenario::Class).unwrap();
    run(&mut same, &mut ()).unwrap();
    assert_eq!(kept_per_class(&same), kept_per_class(&all));
    // The same as four of every class of the stream.
    let of_all = Icarl { budget: ExemplarBudget::SharedPerClass(4), ..icarl };
    let mut fair = learner(&of_all, Scenario::Class).unwrap();
    run(&mut fair, &mut ()).unwrap();
    assert_eq!(kept_per_class(&fair), kept_per_class(&all));
    // 40 of 2 or 4 classes.
    assert_eq!(fair.bytes_kept(), 40 * 65 + 4 * (theta + 10));
    let each = Icarl::per_class(3);
    let mut fixed = learner(&each, Scenario::Class).unwrap();
    run(&mut fixed, &mut ()).unwrap();
    assert_eq!(kept_per_class(&fixed), (0..10).map(|class| (class, 3)).collect());
}

#[test]
fn a_budget_of_less_than_one_exemplar_per_class_is_refused() {
    let none = Icarl { budget: ExemplarBudget::SharedPerClass(0), ..Icarl::default() };
    assert!(learner(&none, Scenario::Class).is_err());
    let small = Icarl { budget: ExemplarBudget::Shared(9), ..Icarl::default() };
    let error = learner(&small, Scenario::Class).err().unwrap().to_string();
    assert_eq!(
        error,
        "icarl: a budget of 9 shared by the classes so far has room for 9 exemplars; expected at least \
         one for each of 10 classes"
    );
}

#[test]
fn a_stream_without_new_classes_is_refused() {
    let error = learner(&Icarl::default(), Scenario::Domain).err().unwrap().to_string();
    assert!(error.starts_with("icarl needs contexts that bring new classes"), "{error}");
}
