//! LXDG on rotated digits: what is kept and for how long, what is drawn, and what gates show.
#![allow(clippy::unwrap_used)]

use cl_buffers::RowSize;
use cl_core::{
    Error, Fill, Learner, Member, Now, Observer, Parts, Penalty, Rehearse, Reports, Row, Settings,
    Share, Step, Strategy, from_state, run,
};
use cl_gating::{Anchors, Lxdg, Point, Xdg};
use cl_nn::{Adam, Mlp};
use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamSpec, digits};
use cl_tensor::Var;

const CONTEXTS: usize = 4;
const HIDDEN: [usize; 2] = [20, 15];
const BATCH: usize = 16;
const ANCHORS: usize = 30;

fn lxdg() -> Lxdg {
    Lxdg { hidden: vec![16], anchors: ANCHORS, ..Lxdg::default() }
}

fn stream(protocol: Protocol, scenario: Scenario, seed: u64) -> Box<dyn Stream> {
    let (part, contexts) = (Part::Final, CONTEXTS);
    let spec = StreamSpec { protocol, scenario, contexts, seed, part, pad: 0 };
    Box::new(spec.build(&digits()).unwrap())
}

fn learner<'s>(strategy: &'s dyn Strategy, scenario: Scenario, seeds: &[u64]) -> Learner<'s> {
    let population = seeds.iter().map(|&seed| (seed, stream(Protocol::Rotated, scenario, seed)));
    let population: Vec<_> = population.collect();
    let sizes = [64, HIDDEN[0], HIDDEN[1], population[0].1.outputs()];
    let settings =
        Settings { reset_optimizer: true, ..Settings::new(30, BATCH, Box::new(Adam::new(1e-3))) };
    let network = Box::new(Mlp::new(&sizes).unwrap());
    Learner::new(strategy, &digits(), population, network, settings).unwrap()
}

/// Stops behind so many stages.
struct Behind(usize);

impl Observer for Behind {
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        let progress = learner.progress();
        if progress.stage == self.0 && progress.step == 0 {
            return Err(Error::Interrupted { context: progress.stage, step: 0 });
        }
        Ok(())
    }
}

fn kept(learner: &Learner<'_>) -> Vec<Row> {
    let host: serde_json::Value = learner.save().unwrap().host(0).unwrap();
    let memory = &host["memories"][0];
    assert_eq!(memory[0], "lxdg/anchors");
    from_state::<(Vec<Row>, Vec<usize>)>("anchors", &memory[1]).unwrap().0
}

#[test]
fn gates_of_anchors_are_those_when_their_context_ended_and_stay_bit_for_bit() {
    let lxdg = lxdg();
    let mut learner = learner(&lxdg, Scenario::Domain, &[2]);
    let mut before: [Vec<f32>; 2] = Default::default();
    for ended in 1..CONTEXTS {
        assert!(run(&mut learner, &mut Behind(ended)).is_err());
        let rows = kept(&learner);
        assert_eq!(rows.len(), ended * ANCHORS);
        assert!(rows[(ended - 1) * ANCHORS..].iter().all(|row| row.context == ended as u32 - 1));
        let now = learner.gates(std::slice::from_ref(&rows)).unwrap();
        for (layer, before) in before.iter_mut().enumerate() {
            let units = HIDDEN[layer];
            let slot = learner.read(&format!("lxdg/gates{}", layer + 1), 0).unwrap();
            let (old, new) = ((ended - 1) * ANCHORS * units, ended * ANCHORS * units);
            assert_eq!(slot[..old], before[..old], "context {ended}, layer {layer}");
            assert_eq!(slot[old..new], now[0][layer][old..], "context {ended}, layer {layer}");
            assert!(slot[new..].iter().all(|&gate| gate == -1.0));
            // The gates themselves have moved on.
            assert!(ended == 1 || now[0][layer][..old] != slot[..old]);
            *before = slot;
        }
    }
    run(&mut learner, &mut ()).unwrap();
    for (layer, before) in before.iter().enumerate() {
        assert_eq!(learner.read(&format!("lxdg/gates{}", layer + 1), 0).unwrap(), *before);
    }
    let gates = 4 * (HIDDEN[0] + HIDDEN[1]);
    assert_eq!(learner.bytes_kept(), ((CONTEXTS - 1) * ANCHORS * (64 + gates)) as u64);
}

