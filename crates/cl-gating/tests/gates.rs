//! The gates themselves: how many, which, and that they stay.
#![allow(clippy::unwrap_used)]

use cl_core::{Learner, Naive, Settings, Strategy, run};
use cl_gating::{Point, Xdg};
use cl_nn::{Adam, Mlp};
use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamSpec, digits};
use std::collections::BTreeSet;

const CONTEXTS: usize = 5;
const HIDDEN: [usize; 2] = [40, 25];

fn learner<'s>(strategy: &'s dyn Strategy, scenario: Scenario, seeds: &[u64]) -> Learner<'s> {
    try_learner(strategy, scenario, seeds).unwrap()
}

fn try_learner<'s>(
    strategy: &'s dyn Strategy,
    scenario: Scenario,
    seeds: &[u64],
) -> Result<Learner<'s>, cl_core::Error> {
    let data = digits();
    let member = |&seed: &u64| -> (u64, Box<dyn Stream>) {
        let (protocol, part) = (Protocol::Split, Part::Final);
        let spec = StreamSpec { protocol, scenario, contexts: CONTEXTS, seed, part, pad: 0 };
        (seed, Box::new(spec.build(&data).unwrap()))
    };
    let population: Vec<_> = seeds.iter().map(member).collect();
    let sizes = [64, HIDDEN[0], HIDDEN[1], population[0].1.outputs()];
    let settings = Settings::new(10, 16, Box::new(Adam::new(1e-3)));
    Learner::new(strategy, &data, population, Box::new(Mlp::new(&sizes).unwrap()), settings)
}

/// Gated units per context of a layer, at `p`.
fn gated(learner: &mut Learner<'_>, member: usize, layer: usize, p: f32) -> Vec<Vec<usize>> {
    let slot = format!("xdg/threshold{}", layer + 1);
    let thresholds = learner.session().read(&slot, member).unwrap();
    let units = HIDDEN[layer];
    assert_eq!(thresholds.len(), CONTEXTS * units);
    let of = |row: &[f32]| (0..units).filter(|&unit| row[unit] <= p).collect();
    thresholds.chunks(units).map(of).collect()
}

fn theta(learner: &mut Learner<'_>, member: usize) -> Vec<u32> {
    learner.session().read("theta", member).unwrap().into_iter().map(f32::to_bits).collect()
}

#[test]
fn exactly_the_integer_part_of_p_times_units_is_gated() {
    let xdg = Xdg::default();
    let mut learner = learner(&xdg, Scenario::Task, &[2]);
    for (layer, units) in HIDDEN.into_iter().enumerate() {
        // p in hundredths, so that the product is a whole number to begin with.
        for hundredths in 0..100 {
            let p = format!("0.{hundredths:02}").parse().unwrap();
            for gated in gated(&mut learner, 0, layer, p) {
                assert_eq!(gated.len(), hundredths * units / 100, "p = {p} of {units} units");
            }
        }
        // One unit is left however close p is to 1.
        let nearly = 1.0_f32.next_down();
        assert!(gated(&mut learner, 0, layer, nearly).iter().all(|g| g.len() == units - 1));
    }
}

#[test]
fn gates_differ_between_contexts_layers_and_seeds_and_stay_over_training() {
    let xdg = Xdg::default();
    let mut population = learner(&xdg, Scenario::Task, &[2, 3]);
    let mut all = BTreeSet::new();
    let mut before = Vec::new();
    for member in 0..2 {
        for layer in 0..2 {
            let gates = gated(&mut population, member, layer, 0.8);
            all.extend(gates.iter().cloned());
            before.push(gates);
        }
    }
    assert_eq!(all.len(), 2 * 2 * CONTEXTS, "no two sets of gated units are equal");
    run(&mut population, &mut ()).unwrap();
    let mut after = Vec::new();
    for member in 0..2 {
        for layer in 0..2 {
            after.push(gated(&mut population, member, layer, 0.8));
        }
    }
    assert_eq!(before, after);
    let mut again = learner(&xdg, Scenario::Task, &[3]);
    assert_eq!(gated(&mut again, 0, 0, 0.8), before[2]);
}

