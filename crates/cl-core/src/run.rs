//! The one training loop.

use crate::error::Error;
use crate::learner::{Learner, Pull};
use cl_metrics::{AccuracyMatrix, AnytimeAccuracy, Calibration, Glance, Plasticity};
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Watches a run.
///
/// ```
/// use cl_core::{Learner, Naive, Observer, Settings, run};
/// use cl_nn::{Adam, Mlp};
/// use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamSpec, digits};
///
/// #[derive(Default)]
/// struct Counted {
///     steps: u32,
///     evaluations: usize,
/// }
///
/// impl Observer for Counted {
///     fn stepped(&mut self, steps: u32) {
///         self.steps += steps;
///     }
///     fn evaluated(&mut self, _: usize, _: &[Vec<f64>]) {
///         self.evaluations += 1;
///     }
/// }
///
/// let (protocol, scenario, part) = (Protocol::Split, Scenario::Class, Part::Final);
/// let stream = StreamSpec { protocol, scenario, contexts: 5, seed: 2, part, pad: 0 };
/// let population: Vec<(u64, Box<dyn Stream>)> = vec![(2, Box::new(stream.build(&digits())?))];
/// let settings = Settings::new(3, 8, Box::new(Adam::new(1e-3)));
/// let network = Box::new(Mlp::new(&[64, 8, 10])?);
/// let mut learner = Learner::new(&Naive, &digits(), population, network, settings)?;
/// let mut counted = Counted::default();
/// run(&mut learner, &mut counted)?;
/// assert_eq!((counted.steps, counted.evaluations), (5 * 3, 5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Observer {
    /// So many more steps were taken by every member.
    fn stepped(&mut self, _steps: u32) {}

    /// The run was evaluated on the way ([`Evaluation::anytime`](crate::Evaluation::anytime)); the accuracies of
    /// every member, `[members][contexts]`.
    fn glanced(&mut self, _stage: usize, _accuracies: &[Vec<f64>]) {}

    /// A stage is over after which the run is evaluated; the accuracies of every member,
    /// `[members][tracked]`.
    fn evaluated(&mut self, _stage: usize, _accuracies: &[Vec<f64>]) {}

    /// Between two steps, every so often: the place to save the learner
    /// ([`Learner::save`](crate::Learner::save)), or to stop.
    ///
    /// # Errors
    /// Whatever must end the run; [`Error::Interrupted`] where somebody asked for it.
    fn between(&mut self, _learner: &Learner<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// A checkpoint could not be written; the earlier one is as it was. An observer that says `Ok`
    /// lets the run go on without.
    ///
    /// # Errors
    /// What ends the run: `error`, unless it is overridden.
    fn unsaved(&mut self, error: Error) -> Result<(), Error> {
        Err(error)
    }

    /// After how many steps it wants to be told again.
    fn interval(&self) -> u32 {
        100
    }
}

/// Watches nothing.
impl Observer for () {}

/// What a run gave one member.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The member's seed.
    pub seed: u64,
    /// R and b.
    pub accuracy: AccuracyMatrix,
    /// Wall-clock seconds of training and boundaries, without evaluation, divided by the number of
    /// members.
    pub train_seconds: f64,
    /// How hard penalties pulled at the end of each stage after which the run was evaluated; `None` for
    /// the first stage. Empty for a strategy without penalties.
    pub pulls: Vec<Option<Pull>>,
    /// Accuracies on the way, of a run that was evaluated there.
    pub anytime: Option<AnytimeAccuracy>,
    /// How much the network could still learn at each evaluation after a stage, of a run of which that is measured;
    /// `None` without a hidden layer. Empty otherwise.
    pub plasticity: Vec<Option<Plasticity>>,
    /// How sure it is of its answers at the end ([`Learner::calibrations`]).
    pub calibration: Option<Calibration>,
}

