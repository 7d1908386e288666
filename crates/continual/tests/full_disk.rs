//! A disk that is full, a folder in which nothing can be written: one clear error with the file's name, nothing
//! half-written, and what was there stays.
//!
//! Tests may run as root, whom permissions do not bind: a full disk is a limit of the shell on the size of files
//! (`ulimit -f`, with SIGXFSZ ignored so that the write fails as on a full disk), a place where nothing can be
//! written is a file in place of a folder, or `/proc`, and `/dev/full` is what is printed to.
#![cfg(all(feature = "cli", unix))]
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const ASKED: &str = "bench --strategy none,si --scenario task --hidden 8 --steps 3 --seeds 2 --threads 1 \
                     --checkpoint-every 1steps";

/// What a benchmark that ended leaves in its folder.
const FINISHED: [&str; 3] = ["origin.json", "report.html", "results.jsonl"];

fn continual(words: &str, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_continual"));
    command.args(words.split_whitespace()).arg("--out").arg(folder).env_remove("CONTINUAL_DATA");
    command
}

/// The same, where no file may grow beyond so many blocks of 512 bytes.
fn limited(words: &str, folder: &Path, blocks: u32) -> Output {
    let program = env!("CARGO_BIN_EXE_continual");
    // `ulimit -f` counts in blocks of 512 bytes (POSIX); bash, elsewhere, in those of 1024.
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" {words} --out \"$1\"");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, program]).arg(folder).env_remove("CONTINUAL_DATA");
    shell.output().unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The files of a folder, name and bytes.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap_or_default())
    };
    let mut all: Vec<_> = fs::read_dir(folder).unwrap().map(|it| read(it.unwrap())).collect();
    all.sort();
    all
}

fn names(folder: &Path) -> Vec<String> {
    contents(folder).into_iter().map(|(name, _)| name).collect()
}

/// Results of an earlier benchmark.
fn with_earlier() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("results.jsonl"), "earlier\n").unwrap();
    folder
}

