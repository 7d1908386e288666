use crate::slow::{Rows, Weights, cross_entropy, map, miss, relu, rows, sigmoid, softmax};
use crate::watched::{Look, Watched, finished, slot};
use cl_core::{Penalty, Strategy};
use cl_nn::Layout;
use cl_replay::{DecoderGates, FeedbackGenerator, GatedBy, ReplayThroughFeedback};
use cl_scenarios::Scenario;
use std::f64::consts::TAU;

const LATENT: usize = 3;
const BATCH: usize = 16;
const GATED: f32 = 0.4;
const CONTEXTS: usize = 5;

fn rtf(scenario: Scenario) -> ReplayThroughFeedback {
    let generator = FeedbackGenerator::plain(LATENT);
    ReplayThroughFeedback { generator, ..ReplayThroughFeedback::rtf(scenario) }
}

fn bir(scenario: Scenario) -> ReplayThroughFeedback {
    let mut own = ReplayThroughFeedback::bir(scenario);
    own.generator.latent = LATENT;
    let by = own.generator.gates.unwrap().by;
    own.generator.gates = Some(DecoderGates { by, gated: GATED });
    own
}

/// The same for every form.
const SEEN: Look = |step| {
    let made = step.generated();
    let probabilities = match made.targets {
        cl_core::Targets::Soft { probabilities, .. } => *probabilities,
        _ => step.graph().full(&[1], 0.0),
    };
    let noise = |name: &str| step.normal(name, &[BATCH, LATENT]);
    vec![
        ("replay", noise("replay")),
        ("latent", noise("latent")),
        ("latent of generated", noise("latent of generated")),
        ("turn", step.uniform("turn", &[1])),
        ("class", step.uniform("class", &[BATCH])),
        ("x", step.x),
        ("y", step.target.to_float()),
        ("made", made.x),
        ("context", made.context.to_float()),
        ("probabilities", probabilities),
        ("weight", made.weight),
        ("loss", made.task_loss),
        ("theta", step.theta),
    ]
};

const RTF: Look = |step| {
    let own = FeedbackGenerator::plain(LATENT);
    [SEEN(step), vec![("own", Penalty::loss(&own, step))]].concat()
};

const BIR_CLASS: Look = |step| {
    let own = bir(Scenario::Class).generator;
    [SEEN(step), vec![("own", Penalty::loss(&own, step))]].concat()
};

const BIR_DOMAIN: Look = |step| {
    let own = bir(Scenario::Domain).generator;
    [SEEN(step), vec![("own", Penalty::loss(&own, step))]].concat()
};

const BIR_TASK: Look = |step| {
    let own = bir(Scenario::Task).generator;
    [SEEN(step), vec![("own", Penalty::loss(&own, step))]].concat()
};

/// What a run's last step holds.
struct Seen {
    values: Vec<(String, Vec<f64>)>,
    layout: Layout,
    outputs: usize,
    strategy: ReplayThroughFeedback,
}

impl Seen {
    fn of(strategy: ReplayThroughFeedback, look: Look, scenario: Scenario) -> Self {
        let watched = Watched(&strategy, look);
        let mut learner = finished(&watched, scenario, 60);
        let scope = strategy.name();
        let mut names: Vec<String> = [
            "replay",
            "latent",
            "latent of generated",
            "x",
            "y",
            "made",
            "context",
            "probabilities",
            "weight",
            "loss",
            "theta",
            "own",
            "turn",
            "class",
        ]
        .map(|name| format!("seen/{name}"))
        .into();
        names.push("teacher".to_owned());
        if strategy.generator.gates.is_some() {
            names.extend(["seen", "threshold1", "threshold2"].map(str::to_owned));
        }
        let read = |name: String| {
            let values = slot(&mut learner, &format!("{scope}/{name}"));
            (name.trim_start_matches("seen/").to_owned(), values)
        };
        let values = names.into_iter().map(read).collect();
        let layout = learner.model().layout.clone();
        let outputs = if scenario == Scenario::Domain { 2 } else { 10 };
        Self { values, layout, outputs, strategy }
    }

