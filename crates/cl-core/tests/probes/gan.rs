//! Generative replay with a Wasserstein GAN: modules with their own optimisers, critic steps, the
//! gradient of a gradient.

use cl_core::{
    Boundary, Consolidate, Generate, Module, Now, Parts, RecordedRows, Share, Step, Strategy,
    Targets,
};
use cl_nn::{Adam, Optimizer, ParamSpec, Theta, dense_params};
use cl_tensor::Var;

const LATENT: usize = 6;
const UNITS: usize = 12;

/// A critic and a generator beside the classifier; frozen copies of generator and classifier serve
/// replay (Shin et al. 2017; losses of Gulrajani et al. 2017).
struct Gan {
    critic: Critic,
    generator: Generator,
    share: f32,
}

/// Σ_rows w (D(G(z)) − D(x)) + λ Σ_rows w (‖∇D‖₂ − 1)² over real and replayed rows.
struct Critic {
    lambda: f32,
}

/// −mean D(G(z)).
struct Generator;

impl Strategy for Gan {
    fn name(&self) -> String {
        "gan".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.module(&self.critic).module(&self.generator).consolidate(self).generate(self);
    }
}

/// A layer of tanh units between two linear ones.
fn layers(inputs: usize, outputs: usize) -> Vec<ParamSpec> {
    [dense_params("1", inputs, UNITS), dense_params("2", UNITS, outputs)].concat()
}

fn apply<'g>(net: Theta<'_, 'g>, x: Var<'g>) -> Var<'g> {
    net.dense("2", net.dense("1", x).tanh())
}

fn adam() -> Box<dyn Optimizer> {
    Box::new(Adam { beta1: 0.5, beta2: 0.9, ..Adam::new(1e-3) })
}

/// Σ_rows w (‖∇_x D(x)‖₂ − 1)² (Gulrajani et al. 2017, eq. 3).
fn penalty<'g>(critic: Theta<'_, 'g>, x: Var<'g>, weight: Var<'g>) -> Var<'g> {
    let slope = x.graph().grad(apply(critic, x).sum(), x);
    // The root has no derivative at 0.
    let norm = (slope.square().sum_axis(1) + 1e-12).sqrt();
    (weight * (norm - 1.0).square()).sum()
}

/// Images `[rows, inputs]` of latent values that differ by step and name.
fn images<'g>(step: &Step<'_, 'g>, net: Theta<'_, 'g>, name: &str, rows: usize) -> Var<'g> {
    apply(net, step.normal(name, &[rows, LATENT])).sigmoid()
}

impl Module for Critic {
    fn name(&self) -> &'static str {
        "critic"
    }
    fn params(&self, inputs: usize, _: usize) -> Vec<ParamSpec> {
        layers(inputs, 1)
    }
    fn optimizer(&self) -> Box<dyn Optimizer> {
        adam()
    }
    fn loss<'g>(&self, step: &Step<'_, 'g>, critic: Theta<'_, 'g>) -> Var<'g> {
        let (graph, replayed) = (step.graph(), step.generated());
        let real = graph.concat(&[step.x, replayed.x], 0);
        let weight = graph.concat(&[step.weight, replayed.weight], 0);
        let made = images(step, step.module("generator"), "latent", weight.len());
        let u = step.uniform("between", &[weight.len(), 1]);
        let score = apply(critic, made) - apply(critic, real);
        let lambda = step.scope.hyper("lambda", self.lambda);
        (weight.column() * score).sum()
            + lambda * penalty(critic, u * real + (1.0 - u) * made, weight)
    }
}

impl Module for Generator {
    fn name(&self) -> &'static str {
        "generator"
    }
    fn params(&self, inputs: usize, _: usize) -> Vec<ParamSpec> {
        layers(LATENT, inputs)
    }
    fn optimizer(&self) -> Box<dyn Optimizer> {
        adam()
    }
    fn loss<'g>(&self, step: &Step<'_, 'g>, generator: Theta<'_, 'g>) -> Var<'g> {
        let made = images(step, generator, "latent", step.weight.len());
        -apply(step.module("critic"), made).mean()
    }
}

impl Consolidate for Gan {
    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        at.freeze("labeller", theta);
        at.freeze_module("generator");
        theta
    }
}

