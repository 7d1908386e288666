//! How a population is trained.

use crate::error::Error;
use crate::evaluate::Evaluation;
use crate::parts::{At, Joins, Length, Over, Parts, Phase, Source, find};
use crate::rehearse::Mix;
use cl_nn::{Optimizer, Schedule};
use cl_scenarios::{Stream, StreamKind};
use cl_tensor::{Cpu, Device};
use std::sync::Arc;

/// How a population is trained.
#[derive(Debug)]
pub struct Settings {
    /// Steps per context; a stage of length k takes k times as many. The stages of a one-pass stream are
    /// as long as their examples make them, whatever is said here.
    pub steps: u32,
    /// Rows of the stream per step.
    pub batch: usize,
    /// The optimiser.
    pub optimizer: Box<dyn Optimizer>,
    /// Its learning rate over the steps of a stage.
    pub schedule: Schedule,
    /// Whether the optimiser starts afresh in every context.
    pub reset_optimizer: bool,
    /// How stream and replay are weighed, unless the strategy has a rule of its own
    /// ([`Parts::mix`](crate::Parts::mix)).
    pub mix: Mix,
    /// How many outputs there are, and when.
    pub head: Head,
    /// Consolidate after every so many steps, where nobody tells or finds boundaries: with the rows of
    /// the stream since the last time. Van de Ven, Tuytelaars & Tolias 2022 do so every 100 steps.
    pub consolidate_every: Option<u32>,
    /// After which stages it is evaluated, and on which contexts.
    pub evaluation: Evaluation,
    /// Where programs run.
    pub device: Arc<dyn Device>,
}

impl Settings {
    /// So many steps per context of so many rows, all else as it usually is: a constant learning rate,
    /// one optimiser over all contexts, [`Mix::ByContext`], a full head, no clock, evaluation after every
    /// stage, one thread of the CPU.
    #[must_use]
    pub fn new(steps: u32, batch: usize, optimizer: Box<dyn Optimizer>) -> Self {
        Self {
            steps,
            batch,
            optimizer,
            schedule: Schedule::Constant,
            reset_optimizer: false,
            mix: Mix::ByContext,
            head: Head::Full,
            consolidate_every: None,
            evaluation: Evaluation::default(),
            device: Arc::new(Cpu { threads: 1 }),
        }
    }

    /// On so many threads of the CPU.
    #[must_use]
    pub fn on_threads(self, threads: usize) -> Self {
        Self { device: Arc::new(Cpu { threads }), ..self }
    }

    /// Checks what cannot work before anything is recorded.
    pub(super) fn check(
        &self,
        (stream, labels): (&dyn Stream, &[u8]),
        parts: &Parts<'_>,
    ) -> Result<(), Error> {
        if self.batch == 0 || self.steps == 0 {
            return Err(Error::Misfit(format!(
                "{} steps of {} rows: both must be at least 1",
                self.steps, self.batch
            )));
        }
        let Evaluation { every, tracked, anytime, plasticity: _ } = self.evaluation;
        if every == 0 || tracked == 0 {
            return Err(Error::Misfit(format!(
                "an evaluation after every {every} contexts of {tracked} of them: both must be at least 1"
            )));
        }
        let contexts = stream.contexts();
        if anytime.is_some_and(|steps| steps == 0 || contexts > tracked) {
            return Err(Error::Misfit(format!(
                "accuracies on the way of {contexts} contexts every {} steps: expected at least 1 step and at \
                 most {tracked} contexts",
                anytime.unwrap_or_default()
            )));
        }
        let joined = parts.rehearsals.iter().find(|(_, it)| it.joins == Joins::Batch);
        let generated = parts.generators.first().map(|(name, _)| name);
        let replayed = joined.map(|(name, _)| name).or(generated);
        let told = stream.visibility().boundaries || parts.detector.is_some();
        self.check_stream(stream, told)?;
        if let (Some(name), Mix::ByContext, false) = (replayed, self.mix, told) {
            return Err(Error::Misfit(format!(
                "{name}: weights by the number of contexts that have ended, in a stream that does \
                 not tell when one does: replay would never count; expected fixed weights, or a \
                 detector of boundaries"
            )));
        }
        if let (Some((name, _)), Mix::ByRows) = (parts.generators.first(), self.mix) {
            return Err(Error::Misfit(format!(
                "{name}: generated rows beside weights by the number of rows, which nobody counts \
                 them in; expected another mix"
            )));
        }
        let owner = parts.phases.as_ref().map_or("the run", |(owner, _)| owner);
        let mut names = Vec::new();
        for stage in 0..stream.stages().len() {
            let phases = super::phase::phases(parts, self, (stream, labels), stage);
            if phases.is_empty() {
                let stage = stage + 1;
                return Err(Error::Misfit(format!("{owner}: no phase in context {stage}")));
            }
            check_phases(owner, &phases, stream, super::phase::steps(self, stream, stage))?;
            for phase in phases {
                names.push(phase.name);
                if phase.rows == Source::Memory && joined.is_none() {
                    return Err(Error::Misfit(format!(
                        "{owner}: phase `{}` trains on memories, and none joins the batch",
                        phase.name
                    )));
                }
            }
        }
        check_consolidations(parts, &names)
    }