    fn get(&self, name: &str) -> &[f64] {
        &self.values.iter().find(|(known, _)| known == name).unwrap().1
    }

    fn rows(&self, name: &str, width: usize) -> Rows {
        rows(self.get(name), width)
    }

    fn net(&self, name: &str) -> Weights<'_> {
        Weights(&self.layout, self.get(name))
    }

    /// The contexts and classes that the draws stand for, one by one.
    fn modes(&self) -> Vec<(usize, usize)> {
        let seen: Vec<Vec<bool>> = self
            .get("seen")
            .chunks(self.outputs)
            .map(|row| row.iter().map(|&n| n > 0.0).collect())
            .collect();
        let task = self.strategy.heads == cl_replay::Heads::EachPastContext;
        let times = |row: &Vec<bool>| {
            let classes = row.iter().filter(|&&seen| seen).count();
            if task { classes.min(1) } else { classes }
        };
        let contexts: Vec<usize> =
            seen.iter().enumerate().flat_map(|(c, row)| vec![c; times(row)]).collect();
        let turn = self.get("turn")[0];
        self.get("class")
            .iter()
            .enumerate()
            .map(|(row, u)| {
                let turn = (row as f64 + turn) / BATCH as f64;
                let context = contexts[(turn * contexts.len() as f64) as usize];
                let classes: Vec<usize> =
                    (0..self.outputs).filter(|&class| seen[context][class]).collect();
                (context, classes[(u * classes.len() as f64) as usize])
            })
            .collect()
    }

    /// The decoder, its hidden layers gated by `masks`, `[layer][row][unit]`.
    fn decode(&self, net: &Weights<'_>, z: &Rows, masks: &[Rows; 2]) -> Rows {
        let gated = |h: Rows, mask: &Rows| -> Rows {
            let row =
                |(h, mask): (Vec<f64>, &Vec<f64>)| h.iter().zip(mask).map(|(h, m)| h * m).collect();
            h.into_iter().zip(mask).map(row).collect()
        };
        let h = relu(gated(net.dense(z, "_up1"), &masks[0]));
        let h = relu(gated(net.dense(&h, "_up2"), &masks[1]));
        map(net.dense(&h, "_up3"), sigmoid)
    }

    /// Masks of rows that mix those of classes or contexts by these weights.
    fn masks(&self, mix: &Rows) -> [Rows; 2] {
        [("threshold1", 20), ("threshold2", 24)].map(|(name, units)| {
            if self.strategy.generator.gates.is_none() {
                return vec![vec![1.0; units]; mix.len()];
            }
            let on = map(self.rows(name, units), |u| f64::from(u8::from(u >= f64::from(GATED))));
            let unit = |row: &Vec<f64>, j: usize| row.iter().zip(&on).map(|(p, m)| p * m[j]).sum();
            mix.iter().map(|row| (0..units).map(|j| unit(row, j)).collect()).collect()
        })
    }

    fn one_hot(&self, of: impl Iterator<Item = usize>, n: usize) -> Rows {
        of.map(|one| (0..n).map(|i| f64::from(u8::from(i == one))).collect()).collect()
    }

    /// What a network makes of classes and contexts.
    fn images(&self, network: &str, modes: &[(usize, usize)]) -> Rows {
        let net = self.net(network);
        let (mean, log_variance) = (net.get("prior_mean"), net.get("prior_log_variance"));
        let noise = self.rows("replay", LATENT);
        let of = |(row, &(_, class)): (usize, &(usize, usize))| {
            let at = |d: usize| d * self.outputs + class;
            let value = |d: usize| mean[at(d)] + (log_variance[at(d)] / 2.0).exp() * noise[row][d];
            (0..LATENT).map(value).collect()
        };
        let z = modes.iter().enumerate().map(of).collect();
        let mix = match self.strategy.generator.gates.unwrap().by {
            GatedBy::Class => self.one_hot(modes.iter().map(|mode| mode.1), self.outputs),
            GatedBy::Context => self.one_hot(modes.iter().map(|mode| mode.0), CONTEXTS),
        };
        self.decode(&net, &z, &self.masks(&mix))
    }

    /// Σ_rows weight (reconstruction + divergence) / 64 of one group of rows.
    fn group(&self, x: &Rows, noise: &str, p: &Rows, mix: &Rows, weight: &[f64]) -> f64 {
        let net = self.net("theta");
        let (features, _) = net.classify(x);
        let (mean, log_variance) =
            (net.dense(&features, "_mean"), net.linear(&features, "w_log_variance"));
        let noise = self.rows(noise, LATENT);
        let z: Rows = (0..x.len())
            .map(|r| {
                let value = |d: usize| mean[r][d] + noise[r][d] * (log_variance[r][d] / 2.0).exp();
                (0..LATENT).map(value).collect()
            })
            .collect();
        let reconstruction = cross_entropy(&self.decode(&net, &z, &self.masks(mix)), x);
        let log_normal = |z: f64, m: f64, v: f64| -0.5 * (TAU.ln() + v + (z - m).powi(2) / v.exp());
        let divergence = |r: usize| -> f64 {
            if self.strategy.generator.gates.is_none() {
                let one = |d: usize| {
                    let (m, v) = (mean[r][d], log_variance[r][d]);
                    -0.5 * (1.0 + v - m * m - v.exp())
                };
                return (0..LATENT).map(one).sum();
            }
            let (means, spreads) = (net.get("prior_mean"), net.get("prior_log_variance"));
            let q = (0..LATENT).map(|d| log_normal(z[r][d], mean[r][d], log_variance[r][d]));
            let mode = |c: usize| -> f64 {
                let at = |d: usize| d * self.outputs + c;
                (0..LATENT).map(|d| log_normal(z[r][d], means[at(d)], spreads[at(d)])).sum()
            };
            let prior: f64 = (0..self.outputs).map(|c| p[r][c] * mode(c).exp()).sum();
            q.sum::<f64>() - prior.ln()
        };
        (0..x.len()).map(|r| weight[r] * (reconstruction[r] + divergence(r)) / 64.0).sum()
    }

    /// What the network's feedback costs, with these shares of current and generated rows.
    fn own(&self, [current, replayed]: [f64; 2]) -> f64 {
        let y = self.one_hot(self.get("y").iter().map(|&y| y as usize), self.outputs);
        let p = match self.get("probabilities") {
            [_] => vec![vec![0.0; self.outputs]; BATCH],
            all => rows(all, self.outputs),
        };
        let contexts = |of: Vec<usize>| self.one_hot(of.into_iter(), CONTEXTS);
        let by_context = self.strategy.generator.gates.is_some_and(|g| g.by == GatedBy::Context);
        let mixes = if by_context {
            let made = self.get("context").iter().map(|&c| c as usize).collect();
            [contexts(vec![CONTEXTS - 1; BATCH]), contexts(made)]
        } else {
            [y.clone(), p.clone()]
        };
        let made: Vec<f64> = self.get("weight").iter().map(|w| w / SHARES[1] * replayed).collect();
        let even = [current / BATCH as f64; BATCH];
        self.group(&self.rows("x", 64), "latent", &y, &mixes[0], &even)
            + self.group(&self.rows("made", 64), "latent of generated", &p, &mixes[1], &made)
    }
}

