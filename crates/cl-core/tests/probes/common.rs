//! Small runs on digits.

use cl_core::{Error, Head, Learner, Mix, Observer, Progress, Settings, Step, Strategy, run};
use cl_nn::{Adam, Mlp, Network};
use cl_scenarios::{ContextStream, Dataset, Part, Protocol, Scenario, Stream, StreamSpec, digits};
use cl_tensor::{Cpu, Var};
use std::sync::Arc;

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
    /// Steps between two consolidations, where nobody tells or finds boundaries.
    pub clock: Option<u32>,
    /// How the stream is shown.
    pub shown: fn(ContextStream) -> Box<dyn Stream>,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self::SMALL
    }
}

impl Setup<'_> {
    /// Five contexts of 8 steps, class-incremental.
    pub const SMALL: Self = Self {
        scenario: Scenario::Class,
        contexts: 5,
        steps: 8,
        batch: 16,
        seeds: &[2],
        threads: 1,
        head: Head::Full,
        mix: Mix::ByContext,
        clock: None,
        shown: |stream| Box::new(stream),
    };

    /// A learner on split digits, MLP 64-24-20.
    pub fn learner<'s>(&self, strategy: &'s dyn Strategy) -> Result<Learner<'s>, Error> {
        self.learner_with(strategy, mlp)
    }

    pub fn learner_with<'s>(
        &self,
        strategy: &'s dyn Strategy,
        network: impl Fn(usize, usize) -> Box<dyn Network>,
    ) -> Result<Learner<'s>, Error> {
        self.learner_on(&digits(), strategy, network)
    }

    pub fn learner_on<'s>(
        &self,
        data: &Dataset,
        strategy: &'s dyn Strategy,
        network: impl Fn(usize, usize) -> Box<dyn Network>,
    ) -> Result<Learner<'s>, Error> {
        let stream = |seed| (self.shown)(self.spec(seed).build(data).unwrap());
        let population: Vec<_> = self.seeds.iter().map(|&seed| (seed, stream(seed))).collect();
        let outputs = population[0].1.outputs();
        let settings = Settings {
            mix: self.mix,
            consolidate_every: self.clock,
            head: self.head,
            device: Arc::new(Cpu { threads: self.threads }),
            ..Settings::new(self.steps, self.batch, Box::new(Adam::new(1e-3)))
        };
        Learner::new(strategy, data, population, network(64, outputs), settings)
    }

    pub fn spec(&self, seed: u64) -> StreamSpec {
        let (protocol, part) = (Protocol::Split, Part::Final);
        StreamSpec {
            protocol,
            scenario: self.scenario,
            contexts: self.contexts,
            seed,
            part,
            pad: 0,
        }
    }
}

/// An MLP with hidden layers of 24 and 20 units.
pub fn mlp(inputs: usize, outputs: usize) -> Box<dyn Network> {
    Box::new(Mlp::new(&[inputs, 24, 20, outputs]).unwrap())
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

/// Interrupts a run at the first moment between two steps, or behind a stage, that it names.
pub struct StopAt<F>(pub F);

impl<F: Fn(&Progress) -> bool> Observer for StopAt<F> {
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        let progress = learner.progress();
        let (context, step) = (progress.stage + 1, progress.step);
        if (self.0)(progress) { Err(Error::Interrupted { context, step }) } else { Ok(()) }
    }
    fn interval(&self) -> u32 {
        1
    }
}

/// Runs to a moment `(stage, phase, step)`; `(stage, 0, 0)` is behind the stage before.
pub fn run_to(learner: &mut Learner<'_>, at: (usize, usize, u32)) {
    let here = move |p: &Progress| (p.stage, p.phase, p.step) == at;
    let stopped = run(learner, &mut StopAt(here));
    assert!(matches!(stopped, Err(Error::Interrupted { .. })), "{at:?}: {stopped:?}");
}

/// What of a step goes to the strategy's own parameters; the rest of theta stays.
pub fn own<'g>(step: &Step<'_, 'g>, delta: Var<'g>) -> Var<'g> {
    let prefix = step.scope.name("");
    let own = step.layout.ranges().iter().filter(|range| range.name.starts_with(&prefix));
    let pieces: Vec<_> = own.map(|r| (r.offset, delta.slice(0, r.floats()))).collect();
    step.graph().assemble(step.layout.len(), &pieces)
}
