//! Work in a folder, from its start to its end.

use super::folder::Folder;
use super::journal::{Diverged, Journal};
use super::{Asked, CheckpointEvery};
use crate::{Bench, Error, Fate, Keep, Population, Results, Skipped, Wave};
use cl_core::{Checkpoint, Every, Learner, Observer, Outcome, Saver, Weights, run};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What becomes of unfinished work that is found in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// It stays, and new work is refused.
    Refuse,
    /// It is thrown away.
    Discard,
}

/// What becomes of trained networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Networks {
    Stay,
    Go,
}

/// A folder in which a benchmark works: keeps finished runs, saves the population under way, goes on
/// where an earlier process was.
///
/// ```
/// use continual::{Asked, Bench, CheckpointEvery, Earlier, Request, Strengths, Work};
///
/// let request = Request {
///     strategy: Some("none".to_owned()),
///     scenario: Some("task".to_owned()),
///     steps: Some(5),
///     seeds: Some(1),
///     ..Request::default()
/// };
/// let bench = Bench::new(&request, &Strengths::built_in()?)?;
/// let folder = tempfile::tempdir().unwrap();
/// let asked = Asked::Request(request);
/// let every = CheckpointEvery::default();
/// let mut work = Work::begin(folder.path(), &asked, &bench, every, Earlier::Refuse)?;
/// let finished = bench.run(&bench.costs()?, &mut (), &mut work)?;
/// assert_eq!(finished.lines.len(), 1);
/// assert_eq!(work.finish(&finished.diverged)?, folder.path().join("results.jsonl"));
/// # Ok::<(), continual::Error>(())
/// ```
#[derive(Debug)]
pub struct Work {
    folder: Folder,
    journal: Journal,
    results: Results,
    known: BTreeMap<Population, Fate>,
    every: Every,
    stop: Arc<AtomicBool>,
}

impl Work {
    /// Starts a benchmark in a folder, which is made if it is not there: what cannot be written is
    /// found here.
    ///
    /// # Errors
    /// [`Error::OutputFolder`]; [`Error::InUse`] where another process works there;
    /// [`Error::Unfinished`] where work would be lost.
    pub fn begin(
        path: &Path,
        asked: &Asked,
        bench: &Bench,
        every: CheckpointEvery,
        earlier: Earlier,
    ) -> Result<Self, Error> {
        Self::begin_as((asked, bench), path, every, earlier, Networks::Go)
    }

    /// As [`Work::begin`] and [`Work::keeping_networks`] in one: killed at any moment, whoever goes on knows
    /// that networks were asked for.
    ///
    /// # Errors
    /// As both.
    pub fn begin_keeping_networks(
        path: &Path,
        asked: &Asked,
        bench: &Bench,
        every: CheckpointEvery,
        earlier: Earlier,
    ) -> Result<Self, Error> {
        Self::begin_as((asked, bench), path, every, earlier, Networks::Stay)?.keeping_networks()
    }

    fn begin_as(
        (asked, bench): (&Asked, &Bench),
        path: &Path,
        every: CheckpointEvery,
        earlier: Earlier,
        networks: Networks,
    ) -> Result<Self, Error> {
        let refused = |problem: String| Error::OutputFolder { folder: path.to_owned(), problem };
        fs::create_dir_all(path)
            .map_err(|error| refused(format!("the folder cannot be made: {error}")))?;
        let folder =
            Folder::lock(path, |error| refused(format!("no file can be written in it: {error}")))?;
        if let Ok(bytes) = fs::read(folder.journal()) {
            let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
            if value["program"] != "continual" {
                let name = Folder::JOURNAL;
                return Err(refused(format!(
                    "{name} in it is not of this program, or damaged; take it away, or choose another \
                     folder"
                )));
            }
        }
        if let (Earlier::Refuse, Some(what)) = (earlier, unfinished(&folder)) {
            return Err(Error::Unfinished { folder: path.to_owned(), what });
        }
        folder.clear()?;
        let results = Results::open(path)?;
        // Behind the file of lines: without it this file would say that all is finished.
        let mut journal = Journal::new(asked.clone(), bench, every)?;
        journal.keep_networks = networks == Networks::Stay;
        journal.write(&folder.journal())?;
        Ok(Self::new(folder, journal, results, BTreeMap::new(), every))
    }

    pub(super) fn new(
        folder: Folder,
        journal: Journal,
        results: Results,
        known: BTreeMap<Population, Fate>,
        every: CheckpointEvery,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        Self { folder, journal, results, known, every: every.get(), stop }
    }

