//! The autoencoders of a generative classifier and their likelihoods against loops in f64, and faults
//! that these catch. The likelihood itself against the reference code: cl-nn, `tests/likelihood.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{
    Batch, Length, Module, Parts, PhaseContext, Phases, Readout, Source, Step, Strategy, Trains,
    Trial,
};
use cl_nn::{Layout, Mlp, Optimizer, ParamSpec, Reconstruction, Sgd, Theta, Vae};
use cl_random::Purpose;
use cl_scenarios::StreamKind;
use cl_templates::GenerativeClassifier;
use cl_tensor::{CpuSession, Feeds, Graph, Host, Init, Outputs, Plan, Session, Var};
use common::{close, predicted, read, wide};

const INPUTS: usize = 4;
const LATENT: usize = 2;
const CLASSES: usize = 3;
const ROWS: usize = 6;

fn classifier() -> GenerativeClassifier {
    GenerativeClassifier { samples: 4, lr: 0.01, ..GenerativeClassifier::new(&[3], LATENT) }
}

fn layout() -> Layout {
    Layout::new(&Vae::new(INPUTS, &[3], LATENT).unwrap().params()).unwrap()
}

/// Pixels in [0, 1].
fn images(seed: u32, rows: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(17);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as f32 / f32::from(u16::MAX)
    };
    (0..rows * INPUTS).map(|_| next()).collect()
}

/// The numbers that the classifier draws in a step of a trial.
fn drawn(rows: usize) -> Vec<f64> {
    struct Reads(Vec<f32>);
    impl Host for Reads {
        fn feed(&mut self, _: u32, _: &mut Feeds<'_>) -> Result<(), cl_tensor::Error> {
            Ok(())
        }
        fn collect(&mut self, _: u32, outputs: &Outputs<'_>) -> Result<(), cl_tensor::Error> {
            self.0 = outputs.f32("noise")?.to_vec();
            Ok(())
        }
    }
    let graph = Graph::new();
    let address = graph.slot_u32("address", &[4], Init::Indices([0; 4].into()));
    let purpose = Purpose::named("generative-classifier/latent");
    graph.output("noise", graph.normal(address, purpose, 0, &[rows, LATENT]));
    let mut session = CpuSession::new(&[0], 1).unwrap();
    let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
    let mut host = Reads(Vec::new());
    session.run(plan, 0..1, &mut [&mut host]).unwrap();
    wide(&host.0)
}

/// x W + b of one row.
fn dense(layout: &Layout, theta: &[f64], name: &str, x: &[f64]) -> Vec<f64> {
    let weight = layout.range(&format!("w{name}")).unwrap();
    let bias = layout.range(&format!("b{name}")).map(|range| &theta[range.floats()]);
    let columns = weight.shape[1];
    let w = &theta[weight.floats()];
    (0..columns)
        .map(|j| {
            let products = x.iter().enumerate().map(|(i, x)| x * w[i * columns + j]);
            products.sum::<f64>() + bias.map_or(0.0, |bias| bias[j])
        })
        .collect()
}

fn relu(x: Vec<f64>) -> Vec<f64> {
    x.into_iter().map(|x| x.max(0.0)).collect()
}

struct Encoded {
    mean: Vec<f64>,
    log_variance: Vec<f64>,
    z: Vec<f64>,
    logits: Vec<f64>,
}

fn pass(layout: &Layout, theta: &[f64], x: &[f64], noise: &[f64]) -> Encoded {
    let h = relu(dense(layout, theta, "_down1", x));
    let mean = dense(layout, theta, "_mean", &h);
    let log_variance = dense(layout, theta, "_log_variance", &h);
    let z: Vec<f64> =
        (0..LATENT).map(|d| mean[d] + (0.5 * log_variance[d]).exp() * noise[d]).collect();
    let up = relu(dense(layout, theta, "_up1", &z));
    Encoded { logits: dense(layout, theta, "_up2", &up), mean, log_variance, z }
}

