//! A device that is lost while it trains.

use crate::gpu;
use cl_core::{Checkpoint, Every, Learner, Observer, Saver, run};
use cl_gpu::{Gpu, GpuSession};
use continual::{Bench, Experiment, Request, Strengths};
use std::sync::Arc;

/// Loses the device in the second context. Checkpoints are written every four steps: the last behind step 6 of it.
struct Losing<'a>(&'a Gpu);

impl Observer for Losing<'_> {
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), cl_core::Error> {
        let at = learner.progress();
        if (at.stage, at.step) == (1, 8) {
            self.0.lose();
        }
        Ok(())
    }

    /// As a benchmark does: training goes on without.
    fn unsaved(&mut self, _: cl_core::Error) -> Result<(), cl_core::Error> {
        Ok(())
    }

    fn interval(&self) -> u32 {
        1
    }
}

#[test]
fn a_lost_device_is_one_error_and_the_last_checkpoint_goes_on_elsewhere_with_the_same_bits() {
    let Some(whole) = gpu() else { return };
    let request = Request {
        strategy: Some("er+ewc".to_owned()),
        scenario: Some("class".to_owned()),
        contexts: Some(2),
        hidden: Some("16".to_owned()),
        ..Request::default()
    };
    let bench = Bench::new(&request, &Strengths::built_in().unwrap()).unwrap();
    let strategy = bench.cells[0].variants[0].strategy();
    let on = |gpu: &Gpu| {
        let data = cl_scenarios::digits();
        let experiment = Experiment::new(data).contexts(2).seeds([2, 3]).hidden(&[16]).steps(10);
        experiment.batch(8).device(Arc::new(gpu.clone())).learner(strategy).unwrap()
    };
    let bits = |learner: &Learner<'_>| -> Vec<Vec<u32>> {
        let theta = |member| learner.read("theta", member).unwrap();
        (0..2).map(|member| theta(member).iter().map(|x| x.to_bits()).collect()).collect()
    };
    let mut uninterrupted = on(&whole);
    run(&mut uninterrupted, &mut ()).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let gpu = Gpu::open("").unwrap();
    let mut learner = on(&gpu);
    let mut losing = Losing(&gpu);
    let mut saver = Saver::new(&mut losing, &path, Every::Steps(4));
    let error = run(&mut learner, &mut saver).unwrap_err().to_string();
    assert!(error.contains("the device was lost"), "{error}");
    assert!(error.contains(&gpu.about().name) && !error.contains('\n'), "{error}");
    // From here on everything fails, and nothing panics.
    assert!(learner.save().is_err());
    assert!(learner.read("theta", 0).is_err());
    assert!(GpuSession::new(&gpu, &[0]).is_err());
    drop(learner);

    let mut resumed = on(&Gpu::open("").unwrap());
    resumed.restore(&Checkpoint::load(&path).unwrap()).unwrap();
    let at = resumed.progress();
    assert_eq!((at.stage, at.step), (1, 6), "saved every four steps, lost after the eighth");
    run(&mut resumed, &mut ()).unwrap();
    assert_eq!(bits(&resumed), bits(&uninterrupted));
}

#[test]
fn a_device_that_was_lost_is_opened_anew() {
    let Some(known) = gpu() else { return };
    // Under a name that no other test uses: they go on.
    let name = known.about().name.clone();
    let first = Gpu::shared(&name).unwrap();
    assert!(GpuSession::new(&Gpu::shared(&name).unwrap(), &[0]).is_ok());
    first.lose();
    assert!(GpuSession::new(&first, &[0]).is_err());
    assert!(GpuSession::new(&Gpu::shared(&name).unwrap(), &[0]).is_ok());
}
