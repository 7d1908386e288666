//! How often the host waits for the device within a context.

use crate::gpu;
use cl_core::{Learner, Observer, run};
use cl_scenarios::{Scenario, digits};
use continual::{Bench, Experiment, Request, Strengths};
use std::sync::Arc;

/// Round trips from the start of the second context to the end of its steps.
#[derive(Default)]
struct Second {
    before: u64,
    trips: u64,
}

impl Observer for Second {
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), cl_core::Error> {
        let at = learner.progress();
        match (at.stage, at.step) {
            (1, 0) => self.before = learner.round_trips(),
            (1, _) => self.trips = learner.round_trips() - self.before,
            _ => {}
        }
        Ok(())
    }

    fn interval(&self) -> u32 {
        1000
    }
}

/// 64 steps are submitted at once, so 130 take three submissions, each with one wait for its losses;
/// one more where penalties are measured when a context ends. No number of members changes that.
#[test]
fn the_steps_of_a_context_are_submitted_64_at_a_time() {
    let Some(gpu) = gpu() else { return };
    for (name, penalty) in [("none", 0), ("er", 0), ("si", 1), ("ewc", 1), ("agem", 0)] {
        let request = Request {
            strategy: Some(name.to_owned()),
            scenario: Some("domain".to_owned()),
            ..Request::default()
        };
        let bench = Bench::new(&request, &Strengths::built_in().unwrap()).unwrap();
        let strategy = bench.cells[0].variants[0].strategy();
        let experiment =
            Experiment::new(digits()).scenario(Scenario::Domain).contexts(2).hidden(&[8]);
        let experiment = experiment.steps(130).batch(4).seeds([2, 3]);
        let mut learner = experiment.device(Arc::new(gpu.clone())).learner(strategy).unwrap();
        let mut second = Second::default();
        run(&mut learner, &mut second).unwrap();
        assert_eq!(second.trips, 3 + penalty, "{name}");
    }
}