    /// Checks what a stream that tells no boundaries does not go with; `told`: somebody tells or finds
    /// them.
    fn check_stream(&self, stream: &dyn Stream, told: bool) -> Result<(), Error> {
        let kind = stream.kind();
        kind.check(self.steps).map_err(|error| Error::Misfit(error.to_string()))?;
        let misfit = |what: String| Err(Error::Misfit(what));
        match self.consolidate_every {
            Some(0) => {
                return misfit("a consolidation every 0 steps: expected at least 1".to_owned());
            }
            Some(every) if told => {
                return misfit(format!(
                    "a consolidation every {every} steps, where boundaries are told or found: \
                     expected one or the other"
                ));
            }
            Some(_) | None => {}
        }
        if kind.is_task_free() && self.reset_optimizer {
            return misfit(format!(
                "an optimizer that starts afresh in every context: a stream of kind `{kind}` tells \
                 nobody when one begins"
            ));
        }
        if kind.is_task_free() && self.head == Head::Growing {
            return misfit(format!(
                "a head that grows when a context brings new outputs: a stream of kind `{kind}` tells \
                 nobody when one begins"
            ));
        }
        Ok(())
    }
}

/// Checks what the phases of a stage draw and how long they are against the kind of the stream.
fn check_phases(
    owner: &str,
    phases: &[Phase],
    stream: &dyn Stream,
    steps: u32,
) -> Result<(), Error> {
    let kind = stream.kind();
    let by_class = phases.iter().find(|phase| phase.rows == Source::StreamByClass);
    if let (Some(phase), true) = (by_class, kind.is_task_free()) {
        return Err(Error::Misfit(format!(
            "{owner}: phase `{}` draws the same number of rows of every class; a stream of kind \
             `{kind}` decides itself what comes",
            phase.name
        )));
    }
    let once = |phase: &Phase| {
        (phase.rows, phase.length, phase.cycle.len()) == (Source::Stream, Length::Steps(steps), 1)
    };
    if kind == StreamKind::OnePass && !matches!(phases, [only] if once(only)) {
        return Err(Error::Misfit(format!(
            "{owner}: {} phases in a stream that shows every example once: expected one as long as the \
             stage, of one program per step",
            phases.len()
        )));
    }
    Ok(())
}

fn distinct(names: &[&str]) -> String {
    let distinct: std::collections::BTreeSet<&str> = names.iter().copied().collect();
    distinct.into_iter().collect::<Vec<_>>().join(", ")
}

/// Checks that what consolidations wait for and look at is there.
fn check_consolidations(parts: &Parts<'_>, phases: &[&str]) -> Result<(), Error> {
    for (scope, part) in &parts.consolidations {
        if let At::PhaseEnd(phase) = part.at()
            && !phases.contains(&phase)
        {
            return Err(Error::Misfit(format!(
                "{scope} waits for the end of phase `{phase}`; there are: {}",
                distinct(phases)
            )));
        }
        let known = parts.rehearsals.iter().map(|(name, _)| name.as_str());
        for pass in part.passes() {
            if pass.over == Over::Memories && parts.rehearsals.is_empty() {
                return Err(Error::Misfit(format!(
                    "{scope} looks at rows that memories of the composition keep, and nothing keeps any: \
                     compose it with what does, such as `er+{scope}`"
                )));
            }
            if let Over::Memory(name) = &pass.over
                && find(scope, name, known.clone()).is_none()
            {
                return Err(Error::Misfit(format!(
                    "{scope}: a pass over memory `{name}`; there are: {}",
                    known.collect::<Vec<_>>().join(", ")
                )));
            }
        }
    }
    Ok(())
}

/// Outputs of the network over the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Head {
    /// All of the stream's from the first step on.
    #[default]
    Full,
    /// As many as the contexts so far need: when a context brings new ones, every slot that has an
    /// entry per output or per parameter is padded with its initial values and programs are recorded
    /// anew.
    Growing,
}
