//! Small runs on digits, looked at step by step.
#![allow(clippy::unwrap_used, dead_code)] // each test binary uses a part

use cl_core::{Error, Learner, Observer, Settings, Strategy, run};
use cl_nn::{Mlp, Sgd};
use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamSpec, digits};
use serde_json::Value;

pub(crate) const BATCH: usize = 16;
/// Hidden units of the network 64-24-20-10.
pub(crate) const HIDDEN: [usize; 2] = [24, 20];

/// Five contexts of two digits, one member, plain descent.
pub(crate) fn learner(strategy: &dyn Strategy, scenario: Scenario, steps: u32) -> Learner<'_> {
    try_learner(strategy, scenario, steps).unwrap()
}

pub(crate) fn try_learner(
    strategy: &dyn Strategy,
    scenario: Scenario,
    steps: u32,
) -> Result<Learner<'_>, Error> {
    let data = digits();
    let (protocol, part) = (Protocol::Split, Part::Final);
    let spec = StreamSpec { protocol, scenario, contexts: 5, seed: 2, part, pad: 0 };
    let stream = spec.build(&data).unwrap();
    let network = Box::new(Mlp::new(&[64, HIDDEN[0], HIDDEN[1], stream.outputs()]).unwrap());
    let settings = Settings::new(steps, BATCH, Box::new(Sgd::new(0.1)));
    Learner::new(strategy, &data, vec![(2, Box::new(stream))], network, settings)
}

/// A run as it was after every step: slots by name and the host's state.
#[derive(Default)]
pub(crate) struct Path {
    slots: Vec<String>,
    /// Before the first step, then after each.
    pub at: Vec<Vec<Vec<f32>>>,
    pub hosts: Vec<Value>,
    /// Stage, phase and step.
    pub progress: Vec<(usize, usize, u32)>,
}

impl Path {
    pub(crate) fn of(learner: &mut Learner<'_>, slots: &[&str]) -> Self {
        let slots = slots.iter().map(|slot| (*slot).to_owned()).collect();
        let mut path = Self { slots, ..Self::default() };
        path.between(learner).unwrap();
        run(learner, &mut path).unwrap();
        path
    }

    pub(crate) fn slot(&self, step: usize, name: &str) -> &[f32] {
        &self.at[step][self.slots.iter().position(|slot| slot == name).unwrap()]
    }

    /// The state of the only memory after so many steps.
    pub(crate) fn memory(&self, step: usize) -> &Value {
        &self.hosts[step]["memories"][0][1]
    }

    pub(crate) fn steps(&self) -> usize {
        self.at.len() - 1
    }
}

impl Observer for Path {
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        let progress = learner.progress();
        // Told again after an evaluation, where nothing has moved.
        if progress.step > 0 || self.at.is_empty() {
            let read = |slot: &String| learner.read(slot, 0);
            self.at.push(self.slots.iter().map(read).collect::<Result<_, _>>()?);
            self.hosts.push(learner.save()?.host(0)?);
            self.progress.push((progress.stage, progress.phase, progress.step));
        }
        Ok(())
    }
    fn interval(&self) -> u32 {
        1
    }
}

/// theta after so many steps of each context, as bits.
pub(crate) fn theta(strategy: &dyn Strategy, scenario: Scenario, steps: u32) -> Vec<u32> {
    let mut learner = learner(strategy, scenario, steps);
    run(&mut learner, &mut ()).unwrap();
    learner.read("theta", 0).unwrap().into_iter().map(f32::to_bits).collect()
}

pub(crate) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}
