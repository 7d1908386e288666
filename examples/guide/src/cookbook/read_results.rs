//! How do I read results.jsonl?
//!
//! One JSON object per line and run: settings, conventions, accuracies, metrics, bytes. Any language reads it; in
//! Rust it is a `Line`, whose matrix gives every metric again.
use continual::Line;
use continual::Strengths;
use continual::prelude::*;

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let text = results()?; // of a benchmark: std::fs::read_to_string("target/bench/results.jsonl")?
    for line in text.lines() {
        let line: Line = serde_json::from_str(line)?;
        let accuracy = line.metrics["final_accuracy"];
        println!(
            "{} seed {}: {:.1} %, lr {}",
            line.strategy,
            line.seed,
            100.0 * accuracy,
            line.settings.lr
        );
        assert_eq!(final_accuracy(&line.matrix()?)?, accuracy);
    }
    Ok(())
}

/// The lines of a small benchmark.
fn results() -> Result<String, Box<dyn std::error::Error>> {
    let request = Request {
        strategy: Some("none,si".to_owned()),
        scenario: Some("domain".to_owned()),
        quick: true,
        ..Request::default()
    };
    let bench = Bench::new(&request, &Strengths::built_in()?)?;
    let finished = bench.run(&bench.costs()?, &mut (), &mut ())?;
    let lines: Result<Vec<String>, _> = finished.lines.iter().map(serde_json::to_string).collect();
    Ok(lines?.join("\n"))
}