/// (binary cross-entropy + KL) / pixels of one row.
fn row_loss(layout: &Layout, theta: &[f64], x: &[f64], noise: &[f64]) -> f64 {
    let it = pass(layout, theta, x, noise);
    let entropy = it.logits.iter().zip(x).map(|(l, x)| (1.0 + l.exp()).ln() - x * l).sum::<f64>();
    let kl = it.mean.iter().zip(&it.log_variance).map(|(m, v)| m * m + v.exp() - 1.0 - v);
    (entropy + 0.5 * kl.sum::<f64>()) / INPUTS as f64
}

fn log_sum_exp(terms: &[f64]) -> f64 {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    terms.iter().map(|term| (term - largest).exp()).sum::<f64>().ln() + largest
}

/// log p̂(x) of one row under one autoencoder.
fn likelihood(layout: &Layout, theta: &[f64], x: &[f64], noise: &[f64]) -> f64 {
    let term = |noise: &[f64]| {
        let it = pass(layout, theta, x, noise);
        let pixel = |(l, x): (&f64, &f64)| (x - 1.0 / (1.0 + (-l).exp())).powi(2);
        let far: f64 = it.logits.iter().zip(x).map(pixel).sum();
        let ratio = (0..LATENT).map(|d| {
            let apart = (it.z[d] - it.mean[d]).powi(2) / it.log_variance[d].exp();
            it.log_variance[d] + apart - it.z[d].powi(2)
        });
        0.5 * (ratio.sum::<f64>() - far)
    };
    let terms: Vec<f64> = noise.chunks(LATENT).map(term).collect();
    log_sum_exp(&terms) - (terms.len() as f64).ln()
}

/// One autoencoder and its Adam, by differences of the loss.
struct Slow {
    layout: Layout,
    theta: Vec<f64>,
    m: Vec<f64>,
    v: Vec<f64>,
    steps: i32,
}

impl Slow {
    fn all(trial: &Trial<'_>) -> Vec<Self> {
        let (layout, theta) = (layout(), wide(&read(trial, "generative-classifier/vaes")));
        let len = layout.len();
        assert_eq!(theta.len(), CLASSES * len);
        let one = |theta: &[f64]| {
            let (theta, zeros) = (theta.to_vec(), vec![0.0; len]);
            Self { layout: layout.clone(), theta, m: zeros.clone(), v: zeros, steps: 0 }
        };
        theta.chunks(len).map(one).collect()
    }

    fn step(&mut self, rows: &[(&[f64], &[f64])], lr: f64) {
        let loss = |theta: &[f64]| {
            let rows_losses = rows.iter().map(|(x, noise)| row_loss(&self.layout, theta, x, noise));
            rows_losses.sum::<f64>() / rows.len() as f64
        };
        const H: f64 = 1e-6;
        let mut moved = self.theta.clone();
        let mut gradient = vec![0.0; moved.len()];
        for at in self.layout.ranges().iter().flat_map(|range| range.floats()) {
            moved[at] = self.theta[at] + H;
            let above = loss(&moved);
            moved[at] = self.theta[at] - H;
            gradient[at] = (above - loss(&moved)) / (2.0 * H);
            moved[at] = self.theta[at];
        }
        self.steps += 1;
        let (q1, q2) = (1.0 - 0.9_f64.powi(self.steps), 1.0 - 0.999_f64.powi(self.steps));
        for (at, g) in gradient.into_iter().enumerate() {
            self.m[at] = 0.9 * self.m[at] + 0.1 * g;
            self.v[at] = 0.999 * self.v[at] + 0.001 * g * g;
            self.theta[at] -= lr * (self.m[at] / q1) / ((self.v[at] / q2).sqrt() + 1e-8);
        }
    }
}

/// Every autoencoder takes a step on the rows of its class, if it has any.
fn take_step(all: &mut [Slow], batch: &Batch, noise: &[f64]) {
    let x = wide(&batch.x);
    for (class, one) in all.iter_mut().enumerate() {
        let counts = |row: &usize| batch.target[*row] as usize == class && batch.weight[*row] > 0.0;
        let row = |row: usize| (&x[row * INPUTS..][..INPUTS], &noise[row * LATENT..][..LATENT]);
        let rows: Vec<_> = (0..batch.target.len()).filter(counts).map(row).collect();
        if !rows.is_empty() {
            one.step(&rows, 0.01);
        }
    }
}

fn network() -> Box<Mlp> {
    Box::new(Mlp::new(&[INPUTS, CLASSES]).unwrap())
}

