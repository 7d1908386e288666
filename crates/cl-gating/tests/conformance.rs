//! The shared suite.

use cl_core::conformance::{Facts, Subject};
use cl_gating::Xdg;
use cl_scenarios::Scenario;

/// A threshold for every unit in every context.
fn thresholds(facts: &Facts<'_>) -> u64 {
    4 * facts.contexts * facts.hidden.iter().sum::<u64>()
}

#[test]
fn xdg_conforms() {
    Subject::new("xdg", Xdg::default)
        .scenarios([Scenario::Task])
        .neutral(|| Xdg::new(0.0))
        .refused(|| Xdg::new(1.0))
        .refused(|| Xdg::new(-0.1))
        .refused(|| Xdg::new(f32::NAN))
        .kept(thresholds)
        .assert();
}

#[test]
fn xdg_before_the_bias_conforms() {
    Subject::new("xdg, vdv", || Xdg::vdv(0.5))
        .scenarios([Scenario::Task])
        .neutral(|| Xdg::vdv(0.0))
        .kept(thresholds)
        .assert();
}
