//! Classes that a generator makes, counted: generators whose rows are known beforehand.

use crate::watched::{finished, slot};
use cl_core::{At, Boundary, Consolidate, Error, Module, Parts, Step, Strategy};
use cl_nn::{Adam, Optimizer, ParamSpec, Theta};
use cl_replay::generative::{Judge, Judged, Labels, RowGenerator, SAMPLED, SAMPLES, SHARES, show};
use cl_replay::{Dgr, Heads, ReplayThroughFeedback, VaeGenerator};
use cl_scenarios::{Scenario, digits};
use cl_tensor::{Init, Var};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Makes rows of the data whatever the noise is: row j of `rows`, and again from the first.
struct Known {
    rows: Vec<f32>,
}

impl RowGenerator for Known {
    fn strategy(&self, _: Labels) -> &'static str {
        "dgr"
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.module(self).consolidate(self);
    }
    fn latent(&self) -> usize {
        1
    }
    fn images<'g>(&self, _: Theta<'_, 'g>, inputs: usize, noise: Var<'g>) -> Var<'g> {
        let rows = self.rows.len() / inputs;
        let graph = noise.graph();
        let data =
            graph.slot("dgr/known", &[rows, inputs], Init::Values(self.rows.as_slice().into()));
        let turns: Vec<u32> = (0..noise.shape()[0]).map(|row| (row % rows) as u32).collect();
        let name = format!("dgr/turns{}", turns.len());
        data.gather(graph.slot_u32(&name, &[turns.len()], Init::Indices(turns.into())))
    }
    fn describe(&self) -> String {
        "known rows".to_owned()
    }
    fn check(&self, _: &'static str) -> Result<(), Error> {
        Ok(())
    }
}

/// A parameter that learns nothing.
impl Module for Known {
    fn name(&self) -> &'static str {
        Self::MODULE
    }
    fn params(&self, _: usize, _: usize) -> Vec<ParamSpec> {
        cl_nn::dense_params("", 1, 1).to_vec()
    }
    fn optimizer(&self) -> Box<dyn Optimizer> {
        Box::new(Adam::new(1e-3))
    }
    fn loss<'g>(&self, _: &Step<'_, 'g>, theta: Theta<'_, 'g>) -> Var<'g> {
        theta.flat.square().sum()
    }
}

impl Consolidate for Known {
    fn at(&self) -> At {
        At::Evaluation
    }
    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        show(self, at);
        theta
    }
}

/// Knows every image of the data by heart.
struct ByHeart;

/// Images and labels of the training examples of some classes.
fn of_classes(classes: &[u8]) -> Vec<(Vec<f32>, usize)> {
    let data = digits();
    let of = data.train.iter().map(|&example| example as usize);
    of.filter(|&example| classes.contains(&data.labels[example]))
        .map(|example| {
            let bytes = &data.images[example * data.features()..][..data.features()];
            let image = bytes.iter().map(|&byte| f32::from(byte) * data.scale).collect();
            (image, usize::from(data.labels[example]))
        })
        .collect()
}

