//! Separate networks against networks that are trained alone.
#![allow(clippy::unwrap_used)]

use cl_core::{
    Batch, Error, Learner, Naive, Observer, Parts, Settings, Step, Strategy, Taken, Track, Trial,
    run,
};
use cl_gating::{Separate, Xdg};
use cl_nn::{Adam, AdamW, Mlp, Network, Optimizer, Sgd};
use cl_scenarios::{
    ContextStream, Dataset, Part, Protocol, Scenario, Stage, Stream, StreamSpec, Transform,
    Visibility, digits,
};
use cl_tensor::{Init, Session};

const CONTEXTS: usize = 5;

fn stream(data: &Dataset, scenario: Scenario) -> ContextStream {
    let (protocol, part) = (Protocol::Split, Part::Final);
    StreamSpec { protocol, scenario, contexts: CONTEXTS, seed: 2, part, pad: 0 }
        .build(data)
        .unwrap()
}

fn learner<'s>(
    strategy: &'s dyn Strategy,
    stream: Box<dyn Stream>,
    optimizer: Box<dyn Optimizer>,
) -> Result<Learner<'s>, Error> {
    let settings = Settings {
        // Plain networks alone start afresh; separate ones see to it themselves.
        reset_optimizer: strategy.name() == "none",
        ..Settings::new(60, 20, optimizer)
    };
    let network = Mlp::new(&[64, 12, 9, stream.outputs()]).unwrap();
    Learner::new(strategy, &digits(), vec![(2, stream)], Box::new(network), settings)
}

/// A stream whose contexts have other outputs.
struct Other {
    stream: ContextStream,
    heads: Heads,
}

#[derive(Clone, Copy, PartialEq)]
enum Heads {
    /// Every context has outputs 0 and 1: what a network alone is trained on.
    Alone,
    /// Every context has the outputs of the next one.
    Next,
}

fn other(data: &Dataset, heads: Heads) -> Box<dyn Stream> {
    Box::new(Other { stream: stream(data, Scenario::Task), heads })
}

impl Stream for Other {
    fn scenario(&self) -> Scenario {
        self.stream.scenario()
    }
    fn contexts(&self) -> usize {
        CONTEXTS
    }
    fn stages(&self) -> &[Stage] {
        self.stream.stages()
    }
    fn outputs(&self) -> usize {
        if self.heads == Heads::Alone { 2 } else { 10 }
    }
    fn train(&self, context: usize) -> &[u32] {
        self.stream.train(context)
    }
    fn test(&self, context: usize) -> &[u32] {
        self.stream.test(context)
    }
    fn target(&self, context: usize, label: u8) -> u32 {
        let unit = self.stream.target(context, label);
        // Labels of other contexts have no place in this one.
        if self.heads == Heads::Alone { unit % 2 } else { (unit + 2) % 10 }
    }
    fn active(&self, stage: usize, context: usize) -> Vec<bool> {
        match self.heads {
            Heads::Alone => vec![true; 2],
            Heads::Next => self.stream.active(stage, (context + 1) % CONTEXTS),
        }
    }
    fn transform(&self, context: usize) -> &Transform {
        self.stream.transform(context)
    }
    fn visibility(&self) -> Visibility {
        self.stream.visibility()
    }
    fn describe(&self) -> Vec<(&'static str, String)> {
        self.stream.describe()
    }
}

/// theta after each context.
#[derive(Default)]
struct AfterEach(Vec<Vec<f32>>);

impl Observer for AfterEach {
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        let progress = learner.progress();
        if progress.rows.len() > self.0.len() {
            self.0.push(learner.read("theta", 0)?);
        }
        Ok(())
    }
}

/// Stops behind a number of contexts.
struct Stop(usize);

impl Observer for Stop {
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        let progress = learner.progress();
        if (progress.stage, progress.step) == (self.0, 0) {
            return Err(Error::Interrupted { context: self.0, step: 0 });
        }
        Ok(())
    }
}