/// The last of five contexts.
const SHARES: [f64; 2] = [0.2, 0.8];

fn all_forms() -> [Seen; 4] {
    [
        Seen::of(rtf(Scenario::Class), RTF, Scenario::Class),
        Seen::of(bir(Scenario::Class), BIR_CLASS, Scenario::Class),
        Seen::of(bir(Scenario::Domain), BIR_DOMAIN, Scenario::Domain),
        Seen::of(bir(Scenario::Task), BIR_TASK, Scenario::Task),
    ]
}

#[test]
fn feedback_costs_reconstruction_and_divergence_of_current_and_generated_rows() {
    for seen in all_forms() {
        let found = seen.get("own");
        assert!(miss(found, &[seen.own(SHARES)]) < 2e-5, "{found:?} {}", seen.own(SHARES));
        for wrong in [[1.0, 0.0], [1.0, 1.0], [0.5, 0.5]] {
            assert!(miss(found, &[seen.own(wrong)]) > 1e-3, "{wrong:?}");
        }
    }
}

#[test]
fn a_plain_network_decodes_noise() {
    let seen = Seen::of(rtf(Scenario::Class), RTF, Scenario::Class);
    let ones = [20, 24].map(|units| vec![vec![1.0; units]; BATCH]);
    let of = |net: &str| seen.decode(&seen.net(net), &seen.rows("replay", LATENT), &ones).concat();
    assert!(miss(seen.get("made"), &of("teacher")) < 1e-5);
    assert!(miss(seen.get("made"), &of("theta")) > 1e-2);
    assert!(seen.get("context").iter().all(|&context| context == 3.0));
}

