//! Every operation against the f64 reference.

use crate::gpu;
use cl_tensor::conformance::check_on;
use cl_tensor::{Device, ops};

#[test]
fn every_operation_gives_the_numbers_of_the_reference() {
    let Some(gpu) = gpu() else { return };
    check_on(&ops::cases(), &|seeds| gpu.session(seeds));
}

#[test]
fn reductions_without_subgroup_operations_give_them_too() {
    let Some(gpu) = gpu() else { return };
    let plain = gpu.trusted_with(|adapter| adapter.features.clear());
    let mut cases = ops::cases();
    cases.retain(|(op, _)| matches!(*op, "sum" | "nnqp"));
    assert_eq!(cases.len(), 2);
    check_on(&cases, &|seeds| plain.session(seeds));
}