#[test]
fn a_disk_that_is_full_at_once_is_told_before_training_and_leaves_what_was_there() {
    let folder = with_earlier();
    let output = limited(ASKED, folder.path(), 0);
    let told = error(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    let path = folder.path().join("unfinished.json");
    assert!(told.starts_with(&format!("error: {}: cannot be written: ", path.display())), "{told}");
    assert!(told.contains("File too large"), "{told}");
    assert_eq!(fs::read(folder.path().join("results.jsonl")).unwrap(), b"earlier\n");
    // Nothing was begun, so nothing stands in the way of the next benchmark.
    let again = continual(ASKED, folder.path()).output().unwrap();
    assert!(again.status.success(), "{}", error(&again));
    assert_eq!(names(folder.path()), FINISHED);
}

/// Room for what was asked for, not for a checkpoint: told once, training goes on; none for the lines: an error.
#[test]
fn a_disk_that_fills_up_leaves_no_half_file_and_the_same_benchmark_goes_on_when_there_is_room() {
    let folder = with_earlier();
    // 4 KiB: the checkpoint has more, and so have the lines of two runs.
    let output = limited(ASKED, folder.path(), 8);
    let told = error(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let [warning, failure] = told.lines().collect::<Vec<_>>()[..] else { panic!("{told}") };
    assert!(warning.starts_with("warning: checkpoint "), "{told}");
    assert!(warning.contains("checkpoint-1.safetensors: not saved: "), "{told}");
    let lines = folder.path().join("results.jsonl.partial");
    let start = format!("error: {}: cannot be written: ", lines.display());
    assert!(failure.starts_with(&start), "{told}");
    assert_eq!(fs::read(folder.path().join("results.jsonl")).unwrap(), b"earlier\n");
    let left = names(folder.path());
    assert!(!left.iter().any(|name| name.contains("safetensors")), "half-written: {left:?}");

    // There is room again: whoever goes on, or begins anew, gets the whole.
    let whole = tempfile::tempdir().unwrap();
    assert!(continual(ASKED, whole.path()).output().unwrap().status.success());
    let again = if folder.path().join("unfinished.json").exists() {
        Command::new(env!("CARGO_BIN_EXE_continual")).arg("resume").arg(folder.path()).output()
    } else {
        continual(ASKED, folder.path()).output()
    };
    let again = again.unwrap();
    assert!(again.status.success(), "{}", error(&again));
    assert_eq!(names(folder.path()), FINISHED);
    let accuracies = |folder: &Path| -> Vec<serde_json::Value> {
        let text = fs::read_to_string(folder.join("results.jsonl")).unwrap();
        let of = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        text.lines().map(|line| of(line)["accuracy"].clone()).collect()
    };
    assert_eq!(accuracies(folder.path()), accuracies(whole.path()));
}

#[test]
fn a_checkpoint_that_does_not_fit_leaves_the_earlier_one() {
    use continual::core::{Checkpoint, Values};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint-1.safetensors");
    let small = Checkpoint::new(1.into(), 2.into(), vec![]);
    small.save(&path).unwrap();
    let before = contents(folder.path());
    let mut large = Checkpoint::new(1.into(), 3.into(), vec![0.into()]);
    large.insert("theta", 0, &[1 << 16], Values::from(vec![0.0; 1 << 16])).unwrap();
    // The folder of the file is there; what is written goes to a device that is always full.
    let error = std::panic::catch_unwind(|| write_full(&path)).unwrap();
    assert!(error.contains("No space left on device"), "{error}");
    assert_eq!(contents(folder.path()), before);
    large.save(&path).unwrap();
    assert!(Checkpoint::load(&path).is_ok());
}

/// Writes through the file of a disk that is always full.
fn write_full(path: &Path) -> String {
    let full = |file: &mut dyn std::io::Write| {
        let mut device = fs::OpenOptions::new().write(true).open("/dev/full")?;
        file.write_all(&[7; 1 << 10])?;
        std::io::Write::write_all(&mut device, &[7; 1 << 10])
    };
    continual::core::write_atomically(path, full).unwrap_err().to_string()
}

/// Nothing can be made in these places, for root neither.
#[test]
fn a_place_where_nothing_can_be_written_is_refused_by_name_before_training() {
    let outer = tempfile::tempdir().unwrap();
    let file = outer.path().join("thesis.tex");
    fs::write(&file, "mine").unwrap();
    let table = "run mine.toml";
    for place in [file.clone(), file.join("below"), Path::new("/proc/continual").to_owned()] {
        let output = continual(ASKED, &place).output().unwrap();
        let told = error(&output);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        let start = format!("error: --out {}: the folder cannot be made: ", place.display());
        assert!(told.starts_with(&start), "{table}: {told}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    assert_eq!(names(outer.path()), ["thesis.tex"]);
}

/// Permissions bind everybody but root.
#[test]
fn a_folder_that_may_not_be_written_is_refused_by_name() {
    use std::os::unix::fs::PermissionsExt;
    let folder = with_earlier();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let binds = fs::write(folder.path().join("probe"), "").is_err();
    if binds {
        let output = continual(ASKED, folder.path()).output().unwrap();
        let told = error(&output);
        assert_eq!(output.status.code(), Some(2), "{told}");
        let start =
            format!("error: --out {}: no file can be written in it: ", folder.path().display());
        assert!(told.starts_with(&start), "{told}");
        assert_eq!(contents(folder.path()), [("results.jsonl".to_owned(), b"earlier\n".to_vec())]);
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

/// A table that nobody gets to see is no success.
#[cfg(target_os = "linux")]
#[test]
fn an_output_that_is_full_is_an_error_and_the_results_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = continual(ASKED, folder.path()).stdout(full).output().unwrap();
    let told = error(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let expected =
        "error: standard output cannot be written: No space left on device (os error 28)\n";
    assert_eq!(told, expected);
    assert_eq!(names(folder.path()), FINISHED);
}
