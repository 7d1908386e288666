//! A classifier with feedback against the reference code's (tests/data/README.md), and wrong ones
//! that this finds.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

mod common;

use cl_nn::losses::{cross_entropy, mask_inactive};
use cl_nn::{
    Feedback, ForwardContext, Layout, MixturePrior, Mlp, Network, Reconstruction, Theta,
    Variational,
};
use cl_tensor::{Graph, Var};
use common::*;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("data/cond_vae.json")).unwrap()
}

fn network() -> Feedback {
    let classifier = Box::new(Mlp::new(&[9, 5, 5, 4]).unwrap());
    Feedback::new(classifier, 2, true)
}

/// The reference's name of a parameter.
fn key(name: &str) -> String {
    let of = |kind: &str, layer: &str| format!("{layer}_{kind}");
    match name {
        "w1" | "b1" => of(&name[..1], "enc1"),
        "w2" | "b2" => of(&name[..1], "enc2"),
        "w3" | "b3" => of(&name[..1], "classifier"),
        "prior_mean" => "prior_means".to_owned(),
        "prior_log_variance" => "prior_logvars".to_owned(),
        _ => {
            let (kind, layer) = name.split_once('_').unwrap();
            of(kind, &layer.replace("up", "dec").replace("log_variance", "logvar"))
        }
    }
}

fn parameters(layout: &Layout, params: &Value) -> Vec<f32> {
    let named =
        layout.ranges().iter().map(|range| (range.name.clone(), params[key(&range.name)].clone()));
    theta(layout, &Value::Object(named.collect()))
}

/// What may be wrong with the formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    None,
    /// No unit is gated.
    NoGates,
    /// Every row is gated as the first class.
    FirstGate,
    /// N(0, I) in place of the modes.
    StandardPrior,
    /// Modes that all count the same.
    EvenModes,
    /// Divergence of the prior from the posterior.
    Reversed,
    /// Targets at temperature 1.
    Sharp,
    /// A factor T².
    TimesTemperatureSquared,
    /// Replayed rows as heavy as all current ones and more.
    Sum,
}

struct Case<'a, 'g> {
    graph: &'g Graph,
    inputs: &'a Value,
    layout: &'a Layout,
    mutant: Mutant,
}

impl<'g> Case<'_, 'g> {
    fn rows(&self, name: &str, columns: usize) -> Var<'g> {
        let values = singles(&self.inputs[name]);
        tensor(self.graph, name, &[values.len() / columns, columns], values)
    }

    fn theta(&self) -> Theta<'_, 'g> {
        let values = parameters(self.layout, &self.inputs["params"]);
        Theta { flat: tensor(self.graph, "theta", &[values.len()], values), layout: self.layout }
    }

    /// Means of reconstruction, divergence and what the classifier costs, and where rows are gated by
    /// their classes.
    fn losses(
        &self,
        [x, noise]: [&str; 2],
        probabilities: Var<'g>,
        answer: impl Fn(Var<'g>) -> Var<'g>,
    ) -> [Var<'g>; 3] {
        let (theta, mut network) = (self.theta(), network());
        let (x, noise) = (self.rows(x, 9), self.rows(noise, 2));
        let forward = network.forward(theta, x, &ForwardContext::test());
        let rows = probabilities.shape()[0];
        let gates = match self.mutant {
            Mutant::FirstGate => self.graph.full(&[rows], 0.0).column() + first(self.graph),
            _ => probabilities,
        };
        let masks = ["gate_mask_dec1", "gate_mask_dec2"].map(|name| self.rows(name, 5));
        let gate = |layer: usize, h: Var<'g>| match self.mutant {
            Mutant::NoGates => h,
            _ => h * gates.matmul(masks[layer]),
        };
        let even = self.graph.full(&probabilities.shape(), 0.25);
        let probabilities = if self.mutant == Mutant::EvenModes { even } else { probabilities };
        network.layers.prior =
            network.layers.prior.filter(|_| self.mutant != Mutant::StandardPrior);
        let rows = Variational {
            x,
            features: forward.features,
            noise,
            probabilities,
            gate: &gate,
            reconstruction: Reconstruction::CrossEntropy,
        };
        let [reconstruction, divergence] = network.layers.losses(theta, &rows);
        let sign = if self.mutant == Mutant::Reversed { -1.0 } else { 1.0 };
        [reconstruction.mean(), divergence.mean() * sign, answer(forward.logits).mean()]
    }

    fn current(&self) -> [Var<'g>; 3] {
        let y = labels(self.graph, "y", indices(&self.inputs["y"]));
        self.losses(["x", "noise"], y.one_hot(4), |logits| cross_entropy(logits, y, None))
    }

    /// Rows whose teacher speaks of the first `known` classes.
    fn replayed(&self, known: usize) -> [Var<'g>; 3] {
        let active: Vec<f32> = (0..4).map(|c| f32::from(u8::from(c < known))).collect();
        let teacher = self.rows("teacher_logits_replay", 4);
        let teacher = mask_inactive(teacher, tensor(self.graph, "known", &[1, 4], active));
        let temperature = self.graph.constant(2.0);
        let of_targets = if self.mutant == Mutant::Sharp { 1.0 } else { 2.0 };
        let p = (teacher / of_targets).softmax();
        let factor = if self.mutant == Mutant::TimesTemperatureSquared { 4.0 } else { 1.0 };
        self.losses(["x_replay", "noise_replay"], p, |logits| {
            -(p * (logits / temperature).log_softmax()).sum_axis(1) * factor
        })
    }
}

