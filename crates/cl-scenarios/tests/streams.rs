//! Streams: what belongs to which context, which unit is right, which units compete.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use cl_scenarios::{
    ActiveClasses, Competition, Dataset, Part, Parts, Protocol, Scenario, Stage, Stream,
    StreamKind, StreamSpec, Transform, digits,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn spec(protocol: Protocol, scenario: Scenario, contexts: usize) -> StreamSpec {
    StreamSpec { protocol, scenario, contexts, seed: 2, part: Part::Final, pad: 0 }
}

fn message(spec: StreamSpec, data: &Dataset) -> String {
    spec.build(data).unwrap_err().to_string()
}

/// Four images of 2x2 pixels and classes 0, 1, of which `test` are test examples.
fn tiny(test: &[u32]) -> Dataset {
    let train = (0..4).filter(|index| !test.contains(index)).collect();
    let parts = Parts { train, validation: vec![], test: test.into() };
    Dataset::new("tiny", (2, 2), 2, 1.0, [0; 16], [0, 1, 0, 1], parts).unwrap()
}

/// The orders by another implementation of Threefry, Lemire's bounded integers and the Fisher-Yates
/// shuffle (30 lines of Python): a change here would change every result ever published.
#[test]
fn class_orders_and_permutations_are_stable() {
    let data = digits();
    let order = |seed| {
        let spec = StreamSpec { seed, ..spec(Protocol::Split, Scenario::Class, 5) };
        spec.build(&data).unwrap().class_order()
    };
    assert_eq!(order(2), [2, 6, 0, 8, 4, 9, 3, 1, 7, 5]);
    assert_eq!(order(3), [3, 0, 8, 7, 1, 6, 9, 4, 5, 2]);
    let permuted = spec(Protocol::Permuted, Scenario::Domain, 2).build(&data).unwrap();
    let pixels = |context| permuted.transform(context).taps(8, 8).index;
    assert_eq!(pixels(0)[..8], [5, 38, 24, 56, 45, 39, 46, 51]);
    assert_eq!(pixels(1)[..8], [24, 63, 43, 52, 21, 1, 5, 13]);
}

#[test]
fn split_units_follow_the_class_order() {
    let data = digits();
    for scenario in Scenario::ALL {
        let stream = spec(Protocol::Split, scenario, 5).build(&data).unwrap();
        let order = stream.class_order();
        assert_eq!(stream.outputs(), if scenario == Scenario::Domain { 2 } else { 10 });
        for (place, &class) in order.iter().enumerate() {
            let context = place / 2;
            let unit = if scenario == Scenario::Domain { place % 2 } else { place };
            assert_eq!(stream.target(context, class) as usize, unit);
            assert!(stream.classes(context).contains(&class));
        }
        assert_eq!(*stream.transform(3), Transform::Identity);
    }
}

#[test]
fn only_a_task_incremental_stream_tells_the_context() {
    let data = digits();
    for (scenario, told) in
        [(Scenario::Task, true), (Scenario::Domain, false), (Scenario::Class, false)]
    {
        let stream = spec(Protocol::Split, scenario, 5).build(&data).unwrap();
        let visible = stream.visibility();
        assert_eq!((visible.task_id_in_training, visible.task_id_at_test), (told, told));
        assert!(visible.boundaries && !visible.old_data);
        assert!(stream.clone().joint().visibility().old_data);
        assert!(stream.cumulative().visibility().old_data);
    }
}

