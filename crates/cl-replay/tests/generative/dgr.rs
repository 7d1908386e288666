use crate::slow::{Rows, Weights, argmax, cross_entropy, map, miss, relu, rows, sigmoid, softmax};
use crate::watched::{Look, Watched, finished, slot};
use cl_core::{Module, Naive};
use cl_nn::{Layout, Vae};
use cl_replay::{Dgr, Heads, Labels, VaeGenerator, generative};
use cl_scenarios::Scenario;
use std::ops::Range;

const LATENT: usize = 3;
const BATCH: usize = 16;

fn generator() -> VaeGenerator {
    VaeGenerator::new(&[12, 10], LATENT)
}

fn dgr(labels: Labels, heads: Heads) -> Dgr {
    Dgr { generator: generator(), labels, heads }
}

const LOOK: Look = |step| {
    let made = step.generated();
    let labels = made.target.to_float();
    let own = VaeGenerator::new(&[12, 10], LATENT).loss(step, step.module("generator"));
    vec![
        ("replay", step.normal("replay", &[BATCH, LATENT])),
        ("latent", step.normal("latent", &[2 * BATCH, LATENT])),
        ("x", step.x),
        ("made", made.x),
        ("labels", labels),
        ("weights", step.graph().concat(&[step.weight, made.weight], 0)),
        ("loss", made.task_loss),
        ("own", own),
        ("theta", step.theta),
        ("generator", step.module("generator").flat),
    ]
};

fn up(net: &Weights<'_>, z: &Rows) -> Rows {
    let h = relu(net.dense(&relu(net.dense(z, "_up1")), "_up2"));
    map(net.dense(&h, "_up3"), sigmoid)
}

/// What a run's last step holds, by name, and layouts of network and generator.
struct Seen {
    values: Vec<(&'static str, Vec<f64>)>,
    network: Layout,
    vae: Layout,
}

impl Seen {
    fn of(strategy: &Dgr, scenario: Scenario) -> Self {
        let watched = Watched(strategy, LOOK);
        let mut learner = finished(&watched, scenario, 100);
        let scope = cl_core::Strategy::name(strategy);
        let names = [
            "replay",
            "latent",
            "x",
            "made",
            "labels",
            "weights",
            "loss",
            "own",
            "theta",
            "generator",
        ];
        let mut values: Vec<_> =
            names.map(|name| (name, slot(&mut learner, &format!("{scope}/seen/{name}")))).into();
        for name in ["generator/frozen", "labeller"] {
            values.push((name, slot(&mut learner, &format!("{scope}/{name}"))));
        }
        let network = learner.model().layout.clone();
        let vae = Layout::new(&Vae::new(64, &[12, 10], LATENT).unwrap().params()).unwrap();
        Self { values, network, vae }
    }

    fn get(&self, name: &str) -> &[f64] {
        &self.values.iter().find(|(known, _)| *known == name).unwrap().1
    }

    fn rows(&self, name: &str, width: usize) -> Rows {
        rows(self.get(name), width)
    }

    /// What a generator with these parameters makes of the noise of replay.
    fn images(&self, generator: &str) -> Rows {
        up(&Weights(&self.vae, self.get(generator)), &self.rows("replay", LATENT))
    }

    /// What a network with these parameters says of the generated rows.
    fn logits(&self, network: &str) -> Rows {
        Weights(&self.network, self.get(network)).classify(&self.rows("made", 64)).1
    }

    /// Of every head the mean over rows of −log p(label), label of the one network, p of the other.
    fn hard(&self, [teacher, student]: [&str; 2], heads: &[Range<usize>]) -> f64 {
        let (old, new) = (self.logits(teacher), self.logits(student));
        let of = |head: &Range<usize>| {
            let row = |(old, new): (&Vec<f64>, &Vec<f64>)| {
                -softmax(&new[head.clone()])[argmax(&old[head.clone()])].ln()
            };
            old.iter().zip(&new).map(row).sum::<f64>() / old.len() as f64
        };
        heads.iter().map(of).sum::<f64>() / heads.len() as f64
    }