#[test]
fn a_step_draws_the_same_number_of_every_past_context_and_takes_the_same_place() {
    let stream = stream(Protocol::Rotated, Scenario::Domain, 2);
    let row_size = RowSize::new(64, 10);
    let about = Member {
        seed: 2,
        stream: &*stream,
        row_size,
        batch: BATCH,
        classes: 40,
        classes_per_context: 8,
    };
    let mut anchors = Anchors::new(5, &about);
    // 16, 2 · 8 and 3 · 6.
    assert_eq!(anchors.rows(), 18);
    for past in 0..CONTEXTS {
        let now = |step| Now { seed: 2, stage: past as u32, step };
        let mut seen = std::collections::BTreeSet::new();
        for step in 0..20 {
            let nothing = Row { example: 0, label: 0, context: 0 };
            let (mut rows, mut weights) = (vec![nothing; 18], vec![0.0; 18]);
            let (mut cells, mut stored) = (vec![u32::MAX; 18], vec![u32::MAX; BATCH]);
            let mut fill = Fill {
                rows: &mut rows,
                weights: &mut weights,
                cells: &mut cells,
                stored: &mut stored,
            };
            let share = anchors.fill(now(step), &[], &mut fill).unwrap();
            assert_eq!(share, if past == 0 { Share::Empty } else { Share::Joined(1.0) });
            let past = past.min(CONTEXTS - 1);
            let each = BATCH.div_ceil(past.max(1));
            for i in 0..18 {
                let group = i / each;
                if group >= past {
                    assert_eq!((weights[i], cells[i]), (0.0, u32::MAX));
                    continue;
                }
                assert_eq!(weights[i], 1.0 / each as f32);
                assert_eq!(rows[i], anchors.kept()[cells[i] as usize]);
                assert_eq!(rows[i].context as usize, group);
                seen.insert(cells[i]);
            }
            assert!(stored.iter().all(|&cell| cell == u32::MAX));
        }
        assert_eq!(seen.len(), anchors.kept().len(), "after 20 steps all were drawn");
        let rows: Vec<Row> = stream
            .train(past)
            .iter()
            .map(|&example| Row { example, label: 0, context: past as u32 })
            .collect();
        anchors.end_context(now(0), &rows, &Reports::none()).unwrap();
        // The last context is no past one.
        assert_eq!(anchors.kept().len(), 5 * (past + 1).min(CONTEXTS - 1));
        assert_eq!(anchors.peak_bytes(), 64 * anchors.kept().len() as u64);
    }
    let state = anchors.save().unwrap();
    Anchors::new(5, &about).restore(&state).unwrap();
    let other = Anchors::new(4, &about).restore(&state).unwrap_err().to_string();
    assert!(other.contains("expected up to 3 contexts of 1 to 4 rows"), "{other}");
}

#[test]
fn every_row_and_every_pair_of_rows_is_an_anchor_as_often_as_any_other() {
    const ROWS: usize = 10;
    let stream = stream(Protocol::Rotated, Scenario::Domain, 2);
    let rows: Vec<Row> =
        (0..ROWS as u32).map(|example| Row { example, label: 0, context: 0 }).collect();
    let mut together = [[0_u32; ROWS]; ROWS];
    for seed in 0..2000 {
        let row_size = RowSize::new(64, 10);
        let (batch, classes, classes_per_context) = (BATCH, 40, 8);
        let about =
            Member { seed, stream: &*stream, row_size, batch, classes, classes_per_context };
        let mut anchors = Anchors::new(5, &about);
        anchors.end_context(Now { seed, stage: 0, step: 0 }, &rows, &Reports::none()).unwrap();
        for a in anchors.kept() {
            for b in anchors.kept() {
                together[a.example as usize][b.example as usize] += 1;
            }
        }
    }
    // A row is kept with probability 5/10, a pair with 5/10 · 4/9; five deviations, √(n p (1 − p)).
    for (a, row) in together.iter().enumerate() {
        for (b, &times) in row.iter().enumerate() {
            let p: f64 = if a == b { 0.5 } else { 2.0 / 9.0 };
            let off = (f64::from(times) - 2000.0 * p).abs();
            assert!(off < 5.0 * (2000.0 * p * (1.0 - p)).sqrt(), "{a} and {b}: {times} times");
        }
    }
}

