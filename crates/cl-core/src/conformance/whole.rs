//! Uninterrupted runs, and the places where they can be cut.

use super::course::{Course, SEEDS};
use super::failures::Fault;
use crate::checkpoint::Checkpoint;
use crate::error::Error;
use crate::learner::{Learner, Pull};
use crate::run::{Observer, run};
use crate::strategy::Strategy;
use cl_tensor::Cost;
use serde_json::Value;
use std::collections::BTreeMap;

/// What is left of a run.
pub(super) struct End {
    pub members: Vec<MemberEnd>,
    pub costs: Vec<Cost>,
    pub bytes_kept: u64,
    /// Bytes of each kept slot.
    pub kept: BTreeMap<String, u64>,
}

/// What is left of one member; floats as bits.
pub(super) struct MemberEnd {
    pub seed: u64,
    pub slots: BTreeMap<String, Vec<u32>>,
    pub parameters: BTreeMap<String, Vec<u32>>,
    pub host: Value,
    /// b, then the rows of R.
    pub accuracies: Vec<Vec<f64>>,
    /// How hard penalties pulled, by stage.
    pub pulls: Vec<Option<Pull>>,
}

impl End {
    pub(super) fn of(learner: &Learner<'_>) -> Result<Self, Fault> {
        let saved = learner.save()?;
        let progress = learner.progress();
        let stages = || progress.before.iter().chain(&progress.rows);
        let mut members = Vec::with_capacity(learner.members());
        for (member, &seed) in learner.seeds().iter().enumerate() {
            let mut slots = BTreeMap::new();
            for slot in learner.session.slots() {
                let values = learner.session.read(&slot, member)?;
                slots.insert(slot, values.into_iter().map(f32::to_bits).collect());
            }
            members.push(MemberEnd {
                seed,
                slots,
                parameters: learner.parameters(member)?,
                host: saved.host(member)?,
                accuracies: stages().map(|stage| stage[member].clone()).collect(),
                pulls: progress
                    .pulls
                    .iter()
                    .map(|stage| stage.get(member).copied().flatten())
                    .collect(),
            });
        }
        let (costs, bytes_kept) = (learner.program_costs(), learner.bytes_kept());
        Ok(Self { members, costs, bytes_kept, kept: learner.kept_slots() })
    }

    /// The first thing in which the members of two runs differ.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        let mut members = self.members.iter().zip(&other.members);
        members.find_map(|(a, b)| Some(format!("seed {}: {}", a.seed, a.difference(b)?)))
    }
}

impl MemberEnd {
    /// The first thing in which the whole states differ.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        first_difference("slot", &self.slots, &other.slots)
            .or_else(|| {
                let missing = other.slots.keys().find(|slot| !self.slots.contains_key(*slot))?;
                Some(format!("slot `{missing}`: absent and there"))
            })
            .or_else(|| self.accuracies_differ(other))
            .or_else(|| {
                let differ = self.pulls != other.pulls;
                differ.then(|| format!("penalties pull: {:?} and {:?}", self.pulls, other.pulls))
            })
            .or_else(|| {
                let differ = self.host != other.host;
                differ.then(|| format!("host state: {} and {}", self.host, other.host))
            })
    }

    /// The first thing in which what was learned differs, parameters that only `other` has aside.
    pub(super) fn learned_difference(&self, other: &Self) -> Option<String> {
        first_difference("parameter", &self.parameters, &other.parameters)
            .or_else(|| self.accuracies_differ(other))
    }

    fn accuracies_differ(&self, other: &Self) -> Option<String> {
        let differ = self.accuracies != other.accuracies;
        differ.then(|| format!("accuracies: {:?} and {:?}", self.accuracies, other.accuracies))
    }
}

