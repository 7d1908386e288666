//! One process per folder.

use crate::Error;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// A folder that this process alone works in, for as long as this lives.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    const FILE: &str = "continual.lock";

    /// # Errors
    /// [`Error::InUse`]; what the disk refuses, told by `refused`.
    pub(super) fn take(folder: &Path, refused: impl Fn(io::Error) -> Error) -> Result<Self, Error> {
        let path = folder.join(Self::FILE);
        loop {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
            let file = file.map_err(&refused)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::InUse { folder: folder.to_owned() });
                }
                // Some network file systems have no locks: there is none to be had.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
                Err(TryLockError::Error(error)) => return Err(refused(error)),
            }
            // Between the two calls another process may have ended and taken the file away.
            if is_at(&file, &path) {
                return Ok(Self { path, _file: file });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Still locked: nobody else holds a file of this name. One that stays locks nothing.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether the file is still the one of that name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |about: fs::Metadata| (about.dev(), about.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(own), Ok(named)) => place(own) == place(named),
        _ => false,
    }
}

/// Elsewhere a file that is open keeps its name.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_locked_once_and_free_again_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let take = || Lock::take(folder.path(), |error| panic!("{error}"));
        let lock = take().unwrap();
        let error = take().unwrap_err();
        assert!(matches!(error, Error::InUse { .. }), "{error}");
        drop(lock);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        take().unwrap();
    }

    #[test]
    fn a_file_that_a_killed_process_left_locks_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(Lock::FILE), "").unwrap();
        Lock::take(folder.path(), |error| panic!("{error}")).unwrap();
    }
}
