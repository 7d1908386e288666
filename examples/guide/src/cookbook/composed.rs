//! Does a penalty help beside replay?
//!
//! A tuple of strategies is a strategy; by name it is `si+er`. A comparison by names takes the strengths that were
//! chosen on validation images, as `continual bench --strategy si,er,si+er` does.
use continual::Strengths;
use continual::prelude::*;

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let request = Request {
        strategy: Some("si,er,si+er".to_owned()),
        scenario: Some("task,class".to_owned()),
        steps: Some(50),
        seeds: Some(2),
        ..Request::default()
    };
    let bench = Bench::new(&request, &Strengths::built_in()?)?;
    let finished = bench.run(&bench.costs()?, &mut (), &mut ())?;
    for row in &bench.rows {
        for &scenario in &bench.scenarios {
            let runs = bench.runs(row, scenario, &finished.lines);
            let finals: Vec<f64> = runs.iter().map(|line| line.metrics["final_accuracy"]).collect();
            println!("{:6} {scenario:6} {:.1} %", row.label, 100.0 * Summary::of(&finals)?.mean);
        }
    }
    Ok(())
}
