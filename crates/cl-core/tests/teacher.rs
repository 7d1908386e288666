//! What a teacher needs: the network as at test within a step, the heads at a boundary.
#![allow(clippy::unwrap_used)]

use cl_core::{
    Batch, Boundary, Consolidate, Gate, GateSite, Parts, Step, Strategy, Taken, Track, Trial,
};
use cl_nn::{Mlp, Mode, Point, Sgd};
use cl_tensor::{Init, Session, Var};

/// A gate that is another in training, and that opens as training goes on; keeps what the network
/// says in a step, as in training and as at test, and at a boundary the heads.
struct Looks;

impl Strategy for Looks {
    fn name(&self) -> String {
        "looks".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.gate(self).track(self).consolidate(self);
    }
}

impl Gate for Looks {
    fn apply<'g>(&self, at: &GateSite<'_, 'g>, h: Var<'g>) -> Var<'g> {
        match (at.site.point, at.site.mode) {
            (Point::PostActivation, Mode::Train) => h * 0.5,
            (Point::PostActivation, Mode::Test) => h * (at.progress * 0.25),
            _ => h,
        }
    }
}

impl Track for Looks {
    fn update<'g>(&self, step: &Step<'_, 'g>, _: &Taken<'g>) {
        let trained = step.forward.logits;
        let predicted = step.predict(step.theta, step.x, step.context).logits;
        for (name, value) in [("trained", trained), ("predicted", predicted)] {
            step.scope.slot(name, &value.shape(), Init::Zeros);
            step.scope.assign(name, value);
        }
    }
}

impl Consolidate for Looks {
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        if let Some(active) = boundary.active() {
            boundary.scope.remember("heads", active);
        }
        theta
    }
}

fn trial(masked: bool) -> Trial<'static> {
    let network = Box::new(Mlp::new(&[3, 8, 4]).unwrap().with_dropout(0.5).unwrap());
    Trial::new(&Looks, network, &Sgd::new(0.0), (4, 2), masked).unwrap()
}

#[test]
fn a_prediction_within_a_step_is_that_of_an_evaluation() {
    let mut trial = trial(false);
    let x = (0..12).map(|i| i as f32 / 6.0 - 1.0).collect();
    let batch = Batch::mean(x, vec![0, 1, 2, 3], 1);
    trial.step(&batch).unwrap();
    let scores = trial.scores(&batch, &[]).unwrap();
    assert_eq!(trial.session.read("looks/predicted", 0).unwrap(), scores);
    assert_ne!(trial.session.read("looks/trained", 0).unwrap(), scores);
}

#[test]
fn a_boundary_knows_which_outputs_compete_by_then() {
    let mut trial = trial(true);
    trial.set_active(&[vec![true, true, false, false], vec![false, true, true, false]]).unwrap();
    trial.boundary(&[]).unwrap();
    let heads = [1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0];
    assert_eq!(trial.session.read("looks/heads", 0).unwrap(), heads);
}
