//! Small runs on digits of which values of the last step are read back.

use cl_core::{Error, Learner, Parts, Settings, Step, Strategy, Taken, Track, run};
use cl_nn::{Adam, Mlp};
use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamSpec, digits};
use cl_tensor::{Init, Var};

/// What is looked at in every step, in the strategy's own scope.
pub(crate) type Look = for<'a, 'g> fn(&Step<'a, 'g>) -> Vec<(&'static str, Var<'g>)>;

/// A strategy that keeps values of its last step in slots `seen/NAME` of its own.
pub(crate) struct Watched<'a>(pub(crate) &'a dyn Strategy, pub(crate) Look);

impl Strategy for Watched<'_> {
    fn name(&self) -> String {
        self.0.name()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        self.0.parts(parts);
        parts.track(self);
    }
}

impl Track for Watched<'_> {
    fn update<'g>(&self, step: &Step<'_, 'g>, _: &Taken<'g>) {
        for (name, value) in (self.1)(step) {
            let name = format!("seen/{name}");
            let _ = step.scope.slot(&name, &value.shape(), Init::Zeros);
            step.scope.assign(&name, value);
        }
    }
}

/// Five contexts of digits, MLP 64-24-20.
pub(crate) fn learner(strategy: &dyn Strategy, scenario: Scenario, steps: u32) -> Learner<'_> {
    of_contexts(strategy, scenario, steps, 5).unwrap()
}

pub(crate) fn of_contexts(
    strategy: &dyn Strategy,
    scenario: Scenario,
    steps: u32,
    contexts: usize,
) -> Result<Learner<'_>, Error> {
    let data = digits();
    let (protocol, part) = (Protocol::Split, Part::Final);
    let spec = StreamSpec { protocol, scenario, contexts, seed: 2, part, pad: 0 };
    let stream = spec.build(&data).unwrap();
    let network = Box::new(Mlp::new(&[64, 24, 20, stream.outputs()]).unwrap());
    let members: Vec<(u64, Box<dyn Stream>)> = vec![(2, Box::new(stream))];
    let settings = Settings::new(steps, 16, Box::new(Adam::new(1e-3)));
    Learner::new(strategy, &data, members, network, settings)
}

pub(crate) fn finished(strategy: &dyn Strategy, scenario: Scenario, steps: u32) -> Learner<'_> {
    let mut learner = learner(strategy, scenario, steps);
    run(&mut learner, &mut ()).unwrap();
    learner
}

/// A slot of the first member, in f64.
pub(crate) fn slot(learner: &mut Learner<'_>, name: &str) -> Vec<f64> {
    learner.session().read(name, 0).unwrap().into_iter().map(f64::from).collect()
}
