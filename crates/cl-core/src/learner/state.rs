//! Saving a run and taking it up again.

use super::phase::steps;
use super::{Head, Learner, Pull, Settings};
use crate::checkpoint::{Checkpoint, Values};
use crate::draw::Wanted;
use crate::error::Error;
use crate::evaluate::Evaluation;
use crate::parts::{Length, Source};
use crate::population::MemberState;
use crate::rehearse::to_state;
use crate::run::Progress;
use crate::weights::digest;
use cl_buffers::{Row, Sweep};
use cl_scenarios::StreamKind;
use cl_tensor::DType;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Where a run is.
#[derive(Serialize, Deserialize)]
struct Position {
    progress: Progress,
    /// Outputs of the network by now.
    outputs: usize,
    /// Where it ran so far, in order.
    #[serde(default)]
    devices: Vec<String>,
}

/// One member's host state.
#[derive(Serialize, Deserialize)]
struct HostState {
    draw: Option<(Source, Vec<Sweep>)>,
    /// By name, in order.
    memories: Vec<(String, Value)>,
    detector: Option<Value>,
    boundaries: u32,
    taken: u32,
    length: u32,
    ticked: u32,
    recent: Vec<Row>,
}

impl HostState {
    /// Of a member in `stage`. A draw that is left over from an earlier stage is not part of it, unless
    /// it goes on: its groups are those of other contexts.
    fn of(member: &MemberState, stage: usize) -> Result<Self, Error> {
        let saved = |memory: &crate::memory::Memory| Ok((memory.name.clone(), memory.it.save()?));
        let draw = member.draw.as_ref().filter(|draw| draw.goes_on() || draw.stage() == stage);
        Ok(Self {
            draw: draw.map(|draw| (draw.source(), draw.sweeps())),
            memories: member.memories.iter().map(saved).collect::<Result<_, Error>>()?,
            detector: member.detector.as_ref().map(|detector| detector.save()),
            boundaries: member.boundaries,
            taken: member.taken,
            length: member.length,
            ticked: member.ticked,
            recent: member.recent.clone(),
        })
    }
}