#[test]
fn a_gate_is_open_as_often_for_every_unit() {
    // 200 seeds x 5 contexts at p = 0.8: each unit is gated 800 times of 1,000, give or take 12.6.
    let xdg = Xdg::default();
    let seeds: Vec<u64> = (0..200).collect();
    let mut population = learner(&xdg, Scenario::Task, &seeds);
    let mut counts = [0_u32; HIDDEN[0]];
    for member in 0..seeds.len() {
        for unit in gated(&mut population, member, 0, 0.8).into_iter().flatten() {
            counts[unit] += 1;
        }
    }
    // Chi-square with 39 degrees of freedom (counts of a context sum to 32): 72.1 is its 99.9 %
    // quantile; each count has variance 1000 * 0.8 * 0.2, times 39/40 for the fixed sum.
    let chi2: f64 =
        counts.iter().map(|&n| (f64::from(n) - 800.0).powi(2) / 160.0).sum::<f64>() * 39.0 / 40.0;
    assert!(chi2 < 72.1, "chi-square {chi2}, counts {counts:?}");
}

#[test]
fn at_zero_it_is_none_and_at_its_default_it_is_not() {
    let trained = |strategy: &dyn Strategy| {
        let mut learner = learner(strategy, Scenario::Task, &[2]);
        let outcomes = run(&mut learner, &mut ()).unwrap();
        (theta(&mut learner, 0), outcomes[0].accuracy.clone())
    };
    let none = trained(&Naive);
    for point in [Point::PreBias, Point::PreActivation, Point::PostActivation] {
        assert!(trained(&Xdg { p: 0.0, point }) == none, "{point:?}");
        assert!(trained(&Xdg { p: 0.8, point }).0 != none.0, "{point:?}");
    }
}

#[test]
fn a_population_is_its_members_and_may_differ_in_p() {
    let xdg = Xdg::default();
    let mut both = learner(&xdg, Scenario::Task, &[2, 3]);
    both.set_hyper("xdg/p", 1, 0.5).unwrap();
    run(&mut both, &mut ()).unwrap();
    for (member, p, seed) in [(0, 0.8, 2), (1, 0.5, 3)] {
        let single = Xdg::new(p);
        let mut single = learner(&single, Scenario::Task, &[seed]);
        run(&mut single, &mut ()).unwrap();
        assert!(theta(&mut both, member) == theta(&mut single, 0), "seed {seed}");
    }
}

#[test]
fn it_keeps_a_number_for_every_context_and_hidden_unit() {
    let xdg = Xdg::default();
    let learner = learner(&xdg, Scenario::Task, &[2]);
    assert_eq!(learner.bytes_kept(), (4 * CONTEXTS * (HIDDEN[0] + HIDDEN[1])) as u64);
}

#[test]
fn a_stream_that_hides_the_context_and_a_fraction_out_of_range_are_refused() {
    let xdg = Xdg::default();
    for scenario in [Scenario::Domain, Scenario::Class] {
        assert_eq!(
            try_learner(&xdg, scenario, &[2]).err().unwrap().to_string(),
            format!(
                "xdg needs the context of each training example; a {scenario}-incremental stream \
                 does not show it"
            )
        );
    }
    for p in [-0.1, 1.0, f32::NAN] {
        let error = Xdg::new(p).check().unwrap_err().to_string();
        assert!(error.starts_with("xdg: p = "), "{error}");
        assert!(error.ends_with("; expected a fraction in [0, 1)"), "{error}");
    }
}

#[test]
fn layers_of_one_size_have_gates_of_their_own() {
    let network = Box::new(Mlp::new(&[6, 30, 30, 4]).unwrap());
    let xdg = Xdg::default();
    let trial = cl_core::Trial::new(&xdg, network, &Adam::new(1e-3), (4, 5), false).unwrap();
    let of = |layer: usize| {
        cl_tensor::Session::read(&trial.session, &format!("xdg/threshold{layer}"), 0).unwrap()
    };
    let same = of(1).chunks(30).zip(of(2).chunks(30)).filter(|(a, b)| a == b).count();
    assert_eq!(same, 0, "no context has the same order of gated units in both layers");
}

#[test]
fn presets_are_the_papers_and_the_reference_codes() {
    assert_eq!(Xdg::default(), Xdg { p: 0.8, point: Point::PostActivation });
    assert_eq!(Xdg::vdv(0.9), Xdg { p: 0.9, point: Point::PreBias });
}