/// Accuracies on the way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Glances {
    /// The stage under way.
    pub stage: usize,
    /// Steps of the run so far.
    pub step: u64,
    /// `[members][contexts]`.
    pub accuracies: Vec<Vec<f64>>,
}

/// How far a run is: between two steps of a phase, or between two stages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The stage under way.
    pub stage: usize,
    /// Its phase under way.
    pub phase: usize,
    /// Steps taken in that phase.
    pub step: u32,
    /// b, `[members][tracked]`, once it was measured.
    pub before: Option<Vec<Vec<f64>>>,
    /// R, `[evaluations so far][members][tracked]`.
    pub rows: Vec<Vec<Vec<f64>>>,
    /// How hard penalties pulled, `[evaluations so far][members]`; nothing where it was not measured.
    #[serde(default)]
    pub pulls: Vec<Vec<Option<Pull>>>,
    /// Wall-clock seconds of training and boundaries so far.
    pub seconds: f64,
    /// Steps so far, over all stages and phases, of the member that takes most.
    #[serde(default)]
    pub taken: u64,
    /// What was seen on the way.
    #[serde(default)]
    pub glances: Vec<Glances>,
    /// How much networks could still learn, `[evaluations so far][members]`, of a run of which that is measured.
    #[serde(default)]
    pub plasticity: Vec<Vec<Option<Plasticity>>>,
}

/// The wall clock of training and boundaries, which stands still while something is evaluated.
struct Watch {
    start: Instant,
    earlier: f64,
}

impl Watch {
    fn seconds(&self) -> f64 {
        self.earlier + self.start.elapsed().as_secs_f64()
    }

    /// Does what does not count.
    fn aside<T>(&mut self, act: impl FnOnce() -> T) -> T {
        let before = Instant::now();
        let done = act();
        self.start += before.elapsed();
        done
    }
}

/// Trains a population over its streams: stage by stage, with an evaluation before the first and
/// after each, or every so many of them ([`Evaluation`](crate::Evaluation)). At the last boundary nothing is consolidated, for nothing would use it: but where a
/// [`Readout`](crate::Readout) classifies, which reads what memories and consolidations leave.
///
/// A learner that was restored goes on where it was saved.
///
/// # Errors
/// A loss or parameter that is not a number (naming context, step, strategy and seed); what a memory
/// or the device refuses; what the observer returned.
pub fn run(learner: &mut Learner<'_>, observer: &mut dyn Observer) -> Result<Vec<Outcome>, Error> {
    if learner.progress.before.is_none() {
        learner.progress.before = Some(learner.accuracies(0)?);
    }
    while learner.progress.stage < learner.stages() {
        let stage = learner.progress.stage;
        let mut watch = Watch { start: Instant::now(), earlier: learner.progress.seconds };
        learner.begin(stage)?;
        if learner.progress.taken == 0 {
            watch.aside(|| glance(learner, observer))?;
        }
        while learner.progress.phase < learner.phases(stage).len() {
            let phase = learner.progress.phase;
            learner.enter(stage, phase)?;
            if learner.progress.step == 0 {
                learner.start_afresh(phase)?;
            }
            take_steps(learner, observer, &mut watch)?;
            learner.end_phase()?;
            (learner.progress.phase, learner.progress.step) = (phase + 1, 0);
        }
        learner.check_theta(stage)?;
        // A read-out takes in the context at its end, and knows nothing of it before.
        let reads_out = learner.reads_out();
        if !reads_out {
            watch.aside(|| glance(learner, observer))?;
        }
        if learner.ends(stage) {
            learner.end_context(stage)?;
        }
        if reads_out {
            watch.aside(|| glance(learner, observer))?;
        }
        learner.progress.seconds = watch.seconds();
        if learner.settings().evaluation.is_due(stage, learner.stages()) {
            let accuracies = learner.accuracies(stage)?;
            observer.evaluated(stage, &accuracies);
            learner.progress.rows.push(accuracies);
            if learner.settings().evaluation.plasticity {
                let plasticity = learner.plasticity()?;
                learner.progress.plasticity.push(plasticity);
            }
        }
        (learner.progress.stage, learner.progress.phase) = (stage + 1, 0);
        observer.between(learner)?;
    }
    outcomes(learner)
}