impl Learner<'_> {
    /// Everything that decides the numbers of this run: who may continue from its checkpoints.
    #[must_use]
    pub fn identity(&self) -> Value {
        let pairs = |pairs: Vec<(String, String)>| -> Value {
            pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect()
        };
        let stream = |member: &MemberState| {
            let named = member.stream.describe().into_iter();
            pairs(named.map(|(name, value)| (name.to_owned(), value)).collect())
        };
        let settings = &self.settings;
        let mut identity = json!({
            "strategy": self.name,
            "hyper": pairs(self.strategy.describe()),
            "network": self.network(),
            "settings": {
                "steps": settings.steps,
                "batch": settings.batch,
                "optimizer": settings.optimizer.describe(),
                "schedule": settings.schedule,
                "reset_optimizer": settings.reset_optimizer,
                "mix": settings.mix.describe(),
                "consolidate_every": settings.consolidate_every,
                "head": format!("{:?}", settings.head),
            },
            "data": {
                "examples": self.dataset.examples(),
                "features": self.dataset.features(),
                "checksum": self.dataset.checksum,
            },
            "set": self.set,
            "seeds": self.seeds(),
            "streams": self.members.iter().map(stream).collect::<Vec<_>>(),
        });
        // What is measured is no part of what is trained, but rows of one run have one length.
        let contexts = self.model.contexts;
        let Evaluation { every, anytime, plasticity, .. } = settings.evaluation;
        if !settings.evaluation.is_full(contexts) {
            identity["evaluation"] = json!({ "every": every, "tracked": self.tracked().len() });
        }
        if plasticity {
            identity["plasticity"] = json!(true);
        }
        if let Some(steps) = anytime {
            identity["anytime"] = json!({ "every": steps });
        }
        if let Some(weights) = self.weights() {
            identity["weights"] = weights.into();
        }
        identity
    }

    /// The network in words, whatever its head has grown to.
    fn network(&self) -> String {
        let network = &self.model.network;
        let final_head = match self.settings.head {
            Head::Full => None,
            Head::Growing => network.with_outputs(self.members[0].stream.outputs()),
        };
        final_head.map_or_else(|| network.describe(), |network| network.describe())
    }

    /// SHA-256 of the values that the network starts with, whatever its head has grown to; nothing where
    /// all are drawn.
    fn weights(&self) -> Option<String> {
        let network = &self.model.network;
        // A head that grows drops what its outputs started with.
        let wider = match self.settings.head {
            Head::Full => None,
            Head::Growing => network.with_outputs(network.outputs() + 1),
        };
        let start = wider.as_ref().unwrap_or(network).start();
        (!start.is_empty()).then(|| digest(start))
    }

    /// The whole state of the run, between two steps.
    ///
    /// # Errors
    /// A memory whose state cannot be written down.
    pub fn save(&self) -> Result<Checkpoint, Error> {
        let outputs = self.model.network.outputs();
        let devices = self.devices();
        let position = Position { progress: self.progress.clone(), outputs, devices };
        let position = to_state("position", &position)?;
        let stage = self.progress.stage;
        let mut hosts = Vec::with_capacity(self.members.len());
        for member in &self.members {
            hosts.push(to_state("a member's state", &HostState::of(member, stage)?)?);
        }
        let mut checkpoint = Checkpoint::new(self.identity(), position, hosts);
        for slot in self.session.slots() {
            let ty = self.session.slot_type(&slot)?;
            for member in 0..self.members.len() {
                let values = self.session.read(&slot, member)?;
                let values = match ty.dtype {
                    DType::U32 => Values::U32(values.into_iter().map(f32::to_bits).collect()),
                    DType::F32 | DType::U8 => Values::F32(values),
                };
                checkpoint.insert(&slot, member, &ty.shape, values)?;
            }
        }
        Ok(checkpoint)
    }

    /// Whether a run of this structure can be where a checkpoint says it was.
    fn check_position(&self, progress: &Progress, outputs: usize) -> Result<(), String> {
        let Progress {
            stage,
            phase,
            step,
            before,
            rows,
            pulls,
            seconds,
            taken,
            glances,
            plasticity,
        } = progress;
        let (stages, members, tracked) = (self.stages(), self.members(), self.tracked().len());
        let is_row = |row: &Vec<Vec<f64>>| {
            let fits = |of: &Vec<f64>| {
                of.len() == tracked && of.iter().all(|value| (0.0..=1.0).contains(value))
            };
            row.len() == members && row.iter().all(fits)
        };
        let most = self.members[0].stream.outputs();
        if outputs > most.max(self.model.network.outputs()) {
            return Err(format!("{outputs} outputs, at most {most} expected"));
        }
        if *stage > stages {
            return Err(format!("stage {stage} of {stages}"));
        }
        let phases = if *stage < stages { self.phases(*stage).len() } else { 0 };
        if *phase > phases || (*step > 0 && *phase == phases) {
            return Err(format!("step {step} of phase {phase} of {phases}"));
        }
        let due = self.settings.evaluation.done(*stage, stages);
        if rows.len() != due || !rows.iter().all(is_row) {
            let members = format!("{members} members and {tracked} contexts");
            return Err(format!("{} rows of accuracies, expected {due} of {members}", rows.len()));
        }
        if !before.as_ref().is_none_or(is_row) || (before.is_none() && (*stage, *step) != (0, 0)) {
            return Err("accuracies before training that do not fit".to_owned());
        }
        let is_pull = |of: &Vec<Option<Pull>>| of.is_empty() || of.len() == members;
        if pulls.len() > due + 1 || !pulls.iter().all(is_pull) {
            return Err("pulls of penalties that do not fit".to_owned());
        }
        let probed = if self.settings.evaluation.plasticity { due } else { 0 };
        if plasticity.len() != probed || plasticity.iter().any(|of| of.len() != members) {
            return Err("plasticity that does not fit".to_owned());
        }
        let mut steps: Vec<u64> = glances.iter().map(|it| it.step).chain([*taken]).collect();
        steps.dedup();
        let fit = steps.is_sorted()
            && glances.iter().all(|it| it.stage <= *stage && is_row(&it.accuracies))
            && glances.is_sorted_by_key(|it| it.stage);
        if !fit || glances.is_empty() != (self.glances_every().is_none() || before.is_none()) {
            return Err("accuracies on the way that do not fit".to_owned());
        }
        if !(seconds.is_finite() && *seconds >= 0.0) {
            return Err(format!("{seconds} seconds"));
        }
        Ok(())
    }

    /// Goes on where a run of the same identity was saved. A learner that was just made; after an
    /// error it is not fit for use.
    ///
    /// # Errors
    /// A checkpoint of another run, naming the first field that differs; slots or states that do not
    /// fit.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), Error> {
        checkpoint.check_identity(&self.identity())?;
        let Position { progress, outputs, devices } = checkpoint.position()?;
        self.check_position(&progress, outputs)
            .map_err(|problem| Error::state("position", format!("{problem}: it is damaged")))?;
        if outputs > self.model.network.outputs() {
            self.grow(outputs)?;
        }
        let slots = self.session.slots();
        checkpoint.check_slots(self.members.len(), slots.iter().map(String::as_str))?;
        for slot in &slots {
            let shape = self.session.slot_type(slot)?.shape;
            for member in 0..self.members.len() {
                let bits = checkpoint.values(slot, member, &shape)?.bits();
                let values: Vec<f32> = bits.iter().map(|&bits| f32::from_bits(bits)).collect();
                self.session.write(slot, member, &values)?;
            }
        }
        let is_begun = progress.step > 0;
        let phases = if is_begun { self.phases(progress.stage) } else { Vec::new() };
        let under_way = phases.get(progress.phase).map(|phase| phase.length);
        for (index, member) in self.members.iter_mut().enumerate() {
            let state: HostState = checkpoint.host(index)?;
            let names: Vec<&str> = state.memories.iter().map(|(name, _)| name.as_str()).collect();
            let own: Vec<&str> = member.memories.iter().map(|m| m.name.as_str()).collect();
            if names != own {
                return Err(Error::state(
                    "memories",
                    format!("saved {names:?}, this run has {own:?}"),
                ));
            }
            for (memory, (_, state)) in member.memories.iter_mut().zip(&state.memories) {
                memory.it.restore(state)?;
            }
            match (&mut member.detector, &state.detector) {
                (Some(detector), Some(state)) => detector.restore(state)?,
                (None, None) => {}
                _ => return Err(Error::state("the detector", "saved with one, or run with one")),
            }
            let counts = [state.boundaries, state.taken, state.ticked, state.length];
            let length = match under_way {
                Some(Length::Steps(_)) if member.stream.kind() == StreamKind::OnePass => {
                    steps(&self.settings, &*member.stream, progress.stage)
                }
                Some(Length::Steps(steps)) => steps,
                // As long as what memories held when it began.
                Some(Length::Passes(_)) | None => state.length,
            };
            if counts.iter().any(|&count| count > u32::MAX / 2) || state.length != length {
                return Err(Error::state(
                    "a member's state",
                    format!("boundaries, steps and length {counts:?}: it is damaged"),
                ));
            }
            (member.boundaries, member.recent) = (state.boundaries, state.recent);
            (member.taken, member.length) = (state.taken, state.length);
            member.ticked = state.ticked;
            if let Some((source, sweeps)) = state.draw
                && progress.stage < member.stream.stages().len()
            {
                let Settings { batch, steps, .. } = self.settings;
                let wanted = Wanted { source, batch, steps };
                let mut draw = member.drawing(&self.dataset.labels, progress.stage, wanted)?;
                if !draw.resume(&sweeps) {
                    return Err(Error::state("the draw", "saved over other groups of rows"));
                }
                member.draw = Some(draw);
            }
        }
        self.progress = progress;
        self.earlier_devices = devices;
        Ok(())
    }
}