impl Judge for ByHeart {
    fn classes(&self) -> usize {
        10
    }
    fn classify(
        &self,
        seed: u64,
        images: &[f32],
        pixels: usize,
    ) -> Result<Option<Vec<usize>>, Error> {
        assert_eq!((seed, pixels), (2, 64));
        assert!(images.iter().all(|pixel| pixel.is_finite()));
        let known = of_classes(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let class = |image: &[f32]| {
            known.iter().find(|(known, _)| known == image).map_or(usize::MAX, |it| it.1)
        };
        Ok(Some(images.chunks(64).map(class).collect()))
    }
}

/// Shares after each context, `[contexts, classes]`, of a generator of these rows.
fn shares(rows: Vec<f32>) -> Vec<Vec<f64>> {
    let dgr = Dgr { generator: Known { rows }, labels: Labels::Hard, heads: Heads::One };
    let judged = Judged::new(Box::new(dgr), Arc::new(ByHeart));
    let mut learner = finished(&judged, Scenario::Class, 2);
    slot(&mut learner, &format!("dgr/{SHARES}")).chunks(10).map(<[f64]>::to_vec).collect()
}

#[test]
fn a_generator_of_one_class_has_that_class_alone() {
    let threes = of_classes(&[3]).into_iter().take(7).flat_map(|(image, _)| image).collect();
    let found = shares(threes);
    assert_eq!(found.len(), 5);
    for after in found {
        assert_eq!(after, [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }
}

/// Ten rows of class 0, nine of class 1, one of class 8: 1,000 samples are 50 rounds of them.
#[test]
fn shares_are_counts_by_hand() {
    let take = |class: u8, n: usize| of_classes(&[class]).into_iter().take(n);
    let rows = take(0, 10).chain(take(1, 9)).chain(take(8, 1));
    let found = shares(rows.flat_map(|(image, _)| image).collect());
    let expected = [0.5, 0.45, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.05, 0.0];
    let miss = found[4].iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(miss < 1e-7, "{:?}", found[4]);
}

/// A generator that makes the data has its shares: about a tenth each.
#[test]
fn the_data_itself_has_every_class() {
    let rows: Vec<f32> = of_classes(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
        .into_iter()
        .take(SAMPLED)
        .flat_map(|it| it.0)
        .collect();
    for share in &shares(rows)[4] {
        assert!((0.08..0.12).contains(share), "{share}");
    }
}

#[test]
fn rows_that_are_no_numbers_belong_to_no_class() {
    let mut rows: Vec<f32> =
        of_classes(&[5]).into_iter().take(4).flat_map(|(image, _)| image).collect();
    rows[70] = f32::NAN;
    assert_eq!(shares(rows)[4][5], 0.75);
}

/// Who is judged trains to the same bits, whatever is found.
#[test]
fn judging_changes_no_run() {
    let of = |strategy: &dyn Strategy| slot(&mut finished(strategy, Scenario::Class, 4), "theta");
    let dgr = || Dgr { generator: VaeGenerator::new(&[8], 2), ..Dgr::default() };
    let judged = Judged::new(Box::new(dgr()), Arc::new(Everything(6)));
    assert!(of(&judged) == of(&dgr()));
    assert_eq!((judged.name(), judged.describe()), (dgr().name(), dgr().describe()));
}

/// Says the same of all.
struct Everything(usize);

impl Judge for Everything {
    fn classes(&self) -> usize {
        10
    }
    fn classify(&self, _: u64, images: &[f32], pixels: usize) -> Result<Option<Vec<usize>>, Error> {
        assert_eq!(images.len(), SAMPLED * pixels);
        Ok(Some(vec![self.0; SAMPLED]))
    }
}

/// Of every generator: also of one that is asked for classes, which must have been seen by then.
#[test]
fn every_generator_leaves_samples() {
    let feedback = |own: ReplayThroughFeedback| -> Box<dyn Strategy> { Box::new(own) };
    let small = |mut own: ReplayThroughFeedback| {
        own.generator.latent = 2;
        own
    };
    for strategy in [
        feedback(small(ReplayThroughFeedback::rtf(Scenario::Class))),
        feedback(small(ReplayThroughFeedback::bir(Scenario::Class))),
    ] {
        let name = strategy.name();
        let judged = Judged::new(strategy, Arc::new(Everything(1)));
        let mut learner = finished(&judged, Scenario::Class, 2);
        let samples = slot(&mut learner, &format!("{name}/{SAMPLES}"));
        assert_eq!(samples.len(), SAMPLED * 64);
        assert!(samples.iter().all(|x| (0.0..=1.0).contains(x)));
        assert!(samples[..64] != samples[64..128]);
        let shares = slot(&mut learner, &format!("{name}/{SHARES}"));
        assert!(shares.chunks(10).all(|after| after[1] == 1.0 && after[0] == 0.0), "{name}");
    }
}

/// Says of all images how often it was asked before.
struct Counts(AtomicUsize);

impl Judge for Counts {
    fn classes(&self) -> usize {
        10
    }
    fn classify(&self, _: u64, _: &[f32], _: usize) -> Result<Option<Vec<usize>>, Error> {
        Ok(Some(vec![self.0.fetch_add(1, Ordering::Relaxed); SAMPLED]))
    }
}

/// The evaluation before all training is not judged; the one after context i is row i.
#[test]
fn each_context_is_judged_once_when_it_is_over() {
    let dgr = Dgr { generator: VaeGenerator::new(&[8], 2), ..Dgr::default() };
    let counts = Arc::new(Counts(AtomicUsize::new(0)));
    let judged = Judged::new(Box::new(dgr), counts.clone());
    let found = slot(&mut finished(&judged, Scenario::Class, 2), &format!("dgr/{SHARES}"));
    for (context, shares) in found.chunks(10).enumerate() {
        let expected: Vec<f64> = (0..10).map(|c| if c == context { 1.0 } else { 0.0 }).collect();
        assert_eq!(shares, expected, "context {context}");
    }
    assert_eq!(counts.0.load(Ordering::Relaxed), 5);
}

/// Every context has two classes, and no two contexts have one in common.
#[test]
fn a_generator_that_is_asked_for_classes_is_asked_for_those_that_were_met() {
    let mut bir = ReplayThroughFeedback::bir(Scenario::Class);
    bir.generator.latent = 2;
    let met = slot(&mut finished(&bir, Scenario::Class, 2), "bir/met");
    let of = |context: &[f64]| context.iter().filter(|count| **count > 0.0).count();
    assert!(met.chunks(10).all(|context| of(context) == 2), "{met:?}");
    for class in 0..10 {
        assert_eq!(met.chunks(10).filter(|context| context[class] > 0.0).count(), 1);
    }
}