/// Classes come in other numbers in the second batch; one has no rows in the third.
const MIXED: [[u32; ROWS]; 5] =
    [[0, 1, 2, 2, 1, 0], [1, 0, 1, 1, 2, 1], [2, 0, 0, 2, 2, 0], [2, 1, 0, 2, 1, 0], [1; 6]];

/// Steps on mixed batches, or the number of the first after which parameters are other ones.
fn check(method: &dyn Strategy) -> Result<(), (usize, String)> {
    let mut trial = Trial::new(method, network(), &Sgd::new(0.1), (ROWS, 2), false).unwrap();
    let mut slow = Slow::all(&trial);
    let noise = drawn(ROWS);
    for (step, target) in MIXED.iter().enumerate() {
        let batch = Batch::mean(images(step as u32, ROWS), target.to_vec(), 0);
        trial.step(&batch).unwrap();
        take_step(&mut slow, &batch, &noise);
        let want: Vec<f64> = slow.iter().flat_map(|one| one.theta.clone()).collect();
        let got = read(&trial, "generative-classifier/vaes");
        close("vaes", &got, &want, 1e-4).map_err(|error| (step + 1, error))?;
    }
    Ok(())
}

#[test]
fn the_rows_of_a_class_are_one_step_of_its_autoencoder_and_of_its_adam() {
    check(&classifier()).unwrap();
}

#[test]
fn steps_are_counted_by_class() {
    let method = classifier();
    let mut trial = Trial::new(&method, network(), &Sgd::new(0.1), (ROWS, 2), false).unwrap();
    for target in MIXED {
        trial.step(&Batch::mean(images(1, ROWS), target.to_vec(), 0)).unwrap();
    }
    assert_eq!(read(&trial, "generative-classifier/steps"), [4.0, 4.0, 4.0]);
    let batch = Batch::mean(images(1, ROWS), vec![0; ROWS], 0);
    trial.step(&batch).unwrap();
    assert_eq!(read(&trial, "generative-classifier/steps"), [5.0, 4.0, 4.0]);
}

/// Two classes of three rows, and room for a third class that the stage does not have.
#[test]
fn drawn_by_class_the_steps_are_the_same() {
    let (method, rows, count) = (classifier(), 9, 3);
    let mut trial = Trial::by_class(&method, network(), &Sgd::new(0.1), (rows, count, 2)).unwrap();
    let mut slow = Slow::all(&trial);
    let noise = drawn(rows);
    for (step, classes) in [[0, 1], [0, 1], [2, 1], [2, 1]].into_iter().enumerate() {
        let [first, second]: [u32; 2] = classes;
        let target = vec![first, first, first, second, second, second, 0, 0, 0];
        let weight = (0..rows).map(|row| if row < 6 { 1.0 / 6.0 } else { 0.0 }).collect();
        let batch = Batch { weight, ..Batch::mean(images(step as u32 + 40, rows), target, 0) };
        trial.step(&batch).unwrap();
        take_step(&mut slow, &batch, &noise);
    }
    let want: Vec<f64> = slow.iter().flat_map(|one| one.theta.clone()).collect();
    close("vaes", &read(&trial, "generative-classifier/vaes"), &want, 1e-4).unwrap();
    assert_eq!(read(&trial, "generative-classifier/steps"), [2.0, 4.0, 2.0]);
}

/// Scores of rows after steps in which class 1 never comes.
fn check_scores(method: &dyn Strategy) -> Result<(), String> {
    let mut trial = Trial::new(method, network(), &Sgd::new(0.1), (ROWS, 2), false).unwrap();
    let parameters: Vec<f32> = (0..CLASSES * layout().len())
        .map(|at| ((at * 37 % 101) as f32 / 50.0 - 1.0) * 0.9)
        .collect();
    trial.session.write("generative-classifier/vaes", 0, &parameters).unwrap();
    trial.session.write("generative-classifier/steps", 0, &[3.0, 0.0, 1.0]).unwrap();
    let rows = images(9, ROWS);
    let noise = wide(&read(&trial, "generative-classifier/noise"));
    let found = trial.scores(&Batch::mean(rows.clone(), vec![0; ROWS], 0), &[]).unwrap();
    let (layout, theta, rows) = (layout(), wide(&parameters), wide(&rows));
    let mut want = Vec::new();
    for x in rows.chunks(INPUTS) {
        for class in [0, 2] {
            let theta = &theta[class * layout.len()..][..layout.len()];
            let noise = &noise[class * 4 * LATENT..][..4 * LATENT];
            want.push(likelihood(&layout, theta, x, noise));
        }
    }
    assert!(found.chunks(CLASSES).all(|row| row[1] == -1e30), "{found:?}");
    let seen: Vec<f32> = found.chunks(CLASSES).flat_map(|row| [row[0], row[2]]).collect();
    close("scores", &seen, &want, 1e-5)?;
    let wide: Vec<f32> = want.iter().map(|&score| score as f32).collect();
    assert_eq!(predicted(&seen, 2), predicted(&wide, 2));
    Ok(())
}

