//! Replay of a Wasserstein GAN: one step by loops in f64.

use crate::slow::{Rows, Weights, argmax, map, miss, relu, rows, sigmoid};
use crate::watched::{Look, Watched, finished, of_contexts, slot};
use cl_core::{Module, Strategy, run};
use cl_nn::{Critic, Decoder, Layout};
use cl_replay::{Dgr, GanCritic, GanGenerator, generative};
use cl_scenarios::Scenario;

const LATENT: usize = 3;
const BATCH: usize = 16;
const CRITIC_STEPS: u32 = 3;

fn generator() -> GanGenerator {
    let own = GanGenerator::new(&[12, 10], LATENT).lr(1e-3);
    let critic = GanCritic { hidden: vec![14, 9], steps: CRITIC_STEPS, ..own.critic };
    GanGenerator { critic, ..own }
}

fn gan() -> Dgr<GanGenerator> {
    Dgr::gan(generator(), Scenario::Class)
}

fn critic_layout() -> Layout {
    Layout::new(&Critic::new(64, &[14, 9]).unwrap().params()).unwrap()
}

fn generator_layout() -> Layout {
    Layout::new(&Decoder::mirror(64, &[12, 10], LATENT).params()).unwrap()
}

const LOOK: Look = |step| {
    let made = step.generated();
    let own = generator();
    vec![
        ("replay", step.normal("replay", &[BATCH, LATENT])),
        ("latent", step.normal("latent", &[BATCH, LATENT])),
        ("latent of critic", step.normal("latent of critic", &[2 * BATCH, LATENT])),
        ("between", step.uniform("between", &[2 * BATCH, 1])),
        ("x", step.x),
        ("made", made.x),
        ("labels", made.target.to_float()),
        ("weights", step.graph().concat(&[step.weight, made.weight], 0)),
        ("critic loss", own.critic.loss(step, step.module("critic"))),
        ("generator loss", own.loss(step, step.module("generator"))),
        ("critic", step.module("critic").flat),
        ("generator", step.module("generator").flat),
    ]
};