#[test]
fn outputs_compete_as_the_scenario_says() {
    let data = digits();
    let stream = |scenario| spec(Protocol::Split, scenario, 5).build(&data).unwrap();
    let units =
        |active: Vec<bool>| -> Vec<usize> { (0..active.len()).filter(|&u| active[u]).collect() };
    assert_eq!(units(stream(Scenario::Task).active(0, 3)), [6, 7]);
    assert_eq!(units(stream(Scenario::Domain).active(0, 3)), [0, 1]);
    assert_eq!(units(stream(Scenario::Class).active(0, 3)).len(), 10);
    let so_far = stream(Scenario::Class).with_active(ActiveClasses::SoFar);
    // Row 1 of the accuracy matrix: the classes of contexts 0 and 1, also for context 3.
    assert_eq!(units(so_far.active(1, 0)), [0, 1, 2, 3]);
    assert_eq!(units(so_far.active(1, 3)), [0, 1, 2, 3]);
    assert_eq!(units(so_far.clone().cumulative().active(1, 0)), [0, 1, 2, 3]);
    assert_eq!(units(so_far.joint().active(0, 0)).len(), 10);
    let task = stream(Scenario::Task).with_active(ActiveClasses::SoFar);
    assert_eq!(units(task.active(4, 0)), [0, 1]);
}

/// What a stream says of all stages and contexts is what each of them says.
#[test]
fn competition_is_what_every_stage_and_context_says() {
    let data = digits();
    for scenario in Scenario::ALL {
        for rule in ActiveClasses::ALL {
            let stream = spec(Protocol::Split, scenario, 5).build(&data).unwrap().with_active(rule);
            let of = |stage: usize, context: usize| stream.active(stage, context);
            let mut pairs = (0..5).flat_map(|stage| (0..5).map(move |context| (stage, context)));
            let all = pairs.clone().all(|(stage, context)| !of(stage, context).contains(&false));
            let by_context = pairs.all(|(stage, context)| of(stage, context) == of(0, context));
            let expected = match (all, by_context) {
                (true, _) => Competition::All,
                (false, true) => Competition::ByContext,
                (false, false) => Competition::ByStage,
            };
            assert_eq!(stream.competition(), expected, "{scenario}, {rule}");
        }
    }
}

#[test]
fn stages_are_contexts_all_or_all_so_far() {
    let data = digits();
    let stream = spec(Protocol::Split, Scenario::Class, 2).build(&data).unwrap();
    let stage = |contexts: &[usize], length| Stage { contexts: contexts.into(), length };
    assert_eq!(stream.stages(), [stage(&[0], 1), stage(&[1], 1)]);
    assert_eq!(stream.clone().joint().stages(), [stage(&[0, 1], 2)]);
    assert_eq!(stream.cumulative().stages(), [stage(&[0], 1), stage(&[0, 1], 1)]);
}

/// Boundaries are told by no kind but the sharp one; contexts come back where rows of all of them are
/// drawn; task ids are given in a task-incremental stream of any kind.
#[test]
fn a_task_free_stream_tells_no_boundaries() {
    let data = digits();
    for scenario in Scenario::ALL {
        let stream = spec(Protocol::Split, scenario, 5).build(&data).unwrap();
        assert_eq!(stream.kind(), StreamKind::Sharp);
        for (kind, back) in [
            (StreamKind::Fuzzy { fuzziness: 3 }, true),
            (StreamKind::Random, true),
            (StreamKind::OnePass, false),
        ] {
            let free = stream.clone().of_kind(kind);
            let shown = free.visibility();
            assert_eq!((free.kind(), shown.boundaries, shown.old_data), (kind, false, back));
            let told = scenario == Scenario::Task;
            assert_eq!((shown.task_id_in_training, shown.task_id_at_test), (told, told));
            let described = free.describe();
            let value = |name| &described.iter().find(|(n, _)| *n == name).unwrap().1;
            assert_eq!(*value("kind"), kind.to_string());
            assert!(value("told").contains("no boundaries"));
        }
    }
}

