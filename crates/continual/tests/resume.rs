//! A benchmark that is killed or interrupted and gone on with gives the results of one that was not.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

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

/// All but the last line, which has the seconds and the folder.
fn table(text: &str) -> &str {
    text.trim_end().rsplit_once('\n').unwrap().0
}

/// What is in a folder, name and bytes.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        })
        .collect();
    all.sort();
    all
}

fn names(folder: &Path) -> Vec<String> {
    contents(folder).into_iter().map(|(name, _)| name).collect()
}

/// Kills the process without warning as soon as `now` says so.
fn kill_when(mut child: Child, now: impl Fn() -> bool) {
    while !now() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
        std::thread::sleep(Duration::from_micros(200));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// How an uninterrupted run ends: its table and its folder.
fn uninterrupted(begin: impl Fn(&Path) -> Command) -> (String, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let text = printed(&begin(folder.path()).output().unwrap());
    assert_eq!(names(folder.path()), ["results.jsonl"]);
    (table(&text).to_owned(), folder)
}

/// Goes on to the end, which has to be that of a run that was not interrupted.
#[track_caller]
fn assert_ends_alike(mut resume: Command, folder: &Path, (text, whole): &(String, TempDir)) {
    let printed = printed(&resume.output().unwrap());
    assert_eq!(lines(folder), lines(whole.path()));
    assert_eq!(table(&printed), text);
    assert_eq!(names(folder), ["results.jsonl"], "only results are left");
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

/// A folder with a process that was killed in the third context of its first population.
fn killed() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = checkpoint(folder.path(), "1");
    kill_when(bench(folder.path()).spawn().unwrap(), || steps(&path) >= Some((2, 5)));
    folder
}

#[test]
fn a_benchmark_killed_at_chosen_moments_ends_as_one_that_was_not() {
    let whole = uninterrupted(bench);
    assert_eq!(lines(whole.1.path()).len(), 4);
    let moments: [(&str, fn(&Path) -> bool); 4] = [
        ("in the first evaluation", |folder| folder.join("unfinished.json").exists()),
        ("in the middle of the first population", |folder| {
            steps(&checkpoint(folder, "1")) >= Some((3, 4))
        }),
        ("between two populations", |folder| {
            fs::read(partial(folder)).is_ok_and(|b| !b.is_empty())
        }),
        ("in the second", |folder| steps(&checkpoint(folder, "2")) >= Some((1, 1))),
    ];
    for (moment, now) in moments {
        let folder = tempfile::tempdir().unwrap();
        kill_when(bench(folder.path()).spawn().unwrap(), || now(folder.path()));
        assert!(!folder.path().join("results.jsonl").exists(), "{moment}");
        let mut resume = resume(folder.path());
        resume.args(["--threads", "2"]);
        assert_ends_alike(resume, folder.path(), &whole);
    }
}

#[test]
fn a_benchmark_killed_again_and_again_ends_as_one_that_was_not() {
    let whole = uninterrupted(bench);
    let folder = tempfile::tempdir().unwrap();
    kill_when(bench(folder.path()).spawn().unwrap(), || {
        steps(&checkpoint(folder.path(), "1")).is_some()
    });
    let mut kills = 1;
    for delay in (0_u64..).map(|kill| 30 + 17 * kill) {
        let mut child = resume(folder.path()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    assert!(kills > 2, "killed {kills} times only");
    assert_eq!(lines(folder.path()), lines(whole.1.path()));
    assert_eq!(names(folder.path()), ["results.jsonl"]);
}

#[test]
fn resuming_goes_on_from_the_checkpoint_and_does_not_start_again() {
    let folder = killed();
    let reached = steps(&checkpoint(folder.path(), "1")).unwrap();
    // The first checkpoint of the other process is later than the last of this one.
    let mut child = resume(folder.path()).spawn().unwrap();
    let path = checkpoint(folder.path(), "1");
    let mut seen = reached;
    while let Some(position) = steps(&path) {
        assert!(position >= seen, "{position:?} after {seen:?}");
        seen = position;
        if position > reached {
            break;
        }
    }
    assert!(seen > reached);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_line_cut_off_is_dropped_and_its_population_trained_again() {
    let whole = uninterrupted(bench);
    let folder = tempfile::tempdir().unwrap();
    kill_when(bench(folder.path()).spawn().unwrap(), || {
        steps(&checkpoint(folder.path(), "2")).is_some()
    });
    let text = fs::read(partial(folder.path())).unwrap();
    // The second of the two lines of the first population.
    fs::write(partial(folder.path()), &text[..text.len() - 100]).unwrap();
    assert_ends_alike(resume(folder.path()), folder.path(), &whole);
}

#[test]
fn results_that_had_their_name_already_are_finished_by_resuming() {
    let whole = uninterrupted(bench);
    let folder = killed();
    let (from, to) = (whole.1.path(), folder.path());
    // As a kill between the last two steps leaves it.
    fs::remove_file(checkpoint(to, "1")).unwrap();
    fs::remove_file(partial(to)).unwrap();
    fs::copy(from.join("results.jsonl"), to.join("results.jsonl")).unwrap();
    let bytes = fs::read(to.join("results.jsonl")).unwrap();
    assert_ends_alike(resume(to), to, &whole);
    assert_eq!(fs::read(to.join("results.jsonl")).unwrap(), bytes);
}

/// A file's experiment, whose sweep falls apart: one of its values leaves the numbers.
fn sweep(folder: &Path) -> Command {
    let file = folder.with_extension("toml");
    let text = "scenario = 'task'\nseeds = [2, 7]\nnetwork.hidden = [8]\n\
                training = { steps = 12, threads = 1 }\noptimizer = { name = 'sgd', lr = 0.1 }\n\
                strategy = [{ name = 'ewc', lambda = [1, 1e38, 10] }, 'none']\n";
    fs::write(&file, text).unwrap();
    let (file, out) = (file.to_str().unwrap(), folder.to_str().unwrap());
    continual(&["run", file, "--out", out, "--checkpoint-every", "1steps"])
}

#[test]
fn a_sweep_killed_together_or_one_by_one_ends_as_one_that_was_not() {
    let outer = tempfile::tempdir().unwrap();
    let whole = outer.path().join("whole");
    let output = sweep(&whole).output().unwrap();
    let printed = printed(&output);
    assert!(printed.contains("- ewc lambda=1e38 in task: ewc, seed"), "{printed}");
    assert_eq!(lines(&whole).len(), 6);
    for (moment, population) in
        [("together", "1"), ("the first alone", "1-1"), ("the last alone", "1-3"), ("none", "2")]
    {
        let folder = outer.path().join(population);
        kill_when(sweep(&folder).spawn().unwrap(), || {
            steps(&checkpoint(&folder, population)) >= Some((0, 5))
        });
        // What was asked for is in the folder; where it is run from does not matter.
        fs::remove_file(folder.with_extension("toml")).unwrap();
        let mut resume = resume(&folder);
        let again = self::printed(&resume.current_dir(outer.path()).output().unwrap());
        assert_eq!(lines(&folder), lines(&whole), "{moment}");
        assert_eq!(table(&again), table(&printed), "{moment}");
        assert_eq!(names(&folder), ["results.jsonl"], "{moment}");
    }
}

#[test]
fn checkpoints_change_no_bit_and_need_not_be() {
    let whole = uninterrupted(bench);
    for every in ["7steps", "1s", "never"] {
        let begin = |folder: &Path| {
            let mut arguments = ASKED;
            arguments[ASKED.len() - 1] = every;
            continual(&[&arguments[..], &["--out", folder.to_str().unwrap()]].concat())
        };
        assert_eq!(lines(uninterrupted(begin).1.path()), lines(whole.1.path()), "{every}");
    }
}

/// Asks a process to stop once `now` says so, and gives what it said.
#[cfg(unix)]
fn interrupt_when(mut child: Child, signal: &str, now: impl Fn() -> bool) -> String {
    while !now() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was interrupted");
        std::thread::sleep(Duration::from_micros(200));
    }
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{error}");
    assert!(output.stdout.is_empty());
    error
}

#[cfg(unix)]
#[test]
fn an_interruption_saves_and_says_how_to_go_on() {
    let whole = uninterrupted(bench);
    for (signal, population) in [("-INT", "1"), ("-TERM", "2")] {
        let folder = tempfile::tempdir().unwrap();
        let path = checkpoint(folder.path(), population);
        let child = bench(folder.path()).spawn().unwrap();
        let error = interrupt_when(child, signal, || steps(&path) >= Some((1, 3)));
        let told = error.lines().last().unwrap();
        let (_, command) = told.split_once("saved; go on with: ").unwrap();
        let words: Vec<&str> = command.split(' ').collect();
        let [program, arguments @ ..] = &words[..] else { panic!("{told}") };
        let mut resume = Command::new(program);
        resume.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        assert_ends_alike(resume, folder.path(), &whole);
    }
}

#[cfg(unix)]
#[test]
fn an_interruption_saves_where_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let mut long = ASKED;
    (long[8], long[14]) = ("100000", "never");
    let child = continual(&[&long[..], &["--out", folder.path().to_str().unwrap()]].concat());
    let begun = || folder.path().join("unfinished.json").exists();
    interrupt_when({ child }.spawn().unwrap(), "-INT", begun);
    assert!(steps(&checkpoint(folder.path(), "1")) >= Some((0, 1)));
    let names = names(folder.path());
    assert_eq!(names, ["checkpoint-1.safetensors", "results.jsonl.partial", "unfinished.json"]);
}