fn first(graph: &Graph) -> Var<'_> {
    tensor(graph, "first", &[1, 4], vec![1.0, 0.0, 0.0, 0.0])
}

/// The largest miss of a case's values and gradients, relative to the largest of each tensor.
fn miss(case: &str, replay: Option<(&str, usize)>, mutant: Mutant) -> f64 {
    let golden = golden();
    let (inputs, expected) = (&golden["inputs"], &golden["expected"]);
    let layout = layout(&network());
    let results = on_both_devices(|graph| {
        let it = Case { graph, inputs, layout: &layout, mutant };
        let [recon, kl, answer] = it.current();
        let mut named =
            vec![("recon", recon), ("kl_over_pixels", kl), ("prediction_or_kd", answer)];
        let mut loss = recon + kl + answer;
        if let Some((_, known)) = replay {
            let (own, all) = if mutant == Mutant::Sum { (1.0, 1.0) } else { (0.5, 0.5) };
            let [recon, kl, kd] = it.replayed(known);
            named = vec![("recon_replay", recon), ("kl_over_pixels_replay", kl), ("kd_replay", kd)];
            loss = loss * own + (recon + kl + kd) * all;
        }
        named.extend([("loss", loss), ("grad", graph.grad(loss, it.theta().flat))]);
        named
    });
    let expected = &expected[case];
    let mut largest = 0.0_f64;
    for (found, _) in results {
        let mut compare = |found: &[f64], expected: &[f64]| {
            let scale = expected.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
            let off = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
            largest = largest.max(off.fold(0.0, f64::max) / scale);
        };
        for (name, value) in found.iter().filter(|(name, _)| *name != "grad") {
            compare(value, &floats(&expected[name]));
        }
        for range in layout.ranges() {
            let grad = parameter(&layout, &found["grad"], &range.name);
            compare(&grad, &floats(&expected["grad"][key(&range.name)]));
        }
    }
    largest
}

const CURRENT: (&str, Option<(&str, usize)>) = ("current", None);
const PAST: (&str, Option<(&str, usize)>) =
    ("total_rnt_half_teacher_2_past_classes", Some(("replay_teacher_2_past_classes", 2)));
const ALL: (&str, Option<(&str, usize)>) =
    ("total_rnt_half_teacher_all_4", Some(("replay_teacher_all_4", 4)));

#[test]
fn losses_and_gradients_are_the_references() {
    for (case, replay) in [CURRENT, PAST, ALL] {
        let miss = miss(case, replay, Mutant::None);
        assert!(miss < 1e-5, "{case}: {miss:e}");
    }
}

#[test]
fn wrong_formulas_are_found() {
    use Mutant::*;
    for mutant in [NoGates, FirstGate, StandardPrior, EvenModes, Reversed] {
        assert!(miss(CURRENT.0, CURRENT.1, mutant) > 1e-2, "{mutant:?}");
    }
    for mutant in [EvenModes, Sharp, TimesTemperatureSquared, Sum] {
        assert!(miss(PAST.0, PAST.1, mutant) > 1e-2, "{mutant:?}");
    }
    assert!(miss(PAST.0, ALL.1, Mutant::None) > 1e-3);
}

