//! Checkpoints while a run goes on.

use crate::error::Error;
use crate::learner::Learner;
use crate::run::Observer;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often a run is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// After so many steps.
    Steps(u32),
    /// After so much time.
    Time(Duration),
}

/// An observer that saves the run to a file, every so often and when somebody asks to stop.
///
/// The file is replaced as a whole: whenever the process dies there is one that can be read.
pub struct Saver<'a> {
    inner: &'a mut dyn Observer,
    path: PathBuf,
    every: Every,
    stop: Option<&'a AtomicBool>,
    steps: u32,
    saved: Instant,
}

impl<'a> Saver<'a> {
    /// Saves to `path`, and tells `inner` what it is told.
    pub fn new(inner: &'a mut dyn Observer, path: &Path, every: Every) -> Self {
        let path = path.to_owned();
        Self { inner, path, every, stop: None, steps: 0, saved: Instant::now() }
    }

    /// Stops the run soon after `stop` is set, with what was done saved.
    #[must_use]
    pub fn stopping(self, stop: &'a AtomicBool) -> Self {
        Self { stop: Some(stop), ..self }
    }

    fn due(&self) -> bool {
        match self.every {
            Every::Steps(steps) => self.steps >= steps,
            Every::Time(time) => self.saved.elapsed() >= time,
        }
    }
}

impl Observer for Saver<'_> {
    fn stepped(&mut self, steps: u32) {
        self.steps += steps;
        self.inner.stepped(steps);
    }

    fn evaluated(&mut self, stage: usize, accuracies: &[Vec<f64>]) {
        self.inner.evaluated(stage, accuracies);
    }

    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        let stop = self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
        if stop || self.due() {
            learner.save()?.save(&self.path)?;
            (self.steps, self.saved) = (0, Instant::now());
        }
        if stop {
            let progress = learner.progress();
            return Err(Error::Interrupted { context: progress.stage + 1, step: progress.step });
        }
        self.inner.between(learner)
    }

    fn interval(&self) -> u32 {
        match self.every {
            Every::Steps(steps) => self.inner.interval().min(steps.saturating_sub(self.steps)),
            Every::Time(_) => self.inner.interval(),
        }
    }
}
