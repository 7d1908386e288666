//! Ctrl-C and SIGTERM.
#![cfg(unix)]

use crate::*;

/// Asks a process to stop, and gives what it said.
fn interrupt(child: Child, signal: &str) -> String {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{error}");
    assert!(output.stdout.is_empty());
    error
}

#[test]
fn an_interruption_saves_and_says_how_to_go_on() {
    let whole = uninterrupted(bench);
    for (signal, population) in [("-INT", "1"), ("-TERM", "2")] {
        let folder = tempfile::tempdir().unwrap();
        let path = checkpoint(folder.path(), population);
        let now = || steps(&path) >= Some((1, 3));
        let error = interrupt(at_work(|| bench(folder.path()), folder.path(), now), signal);
        let told = error.lines().last().unwrap();
        let (_, command) = told.split_once("saved; go on with: ").unwrap();
        let words: Vec<&str> = command.split(' ').collect();
        let [program, arguments @ ..] = &words[..] else { panic!("{told}") };
        let mut resume = Command::new(program);
        resume.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        assert_ends_alike(resume, folder.path(), &whole);
    }
}

#[test]
fn an_interruption_saves_where_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let mut long = ASKED;
    (long[8], long[14]) = ("100000", "never");
    let command = || continual(&[&long[..], &["--out", folder.path().to_str().unwrap()]].concat());
    let begun = || folder.path().join("unfinished.json").exists();
    interrupt(at_work(command, folder.path(), begun), "-INT");
    assert!(steps(&checkpoint(folder.path(), "1")) >= Some((0, 1)));
    let names = names(folder.path());
    assert_eq!(names, ["checkpoint-1.safetensors", "results.jsonl.partial", "unfinished.json"]);
}
