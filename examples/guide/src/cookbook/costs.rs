//! What will it cost, before I train?
//!
//! Every program is recorded before training, so steps, multiply-accumulates and bytes are known; `--dry-run` prints
//! them, `continual explain` by kind of kernel.
use continual::Strengths;
use continual::prelude::*;

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let request = Request {
        strategy: Some("none,ewc,er,dgr".to_owned()),
        scenario: Some("class".to_owned()),
        ..Request::default()
    };
    let bench = Bench::new(&request, &Strengths::built_in()?)?;
    for (cell, cost) in bench.cells.iter().zip(bench.costs()?) {
        let (step, kept) = (cost.costs.step.macs, cost.costs.bytes_kept);
        println!("{:5} {step:9} multiply-accumulates per step, {kept:7} bytes kept", cell.label());
    }
    Ok(())
}
