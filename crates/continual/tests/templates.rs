//! Features learned without labels against those that were not learned.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_metrics::Summary;
use continual::{Bench, Request, Strengths};

/// Class-incremental digits, MLP 64-256, 100 exemplars per class, views shifted by up to 1/8.
fn request(strategy: &str) -> Request {
    let some = |text: &str| Some(text.to_owned());
    let set = ["icarl-ssl.per_class=100", "icarl-ssl.shift=0.125", "ncm.features=random"];
    Request {
        strategy: some(strategy),
        scenario: some("class"),
        hidden: some("256"),
        steps: Some(200),
        batch: Some(128),
        seeds: Some(5),
        set: set
            .into_iter()
            .filter(|it| it.starts_with(&format!("{strategy}.")))
            .map(str::to_owned)
            .collect(),
        ..Request::default()
    }
}

/// Final accuracy in % of seeds 2 to 6.
fn accuracies(strategy: &str, request: &Request) -> Vec<f64> {
    let bench = Bench::new(request, &Strengths::built_in().unwrap()).unwrap();
    let costs = bench.costs().unwrap();
    let lines = bench.run(&costs, &mut (), &mut ()).unwrap().lines;
    let runs = lines.iter().filter(|line| line.strategy == strategy);
    let mut runs: Vec<_> =
        runs.map(|line| (line.seed, 100.0 * line.metrics["final_accuracy"])).collect();
    runs.sort_unstable_by_key(|(seed, _)| *seed);
    assert_eq!(runs.iter().map(|run| run.0).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
    runs.into_iter().map(|run| run.1).collect()
}

#[test]
fn features_without_labels_beat_pixels_and_the_untrained_network_in_every_pair_of_seeds() {
    let ours = accuracies("icarl-ssl", &request("icarl-ssl"));
    // Its own templates on the network as it starts: steps so small that nothing moves.
    let still = Request { lr: Some(1e-12), steps: Some(1), ..request("icarl-ssl") };
    let others = [
        ("pixels", accuracies("ncm-pixels", &request("ncm-pixels"))),
        ("untrained features", accuracies("ncm", &request("ncm"))),
        ("icarl-ssl untrained", accuracies("icarl-ssl", &still)),
    ];
    for (other, theirs) in others {
        let gains: Vec<f64> = ours.iter().zip(&theirs).map(|(a, b)| a - b).collect();
        assert!(gains.iter().all(|&gain| gain > 0.0), "icarl-ssl {ours:?}, {other} {theirs:?}");
        let Summary { mean, sem, .. } = Summary::of(&gains).unwrap();
        // 2.776: the 97.5 % quantile of Student's t with 4 degrees of freedom.
        assert!(mean > 2.776 * sem.unwrap(), "{other}: {mean} ± {sem:?}");
    }
}