impl Generate for Gan {
    fn share(&self, now: Now) -> Share {
        if now.stage == 0 { Share::Empty } else { Share::Joined(self.share) }
    }
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> RecordedRows<'g> {
        let context = step.context.slice(0, step.stream_rows());
        let x = images(step, step.frozen_module("generator"), "replay", context.len());
        let labels = step.forward(step.frozen("labeller").flat, x, context).logits.argmax();
        let active = step.active_for(context);
        RecordedRows { active, ..RecordedRows::alike(x, Targets::Units(labels), context) }
    }
}

mod tests {
    use super::*;
    use crate::common::{Setup, finished};
    use crate::golden::assert_close;
    use crate::guarantees::population_is_singles_and_resume_is_whole;
    use crate::seen::{Seen, slot};
    use crate::slow::{Weights, argmax, dot, map, rows};
    use cl_core::{Naive, Phase, PhaseContext, Phases, Trains, run};
    use cl_nn::Layout;
    use cl_random::Purpose;
    use cl_tensor::{Graph, Init, ReferenceSession, Values};

    fn gan(share: f32) -> Gan {
        Gan { critic: Critic { lambda: 10.0 }, generator: Generator, share }
    }

    /// Σ w (‖W₁ (w₂ ⊙ (1 − h²))‖ − 1)², h = tanh(x W₁ + b₁): the slope of one tanh layer by hand.
    fn by_hand(net: &Weights<'_>, x: &[Vec<f64>], weight: &[f64]) -> f64 {
        let hidden = map(net.dense(x, "1"), f64::tanh);
        let (w1, w2) = (rows(net.get("w1"), UNITS), net.get("w2"));
        let row = |h: &Vec<f64>| {
            let inner: Vec<f64> = h.iter().zip(w2).map(|(h, w)| w * (1.0 - h * h)).collect();
            let slope: Vec<f64> = w1.iter().map(|w| dot(w, &inner)).collect();
            ((dot(&slope, &slope) + 1e-12).sqrt() - 1.0).powi(2)
        };
        hidden.iter().map(row).zip(weight).map(|(row, weight)| weight * row).sum()
    }

    #[test]
    fn the_gradient_of_the_penalty_is_that_of_the_formula_by_central_differences() {
        let layout = Layout::new(&layers(5, 1)).unwrap();
        let value = |i: usize| (i as f64 * 0.731).sin();
        let x: Vec<f64> = (0..20).map(|i| value(i + 1000)).collect();
        let weight = [0.1, 0.4, 0.3, 0.2];
        let mut flat = vec![0.0; layout.len()];
        for i in layout.ranges().iter().flat_map(|range| range.floats()) {
            flat[i] = value(i);
        }
        let graph = Graph::new();
        let slot = |name: &str, shape: &[usize]| graph.slot(name, shape, Init::Zeros);
        let net = Theta { flat: slot("net", &[layout.len()]), layout: &layout };
        let loss = penalty(net, slot("x", &[4, 5]), slot("weight", &[4]));
        graph.output("loss", loss);
        graph.output("gradient", graph.grad(loss, net.flat));
        let mut session = ReferenceSession::new(0);
        session.set_slot("net", Values::new(&[layout.len()], flat.clone()));
        session.set_slot("x", Values::new(&[4, 5], x.clone()));
        session.set_slot("weight", Values::new(&[4], weight.to_vec()));
        let recorded = session.run(&graph, &[]).unwrap();
        let at = |i: usize, step: f64| {
            let mut moved = flat.clone();
            moved[i] += step;
            by_hand(&Weights(&layout, &moved), &rows(&x, 5), &weight)
        };
        let h = 1e-5;
        let slopes: Vec<f64> =
            (0..layout.len()).map(|i| (at(i, h) - at(i, -h)) / (2.0 * h)).collect();
        // f32 constants in the graph, 1e-12 and 1, are exact enough.
        assert!((recorded["loss"].data[0] - at(0, 0.0)).abs() < 1e-12);
        assert!(slopes.iter().filter(|slope| slope.abs() > 1e-3).count() > 60);
        assert_close(&recorded["gradient"].data, &slopes, 1e-8);
    }

