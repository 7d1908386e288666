//! A benchmark that is killed or interrupted and gone on with gives the results of one that was not.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

mod interrupts;
mod kills;
mod random_kills;
mod refusals;

fn continual(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_continual"));
    command.args(arguments).env_remove("CONTINUAL_DATA");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Two populations with memories, importances and an optimiser: four runs.
const ASKED: [&str; 15] = [
    "bench",
    "--strategy",
    "er+ewc,si",
    "--scenario",
    "class",
    "--hidden",
    "8",
    "--steps",
    "12",
    "--seeds",
    "2",
    "--threads",
    "1",
    "--checkpoint-every",
    "1steps",
];

fn bench(folder: &Path) -> Command {
    continual(&[&ASKED[..], &["--out", folder.to_str().unwrap()]].concat())
}

fn resume(folder: &Path) -> Command {
    continual(&["resume", folder.to_str().unwrap()])
}

fn printed(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The one line of a refusal.
fn refusal(mut command: Command) -> String {
    let output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

/// Every field of every run but the ones that say where and how long it ran.
fn lines(folder: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(folder.join("results.jsonl")).unwrap();
    let line = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        for field in ["train_seconds", "threads", "device"] {
            assert!(line.as_object_mut().unwrap().remove(field).is_some());
        }
        line
    };
    text.lines().map(line).collect()
}

/// All but the last two lines, which have the seconds and the folder.
fn table(text: &str) -> &str {
    text.trim_end().rsplitn(3, '\n').last().unwrap()
}

/// What is in a folder, name and bytes; the lock of a killed process says nothing.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_file() && entry.file_name() != "continual.lock")
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    all.sort();
    all
}

fn names(folder: &Path) -> Vec<String> {
    contents(folder).into_iter().map(|(name, _)| name).collect()
}

/// A process that works in `folder` at the moment that `now` waits for.
fn at_work(command: impl Fn() -> Command, folder: &Path, now: impl Fn() -> bool) -> Child {
    for _ in 0..5 {
        let mut child = command().spawn().unwrap();
        while child.try_wait().unwrap().is_none() {
            if now() {
                return child;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        // On a busy machine it may be through before anybody looks.
        for (name, _) in contents(folder) {
            fs::remove_file(folder.join(name)).unwrap();
        }
    }
    panic!("it always ended before that moment")
}

/// Kills it without warning at that moment.
fn kill_when(command: impl Fn() -> Command, folder: &Path, now: impl Fn() -> bool) {
    let mut child = at_work(command, folder, now);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// How an uninterrupted run ends: its table and its folder.
fn uninterrupted(begin: impl Fn(&Path) -> Command) -> (String, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let text = printed(&begin(folder.path()).output().unwrap());
    assert_eq!(names(folder.path()), ["origin.json", "report.html", "results.jsonl"]);
    (table(&text).to_owned(), folder)
}

/// Goes on to the end, which has to be that of a run that was not interrupted.
#[track_caller]
fn assert_ends_alike(mut resume: Command, folder: &Path, (text, whole): &(String, TempDir)) {
    let printed = printed(&resume.output().unwrap());
    assert_eq!(lines(folder), lines(whole.path()));
    assert_eq!(table(&printed), text);
    assert_eq!(
        names(folder),
        ["origin.json", "report.html", "results.jsonl"],
        "only results are left"
    );
}

fn partial(folder: &Path) -> PathBuf {
    folder.join("results.jsonl.partial")
}

fn checkpoint(folder: &Path, population: &str) -> PathBuf {
    folder.join(format!("checkpoint-{population}.safetensors"))
}

/// Steps that a checkpoint has seen; none where there is none.
fn steps(path: &Path) -> Option<(usize, u32)> {
    let checkpoint = continual::core::Checkpoint::load(path).ok()?;
    let position: serde_json::Value = checkpoint.position().unwrap();
    let count = |name: &str| position["progress"][name].as_u64().unwrap();
    Some((count("stage") as usize, count("step") as u32))
}

/// What a process left that was killed in its first population.
fn killed() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = checkpoint(folder.path(), "1");
    kill_when(|| bench(folder.path()), folder.path(), || steps(&path) >= Some((0, 5)));
    folder
}
