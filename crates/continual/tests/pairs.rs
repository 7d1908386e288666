//! What `list --pairs` promises.
#![allow(clippy::unwrap_used)]

use cl_scenarios::Scenario;
use continual::registry::{Composition, Family, STRATEGIES};
use continual::{Bench, Pair, Request, Strengths, pairs};

/// What makes a strategy large plays no part in what fits what.
const SIZES: [(&str, u32); 8] = [
    ("per_class", 2),
    ("anchors", 2),
    ("gate_units", 4),
    ("units", 4),
    ("latent", 2),
    ("projections", 4),
    ("passes", 1),
    ("critic_steps", 1),
];

fn request(scenario: Scenario, strategy: &str) -> Request {
    let hypers = Composition::parse(strategy).unwrap().hypers();
    let small = hypers.iter().filter_map(|(name, hyper)| {
        let (_, size) = SIZES.iter().find(|(size, _)| *size == hyper.name)?;
        Some(format!("{name}={size}"))
    });
    Request {
        scenario: Some(scenario.to_string()),
        strategy: Some(strategy.to_owned()),
        contexts: Some(2),
        seeds: Some(1),
        steps: Some(1),
        hidden: Some("8".to_owned()),
        set: small.collect(),
        threads: Some(1),
        ..Request::default()
    }
}

fn runs_exactly_where_said(pair: &Pair) {
    let name = match pair.first == pair.second {
        true => pair.first.to_owned(),
        false => format!("{}+{}", pair.first, pair.second),
    };
    for (scenario, reason) in &pair.refused {
        let bench = Bench::new(&request(*scenario, &name), &Strengths::built_in().unwrap());
        match reason {
            Some(reason) => {
                let recorded = bench.and_then(|bench| bench.costs().map(|_| ()));
                assert_eq!(recorded.unwrap_err().to_string(), *reason, "{name}");
            }
            None => {
                let bench = bench.unwrap();
                let costs = bench.costs().unwrap();
                let run = bench.run(&costs, &mut (), &mut ()).unwrap();
                assert_eq!(run.lines.len(), 1, "{name}, {scenario}");
            }
        }
    }
}

#[test]
fn a_pair_runs_exactly_where_the_list_says_so() {
    let pairs = pairs();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let own = pairs.iter().skip(worker).step_by(workers);
            scope.spawn(move || own.for_each(runs_exactly_where_said));
        }
    });
}

#[test]
fn gates_that_need_the_context_run_in_task_incremental_streams_only() {
    let all = pairs();
    let xdg = all.iter().find(|pair| pair.first == "xdg" && pair.second == "er").unwrap();
    let runs: Vec<bool> = xdg.refused.iter().map(|(_, reason)| reason.is_none()).collect();
    assert_eq!(runs, [true, false, false]);
    assert!(!xdg.is_impossible());
    // Every method alone, and every two of them.
    let methods = STRATEGIES.iter().filter(|entry| entry.family != Family::Baseline).count();
    assert_eq!(all.len(), methods * (methods + 1) / 2);
}