#[test]
fn classes_that_were_seen_are_decoded_from_their_modes_through_their_gates() {
    for seen in &all_forms()[1..] {
        let modes = seen.modes();
        let found = seen.get("made");
        assert!(miss(found, &seen.images("teacher", &modes).concat()) < 1e-5);
        assert!(miss(found, &seen.images("theta", &modes).concat()) > 1e-2);
        let turned: Vec<_> = modes.iter().map(|&(c, k)| (c, (k + 1) % seen.outputs)).collect();
        assert!(miss(found, &seen.images("teacher", &turned).concat()) > 1e-2);
        let contexts: Vec<f64> = modes.iter().map(|mode| mode.0 as f64).collect();
        assert_eq!(seen.get("context"), contexts);
        assert!(contexts.iter().all(|&context| context < 4.0));
        // Four contexts in turn.
        for context in 0..4 {
            let times = contexts.iter().filter(|&&found| found == f64::from(context)).count();
            assert_eq!(times, BATCH / 4);
        }
    }
}

/// p of the teacher over the outputs of the head, at T = 2.
#[test]
fn rows_bear_the_softened_probabilities_of_the_frozen_network() {
    for seen in &all_forms()[1..] {
        let made = seen.rows("made", 64);
        let task = seen.outputs == 10 && seen.strategy.heads == cl_replay::Heads::EachPastContext;
        let soft = |net: &str| -> Rows {
            let (_, logits) = seen.net(net).classify(&made);
            let row = |(z, &(context, _)): (&Vec<f64>, &(usize, usize))| {
                let head = if task { 2 * context..2 * context + 2 } else { 0..seen.outputs };
                let z: Vec<f64> = z[head.clone()].iter().map(|z| z / 2.0).collect();
                let mut p = vec![0.0; seen.outputs];
                p[head].copy_from_slice(&softmax(&z));
                p
            };
            logits.iter().zip(&seen.modes()).map(row).collect()
        };
        let (p, q) = (soft("teacher"), soft("theta"));
        assert!(miss(seen.get("probabilities"), &p.concat()) < 1e-5);
        assert!(miss(seen.get("probabilities"), &q.concat()) > 1e-3);
        let term = |(p, q): (&f64, &f64)| if *p > 0.0 { -p * q.ln() } else { 0.0 };
        let row = |(p, q): (&Vec<f64>, &Vec<f64>)| p.iter().zip(q).map(term).sum::<f64>();
        let mean = p.iter().zip(&q).map(row).sum::<f64>() / BATCH as f64;
        assert!(miss(seen.get("loss"), &[SHARES[1] * mean]) < 1e-5);
    }
}
