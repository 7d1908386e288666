//! What counts as kept between contexts, and that a budget is planned by it.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use continual::registry::{Entry, STRATEGIES};
use continual::scenarios::digits;
use continual::{Bench, EqualBytes, Line, Request, Strengths};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Digits, one hidden layer of 8 units, 12 steps of 32 rows per context, two seeds.
fn tiny(strategy: &str, scenario: &str, set: &[String]) -> Request {
    Request {
        strategy: some(strategy),
        scenario: some(scenario),
        hidden: some("8"),
        steps: Some(12),
        seeds: Some(2),
        threads: Some(2),
        set: set.to_vec(),
        ..Request::default()
    }
}

fn run(bench: &Bench) -> Vec<Line> {
    bench.run(&bench.costs().unwrap(), &mut (), &mut ()).unwrap().lines
}

/// What a plain benchmark says that a strategy keeps.
fn kept(strategy: &str, scenario: &str, set: &[String]) -> u64 {
    let strengths = Strengths::built_in().unwrap();
    let bench = Bench::new(&tiny(strategy, scenario, set), &strengths).unwrap();
    let costs = bench.costs().unwrap();
    let lines = bench.run(&costs, &mut (), &mut ()).unwrap().lines;
    let told = costs[0].costs.bytes_kept;
    assert!(
        lines.iter().all(|line| line.bytes_kept == told),
        "{strategy}: the dry run says {told}"
    );
    told
}

fn equal(strategy: &str, budgets: &[u64]) -> EqualBytes {
    EqualBytes::new(tiny(strategy, "class", &[]), budgets, &Strengths::built_in().unwrap()).unwrap()
}

/// Every strategy with a memory and every budget: what was planned is what the run says, and one more
/// row is too much. Where all rows are kept before, one more row changes nothing.
#[test]
fn every_memory_is_planned_as_its_results_will_say_and_holds_no_row_more() {
    let strengths = Strengths::built_in().unwrap();
    let budgets = [10_000, 100_000];
    let has_rows = |entry: &&Entry| entry.hypers.iter().any(|hyper| hyper.grid.counts_rows());
    let names: Vec<&str> = STRATEGIES.iter().filter(has_rows).map(|entry| entry.name).collect();
    let equal = equal(&names.join(","), &budgets);
    let bench = equal.bench(&strengths).unwrap();
    let lines = run(&bench);
    let mut with_memory = Vec::new();
    for fit in equal.fits.iter().filter(|fit| !fit.hypers.is_empty()) {
        let [(hyper, 1)] = &fit.hypers[..] else { panic!("{:?}", fit.hypers) };
        with_memory.push(fit.strategy.as_str());
        for ((budget, rows), bytes) in budgets.iter().zip(&fit.rows).zip(&fit.bytes) {
            let name = &fit.strategy;
            let set = |rows: u64| [format!("{hyper}={rows}")];
            let Some(rows) = *rows else {
                assert!(fit.least > *budget && kept(name, "class", &set(1)) == fit.least, "{name}");
                continue;
            };
            let is = |line: &&Line| {
                line.strategy == *name && line.settings.hyper.get(hyper) == Some(&(rows as f64))
            };
            let own: Vec<u64> = lines.iter().filter(is).map(|line| line.bytes_kept).collect();
            assert_eq!(own, [bytes.unwrap(); 2], "{name} with {rows}");
            assert!(own[0] <= *budget, "{name} with {rows}: {} of {budget}", own[0]);
            let more = kept(name, "class", &set(rows + 1));
            assert!(more > *budget || more == own[0], "{name} with {rows}: {more} of {budget}");
        }
    }
    let expected = [
        "fromp",
        "fromp-l2",
        "lxdg",
        "er",
        "er-reservoir",
        "agem",
        "gem",
        "der",
        "derpp",
        "er-ace",
        "mir",
        "gdumb",
        "icarl",
        "icarl-ssl",
    ];
    assert_eq!(with_memory, expected);
    assert_eq!(names, expected);
}

