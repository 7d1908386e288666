//! Making a population, and what can be asked of it.

use super::clock::Clock;
use super::phase::Running;
use super::programs::Programs;
use super::{Settings, grow, phase};
use crate::error::Error;
use crate::model::Model;
use crate::parts::Parts;
use crate::population::{
    MemberState, data_of, heads_fit, members, one_context, same_structure, stream_shape,
};
use crate::record::{IMAGES, THETA};
use crate::run::Progress;
use crate::strategy::{Strategy, check};
use cl_nn::Network;
use cl_scenarios::{Dataset, Stream};
use cl_tensor::{Device, Lanes, Plan, Resident, Session};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// A population in training. Made once, stepped by [`run()`](crate::run()).
pub struct Learner<'s> {
    pub(super) strategy: &'s dyn Strategy,
    pub(super) name: String,
    pub(super) parts: Parts<'s>,
    pub(super) settings: Settings,
    pub(super) dataset: Dataset,
    pub(crate) model: Model,
    pub(crate) session: Box<dyn Session>,
    pub(crate) members: Vec<MemberState>,
    pub(super) programs: Programs,
    /// Says when to consolidate, where nobody else does.
    pub(super) clock: Option<Clock>,
    pub(super) running: Option<Running>,
    /// Slots of the optimisers of all phases, once somebody asked: they do not change.
    pub(super) all_moments: OnceLock<BTreeSet<String>>,
    pub(crate) progress: Progress,
    /// Where it ran before it was restored here.
    pub(super) earlier_devices: Vec<String>,
    /// What members were given by [`Learner::set_hyper`]: by slot, then by member.
    pub(super) set: BTreeMap<String, BTreeMap<usize, f32>>,
}

impl<'s> Learner<'s> {
    /// Records every program of the run and prepares a member for each (seed, stream).
    ///
    /// # Errors
    /// Strategies that cannot be composed, a method that needs what a stream does not show, a
    /// hyper-parameter out of range, streams of different structure, data that does not fit the
    /// network.
    pub fn new(
        strategy: &'s dyn Strategy,
        dataset: &Dataset,
        population: Vec<(u64, Box<dyn Stream>)>,
        network: Box<dyn Network>,
        mut settings: Settings,
    ) -> Result<Self, Error> {
        let seeds: Vec<u64> = population.iter().map(|(seed, _)| *seed).collect();
        let Some((_, stream)) = population.first() else {
            return Err(Error::Misfit("a population needs at least one member".to_owned()));
        };
        for (_, other) in &population {
            check(strategy, &**other, settings.consolidate_every)?;
            same_structure(&**stream, &**other)?;
        }
        if network.outputs() != stream.outputs() {
            return Err(Error::Misfit(format!(
                "the network has {} outputs, the stream {}",
                network.outputs(),
                stream.outputs()
            )));
        }
        let parts = Parts::of(strategy);
        if let Some((_, mix)) = &parts.mix {
            settings.mix = *mix;
        }
        settings.check((&**stream, &dataset.labels), &parts)?;
        let network = grow::head(network, &**stream, &dataset.labels, settings.head)?;
        let shape = stream_shape(&population, &dataset.labels);
        let mut model = Model::new(network, &parts, data_of(dataset, &**stream), shape)?;
        model.one_context = one_context(&**stream, &parts);
        population.iter().try_for_each(|(_, stream)| heads_fit(&*model.network, &**stream))?;
        let members = members(&parts, dataset, population, shape, &settings)?;
        let mut session = settings.device.session(&seeds)?;
        session.set_resident(IMAGES, Resident::Bytes(dataset.images.clone()))?;
        let member = &members[0];
        let programs =
            Programs::record(&mut *session, &model, &parts, &settings, member, &dataset.labels)?;
        let clock = Clock::of(&settings, &parts, strategy);
        let mut learner = Self {
            strategy,
            name: strategy.name(),
            parts,
            settings,
            dataset: dataset.clone(),
            model,
            session,
            members,
            programs,
            clock,
            running: None,
            all_moments: OnceLock::new(),
            progress: Progress::default(),
            earlier_devices: Vec::new(),
            set: BTreeMap::new(),
        };
        learner.write_transforms()?;
        Ok(learner)
    }