/// Parameters of one network after `none` has trained it on each context alone from the same initial
/// values, and its accuracy there.
fn trained_alone(optimizer: &dyn Fn() -> Box<dyn Optimizer>) -> (Vec<f32>, Vec<(Vec<f32>, f64)>) {
    let data = digits();
    let mut alone = learner(&Naive, other(&data, Heads::Alone), optimizer()).unwrap();
    let initial = alone.read("theta", 0).unwrap();
    let mut trained = Vec::new();
    for context in 0..CONTEXTS {
        alone.session().write("theta", 0, &initial).unwrap();
        match run(&mut alone, &mut Stop(context + 1)) {
            Err(Error::Interrupted { .. }) => {}
            other => panic!("{other:?}"),
        }
        let accuracy = alone.progress().rows[context][0][context];
        trained.push((alone.read("theta", 0).unwrap(), accuracy));
    }
    (initial, trained)
}

#[test]
fn the_networks_are_those_that_are_trained_alone_and_the_others_keep_their_bits() {
    let separate = Separate::new(&[12, 9]);
    let optimizers: [&dyn Fn() -> Box<dyn Optimizer>; 3] = [
        &|| Box::new(Adam::new(5e-3)),
        &|| Box::new(AdamW { weight_decay: 0.1, ..AdamW::new(5e-3) }),
        &|| Box::new(Sgd { lr: 0.1, momentum: 0.9, nesterov: false, weight_decay: 1e-2 }),
    ];
    for optimizer in optimizers {
        let (initial, alone) = trained_alone(optimizer);
        let len = initial.len();
        let data = digits();
        let stream = stream(&data, Scenario::Task);
        let mut all = learner(&separate, Box::new(stream), optimizer()).unwrap();
        all.session().write("theta", 0, &initial.repeat(CONTEXTS)).unwrap();
        let mut after = AfterEach::default();
        let outcomes = run(&mut all, &mut after).unwrap();
        let bits = |theta: &[f32]| -> Vec<u32> { theta.iter().map(|x| x.to_bits()).collect() };
        for (stage, theta) in after.0.iter().enumerate() {
            assert_eq!(theta.len(), CONTEXTS * len);
            for (network, theta) in theta.chunks(len).enumerate() {
                if network > stage {
                    assert!(bits(theta) == bits(&initial), "network {network} waits");
                    continue;
                }
                let expected = &alone[network].0;
                let far = theta.iter().zip(expected).map(|(a, b)| (a - b).abs());
                let far = far.fold(0.0, f32::max);
                assert!(far <= 1e-6, "network {network} after {stage}: {far}");
                let earlier = &after.0[network][network * len..(network + 1) * len];
                assert!(bits(theta) == bits(earlier), "network {network} rests after {stage}");
            }
        }
        let accuracies = outcomes[0].accuracy.rows();
        for (context, (_, accuracy)) in alone.iter().enumerate() {
            assert_eq!(accuracies[CONTEXTS - 1][context], *accuracy);
            assert!(*accuracy > 0.8, "{context}: {accuracy}");
        }
    }
}

#[test]
fn theta_holds_every_network_and_nothing_else() {
    let data = digits();
    let build = |strategy: &dyn Strategy| {
        let stream = Box::new(stream(&data, Scenario::Task));
        let learner = learner(strategy, stream, Box::new(Adam::new(1e-3))).unwrap();
        (learner.model().layout.parameters(), learner.bytes_kept())
    };
    // Five of 64-32-32-2: weights and biases.
    let one = 64 * 32 + 32 + 32 * 32 + 32 + 32 * 2 + 2;
    assert_eq!(build(&Separate::new(&[32, 32])), (5 * one, 0));
    // The reference's on split MNIST, 784-100-100-2: 88,802 each.
    let parts = Separate::vdv();
    let network = cl_core::Backbone::network(
        &parts,
        cl_core::Around {
            network: &Mlp::new(&[784, 400, 400, 10]).unwrap(),
            contexts: 5,
            classes_per_context: 2,
            competing: 2,
        },
    );
    let network = network.unwrap();
    let count = |specs: Vec<cl_nn::ParamSpec>| -> usize {
        specs.iter().map(|spec| spec.shape.iter().product::<usize>()).sum()
    };
    assert_eq!(count(network.params()), 5 * 88_802);
    assert_eq!((network.inputs(), network.outputs(), network.hidden()), (784, 10, vec![100, 100]));
    assert_eq!(network.outputs_of(3), 6..8);
}