#[test]
fn scores_are_importance_sampled_likelihoods_and_a_class_without_a_step_has_none() {
    check_scores(&classifier()).unwrap();
}

#[test]
fn draws_are_standard_normal_and_no_two_classes_share_them() {
    let method = GenerativeClassifier { samples: 500, ..classifier() };
    let trial = Trial::new(&method, network(), &Sgd::new(0.1), (ROWS, 2), false).unwrap();
    let noise = wide(&read(&trial, "generative-classifier/noise"));
    let (count, mean) = (noise.len() as f64, noise.iter().sum::<f64>() / noise.len() as f64);
    let variance = noise.iter().map(|x| x * x).sum::<f64>() / count;
    assert_eq!(noise.len(), CLASSES * 500 * LATENT);
    // Three standard errors.
    assert!(mean.abs() < 3.0 / count.sqrt() && (variance - 1.0).abs() < 3.0 * (2.0 / count).sqrt());
    let of_class: Vec<&[f64]> = noise.chunks(500 * LATENT).collect();
    let product: f64 = of_class[0].iter().zip(of_class[1]).map(|(a, b)| a * b).sum();
    assert!(product.abs() < 3.0 * (500.0 * LATENT as f64).sqrt(), "{product}");
}

/// 2,000 steps of 128 rows of two classes: 1,000 steps of 128 rows of each.
#[test]
fn told_contexts_share_their_steps_among_classes_and_others_take_what_comes() {
    let method = GenerativeClassifier::default();
    let phases = |kind, classes, steps| {
        let context =
            PhaseContext { stage: 0, stages: 5, contexts: 1, classes, kind, steps, batch: 128 };
        let phases = method.phases(context);
        assert_eq!(phases.len(), 1);
        assert_eq!(phases[0].cycle, [Trains::Module("vaes")]);
        (phases[0].rows, phases[0].length)
    };
    let sharp = |classes, steps| phases(StreamKind::Sharp, classes, steps);
    assert_eq!(sharp(2, 2000), (Source::StreamByClass, Length::Steps(1000)));
    assert_eq!(sharp(10, 10_000), (Source::StreamByClass, Length::Steps(1000)));
    assert_eq!(sharp(2, 1), (Source::StreamByClass, Length::Steps(1)));
    for kind in [StreamKind::Fuzzy { fuzziness: 5 }, StreamKind::Random, StreamKind::OnePass] {
        assert_eq!(phases(kind, 2, 2000), (Source::Stream, Length::Steps(2000)));
    }
}

#[test]
fn one_autoencoder_of_the_paper_has_150134_parameters() {
    let params = GenerativeClassifier::default().params(784, 10);
    let count: usize = params.iter().map(|spec| spec.shape.iter().product::<usize>()).sum();
    assert_eq!(count, 10 * 150_134);
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// One Adam for all: a class without rows goes on with its moments.
    OneAdam,
    /// Every autoencoder learns from all rows.
    AllRows,
    /// Rows of a class weigh 1/rows of the batch.
    BatchMean,
    /// Half the squared error in place of cross-entropy.
    Squared,
    /// No log p(z) − log q(z|x).
    NoRatio,
    /// A sum over draws, not a mean.
    Sum,
    /// The decoder's logits are compared with the pixels.
    Logits,
}

struct Mutant(Fault, GenerativeClassifier);

