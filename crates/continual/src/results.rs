//! `results.jsonl`: one line per run.

use crate::{Error, Settings};
use cl_metrics::{AccuracyMatrix, AnytimeAccuracy, Plasticity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
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
    /// R: row i holds the accuracies on all contexts after context i, fractions; `joint` has one row. Where
    /// not every context is evaluated after every context, the two next fields say which rows and columns
    /// there are.
    pub accuracy: Vec<Vec<f64>>,
    /// The contexts of the columns of `accuracy` and of `accuracy_before`, counted from 1; empty, and then not
    /// written, where all contexts are evaluated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tracked_contexts: Vec<usize>,
    /// After which contexts the rows of `accuracy` were measured, counted from 1; empty, and then not written,
    /// where `tracked_contexts` is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluated_after: Vec<usize>,
    /// Accuracies on the way, of a run that was evaluated there: steps of the run so far, the context that was being
    /// learnt, counted from 0, and fractions on a draw of test rows of every context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anytime: Option<AnytimeAccuracy>,
    /// How much the network could still learn at each row of `accuracy`, of a run of which that was measured; `null`
    /// without a hidden layer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plasticity: Vec<Option<Plasticity>>,
    /// b: the accuracies before any training, fractions.
    pub accuracy_before: Vec<f64>,
    /// Metrics by name.
    pub metrics: BTreeMap<String, f64>,
    /// Steps of the whole run.
    pub steps: u64,
    /// Wall-clock seconds of training and boundaries, divided by the members that shared them.
    pub train_seconds: f64,
    /// Members that were trained at once with this run, itself included.
    pub members: usize,
    /// Threads.
    pub threads: usize,
    /// `cpu`, or the adapter, its backend and driver; all of them in their order where a run went on elsewhere.
    pub device: String,
    /// Bytes that the methods keep between contexts, memories at their peak: docs/EXPERIMENTS.md says what
    /// counts.
    pub bytes_kept: u64,
    /// Multiply-accumulates of the run: steps, boundaries and evaluations ([`Costs::macs`](cl_core::Costs::macs)).
    /// `None` in lines of earlier versions.
    #[serde(default)]
    pub macs: Option<u64>,
    /// Parameters of the network.
    pub parameters: usize,
    /// How large the gradient of all penalties is beside that of the task loss at each row of `accuracy`
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

impl Line {
    /// R and b, with the contexts of their columns and rows.
    ///
    /// # Errors
    /// Numbers that are no accuracies, or rows and columns that do not fit together.
    pub fn matrix(&self) -> Result<AccuracyMatrix, cl_metrics::Error> {
        let from_0 =
            |numbers: &[usize]| numbers.iter().map(|number| number.wrapping_sub(1)).collect();
        if self.tracked_contexts.is_empty() {
            return self.after_before(AccuracyMatrix::from_rows(self.accuracy.clone())?);
        }
        let tracked = from_0(&self.tracked_contexts);
        let mut matrix = AccuracyMatrix::sparse(self.settings.contexts, tracked)?;
        let after: Vec<usize> = from_0(&self.evaluated_after);
        if after.len() != self.accuracy.len() {
            return Err(cl_metrics::Error::Length {
                what: "evaluated_after".to_owned(),
                found: after.len(),
                contexts: self.accuracy.len(),
            });
        }
        for (stage, row) in after.into_iter().zip(&self.accuracy) {
            matrix.push_row_after(stage, row.clone())?;
        }
        self.after_before(matrix)
    }

    /// The matrix with b, where the line has it.
    fn after_before(&self, matrix: AccuracyMatrix) -> Result<AccuracyMatrix, cl_metrics::Error> {
        match &self.accuracy_before[..] {
            [] => Ok(matrix),
            before => matrix.with_before(before.to_vec()),
        }
    }
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
    /// Of their lines.
    bytes: u64,
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
        Ok(Self { partial, path, file, runs: 0, bytes: 0 })
    }

    /// Goes on with a growing file: its first `bytes` are the lines of so many runs, what follows
    /// was cut off and is dropped.
    pub(crate) fn reopen(folder: &Path, bytes: u64, runs: usize) -> Result<Self, Error> {
        let (partial, path) = (Self::partial_in(folder), folder.join(Self::FILE));
        let file = OpenOptions::new().append(true).open(&partial);
        let file = file.and_then(|file| file.set_len(bytes).map(|()| file));
        let file = file.map_err(|source| Error::Write { path: partial.clone(), source })?;
        Ok(Self { partial, path, file, runs, bytes })
    }

    /// The growing file of a folder.
    pub(crate) fn partial_in(folder: &Path) -> PathBuf {
        folder.join(format!("{}.partial", Self::FILE))
    }

    /// Adds finished runs, all of them or none.
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
        if let Err(source) = written {
            // A full disk takes half of a line: nobody would know what it is.
            let _ = self.file.set_len(self.bytes);
            let _ = self.file.seek(SeekFrom::Start(self.bytes));
            return Err(Error::Write { path: self.partial.clone(), source });
        }
        self.runs += lines.len();
        self.bytes += text.len() as u64;
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

/// What is wrong with a line: it has one line, so only the column says anything.
pub(crate) fn in_line(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at column ")
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