/// What the last step of a run holds.
struct Seen(Vec<(&'static str, Vec<f64>)>, Layout);

impl Seen {
    fn new() -> Self {
        let strategy = gan();
        let watched = Watched(&strategy, LOOK);
        let mut learner = finished(&watched, Scenario::Class, 40);
        let names = [
            "replay",
            "latent",
            "latent of critic",
            "between",
            "x",
            "made",
            "labels",
            "weights",
            "critic loss",
            "generator loss",
            "critic",
            "generator",
        ];
        let mut all: Vec<_> =
            names.map(|name| (name, slot(&mut learner, &format!("dgr-gan/seen/{name}")))).into();
        for name in ["generator/frozen", "labeller"] {
            all.push((name, slot(&mut learner, &format!("dgr-gan/{name}"))));
        }
        Self(all, learner.model().layout.clone())
    }

    fn get(&self, name: &str) -> &[f64] {
        &self.0.iter().find(|(known, _)| *known == name).unwrap().1
    }

    /// What a generator makes of noise.
    fn images(&self, generator: &str, noise: &str) -> Rows {
        let layout = generator_layout();
        let net = Weights(&layout, self.get(generator));
        let h = relu(net.dense(&rows(self.get(noise), LATENT), "_up1"));
        map(net.dense(&relu(net.dense(&h, "_up2")), "_up3"), sigmoid)
    }

    /// D of each row and its slope.
    fn judged(&self, x: &Rows) -> (Vec<f64>, Rows) {
        let layout = critic_layout();
        let net = Weights(&layout, self.get("critic"));
        let leaky = |z: Rows| map(z, |z| if z > 0.0 { z } else { 0.2 * z });
        let on = |z: &Rows| map(z.clone(), |z| if z > 0.0 { 1.0 } else { 0.2 });
        let first = net.dense(x, "1");
        let second = net.dense(&leaky(first.clone()), "2");
        let scores = net.dense(&leaky(second.clone()), "3").concat();
        let (w1, w2, w3) = (rows(net.get("w1"), 14), rows(net.get("w2"), 9), net.get("w3"));
        let times = |w: &Rows, v: &[f64]| -> Vec<f64> {
            w.iter().map(|w| w.iter().zip(v).map(|(w, v)| w * v).sum()).collect()
        };
        let slope = |(first, second): (Vec<f64>, Vec<f64>)| {
            let top: Vec<f64> = second.iter().zip(w3).map(|(on, w)| on * w).collect();
            let inner: Vec<f64> =
                times(&w2, &top).iter().zip(&first).map(|(d, on)| d * on).collect();
            times(&w1, &inner)
        };
        let slopes = on(&first).into_iter().zip(on(&second)).map(slope).collect();
        (scores, slopes)
    }

    /// Σ w (D(made) − D(x) + λ (‖∇D‖ − 1)²) with the slopes between made and x.
    fn critic_loss(&self, weights: &[f64], lambda: f64) -> f64 {
        let real: Rows =
            rows(self.get("x"), 64).into_iter().chain(rows(self.get("made"), 64)).collect();
        let made = self.images("generator", "latent of critic");
        let between = |((real, made), e): ((&Vec<f64>, &Vec<f64>), &f64)| -> Vec<f64> {
            real.iter().zip(made).map(|(real, made)| e * real + (1.0 - e) * made).collect()
        };
        let straight = real.iter().zip(&made).zip(self.get("between")).map(between).collect();
        let norm = |slope: &Vec<f64>| slope.iter().map(|d| d * d).sum::<f64>().sqrt();
        let penalty = self.judged(&straight).1;
        let penalty = penalty.iter().map(|slope| (norm(slope) - 1.0).powi(2));
        let (of_made, of_real) = (self.judged(&made).0, self.judged(&real).0);
        let rows = of_made.iter().zip(&of_real).zip(penalty).zip(weights);
        rows.map(|(((made, real), penalty), w)| w * (made - real + lambda * penalty)).sum()
    }
}

/// The last of five contexts.
fn weights([current, replayed]: [f64; 2]) -> Vec<f64> {
    [[current / BATCH as f64; BATCH], [replayed / BATCH as f64; BATCH]].concat()
}

#[test]
fn rows_of_the_frozen_generator_bear_labels_of_the_frozen_network() {
    let seen = Seen::new();
    assert!(miss(seen.get("made"), &seen.images("generator/frozen", "replay").concat()) < 1e-5);
    assert!(miss(seen.get("made"), &seen.images("generator", "replay").concat()) > 1e-2);
    let labeller = Weights(&seen.1, seen.get("labeller"));
    let logits = labeller.classify(&rows(seen.get("made"), 64)).1;
    let labels: Vec<f64> = logits.iter().map(|z| argmax(z) as f64).collect();
    assert_eq!(seen.get("labels"), labels);
    assert!(miss(seen.get("weights"), &weights([0.2, 0.8])) < 1e-6);
}

/// Current and replayed rows are data alike, each with its weight in the task loss.
#[test]
fn the_critic_compares_what_is_made_with_both_kinds_of_rows() {
    let seen = Seen::new();
    let found = seen.get("critic loss");
    let right = seen.critic_loss(&weights([0.2, 0.8]), 10.0);
    assert!(miss(found, &[right]) < 1e-4, "{found:?}, expected {right}");
    for wrong in [
        seen.critic_loss(&weights([1.0, 0.0]), 10.0),
        seen.critic_loss(&weights([0.5, 0.5]), 10.0),
        seen.critic_loss(&weights([0.2, 0.8]), 0.0),
        -seen.critic_loss(&weights([0.2, 0.8]), 10.0),
    ] {
        assert!(miss(found, &[wrong]) > 1e-3, "{wrong}");
    }
}

#[test]
fn the_generator_raises_what_the_critic_says_of_its_rows() {
    let seen = Seen::new();
    let scores = seen.judged(&seen.images("generator", "latent")).0;
    let mean = scores.iter().sum::<f64>() / BATCH as f64;
    assert!(miss(seen.get("generator loss"), &[-mean]) < 1e-4);
    let frozen = seen.judged(&seen.images("generator/frozen", "latent")).0;
    let frozen = frozen.iter().sum::<f64>() / BATCH as f64;
    assert!(miss(seen.get("generator loss"), &[-frozen]) > 1e-3);
}

/// Adam's m_weight is 1 − β₁ᵗ after t steps.
#[test]
fn the_critic_takes_its_steps_before_each_of_generator_and_network() {
    let strategy = gan();
    let mut learner = of_contexts(&strategy, Scenario::Class, 3, 2).unwrap();
    run(&mut learner, &mut ()).unwrap();
    let mut taken = |name: &str, beta1: f64| {
        let weight = slot(&mut learner, &format!("{name}/m_weight"))[0];
        ((1.0 - weight).ln() / beta1.ln()).round() as u32
    };
    assert_eq!(taken("optimizer", 0.9), 6);
    assert_eq!(taken("dgr-gan/generator/optimizer", 0.5), 6);
    assert_eq!(taken("dgr-gan/critic/optimizer", 0.5), 6 * CRITIC_STEPS);
}

/// In the first context nothing is replayed, so the network does not notice what makes rows.
#[test]
fn the_network_notices_the_generator_by_its_rows_alone() {
    let theta = |generator: GanGenerator, contexts: usize| {
        let strategy = Dgr::gan(generator, Scenario::Class);
        let mut learner = of_contexts(&strategy, Scenario::Class, 6, contexts).unwrap();
        run(&mut learner, &mut ()).unwrap();
        slot(&mut learner, "theta")
    };
    assert!(theta(generator(), 1) == theta(generator().lr(1e-2), 1));
    assert!(theta(generator(), 2) != theta(generator().lr(1e-2), 2));
}

/// A learning rate at which numbers overflow: the run goes on and says so.
#[test]
fn a_gan_whose_numbers_overflow_does_not_stop_the_run() {
    let strategy = Dgr::gan(generator().lr(1e30), Scenario::Class);
    let mut learner = finished(&strategy, Scenario::Class, 8);
    let spread = slot(&mut learner, &format!("dgr-gan/{}", generative::SPREAD));
    assert!(spread[0].is_nan() || spread[0] < 0.1, "{spread:?}");
    assert!(slot(&mut learner, "theta").iter().all(|value| value.is_finite()));
}

#[test]
fn its_conventions_are_told() {
    let described = gan().describe();
    let (name, told) = &described[0];
    assert_eq!(name, "dgr-gan.generator");
    for part in ["hidden 12-10, latent 3", "critic: hidden 14-9", "gradient penalty 10, 3 per step"]
    {
        assert!(told.contains(part), "{told}");
    }
    assert!(
        Dgr::gan(GanGenerator::default(), Scenario::Task).describe()[0]
            .1
            .contains("Adam 0.0001 (0.5, 0.9)")
    );
}