fn first_difference(
    what: &str,
    a: &BTreeMap<String, Vec<u32>>,
    b: &BTreeMap<String, Vec<u32>>,
) -> Option<String> {
    a.iter().find_map(|(name, a)| {
        let Some(b) = b.get(name) else {
            return Some(format!("{what} `{name}`: there and absent"));
        };
        if a.len() != b.len() {
            return Some(format!("{what} `{name}`: {} and {} values", a.len(), b.len()));
        }
        let at = a.iter().zip(b).position(|(a, b)| a != b)?;
        Some(format!("{what} `{name}`[{at}]: {} and {}", shown(a[at]), shown(b[at])))
    })
}

/// A float, or the index that the bits of a tiny one stand for.
fn shown(bits: u32) -> String {
    let float = f32::from_bits(bits);
    if float.is_subnormal() { bits.to_string() } else { float.to_string() }
}

/// A moment between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    FirstStep,
    /// Amid a phase of a stage.
    Amid(usize, usize),
    /// After the last step of a phase of a stage, before what happens at its end.
    EndOf(usize, usize),
    /// After a boundary and the evaluation behind it; so many stages are over.
    After(usize),
}

/// A run as it was at a moment.
pub(super) struct Cut {
    pub moment: Moment,
    /// The moment in words.
    pub words: String,
    pub checkpoint: Checkpoint,
    /// What was learned by then.
    pub so_far: End,
}

/// A population's uninterrupted run.
pub(super) struct Whole {
    pub end: End,
    pub cuts: Vec<Cut>,
}

impl Whole {
    /// The run of three members on one thread.
    pub(super) fn of(course: &Course<'_>, strategy: &dyn Strategy) -> Result<Self, Fault> {
        let mut learner = course.learner(strategy, &SEEDS, 1)?;
        let mut cutter = Cutter { cuts: Vec::new(), fault: None };
        let outcome = run(&mut learner, &mut cutter);
        if let Some(fault) = cutter.fault {
            return Err(fault);
        }
        outcome?;
        Ok(Self { end: End::of(&learner)?, cuts: cutter.cuts })
    }

    pub(super) fn cut(&self, moment: Moment) -> Option<&Cut> {
        self.cuts.iter().find(|cut| cut.moment == moment)
    }
}

/// Saves the run where it is to be cut.
struct Cutter {
    cuts: Vec<Cut>,
    fault: Option<Fault>,
}

impl Observer for Cutter {
    fn interval(&self) -> u32 {
        1
    }

    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        let Some((moment, words)) = moment(learner) else { return Ok(()) };
        let checkpoint = learner.save()?;
        match End::of(learner) {
            Ok(so_far) => self.cuts.push(Cut { moment, words, checkpoint, so_far }),
            Err(fault) => self.fault = Some(fault),
        }
        Ok(())
    }
}

/// The moment at which a learner is, if runs are cut there: after the first step; amid each phase of
/// the second context and at its end, also of phases that only another context has; between the last
/// two contexts.
fn moment(learner: &Learner<'_>) -> Option<(Moment, String)> {
    let at = learner.progress();
    let (stage, step) = (at.stage, at.step);
    if step == 0 {
        let words = format!("between contexts {stage} and {}", stage + 1);
        return (stage + 1 == learner.stages()).then_some((Moment::After(stage), words));
    }
    let phase = learner.phases(stage).into_iter().nth(at.phase)?;
    let steps = learner.phase_steps();
    let words = format!("after step {step} of phase `{}` of context {}", phase.name, stage + 1);
    if (stage, at.phase, step) == (0, 0, 1) {
        return Some((Moment::FirstStep, words));
    }
    let has = |stage: usize| learner.phases(stage).iter().any(|other| other.name == phase.name);
    if [1, 0, 2].into_iter().take_while(|&before| before != stage).any(has) {
        return None;
    }
    match step {
        _ if step == steps => Some((Moment::EndOf(stage, at.phase), words)),
        _ if step == steps / 2 => Some((Moment::Amid(stage, at.phase), words)),
        _ => None,
    }
}
