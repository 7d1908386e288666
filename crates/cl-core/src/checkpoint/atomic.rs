//! Files that are there whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Writes a file so that at any moment, also after a power cut, `path` is the earlier file or the
/// whole new one: into a temporary file beside it, flushed to the disk, then renamed.
///
/// The temporary file is `NAME.PROCESS-NUMBER.partial`. If writing fails it is removed; one that a
/// killed process left behind is removed by the next writer of the same path. Two processes that
/// write one path at a time never mix their bytes; one of them may get an error.
///
/// # Errors
/// What `write` returns and what the disk refuses, with the file in the text; `path` is unchanged,
/// except where only the last flush, that of the folder, is refused.
pub fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if path.is_dir() {
        let text = format!("{} is a folder, expected a file", path.display());
        return Err(io::Error::new(io::ErrorKind::IsADirectory, text));
    }
    remove_leftovers(path);
    let partial = partial_of(path)?;
    let written = write_through(&partial, write).and_then(|()| rename_durably(&partial, path));
    if written.is_err() {
        // The error that matters is the first one; a leftover goes with the next write.
        let _ = fs::remove_file(&partial);
    }
    written
}

/// Gives a file that is on the disk its final name, in place of an earlier file, and flushes the
/// folder: only then does the name survive a power cut.
///
/// # Errors
/// What the disk refuses, with the file in the text.
pub fn rename_durably(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to).map_err(|error| named("renamed", from, &error))?;
    flush_folder(folder_of(to)).map_err(|error| named("flushed", folder_of(to), &error))
}

/// Bytes between two calls of the system.
const BUFFER: usize = 1 << 18;

fn write_through(
    partial: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).open(partial);
    let file = file.map_err(|error| named("made", partial, &error))?;
    let mut writer = BufWriter::with_capacity(BUFFER, file);
    write(&mut writer)
        .and_then(|()| writer.flush())
        .and_then(|()| writer.get_ref().sync_all())
        .map_err(|error| named("written", partial, &error))
}

fn named(done: &str, path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{} cannot be {done}: {error}", path.display()))
}

#[cfg(unix)]
fn flush_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some network file systems have no such call: they promise no more than the rename.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        flushed => flushed,
    }
}

/// Elsewhere a folder cannot be opened; the system keeps names in its own journal.
#[cfg(not(unix))]
fn flush_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

const SUFFIX: &str = ".partial";

fn partial_of(path: &Path) -> io::Result<PathBuf> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Some(name) = path.file_name() else {
        let text = format!("{} names no file", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    };
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mut partial: OsString = name.to_owned();
    partial.push(format!(".{}-{number}{SUFFIX}", std::process::id()));
    Ok(path.with_file_name(partial))
}

/// Removes what killed processes left beside `path`. What cannot be listed or removed stays: it
/// takes room, no harm.
fn remove_leftovers(path: &Path) {
    let (Some(name), Ok(entries)) = (path.file_name(), fs::read_dir(folder_of(path))) else {
        return;
    };
    for entry in entries.flatten() {
        if is_partial_of(entry.file_name().as_encoded_bytes(), name.as_encoded_bytes()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a file is called `NAME.PROCESS-NUMBER.partial`, and not just somehow alike.
fn is_partial_of(file: &[u8], name: &[u8]) -> bool {
    let middle = file
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix(b"."))
        .and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()));
    let Some(middle) = middle else { return false };
    let mut parts = middle.splitn(2, |&byte| byte == b'-');
    let mut number =
        || parts.next().is_some_and(|p| !p.is_empty() && p.iter().all(u8::is_ascii_digit));
    number() && number()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_failed_write_leaves_the_earlier_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        write_atomically(&path, |w| w.write_all(b"earlier")).unwrap();
        let full = |w: &mut dyn Write| {
            // More than the buffer, so that the disk has seen half of it.
            w.write_all(&vec![7; 2 * BUFFER])?;
            Err(io::ErrorKind::StorageFull.into())
        };
        let error = write_atomically(&path, full).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().contains("state."), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"earlier");
        assert_eq!(files(folder.path()), ["state"]);
    }

    #[test]
    fn the_path_keeps_the_earlier_file_while_the_new_one_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        fs::write(&path, "earlier").unwrap();
        write_atomically(&path, |w| {
            w.write_all(&vec![b'n'; 2 * BUFFER])?;
            assert_eq!(fs::read(&path)?, b"earlier");
            Ok(())
        })
        .unwrap();
        assert_eq!(fs::read(&path).unwrap(), vec![b'n'; 2 * BUFFER]);
    }

    #[test]
    fn leftovers_of_this_path_go_and_other_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        let leftovers = ["state.1-0.partial", "state.991-17.partial"];
        let others = ["other.1-0.partial", "state.1-.partial", "state.1-0", "state.partial"];
        for name in leftovers.iter().chain(&others) {
            fs::write(folder.path().join(name), "half").unwrap();
        }
        write_atomically(&folder.path().join("state"), |w| w.write_all(b"whole")).unwrap();
        let [a, b, c, d] = others;
        assert_eq!(files(folder.path()), [a, "state", b, c, d]);
    }

    #[test]
    fn what_is_no_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [&missing.join("state"), &file.join("state"), folder.path()] {
            let error = write_atomically(path, |_| Ok(())).unwrap_err().to_string();
            assert!(error.contains(path.to_str().unwrap()), "{error}");
        }
        assert!(write_atomically(Path::new(".."), |_| Ok(())).is_err());
        assert!(write_atomically(Path::new(""), |_| Ok(())).is_err());
        assert_eq!(files(folder.path()), ["file"]);
    }

    #[test]
    fn a_bare_name_lies_in_the_present_folder() {
        assert_eq!(folder_of(Path::new("state")), Path::new("."));
        assert_eq!(folder_of(Path::new("a/state")), Path::new("a"));
    }
}
