//! FROMP in runs: the shared suite, which points stay, and what is refused.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::conformance::{Facts, Subject};
use cl_core::{
    Consolidate, Error, Learner, Now, Parts, Row, Settings, SlotStore, Strategy, Trial, from_state,
    run,
};
use cl_nn::{Adam, Mlp, Network, Sgd};
use cl_regularize::{Balance, Fromp, Kernel};
use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamSpec, digits};
use cl_tensor::Session;
use common::slow::SlowMlp;
use std::collections::BTreeMap;
use std::sync::Mutex;

fn small(tau: f64) -> Fromp {
    Fromp { per_class: 5, ..Fromp::vdv(tau) }
}

/// T n points of C outputs, with n of every class of a context; the last context brings no more rows.
fn kept(facts: &Facts<'_>, functional: bool) -> u64 {
    let task = facts.scenario == Scenario::Task;
    let (n, outputs) = (5 * facts.classes, if task { facts.classes } else { facts.outputs });
    let row =
        if task { facts.row_size.with_context(facts.contexts as u32) } else { facts.row_size };
    let rows = (facts.contexts - 1) * n * row.bytes();
    let anchor = 4 * facts.contexts * n * outputs;
    let units = 4 * facts.contexts * outputs;
    let fisher = 4 * facts.layout.parameters() as u64;
    rows + anchor + units + if functional { fisher + anchor * n } else { 0 }
}

#[test]
fn fromp_conforms() {
    let functional =
        |delta, jitter| Fromp { kernel: Kernel::Functional { delta, jitter }, ..small(1.0) };
    Subject::new("fromp", || small(1.0))
        .scenarios([Scenario::Task, Scenario::Domain, Scenario::Class])
        .neutral(|| Fromp { clip: None, ..small(0.0) })
        .refused(|| small(-1.0))
        .refused(|| small(f64::NAN))
        .refused(|| Fromp { per_class: 0, ..small(1.0) })
        .refused(|| Fromp { clip: Some(0.0), ..small(1.0) })
        .refused(move || functional(0.0, 1e-6))
        .refused(move || functional(1e-3, 0.0))
        .refused(|| Fromp { tau: 0.0, ..Fromp::default() })
        .kept(|facts| kept(facts, true))
        .assert();
}

#[test]
fn fromp_as_the_authors_have_it_conforms() {
    Subject::new("fromp, 1/tau", || Fromp { per_class: 5, ..Fromp::default() })
        .no_neutral("1/tau scales the task gradient and the norm is clipped")
        .kept(|facts| kept(facts, true))
        .assert();
}

#[test]
fn fromp_without_kernels_conforms() {
    Subject::new("fromp-l2", || small(1.0).l2())
        .scenarios([Scenario::Task, Scenario::Class])
        .neutral(|| Fromp { clip: None, ..small(0.0) }.l2())
        .kept(|facts| kept(facts, false))
        .assert();
}

fn learner(strategy: &dyn Strategy, contexts: usize, steps: u32) -> Learner<'_> {
    let data = digits();
    let (protocol, part, seed) = (Protocol::Split, Part::Final, 2);
    let spec = StreamSpec { protocol, scenario: Scenario::Class, contexts, seed, part, pad: 0 };
    let stream: Box<dyn Stream> = Box::new(spec.build(&data).unwrap());
    let network = Box::new(Mlp::new(&[64, 12, stream.outputs()]).unwrap());
    let settings = Settings::new(steps, 32, Box::new(Adam::new(2e-3)));
    Learner::new(strategy, &data, vec![(seed, stream)], network, settings).unwrap()
}

/// Keeps theta of every boundary.
#[derive(Default)]
struct Thetas(Mutex<Vec<Vec<f32>>>);

impl Consolidate for Thetas {
    fn end_context(&self, _: Now, slots: &mut SlotStore<'_>) -> Result<(), Error> {
        self.0.lock().unwrap().push(slots.theta()?);
        Ok(())
    }
}

impl Strategy for Thetas {
    fn name(&self) -> String {
        "thetas".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.consolidate(self);
    }
}

