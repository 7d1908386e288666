//! Small runs on digits.

use cl_core::{
    Checkpoint, Error, Head, Learner, Mix, Observer, Parts, Settings, Step, Strategy, Taken, Track,
    run,
};
use cl_nn::{Adam, Mlp, Network, Schedule};
use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamSpec, digits};
use cl_tensor::{Init, Var};

/// What differs between the runs of probes.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    pub scenario: Scenario,
    pub contexts: usize,
    pub steps: u32,
    pub batch: usize,
    pub seeds: &'a [u64],
    pub threads: usize,
    pub head: Head,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        let (scenario, head) = (Scenario::Class, Head::Full);
        Self { scenario, contexts: 5, steps: 8, batch: 16, seeds: &[2], threads: 1, head }
    }
}

impl Setup<'_> {
    /// A learner on split digits, MLP 64-24-20.
    pub fn learner<'s>(&self, strategy: &'s dyn Strategy) -> Result<Learner<'s>, Error> {
        self.learner_with(strategy, |inputs, outputs| {
            Box::new(Mlp::new(&[inputs, 24, 20, outputs]).unwrap())
        })
    }

    pub fn learner_with<'s>(
        &self,
        strategy: &'s dyn Strategy,
        network: impl Fn(usize, usize) -> Box<dyn Network>,
    ) -> Result<Learner<'s>, Error> {
        let data = digits();
        let (protocol, part) = (Protocol::Split, Part::Final);
        let (scenario, contexts) = (self.scenario, self.contexts);
        let stream = |seed| -> Box<dyn Stream> {
            let spec = StreamSpec { protocol, scenario, contexts, seed, part, pad: 0 };
            Box::new(spec.build(&data).unwrap())
        };
        let population: Vec<_> = self.seeds.iter().map(|&seed| (seed, stream(seed))).collect();
        let outputs = population[0].1.outputs();
        let settings = Settings {
            steps: self.steps,
            batch: self.batch,
            optimizer: Box::new(Adam::new(1e-3)),
            schedule: Schedule::Constant,
            reset_optimizer: false,
            mix: Mix::ByContext,
            head: self.head,
            threads: self.threads,
        };
        Learner::new(strategy, &data, population, network(64, outputs), settings)
    }
}

/// Every slot of a member, as bits.
pub fn bits(learner: &mut Learner<'_>, member: usize) -> Vec<(String, Vec<u32>)> {
    let session = learner.session();
    let slots = session.slots().into_iter();
    slots
        .map(|slot| {
            let values = session.read(&slot, member).unwrap();
            (slot, values.into_iter().map(f32::to_bits).collect())
        })
        .collect()
}

/// Runs a strategy to the end; its slots.
pub fn finished(setup: &Setup<'_>, strategy: &dyn Strategy) -> Vec<(String, Vec<u32>)> {
    let mut learner = setup.learner(strategy).unwrap();
    run(&mut learner, &mut ()).unwrap();
    bits(&mut learner, 0)
}

/// Asserts that two members together give the slots and accuracies of two runs, bit for bit.
pub fn population_is_singles(setup: &Setup<'_>, strategy: &dyn Strategy) {
    let seeds = [2, 5];
    let mut together = Setup { seeds: &seeds, threads: 2, ..*setup }.learner(strategy).unwrap();
    let outcomes = run(&mut together, &mut ()).unwrap();
    for (member, seed) in seeds.into_iter().enumerate() {
        let mut alone = Setup { seeds: &[seed], ..*setup }.learner(strategy).unwrap();
        let outcome = run(&mut alone, &mut ()).unwrap();
        assert_eq!(outcome[0].accuracy.rows(), outcomes[member].accuracy.rows());
        assert_same(&bits(&mut alone, 0), &bits(&mut together, member));
    }
}

/// Asserts that a run saved after each of these numbers of steps and taken up by a new learner ends
/// with the bits of the whole run.
pub fn resume_is_whole(setup: &Setup<'_>, strategy: &dyn Strategy, cuts: &[u32]) {
    let mut whole = setup.learner(strategy).unwrap();
    let outcomes = run(&mut whole, &mut ()).unwrap();
    for &at in cuts {
        let mut cut = Cut { at, steps: 0, saved: None };
        run(&mut setup.learner(strategy).unwrap(), &mut cut).unwrap();
        let mut resumed = setup.learner(strategy).unwrap();
        resumed.restore(&cut.saved.unwrap()).unwrap();
        let outcome = run(&mut resumed, &mut ()).unwrap();
        assert_eq!(outcome[0].accuracy.rows(), outcomes[0].accuracy.rows(), "cut at {at}");
        assert_same(&bits(&mut resumed, 0), &bits(&mut whole, 0));
    }
}

pub fn assert_same(a: &[(String, Vec<u32>)], b: &[(String, Vec<u32>)]) {
    assert_eq!(a.len(), b.len());
    for ((slot, a), (other, b)) in a.iter().zip(b) {
        assert!(slot == other && a == b, "slots {slot} and {other} differ");
    }
}

/// Saves a run after so many steps.
struct Cut {
    at: u32,
    steps: u32,
    saved: Option<Checkpoint>,
}

impl Observer for Cut {
    fn stepped(&mut self, steps: u32) {
        self.steps += steps;
    }
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        if self.steps == self.at && self.saved.is_none() {
            self.saved = Some(learner.save()?);
        }
        Ok(())
    }
    fn interval(&self) -> u32 {
        1
    }
}

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

/// The pixels of an example of the digits, as the network sees them.
pub fn pixels(example: u32) -> Vec<f32> {
    let data = digits();
    let bytes = &data.images[example as usize * 64..][..64];
    bytes.iter().map(|&byte| f32::from(byte) * data.scale).collect()
}
