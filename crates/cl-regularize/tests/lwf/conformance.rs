//! The shared suite.

use cl_core::Mix;
use cl_core::conformance::{Facts, Subject};
use cl_regularize::{Heads, Lwf, Outputs};
use cl_scenarios::Scenario;

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
