//! What `list --pairs` promises.
#![allow(clippy::unwrap_used)]

use cl_scenarios::Scenario;
use continual::registry::{Family, STRATEGIES};
use continual::{Bench, Request, Strengths, pairs};

fn request(scenario: Scenario, strategy: &str) -> Request {
    Request {
        scenario: Some(scenario.to_string()),
        strategy: Some(strategy.to_owned()),
        seeds: Some(1),
        steps: Some(1),
        hidden: Some("64".to_owned()),
        ..Request::default()
    }
}

#[test]
fn a_pair_runs_exactly_where_the_list_says_so() {
    for pair in pairs() {
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
}

#[test]
fn gates_that_need_the_context_run_in_task_incremental_streams_only() {
    let all = pairs();
    let xdg = all.iter().find(|pair| pair.first == "xdg" && pair.second == "er").unwrap();
    let runs: Vec<bool> = xdg.refused.iter().map(|(_, reason)| reason.is_none()).collect();
    assert_eq!(runs, [true, false, false]);
    assert!(!xdg.is_impossible());
    // Each method alone and each two once.
    let methods = STRATEGIES.iter().filter(|entry| entry.family != Family::Baseline).count();
    assert_eq!(all.len(), methods * (methods + 1) / 2);
}