    /// The same of −Σ p log q at a temperature of 2.
    fn soft(&self, [teacher, student]: [&str; 2], heads: &[Range<usize>]) -> f64 {
        let at = |z: &[f64], head: &Range<usize>| {
            softmax(&z[head.clone()].iter().map(|z| z / 2.0).collect::<Vec<_>>())
        };
        let (old, new) = (self.logits(teacher), self.logits(student));
        let of = |head: &Range<usize>| {
            let row = |(old, new): (&Vec<f64>, &Vec<f64>)| -> f64 {
                at(old, head).iter().zip(at(new, head)).map(|(p, q)| -p * q.ln()).sum()
            };
            old.iter().zip(&new).map(row).sum::<f64>() / old.len() as f64
        };
        heads.iter().map(of).sum::<f64>() / heads.len() as f64
    }

    /// Σ_rows w (reconstruction + KL) / 64 of the generator over the batch and what was generated.
    fn own(&self, weight: impl Fn(usize) -> f64) -> f64 {
        let net = Weights(&self.vae, self.get("generator"));
        let x: Rows = self.rows("x", 64).into_iter().chain(self.rows("made", 64)).collect();
        let h = relu(net.dense(&relu(net.dense(&x, "_down1")), "_down2"));
        let (mean, log_variance) = (net.dense(&h, "_mean"), net.linear(&h, "w_log_variance"));
        let noise = self.rows("latent", LATENT);
        let of_row = |r: usize, f: &dyn Fn(f64, f64, f64) -> f64| -> Vec<f64> {
            (0..LATENT).map(|d| f(mean[r][d], log_variance[r][d], noise[r][d])).collect()
        };
        let z = (0..x.len()).map(|r| of_row(r, &|m, v, e| m + e * (v / 2.0).exp())).collect();
        let reconstruction = cross_entropy(&up(&net, &z), &x);
        let row = |r: usize| {
            let kl = of_row(r, &|m, v, _| -0.5 * (1.0 + v - m * m - v.exp()));
            weight(r) * (reconstruction[r] + kl.iter().sum::<f64>()) / 64.0
        };
        (0..x.len()).map(row).sum()
    }
}

/// The last of five contexts: one fifth for the stream's rows, four for generated ones.
const SHARES: [f64; 2] = [0.2, 0.8];

#[test]
fn rows_of_the_frozen_generator_bear_labels_of_the_frozen_network() {
    let seen = Seen::of(&dgr(Labels::Hard, Heads::One), Scenario::Class);
    let made = seen.get("made");
    assert!(miss(made, &seen.images("generator/frozen").concat()) < 1e-5);
    // One that goes on learning while it replays makes others.
    assert!(miss(made, &seen.images("generator").concat()) > 1e-2);
    let labels = seen.logits("labeller").iter().map(|z| argmax(z) as f64).collect::<Vec<_>>();
    assert_eq!(seen.get("labels"), labels);
    let weights = SHARES.map(|share| [share / BATCH as f64; BATCH]).concat();
    assert!(miss(seen.get("weights"), &weights) < 1e-6);
}

#[test]
fn hard_labels_cost_their_cross_entropy() {
    let seen = Seen::of(&dgr(Labels::Hard, Heads::One), Scenario::Class);
    let all = std::slice::from_ref(&(0..10));
    let found = seen.get("loss");
    assert!(miss(found, &[SHARES[1] * seen.hard(["labeller", "theta"], all)]) < 1e-5);
    for wrong in [
        seen.hard(["labeller", "theta"], all),
        SHARES[1] * seen.hard(["theta", "theta"], all),
        SHARES[1] * seen.hard(["theta", "labeller"], all),
        SHARES[1] * seen.soft(["labeller", "theta"], all),
    ] {
        assert!(miss(found, &[wrong]) > 1e-3, "{wrong}");
    }
}

#[test]
fn soft_labels_cost_their_cross_entropy_at_the_temperature() {
    let seen = Seen::of(&dgr(Labels::Soft(2.0), Heads::One), Scenario::Class);
    let all = std::slice::from_ref(&(0..10));
    let found = seen.get("loss");
    let expected = SHARES[1] * seen.soft(["labeller", "theta"], all);
    assert!(miss(found, &[expected]) < 1e-5);
    for wrong in [4.0 * expected, SHARES[1] * seen.soft(["theta", "theta"], all)] {
        assert!(miss(found, &[wrong]) > 1e-3, "{wrong}");
    }
}

/// The same rows for the heads of all four past contexts.
#[test]
fn the_heads_of_past_contexts_label_the_same_rows_and_count_the_same() {
    let past = [0..2, 2..4, 4..6, 6..8];
    for (labels, soft) in [(Labels::Hard, false), (Labels::Soft(2.0), true)] {
        let seen = Seen::of(&dgr(labels, Heads::EachPastContext), Scenario::Task);
        let of = |heads: &[Range<usize>]| {
            let nets = ["labeller", "theta"];
            SHARES[1] * if soft { seen.soft(nets, heads) } else { seen.hard(nets, heads) }
        };
        let found = seen.get("loss");
        assert!(miss(found, &[of(&past)]) < 1e-5);
        for wrong in [of(&past[..1]), of(&[0..2, 2..4, 4..6, 6..8, 8..10]), of(&past) * 2.0] {
            assert!(miss(found, &[wrong]) > 1e-3, "{wrong}");
        }
    }
}

#[test]
fn the_generator_learns_the_batch_and_what_it_made_with_the_same_weights() {
    let seen = Seen::of(&dgr(Labels::Hard, Heads::One), Scenario::Class);
    let of = |[current, replayed]: [f64; 2]| {
        seen.own(|row| if row < BATCH { current } else { replayed } / BATCH as f64)
    };
    let found = seen.get("own");
    assert!(miss(found, &[of(SHARES)]) < 1e-5);
    for wrong in [[1.0, 0.0], [1.0, 1.0], [0.5, 0.5], [SHARES[1], SHARES[0]]] {
        assert!(miss(found, &[of(wrong)]) > 1e-4, "{wrong:?}");
    }
}

#[test]
fn nothing_is_replayed_in_the_first_context() {
    let theta = |strategy: &dyn cl_core::Strategy| {
        let mut learner = crate::watched::of_contexts(strategy, Scenario::Class, 8, 1).unwrap();
        cl_core::run(&mut learner, &mut ()).unwrap();
        slot(&mut learner, "theta")
    };
    assert!(theta(&dgr(Labels::Hard, Heads::One)) == theta(&Naive));
}

/// The last row of the album is what the generator makes at the end of the run.
#[test]
fn the_album_shows_what_the_generator_makes_after_each_context() {
    let strategy = dgr(Labels::Hard, Heads::One);
    let mut learner = finished(&strategy, Scenario::Class, 8);
    let album = slot(&mut learner, &format!("dgr/{}", generative::ALBUM));
    let net = slot(&mut learner, "dgr/generator");
    let vae = Layout::new(&Vae::new(64, &[12, 10], LATENT).unwrap().params()).unwrap();
    let noise: Vec<f64> = {
        let graph = cl_tensor::Graph::new();
        let zeros = cl_tensor::Init::Indices([0; 4].as_slice().into());
        let address = graph.slot_u32("address", &[4], zeros);
        let purpose = cl_random::Purpose::named(generative::ALBUM);
        graph.output("noise", graph.normal(address, purpose, 0, &[generative::SHOWN, LATENT]));
        cl_tensor::ReferenceSession::new(0).run(&graph, &[]).unwrap()["noise"].data.clone()
    };
    let expected = up(&Weights(&vae, &net), &rows(&noise, LATENT)).concat();
    let contexts: Vec<&[f64]> = album.chunks(generative::SHOWN * 64).collect();
    assert_eq!(contexts.len(), 5);
    assert!(miss(contexts[4], &expected) < 1e-5);
    // Earlier ones show an earlier generator, from the same noise.
    assert!(contexts[..4].iter().all(|images| miss(images, &expected) > 1e-2));
}