#[test]
fn stages_of_a_task_free_stream_are_parts_of_equal_length_or_passes() {
    let data = digits();
    let stream = spec(Protocol::Split, Scenario::Class, 2).build(&data).unwrap();
    let stage = |contexts: &[usize], length| Stage { contexts: contexts.into(), length };
    let (all, each) = ([stage(&[0, 1], 1), stage(&[0, 1], 1)], [stage(&[0], 1), stage(&[1], 1)]);
    assert_eq!(stream.clone().fuzzy(3).stages(), all);
    assert_eq!(stream.clone().random().stages(), all);
    assert_eq!(stream.clone().one_pass().stages(), each);
    assert_eq!(stream.clone().random().of_kind(StreamKind::Sharp).stages(), each);
    // The upper baseline of a stream of mixed rows is that of the sharp one.
    for mixed in [stream.clone().fuzzy(3), stream.clone().random()] {
        let joint = mixed.joint();
        assert_eq!((joint.kind(), joint.stages()), (StreamKind::Sharp, &[stage(&[0, 1], 2)][..]));
        assert_eq!(joint.describe(), stream.clone().joint().describe());
    }
    let joint = stream.one_pass().joint();
    assert_eq!((joint.kind(), joint.visibility().old_data), (StreamKind::OnePass, true));
    assert_eq!(joint.cumulative().kind(), StreamKind::Sharp);
}

#[test]
fn permuted_and_rotated_contexts_have_all_images_and_own_units_unless_domain_incremental() {
    let data = digits();
    for protocol in [Protocol::Permuted, Protocol::Rotated] {
        for (scenario, outputs, unit) in
            [(Scenario::Task, 30, 27), (Scenario::Class, 30, 27), (Scenario::Domain, 10, 7)]
        {
            let stream = spec(protocol, scenario, 3).build(&data).unwrap();
            assert_eq!((stream.outputs(), stream.target(2, 7)), (outputs, unit));
            assert_eq!(stream.train(2).len(), 1157 + 285);
            assert_eq!(stream.test(1), &data.test[..]);
            assert_eq!(stream.classes(1).len(), 10);
        }
    }
    let stream = spec(Protocol::Rotated, Scenario::Domain, 3).build(&data).unwrap();
    let degrees: Vec<Transform> =
        [0.0, 60.0, 120.0].map(|degrees| Transform::Rotation { degrees }).into();
    assert!((0..3).map(|context| stream.transform(context)).eq(&degrees));
}

#[test]
fn every_permuted_context_has_its_own_pixels() {
    let data = digits();
    let stream = |seed, pad| {
        let spec = spec(Protocol::Permuted, Scenario::Domain, 3);
        StreamSpec { seed, pad, ..spec }.build(&data).unwrap()
    };
    let (a, again, b) = (stream(2, 0), stream(2, 0), stream(3, 0));
    let identity: Vec<u32> = (0..64).collect();
    for context in 0..3 {
        assert_eq!(a.transform(context), again.transform(context));
        assert_ne!(a.transform(context), b.transform(context));
        assert_ne!(a.transform(context).taps(8, 8).index, identity);
        assert_ne!(a.transform(context), a.transform((context + 1) % 3));
    }
    let padded = stream(2, 4).transform(0).taps(8, 8);
    assert_eq!((padded.inputs, padded.features), (64, 256));
    assert_eq!(padded.weight.iter().sum::<f32>(), 64.0);
}

#[test]
fn hyper_parameters_are_chosen_on_validation_images_without_test_images() {
    let data = digits();
    let spec = StreamSpec { part: Part::Validation, ..spec(Protocol::Split, Scenario::Class, 5) };
    let stream = spec.build(&data).unwrap();
    let all = |list: fn(&dyn Stream, usize) -> &[u32]| -> BTreeSet<u32> {
        (0..5).flat_map(|context| list(&stream, context)).copied().collect()
    };
    assert!(all(|stream, context| stream.train(context)).iter().eq(&data.train[..]));
    assert!(all(|stream, context| stream.test(context)).iter().eq(&data.validation[..]));
    assert_eq!(
        message(StreamSpec { contexts: 2, ..spec }, &tiny(&[2, 3])),
        "tiny: has no validation examples, so part `validation` is impossible; use part `final` or \
         split some off its training examples"
    );
}

