//! Whole runs of a generative classifier: which autoencoders move, with boundaries and without.
#![allow(clippy::unwrap_used)]

use cl_core::{Checkpoint, Error, Learner, Observer, Settings, Strategy, run};
use cl_nn::{Mlp, Sgd};
use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamKind, StreamSpec, digits};
use cl_templates::GenerativeClassifier;

fn learner<'s>(
    method: &'s dyn Strategy,
    kind: StreamKind,
    seeds: &[u64],
    threads: usize,
) -> Learner<'s> {
    let data = digits();
    let stream = |seed: &u64| {
        let (protocol, scenario, part) = (Protocol::Split, Scenario::Class, Part::Final);
        let spec = StreamSpec { protocol, scenario, contexts: 5, seed: *seed, part, pad: 0 };
        let stream: Box<dyn Stream> = Box::new(spec.build(&data).unwrap().of_kind(kind));
        (*seed, stream)
    };
    let population = seeds.iter().map(stream).collect();
    let network = Box::new(Mlp::new(&[64, 6, 10]).unwrap());
    let settings = Settings::new(10, 16, Box::new(Sgd::new(0.1))).on_threads(threads);
    Learner::new(method, &data, population, network, settings).unwrap()
}

fn small() -> GenerativeClassifier {
    GenerativeClassifier { samples: 3, ..GenerativeClassifier::new(&[6], 3) }
}

/// What belongs to each class, after every stage.
fn by_stage(method: &dyn Strategy, kind: StreamKind) -> Vec<(Vec<f32>, Vec<Vec<u32>>)> {
    struct Stages(Vec<(Vec<f32>, Vec<Vec<u32>>)>);
    impl Observer for Stages {
        fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
            let progress = learner.progress();
            if progress.step == 0 && progress.stage > self.0.len() {
                let vaes = learner.read("generative-classifier/vaes", 0)?;
                let bits: Vec<u32> = vaes.into_iter().map(f32::to_bits).collect();
                let by_class = bits.chunks(bits.len() / 10).map(<[u32]>::to_vec).collect();
                self.0.push((learner.read("generative-classifier/steps", 0)?, by_class));
            }
            Ok(())
        }
    }
    let mut stages = Stages(Vec::new());
    let mut learner = learner(method, kind, &[2], 1);
    let theta = learner.read("theta", 0).unwrap();
    run(&mut learner, &mut stages).unwrap();
    assert_eq!(learner.read("theta", 0).unwrap(), theta, "the network is not trained");
    stages.0
}

#[test]
fn classes_of_other_contexts_do_not_move() {
    let method = small();
    let stages = by_stage(&method, StreamKind::Sharp);
    assert_eq!(stages.len(), 5);
    for (stage, (steps, classes)) in stages.iter().enumerate() {
        for class in 0..10 {
            // 10 steps of a context of two classes.
            let expected = if class / 2 <= stage { 5.0 } else { 0.0 };
            assert_eq!(steps[class], expected, "stage {stage}, class {class}");
            if stage > 0 {
                let stays = stages[stage - 1].1[class] == classes[class];
                assert_eq!(stays, class / 2 != stage, "stage {stage}, class {class}");
            }
        }
    }
}

#[test]
fn in_streams_without_boundaries_every_class_of_a_mini_batch_takes_a_step() {
    let method = small();
    for kind in [StreamKind::Fuzzy { fuzziness: 3 }, StreamKind::Random, StreamKind::OnePass] {
        let stages = by_stage(&method, kind);
        let (steps, _) = stages.last().unwrap();
        assert!(steps.iter().all(|&count| count > 0.0), "{kind}: {steps:?}");
        if kind == StreamKind::Random {
            // 16 rows of 10 classes: 1 − 0.9^16 = 0.81 of 50 steps, give or take.
            assert!(steps.iter().all(|&count| count > 25.0 && count <= 50.0), "{steps:?}");
        }
    }
}

/// The conformance suite runs told contexts alone.
#[test]
fn in_streams_without_boundaries_resume_is_whole_and_a_population_is_singles() {
    struct Saved<'a>(u32, &'a mut Option<Checkpoint>);
    impl Observer for Saved<'_> {
        fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
            if (learner.progress().stage, learner.progress().step) == (2, self.0) {
                *self.1 = Some(learner.save()?);
            }
            Ok(())
        }
        fn interval(&self) -> u32 {
            1
        }
    }
    let method = small();
    let kind = StreamKind::Fuzzy { fuzziness: 3 };
    let all = |learner: &Learner<'_>, member: usize| -> Vec<Vec<u32>> {
        let slots = ["vaes", "steps", "vaes/optimizer/m", "vaes/optimizer/v", "noise"];
        let read = |slot: &str| learner.read(&format!("generative-classifier/{slot}"), member);
        slots.map(|slot| read(slot).unwrap().into_iter().map(f32::to_bits).collect()).into()
    };
    let mut checkpoint = None;
    let mut whole = learner(&method, kind, &[2, 3], 2);
    let outcomes = run(&mut whole, &mut Saved(4, &mut checkpoint)).unwrap();
    for (member, seed) in [2, 3].into_iter().enumerate() {
        let mut single = learner(&method, kind, &[seed], 1);
        let alone = run(&mut single, &mut ()).unwrap();
        assert!(all(&single, 0) == all(&whole, member), "seed {seed}");
        assert_eq!(alone[0].accuracy, outcomes[member].accuracy);
    }
    let mut resumed = learner(&method, kind, &[2, 3], 1);
    resumed.restore(&checkpoint.unwrap()).unwrap();
    let again = run(&mut resumed, &mut ()).unwrap();
    for (member, outcome) in outcomes.iter().enumerate() {
        assert!(all(&resumed, member) == all(&whole, member));
        assert_eq!(again[member].accuracy, outcome.accuracy);
    }
}