/// What is left of the phase that was entered.
fn take_steps(
    learner: &mut Learner<'_>,
    observer: &mut dyn Observer,
    watch: &mut Watch,
) -> Result<(), Error> {
    let steps = learner.phase_steps();
    let glances = learner.glances_every();
    // The end of a stage is looked at when its last phase is over.
    let Progress { stage, phase, .. } = learner.progress;
    let is_last = phase + 1 == learner.phases(stage).len();
    while learner.progress.step < steps {
        let at = learner.progress.step;
        let mut next = steps.min(at.saturating_add(observer.interval().max(1)));
        if let Some(every) = glances {
            next = next.min((at / every + 1).saturating_mul(every));
        }
        learner.train(at..next)?;
        learner.progress.step = next;
        learner.progress.taken += u64::from(next - at);
        learner.progress.seconds = watch.seconds();
        observer.stepped(next - at);
        let ends = is_last && next == steps;
        if glances.is_some_and(|every| next.is_multiple_of(every)) && !ends {
            watch.aside(|| glance(learner, observer))?;
        }
        observer.between(learner)?;
    }
    Ok(())
}

/// Evaluates on the way, once between two steps.
fn glance(learner: &mut Learner<'_>, observer: &mut dyn Observer) -> Result<(), Error> {
    let Progress { stage, taken: step, glances, .. } = &learner.progress;
    let (stage, step) = (*stage, *step);
    if learner.glances_every().is_none() || glances.last().is_some_and(|last| last.step == step) {
        return Ok(());
    }
    let accuracies = learner.glance(stage)?;
    observer.glanced(stage, &accuracies);
    learner.progress.glances.push(Glances { stage, step, accuracies });
    Ok(())
}

fn outcomes(learner: &mut Learner<'_>) -> Result<Vec<Outcome>, Error> {
    let calibrations = learner.calibrations(learner.stages() - 1)?;
    let Progress { before, rows, pulls, seconds, glances, plasticity, .. } = &learner.progress;
    let (members, stages) = (learner.members(), learner.stages());
    let evaluation = learner.settings().evaluation;
    let contexts = learner.model().contexts;
    let empty = || match evaluation.is_full(contexts) {
        true => AccuracyMatrix::new(contexts),
        false => AccuracyMatrix::sparse(contexts, learner.tracked()),
    };
    let before = before.clone().unwrap_or_default();
    (0..members)
        .zip(before)
        .zip(calibrations)
        .map(|((member, before), calibration)| {
            let mut accuracy = empty()?;
            let due = (0..stages).filter(|&stage| evaluation.is_due(stage, stages));
            for (stage, row) in due.zip(rows) {
                accuracy.push_row_after(stage, row[member].clone())?;
            }
            let looked_at = learner.glances_every().is_some();
            Ok(Outcome {
                seed: learner.seeds()[member],
                accuracy: accuracy.with_before(before)?,
                train_seconds: seconds / members as f64,
                pulls: pulls.iter().map(|stage| stage.get(member).copied().flatten()).collect(),
                anytime: looked_at.then(|| seen(contexts, glances, member)).transpose()?,
                plasticity: plasticity.iter().map(|of| of[member]).collect(),
                calibration,
            })
        })
        .collect()
}

/// What was seen of one member.
fn seen(contexts: usize, glances: &[Glances], member: usize) -> Result<AnytimeAccuracy, Error> {
    let mut run = AnytimeAccuracy::new(contexts)?;
    for Glances { stage, step, accuracies } in glances {
        let accuracy = accuracies[member].clone();
        run.push(Glance { context: *stage, step: *step, accuracy })?;
    }
    Ok(run)
}
