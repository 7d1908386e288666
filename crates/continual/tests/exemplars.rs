//! Who keeps exemplars, how many, and who reads them.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

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
