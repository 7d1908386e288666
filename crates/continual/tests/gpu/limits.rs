//! What does not fit a device: refused before training starts, or taken in smaller parts.

use crate::gpu;
use cl_core::{Naive, run};
use cl_gpu::{Adapter, Gpu};
use cl_scenarios::digits;
use cl_tensor::Lanes;
use continual::{Bench, Experiment, Request, Strengths};
use std::sync::Arc;

fn experiment() -> Experiment {
    Experiment::new(digits()).contexts(2).seeds([2, 3, 4]).hidden(&[16]).steps(4).batch(8)
}

fn lanes(gpu: &Gpu, limits: impl FnOnce(&mut Adapter)) -> Result<Lanes, String> {
    let learner = experiment().learner(&Naive).unwrap();
    learner.lanes(&gpu.trusted_with(limits)).map_err(|error| error.to_string())
}

/// The networks after a run on the device.
fn networks(gpu: &Gpu) -> Result<Vec<Vec<u32>>, String> {
    let told = |error: continual::Error| error.to_string();
    let mut learner = experiment().device(Arc::new(gpu.clone())).learner(&Naive).map_err(told)?;
    run(&mut learner, &mut ()).unwrap();
    let bits =
        |member| learner.read("theta", member).unwrap().iter().map(|x| x.to_bits()).collect();
    Ok((0..3).map(bits).collect())
}

#[test]
fn as_many_members_run_at_once_as_the_largest_buffer_of_one_allows() {
    let Some(gpu) = gpu() else { return };
    let Lanes { most, usual } = lanes(&gpu, |_| ()).unwrap();
    assert!(1 < usual && usual <= most, "{usual} of {most}");
    // The largest buffer of one member: `most` of them fit, one more does not.
    let largest = gpu.about().binding_bytes / most as u64;
    let small = |parts: u64| move |limits: &mut Adapter| limits.binding_bytes = largest * parts / 2;
    assert_eq!(lanes(&gpu, small(7)).unwrap().most, 3);
    let refused = lanes(&gpu, small(1)).unwrap_err();
    for told in ["bytes for one member", "max_storage_buffer_binding_size", "--device cpu"] {
        assert!(refused.contains(told), "{refused}");
    }
    assert!(!refused.contains('\n'), "{refused}");
    // Those three run there, in smaller submissions, with the same bits; not four.
    assert_eq!(networks(&gpu.trusted_with(small(7))).unwrap(), networks(&gpu).unwrap());
    let refused = networks(&gpu.trusted_with(small(5))).unwrap_err();
    assert!(refused.contains("run fewer members at once"), "{refused}");
}

#[test]
fn the_default_number_of_lanes_is_what_the_memory_should_hold() {
    let Some(gpu) = gpu() else { return };
    let of = |bytes| lanes(&gpu, |limits| limits.memory_bytes = bytes).unwrap();
    let Lanes { most, usual } = of(u64::MAX);
    assert_eq!(usual, most);
    assert_eq!(of(0).usual, 1);
    let (less, more) = (of(64 << 20).usual, of(128 << 20).usual);
    assert!(1 < less && less < more && more < most, "{less}, {more}, {most}");
}

#[test]
fn kernels_that_no_limit_allows_are_refused_by_name() {
    let Some(gpu) = gpu() else { return };
    let refused = lanes(&gpu, |limits| limits.bindings = 2).unwrap_err();
    assert!(refused.contains("kernel `"), "{refused}");
    assert!(refused.contains("takes 2 (max_storage_buffers_per_shader_stage)"), "{refused}");
    let refused = lanes(&gpu, |limits| limits.workgroup_bytes = 64).unwrap_err();
    assert!(refused.contains("has 64 (max_compute_workgroup_storage_size)"), "{refused}");
    assert!(networks(&gpu.trusted_with(|limits| limits.bindings = 2)).is_err());
}

#[test]
fn a_population_in_waves_gives_what_it_gives_at_once() {
    if gpu().is_none() {
        return;
    }
    let trained = |lanes| {
        let request = Request {
            strategy: Some("er+ewc".to_owned()),
            scenario: Some("class".to_owned()),
            contexts: Some(2),
            seeds: Some(3),
            steps: Some(6),
            hidden: Some("16".to_owned()),
            device: Some("gpu".to_owned()),
            lanes,
            ..Request::default()
        };
        let bench = Bench::new(&request, &Strengths::built_in().unwrap()).unwrap();
        let mut half = crate::saved::Half::default();
        let costs = bench.costs().unwrap();
        assert_eq!(costs[0].lanes, lanes.unwrap_or(3));
        bench.run(&costs, &mut (), &mut half).unwrap();
        half.networks
    };
    let bits = |networks: Vec<(String, Vec<f32>)>| -> Vec<(String, Vec<u32>)> {
        let bits = |values: Vec<f32>| values.iter().map(|x| x.to_bits()).collect();
        networks.into_iter().map(|(name, values)| (name, bits(values))).collect()
    };
    assert!(bits(trained(Some(2))) == bits(trained(None)), "other bits in waves");
}
