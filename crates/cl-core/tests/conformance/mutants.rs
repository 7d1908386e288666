//! Every mistake is caught, and named after the property that it breaks.

use crate::mutant::{Mistake, Mutant, ROWS};
use cl_core::Naive;
use cl_core::conformance::{Failures, Property, Subject};
use cl_scenarios::Scenario;

fn subject(mistake: Mistake) -> Subject {
    let anchors = match mistake {
        // What a careless author would say of it.
        Mistake::AnchorNotKept | Mistake::Unscoped | Mistake::ActsLate | Mistake::DoesNothing => 0,
        _ => 1,
    };
    let rows = if mistake == Mistake::DoesNothing { 0 } else { ROWS as u64 };
    Subject::new(&format!("{mistake:?}"), move || Mutant::new(0.1, mistake))
        .neutral(move || Mutant::new(0.0, mistake))
        .refused(move || Mutant::new(-1.0, mistake))
        .kept(move |facts| {
            4 * anchors * facts.layout.parameters() as u64 + rows * facts.row_size.bytes()
        })
}

fn failures(subject: &Subject) -> Failures {
    subject.check().expect_err("nothing was caught")
}

/// The mistake breaks these properties and no other; a line says these words.
#[track_caller]
fn assert_caught(mistake: Mistake, properties: &[Property], words: &str) {
    let failures = failures(&subject(mistake));
    assert_eq!(failures.properties(), properties, "{failures}");
    assert!(failures.to_string().contains(words), "{failures}");
}

#[test]
fn without_a_mistake_everything_holds() {
    subject(Mistake::None).scenarios([Scenario::Class, Scenario::Domain]).assert();
}

#[test]
fn state_outside_of_what_is_saved_is_caught_by_resuming() {
    let words = "saved after step 4 of phase `train` of context 2";
    assert_caught(Mistake::UnsavedCount, &[Property::Resume], words);
    let both = [Property::Population, Property::Resume];
    assert_caught(Mistake::CountInStrategy, &both, "population (class-incremental): ");
}

#[test]
fn what_one_member_knows_of_another_is_caught_by_the_population() {
    assert_caught(Mistake::FirstMembersRow, &[Property::Population], "seed 3, alone and among 3");
}

#[test]
fn a_neutral_setting_that_is_not_neutral_is_caught() {
    assert_caught(Mistake::PullsAtZero, &[Property::Neutral], "`none` and the neutral setting");
    assert_caught(Mistake::ReplaysAtZero, &[Property::Neutral], "parameter `b1`[0]: ");
}

#[test]
fn a_strategy_that_does_nothing_by_context_2_is_caught() {
    let words = "after context 2 are those of `none`";
    assert_caught(Mistake::DoesNothing, &[Property::Effect], words);
    assert_caught(Mistake::ActsLate, &[Property::Effect], words);
}

#[test]
fn a_gradient_through_detach_is_caught_by_finite_differences() {
    let words = "of context 2, parameters: along a random direction the recorded gradient says";
    assert_caught(Mistake::HalfDetached, &[Property::Gradient], words);
    assert_caught(Mistake::Detached, &[Property::Gradient], words);
}

#[test]
fn a_gate_that_does_more_than_multiply_is_caught_by_the_order() {
    assert_caught(Mistake::AddingGate, &[Property::Order], "before and behind");
    assert_caught(Mistake::ThresholdGate, &[Property::Order], "expected at most 1e-5");
}

#[test]
fn undeclared_and_miscounted_memory_is_caught() {
    let words = "slot `mutant/anchor` is not declared as kept";
    assert_caught(Mistake::AnchorNotKept, &[Property::BytesKept], words);
    // Weights 1024 and 96, biases 16 and 6, each in whole blocks of 64.
    let bytes = 4 * (1024 + 64 + 128 + 64);
    assert_caught(Mistake::KeepsMore, &[Property::BytesKept], &format!("mutant/more: {bytes}"));
}

#[test]
fn slots_outside_of_the_scope_are_caught() {
    assert_caught(Mistake::Unscoped, &[Property::Scopes], "`anchor`");
    let both = [Property::Neutral, Property::Scopes];
    assert_caught(Mistake::WritesMoments, &both, "`optimizer/m`");
}

#[test]
fn settings_that_are_not_refused_by_name_are_caught() {
    assert_caught(Mistake::AnyStrength, &[Property::Refusals], "`check` lets it pass");
    assert_caught(Mistake::NamelessRefusal, &[Property::Refusals], "does not name `mutant`");
}

#[test]
fn missing_names_are_caught() {
    assert_caught(Mistake::NamelessEntry, &[Property::Names], "entry `strength`");
    let both = [Property::Runs, Property::Names];
    assert_caught(Mistake::Nameless, &both, "its name is \"\"");
}

#[test]
fn every_property_that_fails_has_its_line_and_a_panic_is_one() {
    let failures = failures(&subject(Mistake::Panics));
    assert_eq!(failures.properties(), [Property::Runs], "{failures}");
    assert_eq!(
        failures.to_string(),
        "Panics: 1 failure\n  runs (class-incremental): panicked: an index out of bounds"
    );
    let two = Subject::new("careless", || Mutant::new(0.1, Mistake::AnyStrength))
        .refused(|| Mutant::new(-1.0, Mistake::AnyStrength))
        .scenarios([]);
    assert_eq!(self::failures(&two).properties(), [Property::Runs, Property::Refusals]);
}

#[test]
fn what_an_author_leaves_unsaid_is_asked_for() {
    let unsaid = failures(&Subject::new("none", || Naive));
    assert_eq!(unsaid.properties(), [Property::Neutral, Property::Effect]);
    assert!(unsaid.to_string().contains("say `.neutral(..)`"), "{unsaid}");
    let empty = failures(&Subject::new("none", || Naive).always_neutral(" "));
    assert!(empty.to_string().contains("`always_neutral` without a reason"), "{empty}");
    let said = || Subject::new("none", || Naive).always_neutral("it is the baseline");
    assert!(failures(&said().kept(|_| 4)).to_string().contains("`.kept` says 4"));
    assert!(failures(&said().no_gradient("")).to_string().contains("`no_gradient` without"));
}