const ROWS: usize = 7;

/// Rows of contexts 0 and 2 in turn, of unequal weights; the last is padding, of context 1.
fn mixed() -> Batch {
    let value = |i: usize| ((i * 37 + 11) % 29) as f32 / 29.0 - 0.4;
    let context: Vec<u32> = vec![0, 2, 0, 0, 2, 0, 1];
    let target = context.iter().enumerate().map(|(row, c)| 2 * c + (row % 2) as u32).collect();
    let weight = vec![0.1, 0.2, 0.05, 0.25, 0.1, 0.3, 0.0];
    Batch { x: (0..ROWS * 6).map(value).collect(), target, context, weight }
}

/// The rows of one context, weighed so that their weights sum to 1, as its network alone sees them.
fn of_context(batch: &Batch, context: u32) -> Batch {
    let rows: Vec<usize> = (0..ROWS).filter(|&row| batch.context[row] == context).collect();
    let sum: f32 = rows.iter().map(|&row| batch.weight[row]).sum();
    Batch {
        x: rows.iter().flat_map(|&row| batch.x[6 * row..6 * row + 6].to_vec()).collect(),
        target: rows.iter().map(|&row| batch.target[row] - 2 * context).collect(),
        context: vec![0; rows.len()],
        weight: rows.iter().map(|&row| batch.weight[row] / sum).collect(),
    }
}

fn mlp(sizes: &[usize]) -> Box<dyn Network> {
    Box::new(Mlp::new(sizes).unwrap())
}

/// Takes steps on the mixed batch and compares each network with one that is stepped alone.
fn mixed_steps(strategy: &dyn Strategy) -> Result<(), String> {
    // Weight decay and momentum would move what a gradient of 0 does not.
    let optimizer = Sgd { lr: 0.3, momentum: 0.9, nesterov: false, weight_decay: 0.1 };
    let batch = mixed();
    let mut all = Trial::new(strategy, mlp(&[6, 8, 8, 6]), &optimizer, (ROWS, 3), true).unwrap();
    let active = |context: usize| (0..6).map(|unit| unit / 2 == context).collect();
    all.set_active(&[active(0), active(1), active(2)]).unwrap();
    let before = all.session.read("theta", 0).unwrap();
    let len = before.len() / 3;
    for _ in 0..3 {
        all.step(&batch).unwrap();
    }
    let after = all.session.read("theta", 0).unwrap();
    let (before, after): (Vec<_>, Vec<_>) =
        (before.chunks(len).collect(), after.chunks(len).collect());
    if before[1] != after[1] {
        return Err("the network of a context without rows moved".to_owned());
    }
    for context in [0, 2] {
        let own = of_context(&batch, context);
        let rows = own.target.len();
        let mut alone =
            Trial::new(&Naive, mlp(&[6, 5, 4, 2]), &optimizer, (rows, 1), false).unwrap();
        alone.session.write("theta", 0, before[context as usize]).unwrap();
        for _ in 0..3 {
            alone.step(&own).unwrap();
        }
        let expected = alone.session.read("theta", 0).unwrap();
        let found = after[context as usize];
        let far = expected.iter().zip(found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        if far > 1e-6 || expected == before[context as usize] {
            return Err(format!("network {context} is {far} off"));
        }
    }
    Ok(())
}

#[test]
fn each_network_learns_from_its_own_rows_of_a_mixed_batch() {
    let separate = Separate::new(&[5, 4]);
    mixed_steps(&separate).unwrap();
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// Networks without rows are moved by what the optimiser remembers.
    NoDelta,
    /// A network's loss is its part of the batch's mean.
    NoShare,
}

struct Mutant(Separate, Fault);

impl cl_core::GradientMap for Mutant {
    fn task<'g>(&self, step: &cl_core::Step<'_, 'g>, g: cl_tensor::Var<'g>) -> cl_tensor::Var<'g> {
        if self.1 == Fault::NoShare { g } else { self.0.task(step, g) }
    }
    fn delta<'g>(&self, step: &cl_core::Step<'_, 'g>, d: cl_tensor::Var<'g>) -> cl_tensor::Var<'g> {
        if self.1 == Fault::NoDelta { d } else { self.0.delta(step, d) }
    }
}

