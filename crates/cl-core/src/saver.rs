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
    /// Only when somebody asks to stop.
    Never,
}

/// An observer that saves the run to a file, every so often and when somebody asks to stop.
///
/// The file is replaced as a whole: whenever the process dies there is one that can be read. A
/// checkpoint that cannot be written is told to the observer within
/// ([`Observer::unsaved`]) and tried again when the next is due; one that cannot be written when
/// somebody asked to stop is an error.
pub struct Saver<'a> {
    inner: &'a mut dyn Observer,
    path: PathBuf,
    every: Every,
    stop: Option<&'a AtomicBool>,
    /// Since the last checkpoint.
    steps: u32,
    saved: Instant,
    /// Steps until it looks again, and since when.
    stride: u32,
    looked: Instant,
}

/// About how long a request to stop, or a checkpoint that is due, may wait for steps.
const PATIENCE: Duration = Duration::from_millis(100);

impl<'a> Saver<'a> {
    /// Saves to `path`, and tells `inner` what it is told.
    pub fn new(inner: &'a mut dyn Observer, path: &Path, every: Every) -> Self {
        let (path, now) = (path.to_owned(), Instant::now());
        Self { inner, path, every, stop: None, steps: 0, saved: now, stride: 1, looked: now }
    }

    /// Stops the run soon after `stop` is set, with what was done saved: after the steps under way,
    /// which take about a tenth of a second, or after one that takes longer, a boundary or an
    /// evaluation.
    #[must_use]
    pub fn stopping(self, stop: &'a AtomicBool) -> Self {
        Self { stop: Some(stop), ..self }
    }

    fn due(&self) -> bool {
        match self.every {
            Every::Steps(steps) => self.steps >= steps,
            Every::Time(time) => self.saved.elapsed() >= time,
            Every::Never => false,
        }
    }
}

impl Observer for Saver<'_> {
    fn stepped(&mut self, steps: u32) {
        // Bits do not depend on where it looks, so the clock may decide.
        self.stride = match self.looked.elapsed() {
            slow if slow > PATIENCE => (self.stride / 2).max(1),
            quick if quick < PATIENCE / 4 => self.stride.saturating_mul(2),
            _ => self.stride,
        };
        self.steps = self.steps.saturating_add(steps);
        self.inner.stepped(steps);
    }

    fn evaluated(&mut self, stage: usize, accuracies: &[Vec<f64>]) {
        self.inner.evaluated(stage, accuracies);
    }

    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        let stop = self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
        if stop || self.due() {
            let saved = learner.save().and_then(|it| Ok(it.save(&self.path)?));
            (self.steps, self.saved) = (0, Instant::now());
            match saved {
                Err(error) if stop => return Err(error),
                Err(error) => self.inner.unsaved(error)?,
                Ok(()) => {}
            }
        }
        if stop {
            let progress = learner.progress();
            return Err(Error::Interrupted { context: progress.stage + 1, step: progress.step });
        }
        self.inner.between(learner)?;
        self.looked = Instant::now();
        Ok(())
    }

    fn unsaved(&mut self, error: Error) -> Result<(), Error> {
        self.inner.unsaved(error)
    }

    fn interval(&self) -> u32 {
        let stride = self.stride.min(self.inner.interval());
        match self.every {
            Every::Steps(steps) => stride.min(steps.saturating_sub(self.steps)),
            Every::Time(_) | Every::Never => stride,
        }
    }
}
