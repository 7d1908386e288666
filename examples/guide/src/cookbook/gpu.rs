//! How do I train on a GPU?
//!
//! Name the device: `gpu` (the fastest), a part of an adapter's name, or `auto`; `continual devices` lists them. The
//! program needs the feature `gpu`: `cargo run --release -p guide --features gpu -- gpu gpu`. Numbers agree with those of
//! the CPU within a tolerance, and results say which device they are from.
use continual::Strengths;
use continual::prelude::*;

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let device = std::env::args().nth(2).filter(|word| word.starts_with("gpu"));
    let request = Request {
        strategy: Some("er".to_owned()),
        scenario: Some("class".to_owned()),
        device: Some(device.unwrap_or_else(|| "cpu".to_owned())),
        quick: true,
        ..Request::default()
    };
    let bench = Bench::new(&request, &Strengths::built_in()?)?;
    for line in bench.run(&bench.costs()?, &mut (), &mut ())?.lines {
        let accuracy = 100.0 * line.metrics["final_accuracy"];
        println!("{}: {accuracy:.1} % in {:.2} s", line.device, line.train_seconds);
    }
    Ok(())
}