impl Strategy for Mutant {
    fn name(&self) -> String {
        "mutant".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.backbone(&self.0).gradient_map(self);
    }
}

#[test]
fn every_fault_is_found() {
    for fault in [Fault::NoDelta, Fault::NoShare] {
        let mutant = Mutant(Separate::new(&[5, 4]), fault);
        assert!(mixed_steps(&mutant).is_err(), "{fault:?} passes");
    }
}

#[test]
fn a_row_has_logits_of_its_own_network_alone() {
    let separate = Separate::new(&[5, 4]);
    let optimizer = Sgd::new(0.0);
    let mut all = Trial::new(&separate, mlp(&[6, 8, 8, 6]), &optimizer, (ROWS, 3), false).unwrap();
    let batch = mixed();
    let theta = all.session.read("theta", 0).unwrap();
    let scores = all.scores(&batch, &[]).unwrap();
    for context in [0_u32, 2] {
        let own = of_context(&batch, context);
        let rows = own.target.len();
        let mut alone =
            Trial::new(&Naive, mlp(&[6, 5, 4, 2]), &optimizer, (rows, 1), false).unwrap();
        let of_network = theta.chunks(theta.len() / 3).nth(context as usize).unwrap();
        alone.session.write("theta", 0, of_network).unwrap();
        let expected = alone.scores(&own, &[]).unwrap();
        let of_rows = (0..ROWS).filter(|&row| batch.context[row] == context);
        for (row, expected) in of_rows.zip(expected.chunks(2)) {
            let (at, row) = (2 * context as usize, &scores[6 * row..6 * row + 6]);
            for (unit, score) in row.iter().enumerate() {
                let expected = if (at..at + 2).contains(&unit) { expected[unit - at] } else { 0.0 };
                assert!((score - expected).abs() < 1e-6, "unit {unit}: {score}, {expected}");
            }
        }
    }
}

/// Keeps the features of a step's rows.
struct Features;

impl Track for Features {
    fn update<'g>(&self, step: &Step<'_, 'g>, _: &Taken<'g>) {
        let features = step.forward.features;
        step.scope.slot("seen", &features.shape(), Init::Zeros);
        step.scope.assign("seen", features);
    }
}

impl Strategy for Features {
    fn name(&self) -> String {
        "features".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.track(self);
    }
}

#[test]
fn a_row_has_features_of_its_own_network_alone() {
    let both = (Separate::new(&[5, 4]), Features);
    let optimizer = Sgd::new(0.0);
    let mut all = Trial::new(&both, mlp(&[6, 8, 8, 6]), &optimizer, (ROWS, 3), false).unwrap();
    let batch = mixed();
    let theta = all.session.read("theta", 0).unwrap();
    all.step(&batch).unwrap();
    let found = all.session.read("features/seen", 0).unwrap();
    for context in [0_u32, 2] {
        let own = of_context(&batch, context);
        let shape = (own.target.len(), 1);
        let mut alone =
            Trial::new(&Features, mlp(&[6, 5, 4, 2]), &optimizer, shape, false).unwrap();
        let of_network = theta.chunks(theta.len() / 3).nth(context as usize).unwrap();
        alone.session.write("theta", 0, of_network).unwrap();
        alone.step(&own).unwrap();
        let expected = alone.session.read("features/seen", 0).unwrap();
        assert!(expected.iter().any(|&feature| feature > 0.0));
        let of_rows = (0..ROWS).filter(|&row| batch.context[row] == context);
        for (row, expected) in of_rows.zip(expected.chunks(4)) {
            for (found, expected) in found[4 * row..4 * row + 4].iter().zip(expected) {
                assert!((found - expected).abs() < 1e-6, "row {row}: {found}, {expected}");
            }
        }
    }
}