/// Digits: 64 bytes and a label, 10 classes, two per context.
#[test]
fn rows_for_ten_thousand_bytes_are_those_worked_out_by_hand() {
    let rows = |strategy: &str| {
        let fit = equal(strategy, &[10_000]).fits.remove(0);
        (fit.rows[0], fit.bytes[0])
    };
    // Chosen when a context ends, of which nobody uses the last: 8 classes, 520 bytes for a row of each.
    assert_eq!(rows("er"), (Some(19), Some(9_880)));
    // Filled at every step: 10 classes, 650 bytes.
    assert_eq!(rows("er-reservoir"), (Some(15), Some(9_750)));
    // With 10 logits of 4 bytes, 1,050 bytes.
    assert_eq!(rows("der"), (Some(9), Some(9_450)));
    // The read-out looks at all 10 classes. Teacher 64-8-10, 64 * 8 + 8 + 8 * 10 + 10 = 610 parameters,
    // and which of 10 outputs it knows: 2,480 bytes, which leave 7,520.
    assert_eq!(rows("icarl"), (Some(11), Some(2_480 + 11 * 650)));
}

#[test]
fn networks_beside_the_classifier_count() {
    let one = |hyper: &str| [format!("{hyper}=1")];
    let dense = |inputs: u64, outputs: u64| inputs * outputs + outputs;
    // 10 rows; the projector 8-256-64.
    let projector = dense(8, 256) + dense(256, 64);
    let expected = 10 * 65 + 4 * projector;
    assert_eq!(kept("icarl-ssl", "class", &one("icarl-ssl.per_class")), expected);
    // The gate network 64-64-64-8 of the one hidden layer, of which EWC keeps Fisher and mean with those of
    // the classifier, and a number; an image of 64 bytes and 8 gates of each of 4 past contexts.
    let (gates, classifier) = (2 * dense(64, 64) + dense(64, 8), dense(64, 8) + dense(8, 10));
    let expected = 4 * gates + 8 * (gates + classifier) + 4 + 4 * (64 + 4 * 8);
    assert_eq!(kept("lxdg", "class", &one("lxdg.anchors")), expected);
    // Generator 20-128-128-64 and its copy, critic 64-128-128-1, a copy of the classifier, a number.
    let generator = dense(20, 128) + dense(128, 128) + dense(128, 64);
    let critic = dense(64, 128) + dense(128, 128) + dense(128, 1);
    assert_eq!(kept("dgr-gan", "class", &[]), 4 * (2 * generator + critic + classifier + 1));
    // Five networks 64-32-32-2 in place of one 64-8-10.
    let separate = 5 * (dense(64, 32) + dense(32, 32) + dense(32, 2));
    assert_eq!(kept("separate", "task", &[]), 4 * (separate - classifier));
    assert_eq!(kept("none", "class", &[]), 0);
}

#[test]
fn baselines_that_keep_all_data_keep_every_row() {
    let rows = (digits().train.len() + digits().validation.len()) as u64;
    for strategy in ["joint", "cumulative"] {
        assert_eq!(kept(strategy, "class", &[]), 65 * rows);
        // With the number of its context, which selects the head.
        assert_eq!(kept(strategy, "task", &[]), 66 * rows);
    }
}

