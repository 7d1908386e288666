//! The shared suite.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_core::conformance::{Facts, Subject};
use cl_nn::{Layout, Vae};
use cl_replay::{Budget, Dgr, ExperienceReplay, Heads, Labels, ReservoirReplay, VaeGenerator};
use cl_scenarios::Scenario;

const PER_CLASS: usize = 5;
const NO_NEUTRAL: &str = "a memory of nothing is refused, and any row that is replayed counts";

/// Task-incremental replay has to know the context of a row.
fn row_bytes(facts: &Facts<'_>) -> u64 {
    match facts.scenario {
        Scenario::Task => facts.row_size.with_context(facts.contexts as u32).bytes(),
        Scenario::Domain | Scenario::Class => facts.row_size.bytes(),
    }
}

#[test]
fn experience_replay_conforms() {
    Subject::new("er", || ExperienceReplay::per_class(PER_CLASS))
        .scenarios(Scenario::ALL)
        .no_neutral(NO_NEUTRAL)
        .refused(|| ExperienceReplay::per_class(0))
        .refused(|| ExperienceReplay { budget: Budget::Bytes(0) })
        // Nothing is chosen when the last context ends.
        .kept(|facts| PER_CLASS as u64 * facts.classes * (facts.contexts - 1) * row_bytes(facts))
        .assert();
}

#[test]
fn replay_from_a_reservoir_conforms() {
    Subject::new("er-reservoir", || ReservoirReplay::per_class(PER_CLASS))
        .scenarios([Scenario::Class, Scenario::Task])
        .no_neutral(NO_NEUTRAL)
        .refused(|| ReservoirReplay::per_class(0))
        .refused(|| ReservoirReplay { budget: Budget::Bytes(0) })
        .refused(|| ReservoirReplay::total(0))
        // Filled in the first context, which shows more rows than fit.
        .kept(|facts| PER_CLASS as u64 * facts.classes * facts.contexts * row_bytes(facts))
        .assert();
}

const NO_NEUTRAL_GENERATED: &str = "how much generated rows count is the run's mix";

fn dgr(labels: Labels, heads: Heads) -> Dgr {
    Dgr { generator: VaeGenerator::new(&[12], 3), labels, heads }
}

/// The frozen network and generator, and the number of the last context.
fn frozen(facts: &Facts<'_>) -> u64 {
    let vae = Layout::new(&Vae::new(64, &[12], 3).unwrap().params()).unwrap();
    4 * (facts.layout.parameters() + vae.parameters() + 1) as u64
}

fn generative(label: &'static str, labels: Labels) -> Subject {
    Subject::new(label, move || dgr(labels, Heads::One))
        .scenarios([Scenario::Domain, Scenario::Class])
        .no_neutral(NO_NEUTRAL_GENERATED)
        .refused(|| dgr(Labels::Soft(0.0), Heads::One))
        .refused(|| Dgr { generator: VaeGenerator::new(&[0], 3), ..Dgr::default() })
        .refused(|| Dgr { generator: VaeGenerator::new(&[8], 0), ..Dgr::default() })
        .refused(|| Dgr {
            generator: VaeGenerator { lr: 0.0, ..VaeGenerator::default() },
            ..Dgr::default()
        })
        .kept(frozen)
}

#[test]
fn generative_replay_conforms() {
    generative("dgr", Labels::Hard).assert();
}

#[test]
fn generative_replay_with_soft_labels_conforms() {
    generative("dgr-distill", Labels::Soft(2.0)).assert();
}

#[test]
fn generative_replay_with_a_head_per_context_conforms() {
    Subject::new("dgr", || dgr(Labels::Hard, Heads::EachPastContext))
        .scenarios([Scenario::Task])
        .no_neutral(NO_NEUTRAL_GENERATED)
        .kept(frozen)
        .assert();
}
