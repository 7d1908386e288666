//! The files of a folder, by name.

use super::lock::Lock;
use crate::report::{Origin, Report};
use crate::{Error, Population, Results, Skipped, Wave};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A folder that this process alone works in.
#[derive(Debug)]
pub(super) struct Folder {
    pub path: PathBuf,
    _lock: Lock,
}

impl Folder {
    pub(super) const JOURNAL: &str = "unfinished.json";

    /// What has no results, one JSON object a line: `scenario`, `strategy`, `reason`.
    const GAPS: &str = "diverged.jsonl";

    /// Replaces the file of gaps as a whole; without any there is none.
    pub(super) fn write_gaps(&self, gaps: &[Skipped]) -> Result<(), Error> {
        let path = self.path.join(Self::GAPS);
        let mut text = Vec::new();
        for gap in gaps {
            let Skipped { scenario, strategy, reason } = gap;
            let scenario = scenario.to_string();
            let line =
                serde_json::json!({ "scenario": scenario, "strategy": strategy, "reason": reason });
            serde_json::to_writer(&mut text, &line)?;
            text.push(b'\n');
        }
        let written = match gaps.is_empty() {
            false => cl_core::write_atomically(&path, |file| file.write_all(&text)),
            true => match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        };
        written.map_err(|source| Error::Write { path, source })
    }

    /// Locks a folder that is there.
    pub(super) fn lock(path: &Path, refused: impl Fn(io::Error) -> Error) -> Result<Self, Error> {
        Ok(Self { path: path.to_owned(), _lock: Lock::take(path, refused)? })
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.path.join(Self::JOURNAL)
    }

    /// Of trained networks.
    pub(super) fn networks(&self) -> PathBuf {
        self.path.join("networks")
    }

    pub(super) fn checkpoint(&self, wave: &Wave) -> PathBuf {
        let population = stem(wave.population);
        let (first, last) = (wave.members.start + 1, wave.members.end);
        self.path.join(match wave.is_whole() {
            true => format!("{population}.safetensors"),
            false => format!("{population}{MEMBERS}{first}-{last}.safetensors"),
        })
    }

    /// How many members the wave has whose checkpoint is there and that starts with member `first`.
    pub(super) fn begun(&self, population: Population, first: usize) -> Option<usize> {
        let stem = stem(population);
        let names = self.checkpoints().into_iter();
        let counts = names.filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            let rest = name.strip_prefix(&stem)?.strip_suffix(".safetensors")?;
            if rest.is_empty() {
                return (first == 0).then_some(usize::MAX);
            }
            let (own, last) = rest.strip_prefix(MEMBERS)?.split_once('-')?;
            let (own, last): (usize, usize) = (own.parse().ok()?, last.parse().ok()?);
            (own == first + 1).then(|| last.checked_sub(first)).flatten()
        });
        counts.filter(|&count| count > 0).max()
    }

    /// Every checkpoint, and what killed processes left of some.
    pub(super) fn checkpoints(&self) -> Vec<PathBuf> {
        self.named(is_checkpoint)
    }

    /// Whether a checkpoint is there, whole as they all are.
    pub(super) fn has_checkpoint(&self) -> bool {
        self.checkpoints().iter().any(|path| path.extension().is_some_and(|it| it == "safetensors"))
    }

    /// Takes checkpoints away. What cannot be removed takes room and does no harm.
    pub(super) fn remove_checkpoints(&self) {
        for path in self.checkpoints() {
            let _ = fs::remove_file(path);
        }
    }

    /// Takes everything away but results, finished or not.
    ///
    /// # Errors
    /// `unfinished.json` cannot be removed: the folder would not count as finished.
    pub(super) fn clear(&self) -> Result<(), Error> {
        self.remove_checkpoints();
        // Before the journal, with which the work counts as finished: nobody would look here again.
        let kept = [Self::JOURNAL, Origin::FILE, Report::FILE];
        for leftover in self.named(|name| kept.iter().any(|whole| is_leftover(name, whole))) {
            let _ = fs::remove_file(leftover);
        }
        let journal = self.journal();
        match fs::remove_file(&journal) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(Error::Write { path: journal, source })
            }
            _ => Ok(()),
        }
    }

    /// Takes away what says nothing: no finished run is lost with it.
    pub(super) fn abandon(&self) {
        let partial = Results::partial_in(&self.path);
        if fs::metadata(&partial).is_ok_and(|about| about.len() == 0) {
            let _ = fs::remove_file(partial);
        }
        // Only where it is empty.
        let _ = fs::remove_dir(self.networks());
        // A file that stays says what was asked for: no harm done.
        let _ = self.clear();
    }

    fn named(&self, fits: impl Fn(&str) -> bool) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.path) else { return Vec::new() };
        entries
            .flatten()
            .filter(|entry| entry.file_name().to_str().is_some_and(&fits))
            .map(|entry| entry.path())
            .collect()
    }
}

/// What the checkpoints of a population are called: the cell, and the value of a sweep that is trained alone.
fn stem(population: Population) -> String {
    let variant = population.variant.map_or(String::new(), |it| format!("-{}", it + 1));
    format!("checkpoint-{}{variant}", population.cell + 1)
}

/// Before the first and the last member of a wave.
const MEMBERS: &str = "-members-";

/// `checkpoint-4.safetensors`, `checkpoint-4-2.safetensors`, `checkpoint-4-members-5-8.safetensors`, or a
/// leftover of one.
fn is_checkpoint(name: &str) -> bool {
    let Some((middle, _)) =
        name.strip_prefix("checkpoint-").and_then(|rest| rest.split_once(".safetensors"))
    else {
        return false;
    };
    let whole = format!("checkpoint-{middle}.safetensors");
    let (population, members) = middle.split_once(MEMBERS).unwrap_or((middle, "1-1"));
    let are_numbers = population
        .split('-')
        .chain(members.split('-'))
        .all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    are_numbers && (name == whole || is_leftover(name, &whole))
}

/// What [`cl_core::write_atomically`] leaves of a file if it is killed.
fn is_leftover(name: &str, whole: &str) -> bool {
    name.strip_prefix(whole).is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".partial"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_checkpoints_and_what_is_left_of_them_are_taken_away() {
        let own = [
            "checkpoint-1.safetensors",
            "checkpoint-12-3.safetensors",
            "checkpoint-12-3-members-1-4.safetensors",
            "checkpoint-12-members-5-8.safetensors",
            "checkpoint-1.safetensors.77-0.partial",
        ];
        let others = [
            "checkpoint-.safetensors",
            "checkpoint-mine.safetensors",
            "checkpoint-1-members-all.safetensors",
            "checkpoint-members-1-2.safetensors",
            "checkpoint-1.safetensors.old",
            "my-checkpoint-1.safetensors",
            "results.jsonl",
        ];
        let folder = tempfile::tempdir().unwrap();
        for name in own.iter().chain(&others) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let locked = Folder::lock(folder.path(), |error| panic!("{error}")).unwrap();
        assert_eq!(locked.checkpoints().len(), own.len());
        assert!(locked.has_checkpoint());
        let begun = |cell, variant, first| locked.begun(Population { cell, variant }, first);
        assert_eq!([begun(0, None, 0), begun(0, None, 1)], [Some(usize::MAX), None]);
        assert_eq!([begun(11, None, 4), begun(11, None, 0)], [Some(4), None]);
        assert_eq!([begun(11, Some(2), 0), begun(1, Some(2), 0)], [Some(usize::MAX), None]);
        locked.clear().unwrap();
        assert!(!locked.has_checkpoint());
        drop(locked);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), others.len());
    }
}