#[test]
fn draws_and_densities_of_rows_are_the_references() {
    let golden = golden();
    let (inputs, expected) = (&golden["inputs"], &golden["expected"]["current"]);
    let layout = layout(&network());
    let results = on_both_devices(|graph| {
        let it = Case { graph, inputs, layout: &layout, mutant: Mutant::None };
        let (theta, network) = (it.theta(), network());
        let forward = network.forward(theta, it.rows("x", 9), &ForwardContext::test());
        let posterior = network.layers.encode(theta, forward.features);
        let z = posterior.sample(it.rows("noise", 2));
        let y = labels(graph, "y", indices(&inputs["y"]));
        let log_p = network.layers.prior.unwrap().log_density(theta, z, y.one_hot(4));
        vec![("z", z), ("log_p_z", log_p), ("log_q_z_x", posterior.log_density(z))]
    });
    // The reference leaves out log 2π of both latent values' densities, -½ log 2π each.
    let constant = -std::f64::consts::TAU.ln();
    for (found, tolerance) in results {
        assert_close("z", &found["z"], &floats(&expected["z"]), tolerance);
        for name in ["log_p_z", "log_q_z_x"] {
            let found: Vec<f64> = found[name].iter().map(|value| value - constant).collect();
            assert_close(name, &found, &floats(&expected[name]), tolerance.max(1e-7));
        }
    }
}

#[test]
fn the_published_network_has_the_published_number_of_parameters() {
    let with = |outputs: usize, prior: bool| {
        let classifier = Box::new(Mlp::new(&[784, 400, 400, outputs]).unwrap());
        layout(&Feedback::new(classifier, 100, prior)).parameters()
    };
    assert_eq!(with(10, true), 1_075_694);
    // That of a generator and an output layer: the classifier's hidden layers are its encoder.
    assert_eq!(with(10, false), 1_069_684 + 4_010);
    let network = network();
    assert_eq!(
        network.describe(),
        "MLP 9-5-5-4, ReLU, dropout 0, init FanIn with feedback: latent 2, mirrored decoder, prior \
         a mode per output"
    );
}

/// What belongs to an output stays with it: the last axis of head and modes.
#[test]
fn a_head_that_grows_brings_its_modes_along() {
    let more = network().with_outputs(6).unwrap();
    assert_eq!((more.outputs(), more.inputs()), (6, 9));
    let (before, after) = (layout(&network()), layout(&*more));
    for (old, new) in before.ranges().iter().zip(after.ranges()) {
        assert_eq!(old.name, new.name);
        let mut grown = old.shape.clone();
        if ["w3", "b3", "prior_mean", "prior_log_variance"].contains(&old.name.as_str()) {
            *grown.last_mut().unwrap() = 6;
        }
        assert_eq!(new.shape, grown, "{}", old.name);
    }
}

/// μ + σ noise of each row's own class.
#[test]
fn modes_are_drawn_by_class() {
    let prior = MixturePrior { classes: 3, latent: 2 };
    let layout = Layout::new(&prior.params()).unwrap();
    let (mean, log_variance) = ([1.0, 2.0, 3.0, -1.0, -2.0, -3.0], [0.0, 2.0, 0.0, 0.0, 0.0, 4.0]);
    let mut values = vec![0.0; layout.len()];
    values[layout.range("prior_mean").unwrap().floats()].copy_from_slice(&mean);
    values[layout.range("prior_log_variance").unwrap().floats()].copy_from_slice(&log_variance);
    let results = on_both_devices(|graph| {
        let flat = tensor(graph, "theta", &[layout.len()], values.clone());
        let class = labels(graph, "class", vec![1, 2]);
        let noise = tensor(graph, "noise", &[2, 2], vec![0.5, 2.0, 1.0, -1.0]);
        vec![("z", prior.sample(Theta { flat, layout: &layout }, class, noise))]
    });
    let e = std::f64::consts::E;
    for (found, tolerance) in results {
        let expected = [2.0 + e / 2.0, -2.0 + 2.0, 3.0 + 1.0, -3.0 - e * e];
        assert_close("z", &found["z"], &expected, tolerance);
    }
}