/// The rows that the memory of a run holds at its end.
fn memory(learner: &Learner<'_>) -> Vec<Row> {
    let saved: serde_json::Value = learner.save().unwrap().host(0).unwrap();
    from_state("memory", &saved["memories"][0][1]).unwrap()
}

/// Of every class the rows of the highest Σ s (1 − s), with the network as it was at the boundary.
#[test]
fn the_points_of_a_run_are_those_that_the_network_was_least_sure_of() {
    let strategy = (Fromp { per_class: 7, ..Fromp::default() }, Thetas::default());
    let mut learner = learner(&strategy, 5, 12);
    run(&mut learner, &mut ()).unwrap();
    let (data, stream, rows) = (digits(), learner.stream(0), memory(&learner));
    assert_eq!(rows.len(), 4 * 2 * 7);
    for (context, theta) in strategy.1.0.lock().unwrap().iter().enumerate() {
        let ranges = learner.model().layout.ranges().iter();
        let wide = |values: &[f32]| values.iter().map(|&x| f64::from(x)).collect();
        let net = SlowMlp {
            sizes: vec![64, 12, 10],
            tensors: ranges.map(|range| wide(&theta[range.floats()])).collect(),
            gates: Vec::new(),
            active: vec![true; 10],
        };
        let mut classes: BTreeMap<u32, Vec<(f64, u32)>> = BTreeMap::new();
        for &example in stream.train(context) {
            let pixels = data.image(example).iter();
            let x: Vec<f64> = pixels.map(|&x| f64::from(f32::from(x) * data.scale)).collect();
            let score: f64 = net.forward(&x).1.iter().map(|p| p * (1.0 - p)).sum();
            let label = stream.target(context, data.labels[example as usize]);
            classes.entry(label).or_default().push((score, example));
        }
        let own = &rows[14 * context..14 * (context + 1)];
        for ((label, mut scored), own) in classes.into_iter().zip(own.chunks(7)) {
            scored.sort_by(|a, b| b.0.total_cmp(&a.0));
            let expected: Vec<u32> = scored[..7].iter().map(|(_, example)| *example).collect();
            let found: Vec<u32> = own.iter().map(|row| row.example).collect();
            assert_eq!(found, expected, "context {context}, label {label}");
            assert!(own.iter().all(|row| (row.label, row.context) == (label, context as u32)));
        }
    }
}

/// What an unpulled network forgets on its points, the pulled one keeps: the mean square of m − m_old.
#[test]
fn function_values_on_memorable_points_stay_closer_to_what_they_were() {
    let drift = |tau: f64, kernel: Kernel| {
        let method = Fromp { kernel, clip: None, ..small(tau) };
        let name = method.name();
        let mut learner = learner(&method, 2, 100);
        run(&mut learner, &mut ()).unwrap();
        let (data, rows) = (digits(), memory(&learner));
        let theta = learner.read("theta", 0).unwrap();
        let anchor = learner.read(&format!("{name}/anchor"), 0).unwrap();
        let ranges = learner.model().layout.ranges().iter();
        let net = SlowMlp {
            sizes: vec![64, 12, 10],
            tensors: ranges
                .map(|range| theta[range.floats()].iter().map(|&x| f64::from(x)).collect())
                .collect(),
            gates: Vec::new(),
            active: vec![true; 10],
        };
        let of_row = |(row, anchor): (&Row, &[f32])| -> f64 {
            let pixels = data.image(row.example).iter();
            let x: Vec<f64> = pixels.map(|&x| f64::from(f32::from(x) * data.scale)).collect();
            let now = net.forward(&x).1;
            now.iter().zip(anchor).map(|(now, old)| (now - f64::from(*old)).powi(2)).sum()
        };
        rows.iter().zip(anchor.chunks(10)).map(of_row).sum::<f64>()
    };
    let functional = small(1.0).kernel;
    let free = drift(0.0, functional);
    for (tau, kernel) in [(1.0, functional), (3.0, Kernel::Identity)] {
        let pulled = drift(tau, kernel);
        assert!(pulled < 0.7 * free, "{kernel:?}: {pulled}, without {free}");
    }
}

