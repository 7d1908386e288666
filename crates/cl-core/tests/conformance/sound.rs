//! Strategies without a mistake, of every kind that bears on the suite.

use crate::mutant::{Mistake, Mutant, ROWS};
use cl_core::conformance::{Facts, Property, Subject};
use cl_core::{
    Detect, Error, Length, Module, Naive, Now, Parts, Phase, PhaseContext, Phases, Source, Start,
    Step, Strategy, from_state,
};
use cl_nn::{Adam, Initializer, Optimizer, ParamSpec, Sgd, Theta};
use cl_scenarios::Scenario;
use cl_tensor::Var;
use std::sync::Arc;

/// What [`Mutant`] keeps.
fn anchor_and_rows(facts: &Facts<'_>) -> u64 {
    4 * facts.layout.parameters() as u64 + ROWS as u64 * facts.row_size.bytes()
}

fn mutant() -> Mutant {
    Mutant::new(0.1, Mistake::None)
}

#[test]
fn plain_training_passes() {
    Subject::new("none", || Naive)
        .scenarios(Scenario::ALL)
        .always_neutral("it is the baseline")
        .assert();
}

#[test]
fn a_composition_passes() {
    let pair = |strength| (Mutant::new(strength, Mistake::None), Naive);
    Subject::new("mutant+none", move || pair(0.1))
        .neutral(move || pair(0.0))
        .refused(move || pair(-1.0))
        .kept(anchor_and_rows)
        .assert();
}

/// Trains on the stream, then on the memories with another optimiser.
struct ThenOnMemories;

impl Phases for ThenOnMemories {
    fn phases(&self, context: PhaseContext) -> Vec<Phase> {
        let settle = Phase {
            rows: Source::Memory,
            length: Length::Passes(3),
            optimizer: Some(Arc::new(Sgd { momentum: 0.5, ..Sgd::new(0.01) })),
            start: Start::Optimizer,
            ..Phase::stream("settle", 0)
        };
        vec![Phase::stream("train", context.steps), settle]
    }
}

impl Strategy for ThenOnMemories {
    fn name(&self) -> String {
        "then-on-memories".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.phases(self);
    }
}

#[test]
fn a_strategy_with_phases_passes_and_is_cut_amid_each() {
    Subject::new("phases", || (mutant(), ThenOnMemories))
        .no_neutral("the schedule is another one")
        .kept(anchor_and_rows)
        .assert();
    let unsaved = || (Mutant::new(0.1, Mistake::ForgetsAfterTen), ThenOnMemories);
    let subject = Subject::new("phases", unsaved).no_neutral("as above").kept(anchor_and_rows);
    let failures = subject.check().expect_err("state that is lost amid the second phase");
    assert_eq!(failures.properties(), [Property::Resume], "{failures}");
    assert!(failures.to_string().contains("of phase `settle` of context 2"), "{failures}");
}

/// Finds a boundary every five steps.
struct EveryFive(u32);

impl Detect for EveryFive {
    fn ends_here(&mut self, _: Now, _: f32) -> bool {
        self.0 += 1;
        self.0.is_multiple_of(5)
    }
    fn save(&self) -> serde_json::Value {
        self.0.into()
    }
    fn restore(&mut self, state: &serde_json::Value) -> Result<(), Error> {
        self.0 = from_state("every five", state)?;
        Ok(())
    }
}

struct Finds;

impl Strategy for Finds {
    fn name(&self) -> String {
        "finds".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.detect(|_| Ok(Box::new(EveryFive(0))));
    }
}

#[test]
fn a_strategy_that_finds_its_boundaries_passes() {
    Subject::new("finds", || (mutant(), Finds))
        .neutral(|| (Mutant::new(0.0, Mistake::None), Finds))
        .kept(anchor_and_rows)
        .assert();
}

/// A linear map beside theta that tells inputs from logits; it changes nothing.
struct Beside {
    detached: bool,
}

impl Module for Beside {
    fn name(&self) -> &'static str {
        "map"
    }
    fn params(&self, inputs: usize, outputs: usize) -> Vec<ParamSpec> {
        let (name, shape, init) = ("w".to_owned(), vec![outputs, inputs], Initializer::FanIn);
        vec![ParamSpec { name, shape, init }]
    }
    fn optimizer(&self) -> Box<dyn Optimizer> {
        Box::new(Adam::new(1e-3))
    }
    fn loss<'g>(&self, step: &Step<'_, 'g>, theta: Theta<'_, 'g>) -> Var<'g> {
        let told = step.forward.logits.matmul(theta.get("w")) - step.x;
        let other = if self.detached { told.detach() } else { told };
        (told * other).mean()
    }
}

impl Strategy for Beside {
    fn name(&self) -> String {
        "beside".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.module(self);
    }
}

#[test]
fn a_module_passes_and_its_gradient_is_looked_at_too() {
    let subject = |detached| {
        Subject::new("beside", move || Beside { detached }).always_neutral("it changes no theta")
    };
    subject(false).assert();
    let failures = subject(true).check().expect_err("a module with half its gradient");
    assert_eq!(failures.properties(), [Property::Gradient], "{failures}");
    assert!(failures.to_string().contains("beside/map: along a random direction"), "{failures}");
}
