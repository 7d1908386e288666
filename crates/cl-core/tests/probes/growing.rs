//! A head that grows: what is kept per parameter grows with it and loses nothing.

use crate::common::{Setup, bits, mlp, run_to};
use crate::guarantees::population_is_singles_and_resume_is_whole;
use cl_core::{
    Boundary, Consolidate, Head, Learner, Module, Parts, Step, Strategy, Taken, Track, run,
};
use cl_nn::{Adam, Initializer, Layout, Optimizer, ParamSpec, Theta};
use cl_scenarios::{Dataset, Stream, digits};
use cl_tensor::{Init, Scope, Var};
use std::collections::BTreeMap;

/// Keeps something per parameter, something per context and parameter, and a module whose second
/// parameter moves when its first grows, with a frozen copy.
struct Keeper;

impl Track for Keeper {
    fn update<'g>(&self, step: &Step<'_, 'g>, taken: &Taken<'g>) {
        step.scope.accumulate("fisher", taken.task_gradient.square());
    }
}

fn anchors<'g>(scope: &Scope<'g>, contexts: usize, layout: &Layout) -> Var<'g> {
    scope.kept("anchors", &[contexts, layout.len()], Init::Constant(-1.0))
}

impl Consolidate for Keeper {
    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        anchors(&at.scope, at.around.contexts, at.layout);
        at.scope.assign_rows("anchors", at.index, theta.reshape(&[1, theta.len()]));
        at.freeze_module("critic");
        theta
    }
}

impl Module for Keeper {
    fn name(&self) -> &'static str {
        "critic"
    }
    fn params(&self, _: usize, outputs: usize) -> Vec<ParamSpec> {
        let spec =
            |name: &str, shape| ParamSpec { name: name.into(), shape, init: Initializer::FanIn };
        vec![spec("first", vec![outputs, 40]), spec("second", vec![40, 1])]
    }
    fn optimizer(&self) -> Box<dyn Optimizer> {
        Box::new(Adam::new(1e-2))
    }
    fn loss<'g>(&self, step: &Step<'_, 'g>, theta: Theta<'_, 'g>) -> Var<'g> {
        let logits = step.forward.logits.detach();
        (logits.matmul(theta.get("first")).tanh().matmul(theta.get("second")) - 1.0).square().mean()
    }
}

impl Strategy for Keeper {
    fn name(&self) -> String {
        "keeper".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.track(self).consolidate(self).module(self);
    }
}

const SETUP: Setup<'_> = Setup { head: Head::Growing, ..Setup::SMALL };

/// The entries of a slot: (row of the table, parameter, row, column) -> bits.
type Entries = BTreeMap<(usize, String, usize, usize), u32>;

fn entries(learner: &mut Learner<'_>, slot: &str) -> Entries {
    let outputs = learner.model().network.outputs();
    let layout = match slot.starts_with("keeper/critic") {
        true => Layout::new(&Keeper.params(64, outputs)).unwrap(),
        false => learner.model().layout.clone(),
    };
    let values = learner.session().read(slot, 0).unwrap();
    let mut entries = Entries::new();
    for (row, values) in values.chunks(layout.len()).enumerate() {
        for range in layout.ranges() {
            let columns = *range.shape.last().unwrap();
            for (k, value) in values[range.floats()].iter().enumerate() {
                let key = (row, range.name.clone(), k / columns, k % columns);
                entries.insert(key, value.to_bits());
            }
        }
    }
    entries
}

const PER_PARAMETER: [&str; 7] = [
    "theta",
    "optimizer/m",
    "keeper/fisher",
    "keeper/anchors",
    "keeper/critic",
    "keeper/critic/frozen",
    "keeper/critic/optimizer/v",
];

#[test]
fn what_is_kept_per_parameter_grows_with_the_head_and_loses_nothing() {
    let mut learner = SETUP.learner(&Keeper).unwrap();
    let full = Setup { head: Head::Full, ..SETUP };
    let mut full = full.learner(&Keeper).unwrap();
    run_to(&mut learner, (1, 0, 0));
    let mut before = PER_PARAMETER.map(|slot| entries(&mut learner, slot));
    let scalars = |learner: &mut Learner<'_>| -> Vec<_> {
        bits(learner, 0).into_iter().filter(|(_, values)| values.len() == 1).collect()
    };
    let unshaped = scalars(&mut learner);
    for outputs in [3, 4, 7, 10] {
        learner.grow(outputs).unwrap();
        for (slot, before) in PER_PARAMETER.iter().zip(&mut before) {
            let now = entries(&mut learner, slot);
            assert!(before.iter().all(|(key, old)| now[key] == *old), "{slot}, {outputs} outputs");
            assert!(now.len() > before.len() && before.values().any(|&bits| bits != 0), "{slot}");
            if outputs == 10 {
                let initial = entries(&mut full, slot);
                let mut new = now.iter().filter(|(key, _)| !before.contains_key(key));
                assert!(new.all(|(key, new)| initial[key] == *new), "{slot}");
                assert_eq!(now.len(), initial.len());
            }
            *before = now;
        }
        assert_eq!(scalars(&mut learner), unshaped);
    }
}

/// The first context as a data set of its own.
fn first_context() -> Dataset {
    let (all, seed) = (digits(), SETUP.seeds[0]);
    let stream = SETUP.spec(seed).build(&all).unwrap();
    let two = |labels: Vec<u8>| {
        let (train, test) = (stream.train(0).to_vec(), stream.test(0).to_vec());
        let parts = cl_scenarios::Parts { train, validation: Vec::new(), test };
        Dataset::new("two", (8, 8), 2, all.scale, all.images.clone(), labels, parts).unwrap()
    };
    // Whatever order the seed gives to two classes: each keeps its output.
    let alone = Setup { contexts: 1, ..SETUP };
    let order = alone.spec(seed).build(&two(vec![0; all.examples()])).unwrap().class_order();
    let label = |&label: &u8| order[(stream.target(0, label) as usize).min(1)];
    two(all.labels.iter().map(label).collect())
}

#[test]
fn before_it_grows_a_head_has_the_bits_of_one_that_was_that_small_from_the_start() {
    let mut growing = SETUP.learner(&Keeper).unwrap();
    run_to(&mut growing, (0, 0, 7));
    let alone = Setup { contexts: 1, head: Head::Full, ..SETUP };
    let mut small = alone.learner_on(&first_context(), &Keeper, mlp).unwrap();
    run_to(&mut small, (0, 0, 7));
    for ((slot, growing), (_, small)) in bits(&mut growing, 0).iter().zip(&bits(&mut small, 0)) {
        assert!(slot == "keeper/anchors" || growing == small, "slot {slot}");
    }
}

#[test]
fn growing_runs_are_resumed_after_they_grew_and_run_in_populations() {
    let mut learner = Setup { steps: 60, ..SETUP }.learner(&Keeper).unwrap();
    let outcome = run(&mut learner, &mut ()).unwrap();
    assert_eq!(learner.model().network.outputs(), 10);
    assert!(outcome[0].accuracy.rows().iter().enumerate().all(|(i, row)| row[i] > 0.75));
    population_is_singles_and_resume_is_whole(&SETUP, &Keeper, [3, 8, 9, 10, 32]);
}
