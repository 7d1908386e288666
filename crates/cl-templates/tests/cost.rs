//! What a step takes beside the plain one.
#![allow(clippy::unwrap_used)]

use cl_core::{Learner, Naive, Settings, Strategy};
use cl_nn::{Adam, Mlp};
use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamSpec, digits};
use cl_templates::{Icarl, IcarlSsl, Projector};

const BATCH: u64 = 16;

/// Multiply-accumulates of a step.
fn step(strategy: &dyn Strategy) -> u64 {
    let data = digits();
    let (protocol, scenario, part) = (Protocol::Split, Scenario::Class, Part::Final);
    let spec = StreamSpec { protocol, scenario, contexts: 5, seed: 2, part, pad: 0 };
    let stream = spec.build(&data).unwrap();
    let network = Box::new(Mlp::new(&[64, 24, 20, 10]).unwrap());
    let members: Vec<(u64, Box<dyn Stream>)> = vec![(2, Box::new(stream))];
    let settings = Settings::new(8, BATCH as usize, Box::new(Adam::new(1e-3)));
    Learner::new(strategy, &data, members, network, settings).unwrap().costs().step.macs
}

/// Of one row: forward to the features and backward, every weight and, but for the first layer, every unit.
const FEATURES: u64 = 2 * (64 * 24 + 24 * 20) + 24 * 20;

#[test]
fn two_views_in_place_of_the_row_and_one_gradient_through_both() {
    let ssl = IcarlSsl { projector: Projector::NONE, ..IcarlSsl::default() };
    // The correlations of 20 features, forward and back to either view. The output layer is not asked.
    let correlations = 3 * BATCH * 20 * 20;
    assert_eq!(step(&ssl), 2 * BATCH * FEATURES + correlations);
}

/// Exemplars join the draw; the teacher answers for every row.
#[test]
fn icarl_asks_its_teacher_once() {
    let forward = BATCH * (64 * 24 + 24 * 20 + 20 * 10);
    assert_eq!(step(&Icarl::per_class(5)), step(&Naive) + forward);
}
