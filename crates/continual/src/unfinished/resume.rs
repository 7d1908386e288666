//! Going on where an earlier process was.

use super::folder::Folder;
use super::journal::Journal;
use super::lines::known;
use super::{Asked, CheckpointEvery, Work};
use crate::{Bench, Error, Results};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// A folder with unfinished work, locked.
#[derive(Debug)]
pub struct Unfinished {
    folder: Folder,
    journal: Journal,
}

impl Unfinished {
    /// Reads what was asked for. Nothing in the folder is changed.
    ///
    /// # Errors
    /// [`Error::Resume`]: a folder that is finished, empty or of another program or version;
    /// [`Error::InUse`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let refused = |problem: String| Error::Resume { folder: path.to_owned(), problem };
        let about = fs::metadata(path).map_err(|error| refused(error.to_string()))?;
        if !about.is_dir() {
            return Err(refused("it is no folder".to_owned()));
        }
        let name = Folder::JOURNAL;
        // Before the lock, so that nothing is written into the folder of somebody else.
        if !path.join(name).exists() {
            return Err(refused(nothing(path)));
        }
        let folder =
            Folder::lock(path, |error| refused(format!("no file can be written in it: {error}")))?;
        let bytes = match fs::read(folder.journal()) {
            // The process that worked here has just finished.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(refused(nothing(path)));
            }
            read => read.map_err(|error| refused(format!("{name} cannot be read: {error}")))?,
        };
        let journal =
            Journal::parse(&bytes).map_err(|problem| refused(format!("{name}: {problem}")))?;
        Ok(Self { folder, journal })
    }

    /// What was asked for; paths are absolute.
    #[must_use]
    pub fn asked(&self) -> &Asked {
        &self.journal.asked
    }

    /// Goes on elsewhere than where the work was begun: on the device that this word names.
    #[must_use]
    pub fn on_device(mut self, device: &str) -> Self {
        self.journal.asked = self.journal.asked.device(device);
        self.journal.device = None;
        self
    }

    /// How often it was to be saved.
    #[must_use]
    pub fn checkpoint_every(&self) -> CheckpointEvery {
        self.journal.checkpoint_every
    }

    /// Goes on with the work; `bench` is what was asked for, possibly with other threads, another
    /// place of the data, or [elsewhere](Self::on_device). A line that was cut off is dropped here.
    ///
    /// # Errors
    /// [`Error::Resume`]: other data, another device, lines of other runs; then nothing in the folder is changed.
    pub fn work(self, bench: &Bench, every: CheckpointEvery) -> Result<Work, Error> {
        let Self { folder, mut journal } = self;
        let refused = |problem: String| Error::Resume { folder: folder.path.clone(), problem };
        journal
            .check(bench)
            .map_err(|problem| refused(format!("{}: {problem}", Folder::JOURNAL)))?;
        let partial = Results::partial_in(&folder.path);
        // Killed between the last two steps: the lines have their final name already.
        let is_named = !partial.exists();
        let file = if is_named { folder.path.join(Results::FILE) } else { partial.clone() };
        let name = file.file_name().unwrap_or_default().display().to_string();
        let lines =
            fs::read(&file).map_err(|error| refused(format!("{name} cannot be read: {error}")))?;
        let known = known(&lines, bench, &journal)
            .map_err(|problem| refused(format!("{name}: {problem}")))?;
        if is_named {
            if !known.all {
                return Err(refused(format!("{}.partial is missing", Results::FILE)));
            }
            fs::rename(&file, &partial)
                .map_err(|source| Error::Write { path: partial.clone(), source })?;
        }
        if journal.device.is_none() {
            // Whoever goes on later does so there.
            journal.device = Some(bench.device());
            journal.write(&folder.journal())?;
        }
        let results = Results::reopen(&folder.path, known.bytes as u64, known.runs)?;
        Ok(Work::new(folder, journal, results, known.fates, every))
    }
}

/// Why there is nothing to go on with.
fn nothing(path: &Path) -> String {
    let results = Results::FILE;
    let is_empty = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    if fs::metadata(Results::partial_in(path)).is_ok_and(|about| about.len() > 0) {
        format!(
            "{results}.partial is there, but no {}: nobody knows what was asked for; renamed to \
             {results} its runs can be reported",
            Folder::JOURNAL
        )
    } else if path.join(results).exists() {
        format!("it is finished: {results} holds all runs")
    } else if is_empty {
        "the folder is empty: nothing was begun in it; expected the --out of what was interrupted"
            .to_owned()
    } else {
        format!(
            "no {} in it: no benchmark was begun here; expected the --out of what was interrupted",
            Folder::JOURNAL
        )
    }
}