#[test]
fn impossible_streams_are_refused_with_the_reason() {
    let data = digits();
    let split = |contexts| spec(Protocol::Split, Scenario::Task, contexts);
    assert_eq!(
        message(split(3), &data),
        "split stream of 3 contexts over digits: 10 classes cannot be split evenly, expected one of \
         1, 2, 5, 10 contexts"
    );
    assert!(message(split(0), &data).contains("at least one context"));
    assert!(message(split(20), &data).contains("expected one of 1, 2, 5, 10"));
    let permuted = |contexts| spec(Protocol::Permuted, Scenario::Task, contexts);
    assert!(message(permuted(usize::MAX), &data).contains("at most 10000 contexts"));
    assert!(message(StreamSpec { pad: usize::MAX, ..permuted(2) }, &data).contains("at most 64"));
    assert!(message(StreamSpec { pad: 2, ..split(5) }, &data).contains("only a permuted stream"));
}

#[test]
fn a_context_without_data_is_an_error() {
    // The only test example is of class 0.
    let error = message(spec(Protocol::Split, Scenario::Class, 2), &tiny(&[0]));
    assert!(error.contains("(classes [1]) has no test examples"), "{error}");
    let error = message(spec(Protocol::Rotated, Scenario::Class, 2), &tiny(&[0, 1, 2, 3]));
    assert!(error.contains("context 1 (classes [0, 1]) has no train examples"), "{error}");
}

#[test]
fn a_result_can_state_its_conventions() {
    let stream = spec(Protocol::Split, Scenario::Task, 5).build(&digits()).unwrap();
    let described = stream.describe();
    let value = |name| &described.iter().find(|(n, _)| *n == name).unwrap().1;
    assert_eq!(value("protocol"), "split, 5 contexts of 2 classes");
    assert_eq!(value("heads"), "5 of 2 units, the context's own compete");
    assert_eq!(value("class_order").split(' ').count(), 10);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn targets_compete_and_contexts_partition_the_data(
        seed in any::<u64>(),
        protocol in prop::sample::select(&Protocol::ALL[..]),
        scenario in prop::sample::select(&Scenario::ALL[..]),
        part in prop::sample::select(&Part::ALL[..]),
        contexts in prop::sample::select(&[1_usize, 2, 5, 10][..]),
    ) {
        let data = digits();
        let spec = StreamSpec { protocol, scenario, contexts, seed, part, pad: 0 };
        let stream = spec.build(&data).unwrap();
        let mut classes = Vec::new();
        let mut drawn = Vec::new();
        for context in 0..contexts {
            let own = stream.classes(context);
            let train: BTreeSet<u32> = stream.train(context).iter().copied().collect();
            prop_assert!(stream.test(context).iter().all(|index| !train.contains(index)));
            let active = stream.active(context, context);
            let so_far = stream.clone().with_active(ActiveClasses::SoFar).active(context, context);
            prop_assert_eq!(active.len(), stream.outputs());
            for &index in stream.train(context).iter().chain(stream.test(context)) {
                let label = data.labels[index as usize];
                let unit = stream.target(context, label) as usize;
                prop_assert!(own.contains(&label));
                prop_assert!(active[unit] && so_far[unit]);
            }
            let units: BTreeSet<u32> = own.iter().map(|&class| stream.target(context, class)).collect();
            prop_assert_eq!(units.len(), own.len(), "classes of a context have different units");
            classes.extend(own);
            drawn.extend(train);
        }
        if protocol == Protocol::Split {
            classes.sort_unstable();
            prop_assert!(classes.into_iter().eq(0..10));
            let trained = if part == Part::Final { 1157 + 285 } else { 1157 };
            prop_assert_eq!(drawn.len(), trained);
        }
    }
}