/// Six points that are one, and a jitter that 64 bits lose beside the kernel.
#[test]
fn a_singular_kernel_names_context_and_output_unit() {
    let method = Fromp { per_class: 3, ..Fromp::vdv(1.0) };
    let network = Box::new(Mlp::new(&[6, 5, 4, 4]).unwrap());
    let (sgd, memories) = (Sgd::new(0.1), [("fromp/memory", 6)]);
    let mut trial = Trial::with_memories(&method, network, &sgd, (8, 2), false, &memories).unwrap();
    let rows = common::some_batch(8, 3);
    let mut alike = rows.clone();
    alike.x = rows.x[..6].repeat(8);
    let kept = std::slice::from_ref(&alike);
    trial.boundary_with(std::slice::from_ref(&rows), kept).unwrap();
    assert_eq!(trial.session.read("fromp/jitter_used", 0).unwrap(), [1e-6]);
    trial.session.write("fromp/jitter", 0, &[1e-30]).unwrap();
    let message = trial.boundary_with(&[rows], kept).unwrap_err().to_string();
    assert_eq!(
        message,
        "fromp: the kernel of context 1, output unit 0, is singular: no Cholesky factor with jitter \
         1e-30, nor raised tenfold 4 times to 1e-26; expected a larger jitter or fewer points that \
         are alike"
    );
}

/// An MLP with a scale that is in no linear layer.
#[derive(Debug)]
struct Scaled(Mlp);

impl Network for Scaled {
    fn params(&self) -> Vec<cl_nn::ParamSpec> {
        let scale = cl_nn::ParamSpec {
            name: "scale".to_owned(),
            shape: vec![1],
            init: cl_nn::Initializer::Constant(1.0),
        };
        [self.0.params(), vec![scale]].concat()
    }
    fn forward<'g>(
        &self,
        theta: cl_nn::Theta<'_, 'g>,
        x: cl_tensor::Var<'g>,
        cx: &cl_nn::ForwardContext<'_, 'g>,
    ) -> cl_nn::Forward<'g> {
        let forward = self.0.forward(theta, x, cx);
        cl_nn::Forward { logits: forward.logits * theta.get("scale"), ..forward }
    }
    fn inputs(&self) -> usize {
        self.0.inputs()
    }
    fn outputs(&self) -> usize {
        self.0.outputs()
    }
    fn hidden(&self) -> Vec<usize> {
        self.0.hidden()
    }
    fn describe(&self) -> String {
        "scaled".to_owned()
    }
}

#[test]
fn a_parameter_outside_of_linear_layers_is_refused_by_kernels_alone() {
    let trial = |method: &Fromp| {
        let network = Box::new(Scaled(Mlp::new(&[6, 5, 4]).unwrap()));
        let name = format!("{}/memory", method.name());
        let memories = [(name.as_str(), 6)];
        Trial::with_memories(method, network, &Sgd::new(0.1), (8, 2), false, &memories).map(|_| ())
    };
    let message = trial(&small(1.0)).unwrap_err().to_string();
    assert!(message.contains("fromp: parameter `scale` belongs to 0 linear layers"), "{message}");
    trial(&small(1.0).l2()).unwrap();
}

#[test]
fn presets_are_the_conventions_of_their_code() {
    let (paper, vdv) = (Fromp::default(), Fromp::vdv(1000.0));
    assert_eq!((paper.balance, vdv.balance), (Balance::TaskOverTau, Balance::TauOnMemory));
    assert_eq!((paper.per_class, vdv.per_class), (20, 100));
    assert_eq!(paper.kernel, Kernel::Functional { delta: 1e-3, jitter: 1e-5 });
    assert_eq!(vdv.kernel, Kernel::Functional { delta: 1e-3, jitter: 1e-6 });
    assert_eq!((paper.clip, vdv.clip, vdv.tau), (Some(1.0), Some(1.0), 1000.0));
}