    #[test]
    fn the_classifier_does_not_notice_modules() {
        let of = |slots: Vec<(String, Vec<u32>)>, name: &str| {
            slots.into_iter().find(|(slot, _)| slot == name).unwrap().1
        };
        let setup = Setup::default();
        let (with, none) = (finished(&setup, &gan(0.0)), finished(&setup, &Naive));
        for slot in ["theta", "optimizer/m", "optimizer/v"] {
            assert!(of(with.clone(), slot) == of(none.clone(), slot), "{slot}");
        }
        assert!(of(finished(&setup, &gan(1.0)), "theta") != of(none, "theta"));
    }

    /// Two steps of the critic before each of the generator and of the classifier.
    struct CriticFirst;

    impl Strategy for CriticFirst {
        fn name(&self) -> String {
            "critic-first".to_owned()
        }
        fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
            parts.phases(self);
        }
    }

    impl Phases for CriticFirst {
        fn phases(&self, at: PhaseContext) -> Vec<Phase> {
            let [critic, generator] = ["critic", "generator"].map(Trains::Module);
            let cycle = vec![critic, critic, generator, Trains::Network];
            vec![Phase { cycle, ..Phase::stream("adversarial", at.steps) }]
        }
    }

    /// Adam's m_weight is 1 − β₁ᵗ after t steps.
    #[test]
    fn the_critic_takes_two_steps_for_each_of_the_others() {
        let strategy = (gan(1.0), CriticFirst);
        let mut learner =
            Setup { steps: 5, contexts: 2, ..Setup::default() }.learner(&strategy).unwrap();
        run(&mut learner, &mut ()).unwrap();
        let mut taken = |name: &str, beta1: f64| {
            let weight = slot(&mut learner, &format!("{name}/m_weight"))[0];
            ((1.0 - weight).ln() / beta1.ln()).round() as u32
        };
        assert_eq!(taken("gan/critic/optimizer", 0.5), 20);
        assert_eq!(taken("gan/generator/optimizer", 0.5), 10);
        assert_eq!(taken("optimizer", 0.9), 10);
    }

    const SEEN: Seen = Seen(|step, _| {
        let made = step.rows("gan");
        let address = step.address().unwrap();
        let shape = [made.weight.len(), LATENT];
        let latent = step.graph().normal(address, Purpose::named("gan/replay"), 0, &shape);
        vec![
            ("latent", latent),
            ("x", made.x),
            ("label", made.target.to_float()),
            ("weights", step.graph().concat(&[step.weight, made.weight], 0)),
        ]
    });

    #[test]
    fn rows_of_the_frozen_generator_bear_labels_of_the_frozen_classifier() {
        let strategy = (gan(1.0), SEEN);
        let mut learner = Setup { contexts: 2, ..Setup::default() }.learner(&strategy).unwrap();
        run(&mut learner, &mut ()).unwrap();
        let mut read = |name: &str| slot(&mut learner, name);
        let [latent, x, label, weights] =
            ["latent", "x", "label", "weights"].map(|name| read(&format!("seen/{name}")));
        let [frozen, labeller, generator, theta] =
            ["gan/generator/frozen", "gan/labeller", "gan/generator", "theta"].map(&mut read);
        assert!(frozen != generator && labeller != theta);
        let layout = Layout::new(&layers(LATENT, 64)).unwrap();
        let net = Weights(&layout, &frozen);
        let hidden = map(net.dense(&rows(&latent, LATENT), "1"), f64::tanh);
        let images = map(net.dense(&hidden, "2"), |z| 1.0 / (1.0 + (-z).exp()));
        assert_close(&x, &images.concat(), 1e-5);
        let net = Weights(&learner.model().layout, &labeller);
        let labels: Vec<f64> =
            images.iter().map(|image| argmax(&net.forward(image)[3]) as f64).collect();
        assert_eq!(label, labels);
        // Mix::ByContext in the second context: one half each.
        assert_close(&weights, &[0.5 / 16.0; 32], 1e-6);
    }

    #[test]
    fn populations_are_singles_and_a_resumed_run_is_the_whole() {
        let strategy = (gan(1.0), CriticFirst);
        let setup = Setup { steps: 3, ..Setup::default() };
        population_is_singles_and_resume_is_whole(&setup, &strategy, [1, 3, 6]);
    }
}
