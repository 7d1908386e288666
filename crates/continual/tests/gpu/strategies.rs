//! Every strategy against the CPU.

use crate::gpu;
use cl_core::Learner;
use cl_scenarios::Scenario;
use continual::registry::{Composition, STRATEGIES};
use continual::{Bench, Error, Keep, Request, Strengths};

/// What makes a strategy large plays no part in what it computes.
const SIZES: [(&str, u32); 10] = [
    ("per_class", 2),
    ("anchors", 2),
    ("gate_units", 4),
    ("units", 6),
    ("latent", 2),
    ("projections", 16),
    ("projector", 12),
    ("embedding", 8),
    ("passes", 1),
    ("critic_steps", 1),
];

fn request(strategy: &str, scenario: Scenario, device: &str) -> Request {
    let hypers = Composition::parse(strategy).unwrap().hypers();
    let small = hypers.iter().filter_map(|(name, hyper)| {
        let (_, size) = SIZES.iter().find(|(size, _)| *size == hyper.name)?;
        Some(format!("{name}={size}"))
    });
    Request {
        scenario: Some(scenario.to_string()),
        strategy: Some(strategy.to_owned()),
        contexts: Some(2),
        seeds: Some(2),
        steps: Some(10),
        batch: Some(16),
        hidden: Some("16".to_owned()),
        set: small.collect(),
        threads: Some(1),
        device: Some(device.to_owned()),
        ..Request::default()
    }
}

/// Keeps the networks of all runs.
#[derive(Default)]
struct Networks(Vec<(String, Vec<f32>)>);

impl Keep for Networks {
    fn trained(&mut self, names: &[String], learner: &Learner<'_>) -> Result<(), Error> {
        for (member, name) in names.iter().enumerate() {
            let values = learner.network_values(member)?;
            self.0.push((name.clone(), values.into_iter().flat_map(|it| it.floats).collect()));
        }
        Ok(())
    }
}

fn networks(request: &Request) -> Result<Vec<(String, Vec<f32>)>, Error> {
    let bench = Bench::new(request, &Strengths::built_in().unwrap())?;
    let costs = bench.costs()?;
    let mut networks = Networks::default();
    bench.run(&costs, &mut (), &mut networks)?;
    Ok(networks.0)
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|x| x * x).sum::<f64>().sqrt()
}

#[test]
fn every_strategy_trains_the_network_that_the_cpu_trains() {
    if gpu().is_none() {
        return;
    }
    let mut failures = Vec::new();
    for entry in STRATEGIES {
        let scenario = Scenario::ALL.into_iter().rev().find(|&it| {
            Bench::new(&request(entry.name, it, "cpu"), &Strengths::built_in().unwrap())
                .and_then(|b| b.costs())
                .is_ok()
        });
        let Some(scenario) = scenario else { continue };
        let start = std::time::Instant::now();
        let cpu = networks(&request(entry.name, scenario, "cpu")).unwrap();
        let gpu = match networks(&request(entry.name, scenario, "gpu")) {
            Ok(gpu) => gpu,
            Err(error) => {
                failures.push(format!("{}, {scenario}: {error}", entry.name));
                continue;
            }
        };
        for ((name, ours), (_, theirs)) in gpu.iter().zip(&cpu) {
            let pairs = ours.iter().zip(theirs);
            let off = norm(pairs.map(|(a, b)| f64::from(a - b)))
                / norm(theirs.iter().map(|&x| f64::from(x)));
            eprintln!("{name}: {off:.1e} {:?}", start.elapsed());
            if !(off <= 1e-4) {
                failures.push(format!("{name}: off by {off:.1e} of its length"));
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
