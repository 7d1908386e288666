//! Accuracies on the way: hand-worked values, what is undefined, what is refused.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_metrics::{ANYTIME_METRICS, AnytimeAccuracy, Glance, evaluate_with};

/// Context, step, accuracies on three contexts.
type Row = (usize, u64, [f64; 3]);

const RUN: [Row; 9] = [
    (0, 0, [0.5, 0.5, 0.5]),
    (0, 10, [0.7, 0.4, 0.5]),
    (0, 20, [0.9, 0.5, 0.4]),
    (1, 25, [0.4, 0.6, 0.4]),
    (1, 30, [0.86, 0.7, 0.5]),
    (1, 40, [0.8, 0.8, 0.5]),
    (2, 50, [0.6, 0.5, 0.6]),
    (2, 55, [0.7, 0.75, 0.7]),
    (2, 60, [0.75, 0.77, 0.8]),
];

fn run(rows: &[Row]) -> AnytimeAccuracy {
    let mut run = AnytimeAccuracy::new(3).unwrap();
    for (context, step, accuracy) in rows {
        run.push(Glance { context: *context, step: *step, accuracy: accuracy.to_vec() }).unwrap();
    }
    run
}

#[test]
fn metrics_are_those_worked_out_by_hand() {
    let (values, undefined) = evaluate_with(ANYTIME_METRICS, &run(&RUN));
    assert!(undefined.is_empty(), "{undefined:?}");
    let expected = [
        // Lowest after its end: .4 of the first, .5 of the second.
        ("min_acc", 0.45),
        ("wc_acc", 0.8 / 3.0 + 0.45 * 2.0 / 3.0),
        // Drops .9 to .4, .8 to .5, none of the third: its least rise, -.1, is the largest "drop".
        ("wf_10", (0.5 + 0.3 - 0.1) / 3.0),
        ("wf_100", (0.5 + 0.3 - 0.1) / 3.0),
        // Rises .4 to .86 of the first; .5 to .77; .6 to .8.
        ("wp_10", (0.46 + 0.27 + 0.2) / 3.0),
        ("wp_100", (0.46 + 0.27 + 0.2) / 3.0),
        ("stability_gap_depth", (0.5 + 0.3) / 2.0),
        // 95 % of .9 is .855, regained at step 30; of .8 it is .76, regained at 60.
        ("stability_gap_length", f64::midpoint(30.0 - 20.0, 60.0 - 40.0)),
        (
            "average_anytime_accuracy",
            (10.0 * 0.7
                + 10.0 * 0.9
                + 5.0 * (0.4 + 0.6) / 2.0
                + 5.0 * (0.86 + 0.7) / 2.0
                + 10.0 * (0.8 + 0.8) / 2.0
                + 10.0 * (0.6 + 0.5 + 0.6) / 3.0
                + 5.0 * (0.7 + 0.75 + 0.7) / 3.0
                + 5.0 * (0.75 + 0.77 + 0.8) / 3.0)
                / 60.0,
        ),
    ];
    assert_eq!(expected.len(), values.len());
    for (name, value) in expected {
        assert!((values[name] - value).abs() < 1e-12, "{name}: {} is not {value}", values[name]);
    }
}

/// Two evaluations in a row: the drop from .9 to .4, from .8 to .5; the rise from .4 to .86, .5 to .75, .6 to .7.
#[test]
fn a_window_of_two_compares_neighbours() {
    let run = run(&RUN);
    let near = |left: f64, right: f64| assert!((left - right).abs() < 1e-12, "{left} {right}");
    near(run.windowed_forgetting("wf", 2).unwrap(), (0.5 + 0.3 - 0.1) / 3.0);
    near(run.windowed_plasticity("wp", 2).unwrap(), (0.46 + 0.25 + 0.1) / 3.0);
    let reason = run.windowed_plasticity("wp", 1).unwrap_err();
    assert_eq!(
        reason.reason(),
        "wp needs two evaluations in a window; this run has none of context 1 in a window of 1"
    );
}

#[test]
fn an_accuracy_that_never_falls_has_no_gap_and_a_forgotten_one_no_length() {
    let mut rows = RUN.to_vec();
    // Never below .855 in the second context; never up to .76 in the third.
    rows[3].2[0] = 0.9;
    rows[5].2[0] = 0.86;
    rows[8].2[1] = 0.7;
    let forgot = run(&rows);
    assert!((forgot.stability_gap_depth().unwrap() - (0.04 + 0.3) / 2.0).abs() < 1e-12);
    assert_eq!(
        forgot.stability_gap_length().unwrap_err().reason(),
        "stability_gap_length needs contexts that are regained; \
         this run has context 2 below 95 % to the end of the next"
    );
    // Never below .8 again: no depth, and not a negative one.
    rows[6].2[1] = 0.9;
    rows[7].2[1] = 0.9;
    rows[8].2[1] = 0.9;
    let kept = run(&rows);
    assert_eq!(kept.stability_gap_length().unwrap(), 0.0);
    assert!((kept.stability_gap_depth().unwrap() - 0.04 / 2.0).abs() < 1e-12);
    // A little above 94 %, .846 of .9, is not regained.
    rows[3].2[0] = 0.85;
    assert_eq!(run(&rows).stability_gap_length().unwrap(), (30.0 - 20.0) / 2.0);
}

#[test]
fn half_a_run_has_reasons_only() {
    let (values, undefined) = evaluate_with(ANYTIME_METRICS, &run(&RUN[..6]));
    assert!(values.is_empty(), "{values:?}");
    for (name, reason) in undefined {
        let expected =
            "needs evaluations on the way through every context; this run has them in 2 of 3";
        assert_eq!(reason, format!("{name} {expected}"));
    }
    let mut one = AnytimeAccuracy::new(1).unwrap();
    one.push(Glance { context: 0, step: 0, accuracy: vec![0.5] }).unwrap();
    one.push(Glance { context: 0, step: 4, accuracy: vec![0.75] }).unwrap();
    assert_eq!(
        one.min_acc().unwrap_err().reason(),
        "min_acc needs at least two contexts; this run has 1"
    );
    assert_eq!(one.average_anytime_accuracy().unwrap(), 0.75);
    assert_eq!(one.windowed_plasticity("wp", 10).unwrap(), 0.25);
}

#[test]
fn what_does_not_come_next_is_refused_and_changes_nothing() {
    let mut run = run(&RUN[..4]);
    let before = run.clone();
    for (context, step) in [(1, 25), (0, 26), (3, 26)] {
        let error = run.push(Glance { context, step, accuracy: vec![0.5; 3] }).unwrap_err();
        let start =
            format!("anytime accuracy: an evaluation in context {context} at step {step}, ");
        assert!(error.to_string().starts_with(&start), "{error}");
    }
    assert!(run.push(Glance { context: 1, step: 26, accuracy: vec![0.5; 2] }).is_err());
    assert!(run.push(Glance { context: 1, step: 26, accuracy: vec![0.5, f64::NAN, 0.0] }).is_err());
    assert_eq!(run, before);
    let text = serde_json::to_string(&run).unwrap();
    assert_eq!(serde_json::from_str::<AnytimeAccuracy>(&text).unwrap(), run);
    assert!(serde_json::from_str::<AnytimeAccuracy>(&text.replace("25", "15")).is_err());
}
