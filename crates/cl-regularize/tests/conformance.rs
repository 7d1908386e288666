//! The shared suite.

use cl_core::Mix;
use cl_core::conformance::{Facts, Subject};
use cl_regularize::{Ewc, Fisher, Heads, Lwf, OnlineEwc, Outputs, Si};
use cl_scenarios::Scenario;

/// Two numbers for each parameter.
fn two_each(facts: &cl_core::conformance::Facts<'_>) -> u64 {
    2 * 4 * facts.layout.parameters() as u64
}

fn ewc(lambda: f64) -> Ewc {
    Ewc { lambda, ..Ewc::default() }
}

#[test]
fn ewc_conforms() {
    Subject::new("ewc", Ewc::default)
        .scenarios([Scenario::Class, Scenario::Task])
        .neutral(|| ewc(0.0))
        .refused(|| ewc(-1.0))
        .refused(|| ewc(f64::NAN))
        .refused(|| Ewc { fisher: Fisher { rows: Some(0), ..Fisher::default() }, ..ewc(1.0) })
        // Precision and mean, and the constant of the quadratic.
        .kept(|facts| two_each(facts) + 4)
        .assert();
}

#[test]
fn ewc_on_a_few_rows_conforms() {
    let few =
        |lambda| Ewc { fisher: Fisher { rows: Some(20), ..Fisher::default() }, ..Ewc::vdv(lambda) };
    Subject::new("ewc, 20 rows", move || few(400.0))
        .neutral(move || few(0.0))
        .kept(|facts| two_each(facts) + 4)
        .assert();
}

#[test]
fn online_ewc_conforms() {
    let online = |lambda, gamma| OnlineEwc { lambda, gamma, ..OnlineEwc::default() };
    Subject::new("ewc-online", move || online(400.0, 0.9))
        .neutral(move || online(0.0, 0.9))
        .refused(move || online(-1.0, 1.0))
        .refused(move || online(1.0, -0.1))
        .refused(move || online(1.0, 1.1))
        .refused(move || online(f64::INFINITY, 1.0))
        .kept(two_each)
        .assert();
}

#[test]
fn si_conforms() {
    let si = |c| Si { c, ..Si::default() };
    Subject::new("si", Si::default)
        .neutral(move || si(0.0))
        .refused(move || si(-1.0))
        .refused(move || Si { xi: 0.0, ..Si::default() })
        .refused(move || Si { xi: f64::NAN, ..Si::default() })
        .kept(two_each)
        .assert();
}

#[test]
fn si_as_in_van_de_vens_code_conforms() {
    Subject::new("si, vdv", || Si::vdv(1.0)).neutral(|| Si::vdv(0.0)).kept(two_each).assert();
}

/// A teacher, and per head a count and a number for each output.
fn teacher(facts: &Facts<'_>) -> u64 {
    let heads = if facts.scenario == Scenario::Task { facts.contexts } else { 1 };
    4 * (facts.layout.parameters() as u64 + heads * (1 + facts.outputs))
}

#[test]
fn lwf_conforms() {
    let all = [Scenario::Class, Scenario::Task, Scenario::Domain];
    Subject::new("lwf", Lwf::default)
        .scenarios(all)
        .neutral(|| Lwf { lambda: 0.0, ..Lwf::default() })
        .refused(|| Lwf { lambda: -1.0, ..Lwf::default() })
        .refused(|| Lwf { temperature: 0.0, ..Lwf::default() })
        .refused(|| Lwf { temperature: f64::INFINITY, ..Lwf::default() })
        .refused(|| Lwf { mix: Mix::Fixed(1.5), ..Lwf::default() })
        .kept(teacher)
        .assert();
}

#[test]
fn lwf_as_in_van_de_vens_code_conforms() {
    for scenario in [Scenario::Class, Scenario::Task, Scenario::Domain] {
        Subject::new("lwf, vdv", move || Lwf::vdv(scenario))
            .scenarios([scenario])
            .neutral(move || Lwf { lambda: 0.0, ..Lwf::vdv(scenario) })
            .kept(teacher)
            .assert();
    }
}

#[test]
fn lwf_with_other_weights_conforms() {
    let why = "the task loss is weighed too: without labels it counts less";
    Subject::new("lwf, task-free", Lwf::vdv_task_free)
        .scenarios([Scenario::Task, Scenario::Domain])
        .no_neutral(why)
        .kept(teacher)
        .assert();
    let by_context = || {
        let (heads, outputs, mix) = (Heads::Mean, Outputs::Active, Mix::ByContext);
        Lwf { heads, outputs, mix, ..Lwf::default() }
    };
    Subject::new("lwf, 1/t", by_context).no_neutral(why).kept(teacher).assert();
}