#[test]
fn a_step_costs_no_more_for_more_contexts() {
    let macs = |contexts: usize| {
        let spec = StreamSpec {
            protocol: Protocol::Rotated,
            scenario: Scenario::Domain,
            contexts,
            seed: 2,
            part: Part::Final,
            pad: 0,
        };
        let lxdg = lxdg();
        let population: Vec<(u64, Box<dyn Stream>)> =
            vec![(2, Box::new(spec.build(&digits()).unwrap()))];
        let network = Box::new(Mlp::new(&[64, HIDDEN[0], HIDDEN[1], 10]).unwrap());
        let settings = Settings::new(1, BATCH, Box::new(Adam::new(1e-3)));
        Learner::new(&lxdg, &digits(), population, network, settings).unwrap().costs().step.macs
    };
    // Multiply-accumulates of one row: the network 64-20-15-10 with its gradient, but for that of its
    // input, and likewise the gate networks 64-16-20 and 64-16-15.
    let network = 3 * (64 * 20 + 20 * 15 + 15 * 10) - 64 * 20;
    let (forward, input) = (64 * 16 + 16 * 20 + 64 * 16 + 16 * 15, 2 * 64 * 16);
    // New rows and anchors pass the gate networks once, and back once: task and terms are differentiated
    // together.
    let gates = 3 * forward - input;
    let expected = |anchors: u64| 16 * (network + gates) + anchors * gates;
    assert_eq!((macs(2), macs(3)), (expected(16), expected(16)));
    // Up to 9 past contexts: 7 of them give 3 anchors each.
    assert_eq!(macs(10), expected(21));
    // Never more than a batch and one row of each past context but the first.
    assert_eq!(macs(17), expected(30));
}

/// Pulls theta towards 0.
struct Pull(f64);

impl Penalty for Pull {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        step.scope.hyper("strength", self.0 as f32) * step.theta.square().sum()
    }
}

impl Strategy for Pull {
    fn name(&self) -> String {
        "pull".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self);
    }
    fn describe(&self) -> Vec<(String, String)> {
        vec![("pull.strength".to_owned(), self.0.to_string())]
    }
    fn check(&self) -> Result<(), Error> {
        let (strategy, name, value, expected) = ("pull", "strength", self.0, "at least 0");
        let error = Error::HyperParameter { strategy, name, value, expected };
        if self.0 >= 0.0 { Ok(()) } else { Err(error) }
    }
}

#[test]
fn what_holds_theta_in_place_travels_under_its_name() {
    let both = lxdg().with(Pull(0.1));
    assert_eq!(both.name(), "lxdg");
    let described = both.describe();
    assert!(described.contains(&("lxdg.weights".to_owned(), "pull".to_owned())));
    assert!(described.contains(&("lxdg.pull.strength".to_owned(), "0.1".to_owned())));
    assert!(lxdg().with(Pull(-1.0)).check().unwrap_err().to_string().starts_with("pull: strength"));

    let ends = |strategy: &dyn Strategy, hyper: &[(&str, f32)]| {
        let mut learner = learner(strategy, Scenario::Domain, &[2]);
        for &(slot, value) in hyper {
            learner.set_hyper(slot, 0, value).unwrap();
        }
        run(&mut learner, &mut ()).unwrap();
        learner.read("theta", 0).unwrap()
    };
    let alone = ends(&lxdg(), &[]);
    assert!(ends(&both, &[]) != alone);
    assert!(ends(&both, &[("pull/strength", 0.0)]) == alone);
    // The three strengths each do something.
    for slot in ["lxdg/lambda_sparse", "lxdg/lambda_change", "lxdg/lambda_keep"] {
        assert!(ends(&lxdg(), &[(slot, 0.0)]) != alone, "{slot}");
    }
}

