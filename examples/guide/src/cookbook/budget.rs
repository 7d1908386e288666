//! Which strategy is best at equal memory?
//!
//! Give every strategy the same number of bytes between contexts: those with a memory of rows get as many rows as
//! fit, the others keep what they keep. `continual budget` draws it for all strategies.
use continual::prelude::*;
use continual::{EqualBytes, Strengths};

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let strengths = Strengths::built_in()?;
    let request = Request {
        strategy: Some("none,er,der,si".to_owned()),
        seeds: Some(2),
        steps: Some(40),
        ..Request::default()
    };
    let equal = EqualBytes::new(request, &[2_000, 20_000], &strengths)?;
    let bench = equal.bench(&strengths)?;
    let costs = bench.costs()?;
    let finished = bench.run(&costs, &mut (), &mut ())?;
    for point in equal.points(&bench, &costs, &finished)? {
        let (bytes, accuracy) = (point.bytes, 100.0 * point.accuracy.mean);
        println!("{:5} {bytes:8} bytes {accuracy:5.1} %", point.strategy);
        assert!(point.budget.is_none_or(|budget| bytes <= budget));
    }
    Ok(())
}
