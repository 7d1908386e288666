//! The shared suite.

use cl_core::conformance::{Facts, Subject};
use cl_gating::{Cumulative, EmbeddingGradient, Hat};
use cl_scenarios::Scenario;

/// m of every hidden unit.
fn masks(facts: &Facts<'_>) -> u64 {
    4 * facts.hidden.iter().sum::<u64>()
}

fn subject(label: &str, hat: Hat) -> Subject {
    Subject::new(label, move || hat)
        .scenarios([Scenario::Task])
        .no_neutral("a gate is below 1")
        .kept(masks)
}

fn refused(subject: Subject, hat: impl Fn(f64) -> Hat, values: &[f64]) -> Subject {
    values.iter().fold(subject, |subject, &value| {
        let hat = hat(value);
        subject.refused(move || hat)
    })
}

#[test]
fn hat_conforms() {
    let compensated = "embeddings get a gradient as if s had no part in it";
    let hat = Hat::default();
    let subject = subject("hat", hat).no_gradient(compensated);
    let (nan, infinite) = (f64::NAN, f64::INFINITY);
    let subject = refused(subject, |s_max| Hat { s_max, ..hat }, &[0.5, nan, infinite, 1e300]);
    let subject = refused(subject, |lambda| Hat { lambda, ..hat }, &[-0.1, nan, infinite]);
    let subject = refused(subject, |min_free| Hat { min_free, ..hat }, &[-0.1, nan]);
    let limits = [0.0, -1.0, nan, infinite, 1e-300];
    let subject = refused(subject, |embedding_limit| Hat { embedding_limit, ..hat }, &limits);
    let subject = refused(subject, |cosh_limit| Hat { cosh_limit, ..hat }, &limits);
    subject.refused(|| Hat { ramps: 0, ..Hat::default() }).assert();
}

#[test]
fn hat_with_the_plain_gradient_is_differentiated_as_its_derivative_is() {
    // s_max of 4: finite differences see gates that are not saturated.
    let gradient = EmbeddingGradient::Plain;
    subject("hat, plain", Hat { gradient, s_max: 4.0, ..Hat::default() }).assert();
}

#[test]
fn hat_as_the_authors_code_conforms() {
    let hat = Hat { cumulative: Cumulative::Binary, ..Hat::authors(3) };
    subject("hat, authors", hat).no_gradient("compensated").assert();
}
