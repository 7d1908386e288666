//! Small runs on digits.

use cl_core::{Error, Head, Learner, Mix, Settings, Strategy, run};
use cl_nn::{Adam, Mlp, Network, Schedule};
use cl_scenarios::{ContextStream, Part, Protocol, Scenario, Stream, StreamSpec, digits};

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
    pub mix: Mix,
    /// How the stream is shown.
    pub shown: fn(ContextStream) -> Box<dyn Stream>,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        let (scenario, head) = (Scenario::Class, Head::Full);
        Self {
            scenario,
            contexts: 5,
            steps: 8,
            batch: 16,
            seeds: &[2],
            threads: 1,
            head,
            mix: Mix::ByContext,
            shown: |stream| Box::new(stream),
        }
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
            (self.shown)(spec.build(&data).unwrap())
        };
        let population: Vec<_> = self.seeds.iter().map(|&seed| (seed, stream(seed))).collect();
        let outputs = population[0].1.outputs();
        let settings = Settings {
            steps: self.steps,
            batch: self.batch,
            optimizer: Box::new(Adam::new(1e-3)),
            schedule: Schedule::Constant,
            reset_optimizer: false,
            mix: self.mix,
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
