//! The table of Split MNIST against the time of the published PyTorch code. That code is not run here: its time per
//! step, taken on another machine, is carried to this one by a step of PyTorch that is timed on both.

use crate::{Peer, median};
use anyhow::{Context, Result};
use continual::{Bench, Request, Strengths};
use serde_json::json;

/// Steps per context of the two runs through which a cell's time is fitted.
const STEPS: [u32; 2] = [100, 300];
const CONTEXTS: f64 = 5.0;
/// Steps per context of the table.
const TABLE_STEPS: f64 = 2_000.0;
const THREADS: usize = 2;
/// Milliseconds of PyTorch's step of [`Mlp784`](crate::Mlp784) on 2 threads where the reference was timed.
const STEP_THERE: f64 = 1.99;

/// Milliseconds per training step, image loading included, of the code published with van de Ven, Tuytelaars &
/// Tolias (2022), on 2 threads. Boundaries are not in them: what ours take at boundaries counts against us.
const REFERENCE: [(&str, &[(&str, f64)]); 3] = [
    (
        "task",
        &[
            ("none", 9.9),
            ("joint", 11.3),
            ("separate", 6.7),
            ("xdg", 9.4),
            ("ewc", 11.4),
            ("si", 10.9),
            ("lwf", 12.0),
            ("fromp", 345.0),
            ("dgr", 26.7),
            ("bir", 29.0),
            ("er", 11.2),
            ("agem", 12.7),
        ],
    ),
    (
        "domain",
        &[
            ("none", 8.7),
            ("ewc", 11.7),
            ("si", 10.8),
            ("lwf", 11.4),
            ("fromp", 205.0),
            ("dgr", 26.0),
            ("bir", 23.4),
            ("er", 10.6),
            ("agem", 11.8),
        ],
    ),
    (
        "class",
        &[
            ("none", 9.2),
            ("ewc", 12.6),
            ("si", 10.9),
            ("lwf", 12.1),
            ("fromp", 1049.0),
            ("dgr", 28.0),
            ("bir", 25.7),
            ("er", 13.6),
            ("agem", 15.0),
            ("generative-classifier", 8.9),
            ("icarl", 11.7),
        ],
    ),
];

/// Families with the ratio that is aimed for.
const FAMILIES: [(&str, f64, &[&str]); 4] = [
    ("penalties", 6.0, &["ewc", "si", "lwf"]),
    ("replay", 4.5, &["er", "agem"]),
    ("generative", 2.5, &["dgr", "bir"]),
    ("fromp", 40.0, &["fromp"]),
];

/// A strategy with the seconds of the table's steps: ours, and the reference's where it was timed.
struct Timed {
    strategy: &'static str,
    ours: f64,
    theirs: f64,
}

/// Trains every cell of the table that the reference was timed for, twice, one seed, and prints what its 10,000 steps
/// take beside the reference. With a peer, PyTorch's step is timed between the cells.
///
/// # Errors
/// MNIST is not in the user's data folders; what a run or the peer reports.
pub fn print(mut peer: Option<&mut Peer>) -> Result<()> {
    println!(
        "Split MNIST, MLP 784-400-400-10, batch 128, one seed, {THREADS} threads, training and boundaries"
    );
    println!(
        "{:<38}{:>12}{:>14}{:>16}{:>20}",
        "cell", "ms per step", "s beside them", "s, 10,000 steps", "reference, s there"
    );
    let (mut steps_here, mut cells) = (Vec::new(), Vec::new());
    for (scenario, strategies) in REFERENCE {
        for &(strategy, milliseconds) in strategies {
            let name = format!("{strategy}, {scenario}");
            let [short, long] = STEPS.map(|steps| CONTEXTS * f64::from(steps));
            let seconds_of = |steps| train(strategy, scenario, steps).with_context(|| name.clone());
            let [first, second] = [seconds_of(STEPS[0])?, seconds_of(STEPS[1])?];
            let per_step = (second - first) / (long - short);
            let beside = first - per_step * short;
            let ours = beside + per_step * CONTEXTS * TABLE_STEPS;
            let theirs = 1e-3 * milliseconds * CONTEXTS * TABLE_STEPS;
            println!("{name:<38}{:>12.3}{beside:>14.2}{ours:>16.1}{theirs:>20.0}", 1e3 * per_step);
            cells.push(Timed { strategy, ours, theirs });
            if let Some(peer) = peer.as_deref_mut() {
                let step = json!({ "case": "step", "members": 1, "threads": THREADS });
                steps_here.extend(peer.time(&step)?);
            }
        }
    }
    if steps_here.is_empty() {
        println!(
            "without --peers there is no step of PyTorch to carry the reference to this machine"
        );
        return Ok(());
    }
    let here = 1e3 * median(steps_here);
    println!("\nPyTorch's step: {here:.2} ms here, {STEP_THERE} ms there");
    println!(
        "{:<38}{:>12}{:>20}{:>10}{:>10}",
        "10,000 steps", "s", "reference, s here", "ratio", "aim"
    );
    let sum = |name: &str, aim: f64, of: &dyn Fn(&str) -> bool| {
        let cells = || cells.iter().filter(|it| of(it.strategy));
        let ours: f64 = cells().map(|it| it.ours).sum();
        let theirs = cells().map(|it| it.theirs).sum::<f64>() * here / STEP_THERE;
        println!("{name:<38}{ours:>12.0}{theirs:>20.0}{:>10.1}{aim:>10}", theirs / ours);
    };
    for (name, aim, strategies) in FAMILIES {
        sum(name, aim, &|strategy| strategies.contains(&strategy));
    }
    sum("all without fromp", 5.0, &|strategy| strategy != "fromp");
    sum("all", 15.0, &|_| true);
    Ok(())
}

/// Seconds of training and boundaries of one seed with so many steps per context.
fn train(strategy: &str, scenario: &str, steps: u32) -> Result<f64, continual::Error> {
    let request = Request {
        dataset: Some("mnist".to_owned()),
        strategy: Some(strategy.to_owned()),
        scenario: Some(scenario.to_owned()),
        seeds: Some(1),
        steps: Some(steps),
        threads: Some(THREADS),
        ..Request::default()
    };
    let bench = Bench::new(&request, &Strengths::built_in()?)?;
    let finished = bench.run(&bench.costs()?, &mut (), &mut ())?;
    Ok(finished.lines.iter().map(|line| line.train_seconds).sum())
}
