//! Features learned without labels against those that were not learned.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_metrics::Summary;
use continual::{Bench, Request, Strengths};

/// Class-incremental digits in a few steps.
fn tiny(strategy: &str, set: &[&str]) -> Result<Bench, continual::Error> {
    let request = Request {
        strategy: Some(strategy.to_owned()),
        scenario: Some("class".to_owned()),
        hidden: Some("12".to_owned()),
        steps: Some(10),
        seeds: Some(1),
        threads: Some(1),
        set: set.iter().map(|text| (*text).to_owned()).collect(),
        ..Request::default()
    };
    Bench::new(&request, &Strengths::built_in().unwrap())
}

#[test]
fn means_of_exemplars_need_somebody_who_keeps_some() {
    let alone = tiny("ncm", &["ncm.means=exemplars"]).and_then(|bench| bench.costs()).unwrap_err();
    assert!(alone.is_bad_input());
    assert_eq!(
        alone.to_string(),
        "ncm looks at rows that memories of the composition keep, and nothing keeps any: compose it with \
         what does, such as `er+ncm`"
    );
    // A penalty keeps no rows.
    assert!(tiny("ewc+ncm", &["ncm.means=exemplars"]).and_then(|bench| bench.costs()).is_err());
    for with in ["er+ncm", "er-reservoir+ncm"] {
        let bench = tiny(with, &["ncm.means=exemplars"]).unwrap();
        let run = bench.run(&bench.costs().unwrap(), &mut (), &mut ()).unwrap();
        assert!(run.lines[0].metrics["final_accuracy"] > 0.2, "{with}");
    }
}

#[test]
fn exemplars_of_icarl_are_so_many_per_class_or_share_what_all_classes_will_have() {
    let run = |set: &[&str]| {
        let bench = tiny("icarl", set).unwrap();
        let cost = bench.costs().unwrap()[0].costs.bytes_kept;
        (bench.run(&bench.costs().unwrap(), &mut (), &mut ()).unwrap().lines.remove(0), cost)
    };
    let (fixed, of_fixed) = run(&["icarl.per_class=5"]);
    let (shared, of_shared) = run(&["icarl.per_class=5", "icarl.budget=shared"]);
    let told = |line: &continual::Line| line.conventions["icarl.budget"].clone();
    assert_eq!(told(&fixed), "5 per class");
    assert_eq!(told(&shared), "5 per class of the whole stream, shared by the classes so far");
    // Either is 50 exemplars in the end; the shared ones are all there after the first context.
    assert_eq!((fixed.bytes_kept, of_fixed), (shared.bytes_kept, of_shared));
    assert_eq!(fixed.accuracy[0].len(), 5);
    assert_ne!(fixed.accuracy, shared.accuracy);
}

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