#[test]
fn mean_gates_of_rotated_digits_are_fractions_and_contexts_overlap() {
    let lxdg = lxdg();
    let mut population = learner(&lxdg, Scenario::Domain, &[2, 3]);
    run(&mut population, &mut ()).unwrap();
    let means = population.mean_gates().unwrap();
    assert_eq!(means.len(), 2);
    assert_ne!(means[0], means[1]);
    // Asking again changes nothing.
    assert_eq!(population.mean_gates().unwrap(), means);
    for mean in &means {
        for (layer, contexts) in mean.layers().iter().enumerate() {
            assert_eq!(contexts.len(), CONTEXTS);
            for gates in contexts {
                assert_eq!(gates.len(), HIDDEN[layer]);
                assert!(gates.iter().all(|gate| (0.0..=1.0).contains(gate)), "{gates:?}");
            }
        }
        let overlaps = mean.cosines().into_iter().chain(mean.mean_products()).flatten().flatten();
        assert!(overlaps.into_iter().all(|overlap| (0.0..=1.0 + 1e-12).contains(&overlap)));
    }
    let mut single = learner(&lxdg, Scenario::Domain, &[3]);
    run(&mut single, &mut ()).unwrap();
    assert_eq!(single.mean_gates().unwrap()[0], means[1]);
}

/// The units of a layer that are on in each context, as XdG's thresholds say.
fn open(learner: &Learner<'_>, scope: &str, layer: usize, p: f32) -> Vec<Vec<f64>> {
    let threshold = learner.read(&format!("{scope}/threshold{}", layer + 1), 0).unwrap();
    let of_context = |units: &[f32]| units.iter().map(|&t| f64::from(u8::from(t > p))).collect();
    threshold.chunks(HIDDEN[layer]).map(of_context).collect()
}

#[test]
fn gates_of_xdg_are_its_masks_wherever_in_a_layer_they_act() {
    for point in [Point::PreBias, Point::PreActivation, Point::PostActivation] {
        let xdg = Xdg { p: 0.8, point };
        let mut learner = learner(&xdg, Scenario::Task, &[2]);
        let mean = learner.mean_gates().unwrap().remove(0);
        for layer in 0..2 {
            assert_eq!(mean.layers()[layer], open(&learner, "xdg", layer, 0.8), "{point:?}");
        }
        // 4 of 20 units are on; two contexts share a few of them.
        let shared = mean.mean_products()[0][0][0];
        assert!((shared - 0.2).abs() < 1e-9, "{shared}");
    }
}

#[test]
fn gates_of_a_composition_multiply_and_without_any_all_units_work() {
    let both = (Xdg::vdv(0.5), Xdg::new(0.4));
    let mut two = learner(&both, Scenario::Task, &[2]);
    let mean = two.mean_gates().unwrap().remove(0);
    for layer in 0..2 {
        let (first, second) = (open(&two, "xdg", layer, 0.5), open(&two, "xdg#2", layer, 0.4));
        let product = |(a, b): (&Vec<f64>, &Vec<f64>)| -> Vec<f64> {
            a.iter().zip(b).map(|(a, b)| a * b).collect()
        };
        let want: Vec<Vec<f64>> = first.iter().zip(&second).map(product).collect();
        assert_eq!(mean.layers()[layer], want);
    }
    let mut none = learner(&cl_core::Naive, Scenario::Task, &[2]);
    let mean = none.mean_gates().unwrap().remove(0);
    assert_eq!(mean.layers(), [vec![vec![1.0; 20]; CONTEXTS], vec![vec![1.0; 15]; CONTEXTS]]);
    let wrong = none.gates(&[]).unwrap_err().to_string();
    assert!(wrong.contains("rows for 0 members, expected 1"), "{wrong}");
}