/// Rows of both memories together; the sum is the most that fits.
#[test]
fn two_memories_share_the_bytes_with_as_many_rows_each() {
    let strengths = Strengths::built_in().unwrap();
    let cases = [
        // 8 * 65 + 10 * 105 bytes for a row of every class.
        ("er+derpp", ["er.per_class", "derpp.per_class"], [1, 1], Some((12, 18_840))),
        // 2 * 10 * 65, since the read-out ends the last context for both, and iCaRL's 2,480.
        ("icarl+er", ["icarl.per_class", "er.per_class"], [1, 1], Some((13, 19_380))),
        // A row of each of two classes is two rows of a context.
        ("lxdg+er", ["lxdg.anchors", "er.per_class"], [2, 1], None),
    ];
    for (strategy, names, ones, expected) in cases {
        let budget = if expected.is_some() { 20_000 } else { 200_000 };
        let equal = equal(strategy, &[budget]);
        let [fit] = &equal.fits[..] else { panic!("{:?}", equal.fits) };
        let hypers: Vec<(String, u64)> =
            names.iter().zip(ones).map(|(name, one)| ((*name).to_owned(), one)).collect();
        assert_eq!(fit.hypers, hypers, "{strategy}");
        let (rows, bytes) = (fit.rows[0].unwrap(), fit.bytes[0].unwrap());
        assert!(expected.is_none_or(|expected| expected == (rows, bytes)), "{rows}, {bytes}");
        let lines = run(&equal.bench(&strengths).unwrap());
        for line in &lines {
            assert_eq!(line.bytes_kept, bytes, "{strategy}");
            for (name, one) in &hypers {
                assert_eq!(line.settings.hyper[name], (one * rows) as f64, "{name}");
            }
        }
        let set = |rows: u64| -> Vec<String> {
            hypers.iter().map(|(name, one)| format!("{name}={}", one * rows)).collect()
        };
        let more = kept(strategy, "class", &set(rows + 1));
        assert!(bytes <= budget && budget < more, "{strategy}: {bytes}, {more}");
    }
}

#[test]
fn bytes_told_before_a_run_without_boundaries_are_those_it_keeps() {
    let strengths = Strengths::built_in().unwrap();
    for stream in ["fuzzy", "random", "one-pass"] {
        let request = Request {
            stream: some(stream),
            steps: (stream != "one-pass").then_some(12),
            update_every: Some(7),
            preset: some("vdv"),
            ..tiny("si+er-reservoir,er,agem,icarl", "class", &[])
        };
        let bench = Bench::new(&request, &strengths).unwrap();
        let (costs, lines) = (bench.costs().unwrap(), run(&bench));
        assert_eq!(lines.len(), 2 * costs.len());
        for (cost, lines) in costs.iter().zip(lines.chunks(2)) {
            let kept = [lines[0].bytes_kept, lines[1].bytes_kept];
            assert_eq!(kept, [cost.costs.bytes_kept; 2], "{stream}: {}", lines[0].strategy);
        }
    }
}

#[test]
fn rows_that_somebody_sets_are_refused_by_name() {
    let cases = [
        ("er", "er.per_class=5", "--set er.per_class: it counts the rows"),
        ("ewc+er,er", "ewc+er:er.per_class=5", "--set er.per_class: it counts the rows"),
        (
            "lxdg",
            "lxdg.anchors=5",
            "--set lxdg.anchors: it counts the rows of a memory, which --bytes chooses",
        ),
        ("ewc", "ewc.lambda=1,2", "--set ewc.lambda: expected one value, not a sweep"),
    ];
    for (strategy, set, expected) in cases {
        let request = tiny(strategy, "class", &[set.to_owned()]);
        let error =
            EqualBytes::new(request, &[10_000], &Strengths::built_in().unwrap()).unwrap_err();
        assert!(error.is_bad_input() && error.to_string().contains(expected), "{error}");
    }
    // Another one is planned with: a larger projector leaves fewer rows.
    let rows = |set: &str| {
        let request = tiny("icarl-ssl", "class", &[set.to_owned()]);
        let equal = EqualBytes::new(request, &[20_000], &Strengths::built_in().unwrap()).unwrap();
        equal.fits[0].rows[0].unwrap()
    };
    // 20,000 bytes without 4 * (8 * 16 + 16 + 16 * 64 + 64) and without the same of 32 units.
    assert_eq!(rows("icarl-ssl.projector=16"), (20_000 - 4_928) / 650);
    assert_eq!(rows("icarl-ssl.projector=32"), (20_000 - 9_600) / 650);
}
