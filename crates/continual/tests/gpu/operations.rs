//! Every operation against the f64 reference.

use crate::gpu;
use cl_tensor::conformance::check_on;
use cl_tensor::{Device, ops};

#[test]
fn every_operation_gives_the_numbers_of_the_reference() {
    let Some(gpu) = gpu() else { return };
    check_on(&ops::cases(), &|seeds| gpu.session(seeds));
}
