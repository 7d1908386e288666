use crate::watched::{finished, slot};
use cl_core::{Generate, Naive, Parts, RecordedRows, Step, Strategy, Targets};
use cl_replay::generative::{SPREAD, spread};
use cl_replay::{Dgr, VaeGenerator};
use cl_scenarios::Scenario;
use cl_tensor::{Graph, Init, ReferenceSession};

fn of(generator: VaeGenerator) -> Dgr {
    Dgr { generator, ..Dgr::default() }
}

/// Rows that vary by 3 in one of two columns, beside rows that vary by 1 in both.
#[test]
fn spread_is_the_root_of_the_ratio_of_variances() {
    let value = |made: Vec<f32>, real: Vec<f32>| {
        let graph = Graph::new();
        let rows = |name: &str, values: Vec<f32>| {
            graph.slot(name, &[values.len() / 2, 2], Init::Values(values.into()))
        };
        graph.output("spread", spread(rows("made", made), rows("real", real)));
        ReferenceSession::new(0).run(&graph, &[]).unwrap()["spread"].data[0]
    };
    let real = vec![1.0, 5.0, 3.0, 7.0];
    let made = vec![0.0, 2.0, 6.0, 2.0];
    // Variances 1 and 1, 9 and 0: √(4.5 / 1).
    assert!((value(made.clone(), real.clone()) - 4.5_f64.sqrt()).abs() < 1e-6);
    // A third is single precision: their mean is 4 but for rounding.
    assert!(value(vec![4.0, 2.0, 4.0, 2.0, 4.0, 2.0], real) < 1e-6);
    assert_eq!(value(made, vec![4.0, 2.0, 4.0, 2.0]), 1.0);
}

#[test]
fn a_generator_that_learns_keeps_its_rows_apart() {
    let strategy = of(VaeGenerator::new(&[48], 6));
    let mut learner = finished(&strategy, Scenario::Class, 200);
    let found = slot(&mut learner, &format!("dgr/{SPREAD}"));
    assert_eq!(found.len(), 5);
    // Nobody replays what was learned last.
    assert!(found[..4].iter().all(|spread| (0.15..1.5).contains(spread)), "{found:?}");
    assert_eq!(found[4], 1.0);
}

/// Rows of zeros that weigh nothing, beside rows of the stream that weigh 1/t.
struct Silent;

impl Strategy for Silent {
    fn name(&self) -> String {
        "silent".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.generate(self);
    }
}

impl Generate for Silent {
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> RecordedRows<'g> {
        let rows = step.stream_rows().len();
        let x = step.graph().full(&[rows, step.x.shape()[1]], 0.0);
        let (target, context) = (step.target.slice(0, 0..rows), step.context.slice(0, 0..rows));
        let alike = RecordedRows::alike(x, Targets::Units(target), context);
        RecordedRows { weight: alike.weight * 0.0, ..alike }
    }
}

/// Numbers that overflow: what the generator makes is no number any more, the run goes on as if it had
/// made nothing.
#[test]
fn rows_that_are_no_numbers_are_noticed_and_count_nothing() {
    let strategy = of(VaeGenerator { lr: 1e30, ..VaeGenerator::new(&[8], 2) });
    let mut learner = finished(&strategy, Scenario::Class, 8);
    let found = slot(&mut learner, &format!("dgr/{SPREAD}"));
    assert!(found[..4].iter().all(|spread| spread.is_nan()), "{found:?}");
    let theta = slot(&mut learner, "theta");
    assert!(theta.iter().all(|value| value.is_finite()));
    assert_eq!(theta, slot(&mut finished(&Silent, Scenario::Class, 8), "theta"));
    assert_ne!(theta, slot(&mut finished(&Naive, Scenario::Class, 8), "theta"), "1/t, not 1");
}
