//! The shared suite.

use cl_core::conformance::{Facts, Subject};
use cl_replay::{Budget, ExperienceReplay, ReservoirReplay};
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
