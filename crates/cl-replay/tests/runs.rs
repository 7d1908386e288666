//! Whole runs on digits: replay of weight 0 changes nothing, replay helps, a population is its
//! members.
#![allow(clippy::unwrap_used)]

use cl_core::{Learner, Mix, Naive, Settings, Strategy, run};
use cl_nn::{Adam, Mlp};
use cl_replay::{ExperienceReplay, ReservoirReplay};
use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamSpec, digits};

/// theta of every member as bits, and the mean accuracy over contexts after the last one.
fn outcome(
    strategy: &dyn Strategy,
    scenario: Scenario,
    seeds: &[u64],
    mix: Mix,
    steps: u32,
) -> (Vec<Vec<u32>>, Vec<f64>) {
    let data = digits();
    let member = |&seed: &u64| -> (u64, Box<dyn Stream>) {
        let (protocol, part) = (Protocol::Split, Part::Final);
        let spec = StreamSpec { protocol, scenario, contexts: 5, seed, part, pad: 0 };
        (seed, Box::new(spec.build(&data).unwrap()))
    };
    let population: Vec<_> = seeds.iter().map(member).collect();
    let network = Box::new(Mlp::new(&[64, 48, population[0].1.outputs()]).unwrap());
    let settings = Settings { mix, ..Settings::new(steps, 16, Box::new(Adam::new(1e-3))) };
    let mut learner = Learner::new(strategy, &data, population, network, settings).unwrap();
    let outcomes = run(&mut learner, &mut ()).unwrap();
    let theta = (0..seeds.len()).map(|member| {
        let theta = learner.session().read("theta", member).unwrap();
        theta.into_iter().map(f32::to_bits).collect()
    });
    let theta = theta.collect();
    let last = outcomes.iter().map(|outcome| outcome.accuracy.rows()[4].iter().sum::<f64>() / 5.0);
    (theta, last.collect())
}

#[test]
fn replayed_rows_of_weight_zero_change_no_bit() {
    let off = Mix::Fixed(1.0);
    for scenario in Scenario::ALL {
        let none = outcome(&Naive, scenario, &[2], off, 10);
        let er = ExperienceReplay::per_class(10);
        assert!(outcome(&er, scenario, &[2], off, 10) == none, "er, {scenario}");
        let reservoir = ReservoirReplay::per_class(10);
        assert!(outcome(&reservoir, scenario, &[2], off, 10) == none, "reservoir, {scenario}");
    }
}

#[test]
fn replay_remembers_where_plain_training_forgets() {
    let accuracy = |strategy: &dyn Strategy| {
        outcome(strategy, Scenario::Class, &[2], Mix::ByContext, 100).1[0]
    };
    let none = accuracy(&Naive);
    assert!(none < 0.3, "none: {none}");
    for (name, replay) in [
        ("er", accuracy(&ExperienceReplay::per_class(10))),
        ("er-reservoir", accuracy(&ReservoirReplay::per_class(10))),
    ] {
        assert!(replay > none + 0.35, "{name}: {replay}, none: {none}");
    }
}

#[test]
fn a_population_is_its_members() {
    for strategy in [
        &ExperienceReplay::per_class(3) as &dyn Strategy,
        &ReservoirReplay::per_class(3) as &dyn Strategy,
    ] {
        let both = outcome(strategy, Scenario::Task, &[2, 3], Mix::ByContext, 10);
        for (index, seed) in [2, 3].into_iter().enumerate() {
            let single = outcome(strategy, Scenario::Task, &[seed], Mix::ByContext, 10);
            assert!(both.0[index] == single.0[0], "{}, seed {seed}", strategy.name());
        }
        assert!(both.0[0] != both.0[1]);
    }
}