    /// Writes the network of every run into `networks/` of the folder as soon as it is trained, as
    /// `STRATEGY-SCENARIO-seed-N.safetensors` ([`Weights`]); also when another process goes on.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub fn keeping_networks(mut self) -> Result<Self, Error> {
        if let Err(error) = fs::create_dir_all(self.folder.networks()) {
            let problem = format!("no folder can be made in it: {error}");
            let error = Error::OutputFolder { folder: self.folder.path.clone(), problem };
            self.leave(&error);
            return Err(error);
        }
        self.journal.keep_networks = true;
        self.journal.write(&self.folder.journal())?;
        Ok(self)
    }

    /// Stops soon after `stop` is set, with what was done saved: the run ends with
    /// [`cl_core::Error::Interrupted`].
    #[must_use]
    pub fn stopping(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop, ..self }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// What it was begun with.
    #[must_use]
    pub fn asked(&self) -> &Asked {
        &self.journal.asked
    }

    /// How many finished runs are kept, and in which file until [`Work::finish`].
    #[must_use]
    pub fn kept(&self) -> (usize, &Path) {
        (self.results.runs(), self.results.partial())
    }

    /// Gives the results their name, in place of earlier ones, with `gaps` in `diverged.jsonl` beside them
    /// where there are any, and leaves nothing else behind.
    ///
    /// # Errors
    /// What the disk refuses.
    pub fn finish(self, gaps: &[Skipped]) -> Result<PathBuf, Error> {
        self.name(gaps)?.clear()
    }

    /// As [`Work::finish`], up to what can still be gone on with: what is written beside the results in
    /// between is written again if the process is killed meanwhile.
    ///
    /// # Errors
    /// What the disk refuses.
    pub fn name(self, gaps: &[Skipped]) -> Result<Named, Error> {
        self.folder.write_gaps(gaps)?;
        let results = self.results.finish()?;
        Ok(Named { folder: self.folder, results })
    }

    /// Ends work that `error` stopped. A folder with nothing to go on from is left as if nothing had
    /// been begun.
    pub fn leave(self, error: &Error) {
        let runs = self.results.runs();
        drop(self.results);
        if error.has_diverged() {
            // From there it would only come to the same end.
            self.folder.remove_checkpoints();
        }
        if runs == 0 && !self.folder.has_checkpoint() {
            self.folder.abandon();
        }
    }
}

/// Results that have their name, in a folder that does not count as finished yet.
#[derive(Debug)]
#[must_use]
pub struct Named {
    folder: Folder,
    results: PathBuf,
}

impl Named {
    /// The file of results.
    #[must_use]
    pub fn results(&self) -> &Path {
        &self.results
    }

    /// Takes away what only unfinished work needs.
    ///
    /// # Errors
    /// What the disk refuses.
    pub fn clear(self) -> Result<PathBuf, Error> {
        self.folder.clear()?;
        Ok(self.results)
    }
}

/// What would be lost, in words.
fn unfinished(folder: &Folder) -> Option<String> {
    let lines = fs::read(Results::partial_in(&folder.path)).unwrap_or_default();
    let runs = lines.iter().filter(|&&byte| byte == b'\n').count();
    let finished = match runs {
        1 => "1 finished run".to_owned(),
        runs => format!("{runs} finished runs"),
    };
    match (runs, folder.has_checkpoint()) {
        (0, false) => None,
        (0, true) => Some("a checkpoint".to_owned()),
        (_, false) => Some(finished),
        (_, true) => Some(format!("{finished} and a checkpoint")),
    }
}

impl Keep for Work {
    fn known(&mut self, population: Population) -> Option<Fate> {
        self.known.remove(&population)
    }

    fn begun(&mut self, population: Population, first: usize) -> Option<usize> {
        self.folder.begun(population, first)
    }

    /// The state that a wave ends with is saved too: the lines of a population are kept together.
    fn train(
        &mut self,
        wave: &Wave,
        learner: &mut Learner<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Outcome>, Error> {
        let path = self.folder.checkpoint(wave);
        if path.exists() {
            restore(learner, &path)?;
            let progress = learner.progress();
            let before = (0..progress.stage).map(|stage| learner.steps(stage));
            observer.stepped(before.sum::<u32>() + progress.step);
        }
        let mut saver = Saver::new(observer, &path, self.every).stopping(&self.stop);
        let outcomes = run(learner, &mut saver)?;
        if wave.members.end < wave.all {
            let saved = learner.save().and_then(|state| Ok(state.save(&path)?));
            saved.or_else(|error| observer.unsaved(error))?;
        }
        #[cfg(feature = "pictures")]
        if wave.members.start == 0 {
            crate::generated::draw(learner, &self.folder.path, wave.population)?;
        }
        Ok(outcomes)
    }

    fn trained(&mut self, names: &[String], learner: &Learner<'_>) -> Result<(), Error> {
        if !self.journal.keep_networks {
            return Ok(());
        }
        // Killed when the journal asked for networks and before there was a folder for them, it is missing.
        let folder = self.folder.networks();
        fs::create_dir_all(&folder)
            .map_err(|source| Error::Write { path: folder.clone(), source })?;
        for (member, name) in names.iter().enumerate() {
            let path = folder.join(format!("{name}.safetensors"));
            let values = learner.network_values(member)?;
            Weights::save(&values, &path).map_err(|source| Error::Write { path, source })?;
        }
        Ok(())
    }

    /// First the line or the note, then the end of the checkpoint: killed between the two, a
    /// checkpoint is left that nobody asks for.
    fn keep(&mut self, population: Population, fate: &Fate) -> Result<(), Error> {
        let Population { cell, variant } = population;
        match (fate, variant) {
            (Fate::Trained(lines), _) => self.results.push(lines)?,
            (Fate::Diverged(reason), variant) => {
                self.journal.diverged.push(Diverged { cell, variant, reason: reason.clone() });
                self.journal.write(&self.folder.journal())?;
            }
            (Fate::Apart, _) => {
                self.journal.apart.push(cell);
                self.journal.write(&self.folder.journal())?;
            }
        }
        self.folder.remove_checkpoints();
        Ok(())
    }
}

fn restore(learner: &mut Learner<'_>, path: &Path) -> Result<(), Error> {
    let restored = Checkpoint::load(path)
        .map_err(cl_core::Error::from)
        .and_then(|checkpoint| learner.restore(&checkpoint));
    restored.map_err(|error| Error::Restore { path: path.to_owned(), error: Box::new(error) })
}