#[test]
fn streams_that_mix_contexts_train_every_network() {
    let data = digits();
    let separate = Separate::new(&[32, 32]);
    let joint = Box::new(stream(&data, Scenario::Task).joint());
    let mut all = learner(&separate, joint, Box::new(Adam::new(5e-3))).unwrap();
    let outcomes = run(&mut all, &mut ()).unwrap();
    let accuracies = &outcomes[0].accuracy.rows()[0];
    assert!(accuracies.iter().all(|&accuracy| accuracy > 0.8), "{accuracies:?}");
}

#[test]
fn a_step_of_one_context_computes_one_network_and_a_mixed_one_all() {
    let data = digits();
    // Multiply-accumulates of a training step at so many networks of 64-12-9-units.
    let macs = |shown: fn(ContextStream) -> ContextStream, contexts: usize| {
        let (protocol, part, scenario) = (Protocol::Split, Part::Final, Scenario::Task);
        let spec = StreamSpec { protocol, scenario, contexts, seed: 2, part, pad: 0 };
        let stream = Box::new(shown(spec.build(&data).unwrap()));
        let separate = Separate::new(&[12, 9]);
        let learner = learner(&separate, stream, Box::new(Adam::new(1e-3))).unwrap();
        learner.costs().step.macs
    };
    // 20 rows; the gradient of the first layer's input is not asked for.
    let one = |units: u64| 20 * (2 * 64 * 12 + 3 * (12 * 9 + 9 * units));
    // Ten classes: of two contexts each has 5, of five 2.
    assert_eq!((macs(|stream| stream, 2), macs(|stream| stream, 5)), (one(5), one(2)));
    let joint = |contexts| macs(ContextStream::joint, contexts);
    assert_eq!((joint(2), joint(5)), (2 * one(5), 5 * one(2)));
}

#[test]
fn gates_act_within_each_network() {
    let data = digits();
    let composed = (Separate::new(&[32, 32]), Xdg::new(0.5));
    let shown = Box::new(stream(&data, Scenario::Task));
    let mut all = learner(&composed, shown, Box::new(Adam::new(5e-3))).unwrap();
    let initial = all.read("theta", 0).unwrap();
    run(&mut all, &mut ()).unwrap();
    // A unit that is off in a context gets no gradient there: its weights stay.
    let thresholds = all.read("xdg/threshold1", 0).unwrap();
    let theta = all.read("theta", 0).unwrap();
    for context in 0..CONTEXTS {
        let range = all.model().layout.range(&format!("net{}.w1", context + 1)).unwrap();
        for unit in 0..32 {
            let off = thresholds[context * 32 + unit] <= 0.5;
            let moved = (0..64).any(|i| {
                let at = range.offset + 32 * i + unit;
                theta[at].to_bits() != initial[at].to_bits()
            });
            assert!(!(off && moved), "unit {unit} of context {context} is off and moves");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let data = digits();
    let separate = Separate::default();
    let refused = |stream: Box<dyn Stream>| {
        learner(&separate, stream, Box::new(Adam::new(1e-3))).err().unwrap().to_string()
    };
    assert_eq!(
        refused(Box::new(stream(&data, Scenario::Domain))),
        "separate needs the context of each training example; a domain-incremental stream does not \
         show it"
    );
    assert_eq!(
        refused(other(&data, Heads::Alone)),
        "separate: 2 outputs for 5 contexts; expected as many for each network"
    );
    let error = refused(other(&data, Heads::Next));
    assert_eq!(
        error,
        "separate, 5 networks, each MLP 64-100-100-2, ReLU, dropout 0, init FanIn: output 2 competes \
         in context 1, where the network has outputs 0..2"
    );
    let error = Separate::new(&[8, 0]).check().unwrap_err().to_string();
    assert_eq!(error, "separate: hidden = 0; expected at least 1 unit in each layer");
}
