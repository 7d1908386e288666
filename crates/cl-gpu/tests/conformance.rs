//! Every operation on an adapter of this machine against the f64 reference.

use cl_gpu::Gpu;
use cl_tensor::conformance::check_on;
use cl_tensor::{Device, ops};

#[test]
fn every_operation_gives_the_numbers_of_the_reference() {
    let Ok(gpu) = Gpu::open("") else {
        println!("skipped: no GPU was found");
        return;
    };
    check_on(&ops::cases(), &|seeds| gpu.session(seeds));
}