    /// Where its programs run; where the run was restored from elsewhere, all devices in their order.
    #[must_use]
    pub fn device(&self) -> String {
        self.devices().join(", then ")
    }

    pub(super) fn devices(&self) -> Vec<String> {
        let mut devices = self.earlier_devices.clone();
        let now = self.settings.device.describe();
        if devices.last() != Some(&now) {
            devices.push(now);
        }
        devices
    }

    /// The strategy's name, compositions joined with `+`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The strategy.
    #[must_use]
    pub fn strategy(&self) -> &'s dyn Strategy {
        self.strategy
    }

    /// How it is trained.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The network on its stream.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The slots of all members.
    pub fn session(&mut self) -> &mut dyn Session {
        &mut *self.session
    }

    /// A copy of a member's slot; indices come as their bits. What an observer watches.
    ///
    /// # Errors
    /// An unknown slot.
    pub fn read(&self, slot: &str, member: usize) -> Result<Vec<f32>, Error> {
        Ok(self.session.read(slot, member)?)
    }

    /// How often the host has waited for the device since the learner was made or its head grew
    /// ([`Session::round_trips`]).
    #[must_use]
    pub fn round_trips(&self) -> u64 {
        self.session.round_trips()
    }

    /// How many such members a device takes at once.
    ///
    /// # Errors
    /// A device that does not hold one: names the limit.
    pub fn lanes(&self, device: &dyn Device) -> Result<Lanes, Error> {
        let plans: Vec<&Plan> = self.programs.plans().map(|plan| self.session.plan(plan)).collect();
        Ok(device.lanes(&plans)?)
    }

    /// Number of members.
    #[must_use]
    pub fn members(&self) -> usize {
        self.members.len()
    }

    /// Seeds of the members.
    #[must_use]
    pub fn seeds(&self) -> &[u64] {
        self.session.seeds()
    }

    /// A member's stream.
    #[must_use]
    pub fn stream(&self, member: usize) -> &dyn Stream {
        &*self.members[member].stream
    }

    /// Number of stages of the streams.
    #[must_use]
    pub fn stages(&self) -> usize {
        self.members[0].stream.stages().len()
    }

    /// Steps that the run gives a stage, of the member that has most.
    #[must_use]
    pub fn steps(&self, stage: usize) -> u32 {
        (0..self.members()).map(|member| self.steps_of(member, stage)).max().unwrap_or(0)
    }

    /// Steps that the run gives a stage of a member: members differ where their examples decide.
    #[must_use]
    pub fn steps_of(&self, member: usize, stage: usize) -> u32 {
        phase::steps(&self.settings, &*self.members[member].stream, stage)
    }

    /// How far the run is.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Boundaries that a member has seen so far.
    #[must_use]
    pub fn boundaries(&self, member: usize) -> u32 {
        self.members[member].boundaries
    }

    /// Gives a member its own value of a hyper-parameter, by the name of its slot
    /// (`ewc/lambda`): a sweep is a population.
    ///
    /// # Errors
    /// A slot that does not exist or is not a scalar.
    pub fn set_hyper(&mut self, slot: &str, member: usize, value: f32) -> Result<(), Error> {
        self.session.write(slot, member, &[value])?;
        self.set.entry(slot.to_owned()).or_default().insert(member, value);
        Ok(())
    }

    /// The labels of the data set, by example.
    pub(crate) fn labels(&self) -> &[u8] {
        &self.dataset.labels
    }

    /// Whether a member's parameters are all numbers.
    pub(crate) fn check_theta(&self, stage: usize) -> Result<(), Error> {
        for (index, member) in self.members.iter().enumerate() {
            let theta = self.session.read(THETA, index)?;
            if let Some(loss) = theta.into_iter().find(|value| !value.is_finite()) {
                return Err(Error::Diverged {
                    strategy: self.name.clone(),
                    seed: member.seed,
                    loss,
                    context: stage + 1,
                    step: self.steps(stage),
                });
            }
        }
        Ok(())
    }
}