impl Strategy for Mutant {
    fn name(&self) -> String {
        "generative-classifier".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.module(self).readout(self);
    }
}

/// One for all classes takes the steps.
impl Module for Mutant {
    fn name(&self) -> &'static str {
        "vaes"
    }
    fn params(&self, inputs: usize, outputs: usize) -> Vec<ParamSpec> {
        self.1.params(inputs, outputs)
    }
    fn optimizer(&self) -> Box<dyn Optimizer> {
        self.1.optimizer()
    }
    fn loss<'g>(&self, step: &Step<'_, 'g>, theta: Theta<'_, 'g>) -> Var<'g> {
        if self.0 == Fault::OneAdam {
            return self.1.loss(step, theta);
        }
        let (vae, layout) = (Vae::new(INPUTS, &[3], LATENT).unwrap(), layout());
        let noise = step.normal("latent", &[ROWS, LATENT]);
        let one_hot = step.target.one_hot(CLASSES);
        let mut sum = step.graph().constant(0.0);
        for class in 0..CLASSES {
            let own = one_hot.slice(1, class..class + 1).reshape(&[ROWS]);
            let weight = match self.0 {
                Fault::AllRows => step.weight,
                Fault::BatchMean => own * step.weight,
                _ => own / own.sum().maximum(step.graph().constant(1.0)),
            };
            let reconstruction = match self.0 {
                Fault::Squared => Reconstruction::SquaredError,
                _ => Reconstruction::CrossEntropy,
            };
            let flat = theta.flat.slice(0, class * layout.len()..(class + 1) * layout.len());
            let one = Theta { flat, layout: &layout };
            sum = sum + (vae.loss(one, step.x, noise, reconstruction) * weight).sum();
        }
        sum
    }
}

impl Readout for Mutant {
    fn scores<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let (vae, layout) = (Vae::new(INPUTS, &[3], LATENT).unwrap(), layout());
        let flat = step.module("vaes").flat;
        let noise = self.1.scores(step); // declares the slots
        let draws = step.scope.slot("noise", &[CLASSES, 4, LATENT], Init::Zeros);
        let mut columns = Vec::new();
        for class in 0..CLASSES {
            let flat = flat.slice(0, class * layout.len()..(class + 1) * layout.len());
            let theta = Theta { flat, layout: &layout };
            let q = vae.encode(theta, step.x);
            let mut terms = Vec::new();
            for sample in 0..4 {
                let noise = draws.slice(0, class..class + 1).reshape(&[4, LATENT]);
                let z = q.sample(noise.slice(0, sample..sample + 1));
                let logits = vae.decode(theta, z);
                let mean = if self.0 == Fault::Logits { logits } else { logits.sigmoid() };
                let far = (step.x - mean).square().sum_axis(1) * -0.5;
                let ratio = z.square().sum_axis(1) * -0.5 - q.log_density(z) - 1.837_877_1;
                terms.push(if self.0 == Fault::NoRatio { far } else { far + ratio });
            }
            let sum = terms.iter().fold(step.graph().constant(0.0), |sum, term| sum + term.exp());
            let sum = if self.0 == Fault::Sum { sum } else { sum * 0.25 };
            columns.push(sum.log().column());
        }
        let steps = step.scope.slot("steps", &[CLASSES], Init::Zeros);
        let none = step.graph().full(&noise.shape(), -1e30);
        let known = steps.greater(step.graph().constant(0.0)).expand(&noise.shape());
        known.select(step.graph().concat(&columns, 1), none)
    }
}

#[test]
fn mutants_are_caught() {
    let learns = |fault| check(&Mutant(fault, classifier())).unwrap_err().0;
    assert_eq!(learns(Fault::AllRows), 1);
    assert_eq!(learns(Fault::Squared), 1);
    assert_eq!(learns(Fault::BatchMean), 2);
    assert_eq!(learns(Fault::OneAdam), 3);
    // What the mutants have in common is right.
    check_scores(&Mutant(Fault::OneAdam, classifier())).unwrap();
    for fault in [Fault::NoRatio, Fault::Sum, Fault::Logits] {
        let error = check_scores(&Mutant(fault, classifier())).unwrap_err();
        assert!(error.starts_with("scores"), "{fault:?}: {error}");
    }
}
