//! Checkpoints of a run under way: what happens when they cannot be written, and whose they are.
#![allow(clippy::unwrap_used)]

use cl_core::{
    Checkpoint, CheckpointError, Error, Every, Learner, Observer, Outcome, Parts, Penalty, Saver,
    Settings, Step, Strategy, run,
};
use cl_nn::{Adam, Mlp};
use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamSpec, digits};
use cl_tensor::Var;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Pulls theta towards 0.
struct Decay;

impl Strategy for Decay {
    fn name(&self) -> String {
        "decay".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self);
    }
}

impl Penalty for Decay {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        step.scope.hyper("strength", 0.1) * step.theta.square().sum()
    }
}

/// Two members of five contexts of 10 steps, the second with another strength.
fn learner(strength: f32) -> Learner<'static> {
    let stream = |seed| {
        let (protocol, scenario) = (Protocol::Split, Scenario::Class);
        let spec = StreamSpec { protocol, scenario, contexts: 5, seed, part: Part::Final, pad: 0 };
        (seed, Box::new(spec.build(&digits()).unwrap()) as Box<dyn Stream>)
    };
    let settings = Settings::new(10, 8, Box::new(Adam::new(1e-3)));
    let network = Box::new(Mlp::new(&[64, 8, 10]).unwrap());
    let population = vec![stream(2), stream(3)];
    let mut learner = Learner::new(&Decay, &digits(), population, network, settings).unwrap();
    learner.set_hyper("decay/strength", 1, strength).unwrap();
    learner
}

fn accuracies(outcomes: &[Outcome]) -> Vec<Vec<Vec<f64>>> {
    outcomes.iter().map(|outcome| outcome.accuracy.rows().to_vec()).collect()
}

/// Counts steps and checkpoints that could not be written; stops after so many steps.
struct Watch<'a> {
    stop: (&'a AtomicBool, u32),
    steps: u32,
    unsaved: usize,
}

impl Observer for Watch<'_> {
    fn stepped(&mut self, steps: u32) {
        self.steps += steps;
        if self.steps >= self.stop.1 {
            self.stop.0.store(true, Ordering::Relaxed);
        }
    }
    fn unsaved(&mut self, error: Error) -> Result<(), Error> {
        assert!(matches!(error, Error::Checkpoint(CheckpointError::Write { .. })), "{error}");
        self.unsaved += 1;
        Ok(())
    }
}

#[test]
fn a_run_stopped_anywhere_and_restored_gives_the_bits_of_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let whole = accuracies(&run(&mut learner(0.3), &mut ()).unwrap());
    // In the first context, at a boundary, at the end.
    for (steps, context) in [(3, 1), (20, 2), (33, 4), (50, 5)] {
        let stop = AtomicBool::new(false);
        let mut watch = Watch { stop: (&stop, steps), steps: 0, unsaved: 0 };
        let mut saver = Saver::new(&mut watch, &path, Every::Never).stopping(&stop);
        let error = run(&mut learner(0.3), &mut saver).unwrap_err();
        let Error::Interrupted { context: found, .. } = error else { panic!("{error}") };
        assert!(found >= context && watch.steps >= steps, "{steps}: {error}");
        let mut restored = learner(0.3);
        restored.restore(&Checkpoint::load(&path).unwrap()).unwrap();
        assert_eq!(accuracies(&run(&mut restored, &mut ()).unwrap()), whole, "after {steps}");
    }
}

#[test]
fn a_checkpoint_that_cannot_be_written_ends_the_run_unless_the_observer_lets_it_go_on() {
    let nowhere = Path::new("no such folder/state");
    let whole = accuracies(&run(&mut learner(0.3), &mut ()).unwrap());
    let never = AtomicBool::new(false);
    let mut watch = Watch { stop: (&never, u32::MAX), steps: 0, unsaved: 0 };
    let mut saver = Saver::new(&mut watch, nowhere, Every::Steps(4)).stopping(&never);
    assert_eq!(accuracies(&run(&mut learner(0.3), &mut saver).unwrap()), whole);
    // 50 steps, seen in strides that end with every context.
    assert!((5..=12).contains(&watch.unsaved), "{} times", watch.unsaved);

    let mut nobody = ();
    let error = run(&mut learner(0.3), &mut Saver::new(&mut nobody, nowhere, Every::Steps(4)));
    assert!(matches!(error.unwrap_err(), Error::Checkpoint(CheckpointError::Write { .. })));

    // Whoever asks to stop expects a checkpoint.
    let stop = AtomicBool::new(true);
    let mut watch = Watch { stop: (&stop, 0), steps: 0, unsaved: 0 };
    let mut saver = Saver::new(&mut watch, nowhere, Every::Never).stopping(&stop);
    let error = run(&mut learner(0.3), &mut saver).unwrap_err();
    assert!(matches!(error, Error::Checkpoint(CheckpointError::Write { .. })), "{error}");
}

#[test]
fn values_given_to_members_and_pixels_belong_to_the_identity_of_a_run() {
    let saved = learner(0.3).save().unwrap();
    learner(0.3).restore(&saved).unwrap();
    let error = learner(0.4).restore(&saved).unwrap_err().to_string();
    assert!(
        error.contains("field set.decay/strength.1 is 0.3") && error.contains("0.4"),
        "{error}"
    );
    assert_eq!(learner(0.3).identity()["data"]["checksum"], digits().checksum.as_str());
}
