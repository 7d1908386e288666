//! Kernels that share a dispatch, as on hardware, against the same kernels one by one, as on software.
//!
//! Nothing orders the kernels of a dispatch: one that waits for another there reads what is not written yet.

use crate::gpu;
use cl_core::run;
use cl_scenarios::digits;
use continual::{Bench, Experiment, Request, Strengths};
use std::sync::Arc;

/// The networks after a run.
fn networks(gpu: &cl_gpu::Gpu, strategy: &str) -> Vec<Vec<u32>> {
    let request = Request {
        strategy: Some(strategy.to_owned()),
        scenario: Some("task".to_owned()),
        ..Request::default()
    };
    let bench = Bench::new(&request, &Strengths::built_in().unwrap()).unwrap();
    let cell = &bench.cells[0];
    let experiment = Experiment::new(digits()).scenario(cell.scenario).contexts(2).hidden(&[16]);
    let experiment = experiment.seeds([2, 3]).steps(20).batch(16).device(Arc::new(gpu.clone()));
    let mut learner = experiment.learner(cell.variants[0].strategy()).unwrap();
    run(&mut learner, &mut ()).unwrap();
    let bits = |member| learner.read("theta", member).unwrap().into_iter().map(f32::to_bits);
    (0..2).map(|member| bits(member).collect()).collect()
}

#[test]
fn kernels_that_share_a_dispatch_do_what_they_do_one_by_one() {
    let Some(gpu) = gpu() else { return };
    let hardware = gpu.trusted_with(|adapter| adapter.kind = "discrete");
    for strategy in ["er", "ewc", "agem", "xdg"] {
        let (joined, single) = (networks(&hardware, strategy), networks(&gpu, strategy));
        assert!(joined == single, "{strategy}: other bits");
    }
}
