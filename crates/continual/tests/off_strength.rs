//! Strengths that are off by orders of magnitude are told with the measured ratio.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use continual::{Bench, Line, Request, Strengths};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Digits, domain-incremental.
fn bench(strategy: &str, set: &[&str]) -> Bench {
    let request = Request {
        strategy: some(strategy),
        scenario: some("domain"),
        set: set.iter().map(|&set| set.to_owned()).collect(),
        hidden: some("32"),
        steps: Some(150),
        seeds: Some(1),
        threads: Some(1),
        ..Request::default()
    };
    Bench::new(&request, &Strengths::built_in().unwrap()).unwrap()
}

fn run(bench: &Bench) -> Vec<Line> {
    let costs = bench.costs().unwrap();
    bench.run(&costs, &mut (), &mut ()).unwrap().lines
}

fn told(bench: &Bench, lines: &[Line]) -> Vec<String> {
    bench.off_strengths(lines).iter().map(ToString::to_string).collect()
}

#[test]
fn a_huge_and_a_tiny_strength_are_told_and_the_defaults_are_not() {
    let usual = bench("none,ewc,ewc-online,si,er", &[]);
    let lines = run(&usual);
    assert_eq!(told(&usual, &lines), Vec::<String>::new());
    for line in &lines {
        let measured = ["ewc", "ewc-online", "si"].contains(&line.strategy.as_str());
        assert_eq!(line.penalty_ratio.len(), if measured { 5 } else { 0 }, "{}", line.strategy);
    }

    let off = bench("ewc", &["ewc.lambda=1e-7,1e2,1e12"]);
    let told = told(&off, &run(&off));
    let [tiny, huge] = &told[..] else { panic!("{told:?}") };
    let begins = |text: &str, lambda: &str| {
        text.starts_with(&format!("ewc lambda={lambda} in domain: the penalty's gradient is "))
            && text.contains(&format!(" times the task's (ewc.lambda {lambda}): "))
    };
    assert!(begins(tiny, "1e-7") && tiny.ends_with(": it hardly acts"), "{tiny}");
    assert!(
        begins(huge, "1e12") && huge.ends_with(": a smaller strength may learn more"),
        "{huge}"
    );
}

/// FROMP divides the task's gradient by τ: it is the weighed gradient that counts.
#[test]
fn a_strength_that_weighs_the_task_is_told_as_well() {
    let weighed = bench("fromp", &["fromp.tau=1e-9,1e9", "fromp.per_class=2"]);
    let told = told(&weighed, &run(&weighed));
    let [little, much] = &told[..] else { panic!("{told:?}") };
    assert!(little.contains("tau=1e-9") && little.ends_with(": it hardly acts"), "{little}");
    assert!(much.contains("tau=1e9") && much.ends_with("may learn more"), "{much}");
}

#[test]
fn the_largest_ratio_decides_and_none_and_zero_say_nothing() {
    let bench = bench("ewc+si", &["ewc.lambda=400", "si.c=0.5"]);
    let mut lines = run(&bench);
    let mut with = |ratios: &[Option<f64>]| {
        lines[0].penalty_ratio = ratios.to_vec();
        told(&bench, &lines)
    };
    for quiet in [
        &[][..],
        &[None, None],
        &[None, Some(0.0)],
        &[None, Some(1e-9), Some(1e-3)],
        &[None, Some(1e-9), Some(1e3)],
    ] {
        assert_eq!(with(quiet), Vec::<String>::new(), "{quiet:?}");
    }
    let words = |ratio: &str, meaning: &str| {
        let strengths = "ewc.lambda 400, si.c 0.5";
        let ratio = format!("the penalty's gradient is {ratio} times the task's ({strengths})");
        vec![format!("ewc+si in domain: {ratio}: {meaning}")]
    };
    assert_eq!(
        with(&[None, Some(2.13e4), Some(1e-9)]),
        words("2.1e4", "a smaller strength may learn more")
    );
    assert_eq!(with(&[None, Some(3e-5), None, Some(0.0)]), words("3.0e-5", "it hardly acts"));
}

#[test]
fn a_line_of_an_earlier_version_is_read() {
    let bench = bench("ewc", &["ewc.lambda=1"]);
    let line = run(&bench).remove(0);
    let mut value = serde_json::to_value(&line).unwrap();
    assert_eq!(serde_json::from_value::<Line>(value.clone()).unwrap(), line);
    value.as_object_mut().unwrap().remove("penalty_ratio").unwrap();
    let old: Line = serde_json::from_value(value).unwrap();
    assert_eq!(old, Line { penalty_ratio: Vec::new(), ..line });
}
