//! On digits: what earlier contexts use stays.

use crate::{Fault, Watched};
use cl_core::{Error, Learner, Naive, Observer, Settings, Strategy, run};
use cl_gating::{Cumulative, Hat, Masking};
use cl_nn::{Adam, Mlp, Optimizer};
use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamSpec, digits};

const HIDDEN: [usize; 2] = [24, 20];

/// Ends a run behind a stage.
struct StopBehind(usize);

impl Observer for StopBehind {
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        let at = learner.progress();
        match (at.stage, at.phase, at.step) == (self.0, 0, 0) {
            true => Err(Error::Interrupted { context: self.0, step: 0 }),
            false => Ok(()),
        }
    }
}

fn run_to(learner: &mut Learner<'_>, stage: usize) {
    let stopped = run(learner, &mut StopBehind(stage));
    assert!(matches!(stopped, Err(Error::Interrupted { .. })), "{stopped:?}");
}

/// Digits in five contexts of two classes, 64-24-20-10.
pub(crate) fn learner<'s>(
    strategy: &'s dyn Strategy,
    optimizer: Box<dyn Optimizer>,
) -> Learner<'s> {
    let data = digits();
    let (protocol, scenario, part) = (Protocol::Split, Scenario::Task, Part::Final);
    let spec = StreamSpec { protocol, scenario, contexts: 5, seed: 2, part, pad: 0 };
    let stream: Box<dyn Stream> = Box::new(spec.build(&data).unwrap());
    let network = Mlp::new(&[64, HIDDEN[0], HIDDEN[1], stream.outputs()]).unwrap();
    let settings = Settings::new(60, 32, optimizer);
    Learner::new(strategy, &data, vec![(2, stream)], Box::new(network), settings).unwrap()
}

fn adam() -> Box<dyn Optimizer> {
    Box::new(Adam::new(1e-2))
}

/// Which floats of theta must not move any more: weights with min(mᵒᵘᵗ, mⁱⁿ) = 1, biases with m = 1,
/// outputs and embeddings of contexts that have ended.
fn frozen(learner: &mut Learner<'_>, ended: usize) -> Vec<bool> {
    let layout = learner.model().layout.clone();
    let mask = |learner: &mut Learner<'_>, layer: usize| -> Vec<f32> {
        learner.session().read(&format!("hat/mask{layer}"), 0).unwrap()
    };
    let (m1, m2) = (mask(learner, 1), mask(learner, 2));
    let mut frozen = vec![false; layout.len()];
    for range in layout.ranges() {
        let last = *range.shape.last().unwrap();
        for (k, at) in range.floats().enumerate() {
            let (row, column) = (k / last, k % last);
            frozen[at] = match range.name.as_str() {
                "w1" | "b1" => m1[column] == 1.0,
                "w2" => m2[column].min(m1[row]) == 1.0,
                "b2" => m2[column] == 1.0,
                "w3" | "b3" => column < 2 * ended,
                _ => row < ended,
            };
        }
    }
    frozen
}

fn theta(learner: &mut Learner<'_>) -> Vec<u32> {
    learner.session().read("theta", 0).unwrap().into_iter().map(f32::to_bits).collect()
}

/// Trains a context, then two more; which of the frozen parameters have moved, and how many of those
/// of the layers (weights and biases that are frozen, and that moved among the others).
fn moved(strategy: &dyn Strategy) -> (Vec<usize>, usize, usize) {
    let mut learner = learner(strategy, adam());
    run_to(&mut learner, 1);
    let (frozen, before) = (frozen(&mut learner, 1), theta(&mut learner));
    run_to(&mut learner, 3);
    let after = theta(&mut learner);
    let hidden = learner.model().layout.range("w3").unwrap().offset;
    let kept = frozen[..hidden].iter().filter(|&&frozen| frozen).count();
    let free = (0..hidden).filter(|&at| !frozen[at] && before[at] != after[at]).count();
    let moved = (0..frozen.len()).filter(|&at| frozen[at] && before[at] != after[at]).collect();
    (moved, kept, free)
}

#[test]
fn weights_whose_mask_is_exactly_1_are_bit_identical_after_later_contexts_under_adam() {
    for masking in [Masking::Step, Masking::Gradient] {
        for cumulative in [Cumulative::Soft, Cumulative::Binary] {
            let hat = Hat { masking, cumulative, ..Hat::default() };
            let (moved, kept, free) = moved(&hat);
            assert!(moved.is_empty(), "{masking:?}, {cumulative:?}: {} moved", moved.len());
            // Neither everything nor nothing is frozen: 1,560 + 500 weights and biases.
            assert!(kept > 200 && free > 400, "{masking:?}, {cumulative:?}: {kept}, {free}");
        }
    }
}

#[test]
fn without_a_mask_on_the_step_moments_move_what_is_frozen() {
    // The gradient is masked all the same.
    let hat = Hat { masking: Masking::Gradient, ..Hat::default() };
    let fault = Some(Fault::StepNotMasked);
    let (moved, kept, _) = moved(&Watched { hat, fault });
    assert!(moved.len() > kept / 2, "{} of {kept}", moved.len());
    // Embeddings of contexts that have ended, too.
    let fault = Some(Fault::EmbeddingsFree);
    assert!(!self::moved(&Watched { hat: Hat::default(), fault }).0.is_empty());
}

#[test]
fn embeddings_stay_within_their_bound() {
    let hat = Hat { embedding_limit: 2.0, ..Hat::default() };
    let mut learner = learner(&hat, Box::new(Adam::new(0.5)));
    run_to(&mut learner, 2);
    let layout = learner.model().layout.clone();
    let theta = learner.session().read("theta", 0).unwrap();
    let mut bounded = 0;
    for (layer, units) in HIDDEN.into_iter().enumerate() {
        let range = layout.range(&format!("hat/embedding{}", layer + 1)).unwrap();
        // Those of the two contexts that were trained; the others are as they were drawn.
        for e in &theta[range.floats()][..2 * units] {
            // e + (2 − e) rounds.
            assert!(e.abs() <= 2.0 + 1e-6, "{e}");
            bounded += usize::from(e.abs() > 2.0 - 1e-6);
        }
    }
    assert!(bounded > 4, "{bounded} at the bound");
}

#[test]
fn a_binary_mask_is_0_or_1_and_only_grows() {
    let hat = Hat { cumulative: Cumulative::Binary, ..Hat::default() };
    let mut learner = learner(&hat, adam());
    let mut before = vec![0.0; HIDDEN[0]];
    for stage in 1..4 {
        run_to(&mut learner, stage);
        let now = learner.session().read("hat/mask1", 0).unwrap();
        assert!(now.iter().all(|&m| m == 0.0 || m == 1.0), "{now:?}");
        assert!(now.iter().zip(&before).all(|(now, before)| now >= before));
        assert!(now.iter().sum::<f32>() > before.iter().sum::<f32>(), "{now:?}");
        before = now;
    }
}

#[test]
fn contexts_are_not_forgotten_as_they_are_without() {
    // Summed over contexts: accuracy right after a context minus accuracy at the end.
    let forgotten = |strategy: &dyn Strategy| -> f64 {
        let mut learner = learner(strategy, adam());
        let rows = run(&mut learner, &mut ()).unwrap().swap_remove(0).accuracy.rows().to_vec();
        (0..5).map(|context| rows[context][context] - rows[4][context]).sum()
    };
    let (with, without) = (forgotten(&Hat::default()), forgotten(&Naive));
    assert!(with.abs() < 0.02 && without > 0.1, "{with} with HAT, {without} without");
}
