//! Features learned without labels against those that were not learned.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_metrics::Summary;
use continual::{Bench, Request, Strengths};

/// Class-incremental digits, 100 exemplars per class, 5 seeds: icarl-ssl, the nearest mean on pixels, and the
/// nearest mean on the same network untrained.
#[test]
fn features_without_labels_beat_pixels_and_the_untrained_network_in_every_pair_of_seeds() {
    let some = |text: &str| Some(text.to_owned());
    let request = Request {
        strategy: some("icarl-ssl,ncm-pixels,ncm"),
        scenario: some("class"),
        hidden: some("128"),
        steps: Some(150),
        batch: Some(96),
        seeds: Some(5),
        set: ["icarl-ssl.per_class=100", "ncm.features=random"].map(str::to_owned).to_vec(),
        ..Request::default()
    };
    let bench = Bench::new(&request, &Strengths::built_in().unwrap()).unwrap();
    let costs = bench.costs().unwrap();
    let lines = bench.run(&costs, &mut (), &mut ()).unwrap().lines;
    let of = |strategy: &str| -> Vec<f64> {
        let runs = lines.iter().filter(|line| line.strategy == strategy);
        let mut runs: Vec<_> =
            runs.map(|line| (line.seed, 100.0 * line.metrics["final_accuracy"])).collect();
        runs.sort_unstable_by_key(|(seed, _)| *seed);
        assert_eq!(runs.iter().map(|run| run.0).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
        runs.into_iter().map(|run| run.1).collect()
    };
    let ours = of("icarl-ssl");
    for other in ["ncm-pixels", "ncm"] {
        let theirs = of(other);
        let gains: Vec<f64> = ours.iter().zip(&theirs).map(|(a, b)| a - b).collect();
        assert!(gains.iter().all(|&gain| gain > 0.0), "icarl-ssl {ours:?}, {other} {theirs:?}");
        let Summary { mean, sem, .. } = Summary::of(&gains).unwrap();
        // 2.776: the 97.5 % quantile of Student's t with 4 degrees of freedom.
        assert!(mean > 2.776 * sem.unwrap(), "{other}: {mean} ± {sem:?}");
    }
}
