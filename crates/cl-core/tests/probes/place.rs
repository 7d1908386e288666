//! A part is told where in its phase a step lies.

use crate::common::{Setup, mlp, run_to};
use cl_core::{Batch, Parts, Step, Strategy, Taken, Track, Trial};
use cl_nn::Sgd;
use cl_tensor::{Init, Session};

/// Writes down how many steps the phase has and how many of them have passed.
struct Place;

impl Track for Place {
    fn update<'g>(&self, step: &Step<'_, 'g>, _: &Taken<'g>) {
        for (name, value) in [("steps", step.steps()), ("at", step.progress() * step.steps())] {
            let _ = step.scope.slot(name, &[], Init::Zeros);
            step.scope.assign(name, value);
        }
    }
}

impl Strategy for Place {
    fn name(&self) -> String {
        "place".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.track(self);
    }
}

fn seen(session: &dyn Session) -> [f32; 2] {
    ["place/at", "place/steps"].map(|slot| session.read(slot, 0).unwrap()[0])
}

#[test]
fn a_part_sees_which_step_of_how_many_is_taken() {
    let mut learner = Setup { steps: 8, ..Setup::SMALL }.learner(&Place).unwrap();
    // Behind a step its number; behind a context that of its last.
    for (at, step) in [((0, 0, 1), 0.0), ((0, 0, 6), 5.0), ((1, 0, 0), 7.0), ((1, 0, 3), 2.0)] {
        run_to(&mut learner, at);
        assert_eq!(seen(learner.session()), [step, 8.0], "{at:?}");
    }
}

#[test]
fn by_hand_it_is_set() {
    let mut trial = Trial::new(&Place, mlp(3, 2), &Sgd::new(0.1), (1, 1), false).unwrap();
    let batch = Batch::mean(vec![1.0, 0.0, 0.5], vec![1], 0);
    trial.step(&batch).unwrap();
    assert_eq!(seen(&trial.session), [0.0, 1.0]);
    trial.set_place(3, 8);
    trial.step(&batch).unwrap();
    assert_eq!(seen(&trial.session), [3.0, 8.0]);
}
