//! `results.jsonl`: one line per run.

use crate::{Error, Settings};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The record of one run: one seed of one strategy in one scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The data set.
    pub dataset: String,
    /// `task`, `domain` or `class`.
    pub scenario: String,
    /// The strategy, parts joined with `+`.
    pub strategy: String,
    /// The seed.
    pub seed: u64,
    /// R: row i holds the accuracies on all contexts after context i, fractions; `joint` has one row.
    pub accuracy: Vec<Vec<f64>>,
    /// b: the accuracies before any training, fractions.
    pub accuracy_before: Vec<f64>,
    /// Metrics by name.
    pub metrics: BTreeMap<String, f64>,
    /// Steps of the whole run.
    pub steps: u64,
    /// Wall-clock seconds of training and boundaries, divided by the members that shared them.
    pub train_seconds: f64,
    /// Members of the population in which this run was trained.
    pub members: usize,
    /// Threads.
    pub threads: usize,
    /// `cpu`.
    pub device: String,
    /// Bytes that the methods keep between contexts, memories at their peak: docs/EXPERIMENTS.md says what
    /// counts.
    pub bytes_kept: u64,
    /// Parameters of the network.
    pub parameters: usize,
    /// How large the gradient of all penalties is beside that of the task loss when each stage ends
    /// ([`Pull`](cl_core::Pull)); `null` where it was not measured, as in the first stage. Empty for
    /// strategies without penalties, and in lines of earlier versions.
    #[serde(default)]
    pub penalty_ratio: Vec<Option<f64>>,
    /// How much the rows that a generator made of the contexts up to each one vary beside those of the
    /// data ([`spread`](cl_replay::generative::spread)); `null` where they are no numbers. Empty for
    /// strategies without a generator, and in lines of earlier versions.
    #[serde(default)]
    pub generator_spread: Vec<Option<f64>>,
    /// The share of each class seen so far among 1,000 images that a generator made after each context,
    /// by a classifier trained on real images ([`Judged`](cl_replay::generative::Judged)). Empty for
    /// strategies without a generator, and in lines of earlier versions.
    #[serde(default)]
    pub generator_shares: Vec<BTreeMap<usize, f64>>,
    /// Everything that decides the numbers.
    pub settings: Settings,
    /// What would change the numbers and is no number itself.
    pub conventions: BTreeMap<String, String>,
    /// Metrics without a value, with the reason.
    pub metrics_undefined: BTreeMap<String, String>,
    /// SHA-256 of settings and data: runs of one hash can be compared bit by bit.
    pub config_hash: String,
    /// The version of this program.
    pub version: String,
}

/// Makes a folder, and finds out whether files can be written in it before work begins.
///
/// # Errors
/// [`Error::OutputFolder`].
pub fn make_folder(folder: &Path) -> Result<(), Error> {
    let refused = |problem: String| Error::OutputFolder { folder: folder.to_owned(), problem };
    std::fs::create_dir_all(folder)
        .map_err(|error| refused(format!("the folder cannot be made: {error}")))?;
    let path = folder.join(format!(".partial-{}", std::process::id()));
    File::create(&path)
        .and_then(|_| std::fs::remove_file(&path))
        .map_err(|error| refused(format!("no file can be written in it: {error}")))
}

/// A folder in which results grow.
///
/// Finished runs are appended to `results.jsonl.partial` and flushed to the disk, so they survive
/// whatever happens later; [`Results::finish`] renames the file to `results.jsonl`. Until then a
/// `results.jsonl` of an earlier benchmark stays as it was. What else lies in the folder meanwhile:
/// [`Work`](crate::Work).
#[derive(Debug)]
pub struct Results {
    partial: PathBuf,
    path: PathBuf,
    file: File,
    runs: usize,
}

impl Results {
    /// The name of the file.
    pub const FILE: &'static str = "results.jsonl";

    /// Makes the folder and the growing file: what cannot be written is found here.
    ///
    /// # Errors
    /// [`Error::OutputFolder`].
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let refused = |problem: String| Error::OutputFolder { folder: folder.to_owned(), problem };
        std::fs::create_dir_all(folder)
            .map_err(|error| refused(format!("the folder cannot be made: {error}")))?;
        let path = folder.join(Self::FILE);
        if path.is_dir() {
            return Err(refused(format!("{} in it is a folder, expected a file", Self::FILE)));
        }
        let partial = Self::partial_in(folder);
        let file = File::create(&partial)
            .map_err(|error| refused(format!("no file can be written in it: {error}")))?;
        Ok(Self { partial, path, file, runs: 0 })
    }

    /// Goes on with a growing file: its first `bytes` are the lines of so many runs, what follows
    /// was cut off and is dropped.
    pub(crate) fn reopen(folder: &Path, bytes: u64, runs: usize) -> Result<Self, Error> {
        let (partial, path) = (Self::partial_in(folder), folder.join(Self::FILE));
        let file = OpenOptions::new().append(true).open(&partial);
        let file = file.and_then(|file| file.set_len(bytes).map(|()| file));
        let file = file.map_err(|source| Error::Write { path: partial.clone(), source })?;
        Ok(Self { partial, path, file, runs })
    }

    /// The growing file of a folder.
    pub(crate) fn partial_in(folder: &Path) -> PathBuf {
        folder.join(format!("{}.partial", Self::FILE))
    }

    /// Adds finished runs.
    ///
    /// # Errors
    /// What the disk refuses.
    pub fn push(&mut self, lines: &[Line]) -> Result<(), Error> {
        let mut text = String::new();
        for line in lines {
            text += &serde_json::to_string(line)?;
            text.push('\n');
        }
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|source| Error::Write { path: self.partial.clone(), source })?;
        self.runs += lines.len();
        Ok(())
    }

    /// Runs written so far.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Where they are until [`Results::finish`].
    #[must_use]
    pub fn partial(&self) -> &Path {
        &self.partial
    }

    /// Gives the file its name, in place of an earlier one.
    ///
    /// # Errors
    /// What the disk refuses.
    pub fn finish(self) -> Result<PathBuf, Error> {
        drop(self.file);
        cl_core::rename_durably(&self.partial, &self.path)
            .map_err(|source| Error::Write { path: self.path.clone(), source })?;
        Ok(self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_file_stays_until_the_new_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(Results::FILE);
        std::fs::write(&path, "earlier\n").unwrap();
        let results = Results::open(folder.path()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "earlier\n");
        assert_eq!(results.finish().unwrap(), path);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_a_file_is_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("taken");
        std::fs::write(&file, "").unwrap();
        for out in [file.clone(), file.join("below")] {
            let error = Results::open(&out).unwrap_err();
            assert!(error.is_bad_input());
            assert!(
                error.to_string().starts_with(&format!("--out {}: ", out.display())),
                "{error}"
            );
        }
        std::fs::create_dir(folder.path().join(Results::FILE)).unwrap();
        let error = Results::open(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("results.jsonl in it is a folder, expected a file"), "{error}");
    }
}
