//! Streams without boundaries by the reference's protocol: a reservoir of 1,000 rows whatever their
//! classes, filled at every step; stream and replay weighed by half; replayed rows drawn without
//! replacement.
#![allow(clippy::unwrap_used)]

#[path = "common/golden.rs"]
mod golden;
#[path = "common/runs.rs"]
mod runs;

use cl_buffers::{Buffer, Reservoir};
use cl_core::{Error, Learner, Mix, Settings, Strategy, from_state};
use cl_nn::{Mlp, Sgd};
use cl_replay::{Agem, Budget, ExperienceReplay};
use cl_scenarios::{Part, Protocol, Scenario, StreamKind, StreamSpec, digits};
use golden::{Borrowed, Seen};
use runs::{BATCH, Path};

const STEPS: u32 = 9;

fn learner(
    strategy: &dyn Strategy,
    kind: StreamKind,
    scenario: Scenario,
) -> Result<Learner<'_>, Error> {
    let data = digits();
    let (protocol, part) = (Protocol::Split, Part::Final);
    let spec = StreamSpec { protocol, scenario, contexts: 5, seed: 2, part, pad: 0 };
    let stream = spec.build(&data).unwrap().of_kind(kind);
    let network = Box::new(Mlp::new(&[64, 12, 10, 10]).unwrap());
    // A run's own weights, which neither method follows.
    let settings =
        Settings { mix: Mix::Fixed(0.9), ..Settings::new(STEPS, BATCH, Box::new(Sgd::new(0.1))) };
    Learner::new(strategy, &data, vec![(2, Box::new(stream))], network, settings)
}

const KINDS: [StreamKind; 3] =
    [StreamKind::Fuzzy { fuzziness: 3 }, StreamKind::Random, StreamKind::OnePass];

#[test]
fn stream_and_replay_weigh_half_each_and_no_row_is_drawn_twice_in_a_step() {
    let seen = Seen(|step, _| {
        let replayed = step.rows_of("er").unwrap();
        let cells = step.cells("er").to_float();
        vec![("weight", step.weight.slice(0, replayed)), ("all", step.weight), ("cells", cells)]
    });
    for kind in KINDS {
        let both = (ExperienceReplay::vdv_task_free(), Borrowed(&seen));
        let mut learner = learner(&both, kind, Scenario::Class).unwrap();
        let slots = ["seen/weight", "seen/all", "seen/cells"];
        let path = Path::of(&mut learner, &slots);
        let mut offered = 0;
        for step in 1..=path.steps() {
            let [weight, all, cells] = slots.map(|slot| path.slot(step, slot));
            let current = all[..BATCH].iter().filter(|&&w| w > 0.0).count();
            let used = weight.iter().filter(|&&w| w > 0.0).count();
            // What was kept before this step.
            let kept = offered.min(1000);
            assert_eq!(used, kept.min(BATCH), "{kind}, step {step}");
            let sum = |weights: &[f32]| weights.iter().sum::<f32>();
            let expected = if used == 0 { (1.0, 0.0) } else { (0.5, 0.5) };
            assert!((sum(&all[..BATCH]) - expected.0).abs() < 1e-5, "{kind}, step {step}");
            assert!((sum(weight) - expected.1).abs() < 1e-5, "{kind}, step {step}");
            let mut places = cells[..used].to_vec();
            places.sort_unstable_by(f32::total_cmp);
            places.dedup();
            assert!(places.len() == used && places.iter().all(|&p| p < kept as f32));
            offered += current;
            let (buffer, _): (Buffer<Reservoir>, serde_json::Value) =
                from_state("er", path.memory(step)).unwrap();
            assert_eq!(buffer.policy().seen() as usize, offered);
            assert_eq!((buffer.len(), buffer.capacity()), (offered.min(1000), 1000));
        }
    }
}

/// Two gradients from the first step on; the memory's is over as many rows as the stream's.
#[test]
fn no_step_goes_against_the_reservoir() {
    let seen = Seen(|step, taken| {
        let memory = step.rows("agem/memory");
        let r = step.graph().grad(memory.task_loss, step.theta);
        let product = (taken.total_gradient * r).sum();
        let before = (taken.task_gradient * r).sum();
        let scale = (taken.total_gradient.square().sum() * r.square().sum()).sqrt();
        let rows = memory.weight.sign().sum();
        vec![("product", product), ("before", before), ("scale", scale), ("rows", rows)]
    });
    let slots = ["seen/product", "seen/before", "seen/scale", "seen/rows"];
    let mut conflicts = 0;
    for kind in KINDS {
        for scenario in [Scenario::Class, Scenario::Task] {
            let both = (Agem::vdv_task_free(), Borrowed(&seen));
            let mut learner = learner(&both, kind, scenario).unwrap();
            let path = Path::of(&mut learner, &slots);
            for step in 2..=path.steps() {
                let [product, before, scale, rows] = slots.map(|slot| path.slot(step, slot)[0]);
                assert_eq!(rows, BATCH as f32);
                assert!(product >= -1e-4 * scale, "{kind}, {scenario}, step {step}: {product}");
                conflicts += usize::from(before < 0.0);
            }
        }
    }
    assert!(conflicts > 3, "{conflicts} conflicts");
}

#[test]
fn memories_that_fill_when_contexts_end_are_refused_there() {
    for strategy in [&ExperienceReplay::default() as &dyn Strategy, &Agem::vdv()] {
        let error = learner(strategy, StreamKind::Random, Scenario::Class).err().unwrap();
        assert!(error.to_string().contains("needs to be told when a context ends"), "{error}");
    }
    assert_eq!(Agem::vdv_task_free().budget, Budget::Rows(1000));
}
