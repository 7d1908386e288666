//! What a run did, read back.

use cl_core::{Learner, Parts, Step, Strategy, Taken, Track};
use cl_tensor::{Init, Var};

/// What is looked at in every step.
pub type Look = for<'a, 'g> fn(&Step<'a, 'g>, &Taken<'g>) -> Vec<(&'static str, Var<'g>)>;

/// Keeps values of the last step in slots `seen/NAME`.
pub struct Seen(pub Look);

impl Strategy for Seen {
    fn name(&self) -> String {
        "seen".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.track(self);
    }
}

impl Track for Seen {
    fn update<'g>(&self, step: &Step<'_, 'g>, taken: &Taken<'g>) {
        for (name, value) in (self.0)(step, taken) {
            step.scope.slot(name, &value.shape(), Init::Zeros);
            step.scope.assign(name, value);
        }
    }
}

/// A slot of the first member, in f64.
pub fn slot(learner: &mut Learner<'_>, name: &str) -> Vec<f64> {
    learner.session().read(name, 0).unwrap().into_iter().map(f64::from).collect()
}

pub fn assert_same(a: &[(String, Vec<u32>)], b: &[(String, Vec<u32>)]) {
    assert_eq!(a.len(), b.len());
    for ((slot, a), (other, b)) in a.iter().zip(b) {
        assert!(slot == other && a == b, "slots {slot} and {other} differ");
    }
}
