//! The shared suite on a composition across crates.

use continual::core::conformance::Subject;
use continual::gating::Xdg;
use continual::regularize::Ewc;
use continual::replay::ExperienceReplay;
use continual::scenarios::Scenario;

#[test]
fn gates_a_penalty_and_replay_together_conform() {
    let three =
        |lambda| (Xdg::new(0.5), Ewc { lambda, ..Ewc::default() }, ExperienceReplay::per_class(5));
    Subject::new("xdg+ewc+er", move || three(400.0))
        .scenarios([Scenario::Task])
        .no_neutral("any row that is replayed counts")
        .refused(move || three(-1.0))
        .kept(|facts| {
            let thresholds = 4 * facts.contexts * facts.hidden.iter().sum::<u64>();
            let quadratic = 4 * (2 * facts.layout.parameters() as u64 + 1);
            let row = facts.row_size.with_context(facts.contexts as u32).bytes();
            thresholds + quadratic + 5 * facts.classes * (facts.contexts - 1) * row
        })
        .assert();
}
