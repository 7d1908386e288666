//! What is not gone on with, and that it stays as it was.

use crate::*;
use continual::{CheckpointEvery, Strengths, Unfinished};
use serde_json::{Value, json};

/// Refused for `reason`, with the folder as it was.
#[track_caller]
fn assert_refused(command: Command, folder: &Path, reasons: &[&str]) {
    let before = contents(folder);
    let error = refusal(command);
    for reason in reasons {
        assert!(error.contains(reason), "{error} should say {reason:?}");
    }
    assert!(before == contents(folder), "the folder is not as it was");
}

/// The journal with a change.
fn change(folder: &Path, change: impl Fn(&mut Value)) {
    let path = folder.join("unfinished.json");
    let mut journal: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut journal);
    fs::write(path, journal.to_string()).unwrap();
}

#[test]
fn folders_without_unfinished_work_are_refused_each_with_its_reason() {
    let outer = tempfile::tempdir().unwrap();
    let path = |name: &str| outer.path().join(name);
    fs::write(path("file"), "mine").unwrap();
    fs::create_dir(path("empty")).unwrap();
    for (folder, name) in [("finished", "results.jsonl"), ("other", "thesis.tex")] {
        fs::create_dir(path(folder)).unwrap();
        fs::write(path(folder).join(name), "{}\n").unwrap();
    }
    fs::create_dir(path("foreign")).unwrap();
    fs::write(path("foreign").join("unfinished.json"), "{\"symphony\": 8}").unwrap();
    fs::create_dir(path("older")).unwrap();
    fs::write(path("older").join("results.jsonl.partial"), "{}\n").unwrap();
    for (name, reason) in [
        ("missing", "missing: No such file"),
        ("file", "it is no folder"),
        ("empty", "the folder is empty"),
        ("finished", "it is finished: results.jsonl holds all runs"),
        ("other", "no unfinished.json in it"),
        ("foreign", "unfinished.json: it is of another program"),
        ("older", "nobody knows what was asked for; renamed to results.jsonl its runs can"),
    ] {
        let error = refusal(resume(&path(name)));
        let start = format!("error: resume {}: ", path(name).display());
        assert!(error.starts_with(&start) && error.contains(reason), "{error}");
    }
    assert_refused(
        bench(&path("foreign")),
        &path("foreign"),
        &["not of this program, or damaged; take it"],
    );
    assert_refused(
        bench(&path("older")),
        &path("older"),
        &["holds 1 finished run of an unfinished"],
    );
}

#[test]
fn another_version_another_question_and_other_data_are_refused() {
    let folder = killed();
    let folder = folder.path();
    let path = folder.join("unfinished.json");
    let whole = fs::read(&path).unwrap();
    let mine = env!("CARGO_PKG_VERSION");

    change(folder, |journal| journal["version"] = json!("0.0.9"));
    let expected = ["unfinished.json: it is of continual 0.0.9, this is", mine];
    assert_refused(resume(folder), folder, &expected);
    change(folder, |journal| (journal["version"], journal["format"]) = (json!(mine), json!(2)));
    assert_refused(resume(folder), folder, &["it is of continual"]);
    fs::write(&path, &whole).unwrap();
    change(folder, |journal| journal["asked"]["request"]["steps"] = json!(13));
    assert_refused(resume(folder), folder, &["does not describe the runs it was written for"]);
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert_refused(resume(folder), folder, &["unfinished.json: it is no JSON"]);
    fs::write(&path, &whole).unwrap();
    change(folder, |journal| journal["asked"] = json!({"letter": 1}));
    assert_refused(resume(folder), folder, &["unfinished.json: it is damaged"]);
    fs::write(&path, &whole).unwrap();
    change(folder, |journal| journal["data"] = json!("77"));
    assert_refused(resume(folder), folder, &["data set digits has changed", "expected 77"]);
    fs::write(&path, &whole).unwrap();
    change(folder, |journal| journal["device"] = json!("a GPU"));
    let expected = ["it was begun on a GPU, this is cpu; name the device with --device"];
    assert_refused(resume(folder), folder, &expected);
    let mut device = resume(folder);
    device.args(["--device", "cuda"]);
    assert_refused(device, folder, &["--device `cuda`: expected cpu, gpu, gpu:NAME or auto"]);
    fs::write(&path, &whole).unwrap();
    let mut threads = resume(folder);
    threads.args(["--threads", "0"]);
    assert_refused(threads, folder, &["error: --threads `0`"]);
}

#[test]
fn work_begun_elsewhere_goes_on_where_a_device_is_named_and_the_folder_remembers_it() {
    let folder = killed();
    let folder = folder.path();
    change(folder, |journal| journal["device"] = json!("a GPU"));
    change(folder, |journal| journal["asked"]["request"]["device"] = json!("gpu:nobody's"));
    let unfinished = Unfinished::open(folder).unwrap().on_device("cpu");
    let bench_there = unfinished.asked().bench(&Strengths::built_in().unwrap()).unwrap();
    drop(unfinished.work(&bench_there, CheckpointEvery::default()).unwrap());
    let journal: Value =
        serde_json::from_slice(&fs::read(folder.join("unfinished.json")).unwrap()).unwrap();
    assert_eq!(journal["device"], "cpu");
    assert_eq!(journal["asked"]["request"]["device"], "cpu");
    assert_ends_alike(resume(folder), folder, &uninterrupted(bench));
}

/// IDX files of twenty training and ten test images; `shade` is in every pixel.
fn images(folder: &Path, shade: u8) {
    fs::create_dir_all(folder).unwrap();
    for (part, count) in [("train", 20_u8), ("t10k", 10)] {
        let head = |magic: u8| [0, 0, 8, magic, 0, 0, 0, count];
        let mut pixels = head(3).to_vec();
        pixels.extend([0, 0, 0, 28, 0, 0, 0, 28]);
        pixels.extend((0..count).flat_map(|image| [image.wrapping_mul(12) + shade; 28 * 28]));
        let labels: Vec<u8> = head(1).into_iter().chain((0..count).map(|i| i % 10)).collect();
        fs::write(folder.join(format!("{part}-images-idx3-ubyte")), pixels).unwrap();
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
    }
}

#[test]
fn data_may_move_but_not_change() {
    let outer = tempfile::tempdir().unwrap();
    let [data, moved] = ["data", "moved"].map(|name| outer.path().join(name));
    images(&data, 0);
    // Relative to where it was asked for.
    let begin = |folder: &Path| {
        let mut command = bench(folder);
        command.args(["--dataset", "mnist", "--data", "data"]).current_dir(outer.path());
        command
    };
    let whole = uninterrupted(begin);
    let folder = tempfile::tempdir().unwrap();
    let path = checkpoint(folder.path(), "1");
    kill_when(|| begin(folder.path()), folder.path(), || steps(&path) >= Some((1, 2)));
    images(&data, 1);
    let reasons = ["data set mnist has changed: SHA-256 ", ", expected "];
    assert_refused(resume(folder.path()), folder.path(), &reasons);
    fs::remove_dir_all(&data).unwrap();
    assert_refused(resume(folder.path()), folder.path(), &["mnist: no files found"]);
    images(&moved, 0);
    let mut resume = resume(folder.path());
    resume.arg("--data").arg(&moved);
    assert_ends_alike(resume, folder.path(), &whole);
}

#[test]
fn a_checkpoint_that_is_damaged_or_of_another_run_is_refused_by_name() {
    let killed = killed();
    let (folder, path) = (killed.path(), checkpoint(killed.path(), "1"));
    let whole = fs::read(&path).unwrap();
    let name = path.display().to_string();
    for length in [whole.len() - 1, whole.len() / 2, 100] {
        fs::write(&path, &whole[..length]).unwrap();
        assert_refused(resume(folder), folder, &[&name, "it is cut off", "trained anew"]);
    }
    fs::write(&path, "").unwrap();
    assert_refused(resume(folder), folder, &[&name, "the file is empty"]);
    for place in [whole.len() / 3, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[place] ^= 1 << 5;
        fs::write(&path, flipped).unwrap();
        assert_refused(resume(folder), folder, &[&name, "it is damaged"]);
    }
    fs::write(&path, "Dear diary").unwrap();
    assert_refused(resume(folder), folder, &[&name, "it is text, expected a checkpoint"]);

    let other = tempfile::tempdir().unwrap();
    let of_other = checkpoint(other.path(), "1");
    let mut arguments = ASKED;
    arguments[2] = "er+ewc";
    arguments[10] = "3";
    let out = ["--out", other.path().to_str().unwrap()];
    kill_when(|| continual(&[&arguments[..], &out].concat()), other.path(), || of_other.exists());
    fs::copy(of_other, &path).unwrap();
    assert_refused(resume(folder), folder, &[&name, "field seeds[2] is 4, this run is absent"]);

    // Without the file the population starts again.
    fs::remove_file(&path).unwrap();
    assert_ends_alike(resume(folder), folder, &uninterrupted(bench));
}

#[test]
fn lines_that_are_not_those_of_this_benchmark_are_refused_by_number() {
    let killed = tempfile::tempdir().unwrap();
    let folder = killed.path();
    kill_when(|| bench(folder), folder, || checkpoint(folder, "2").exists());
    let text = fs::read_to_string(partial(folder)).unwrap();
    let [first, second] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
    for (text, reason) in [
        (format!("{second}\n{first}\n"), "line 1 is of er+ewc in class, seed 3; expected er+ewc"),
        (format!("{first}\n{{\n"), "at column 1; without this line and those below it, their"),
        (format!("{first}\n{first}\n"), "line 2 is of er+ewc in class, seed 2; expected"),
        (format!("{first}\n{}\n", second.replace("\"batch\":32", "\"batch\":33")), "line 2 is of"),
    ] {
        fs::write(partial(folder), text).unwrap();
        assert_refused(resume(folder), folder, &["results.jsonl.partial: ", reason]);
    }
    fs::remove_file(partial(folder)).unwrap();
    assert_refused(resume(folder), folder, &["results.jsonl cannot be read"]);
}

#[test]
fn unfinished_work_is_not_replaced_unless_that_is_said() {
    let killed = killed();
    let folder = killed.path();
    fs::write(folder.join("results.jsonl"), "earlier\n").unwrap();
    let ways = [
        "it holds a checkpoint of an unfinished benchmark: `continual resume",
        &format!("`continual resume {}` goes on", folder.display()),
        "--restart throws it away",
    ];
    assert_refused(bench(folder), folder, &ways);
    let mut dry = bench(folder);
    let before = contents(folder);
    printed(&dry.arg("--dry-run").output().unwrap());
    assert!(before == contents(folder));
    let mut again = bench(folder);
    again.arg("--restart");
    assert_ends_alike(again, folder, &uninterrupted(bench));
}

#[test]
fn two_processes_do_not_work_in_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut long = ASKED;
    (long[8], long[14]) = ("100000", "never");
    let long = [&long[..], &["--out", folder.path().to_str().unwrap()]].concat();
    let begun = || folder.path().join("unfinished.json").exists();
    let mut child = at_work(|| continual(&long), folder.path(), begun);
    for second in [bench(folder.path()), resume(folder.path())] {
        assert_refused(second, folder.path(), &["another process works in this folder"]);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // Nothing was done that could be lost, and the dead hold no lock.
    let whole = uninterrupted(bench);
    assert_ends_alike(bench(folder.path()), folder.path(), &whole);
}

/// The folder goes away under the process, as a full disk does: nothing more can be written.
#[cfg(unix)]
#[test]
fn a_checkpoint_that_cannot_be_written_is_told_once_and_results_are_an_error() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("out");
    let begun = || steps(&checkpoint(&folder, "1")) >= Some((0, 3));
    let child = at_work(|| bench(&folder), &folder, begun);
    fs::rename(&folder, outer.path().join("elsewhere")).unwrap();
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    let [warning, failure] = error.lines().collect::<Vec<_>>()[..] else { panic!("{error}") };
    assert!(
        warning.starts_with("warning: checkpoint ") && warning.contains("not saved"),
        "{error}"
    );
    assert!(failure.contains("4 finished runs") && failure.contains("results.jsonl"), "{error}");
}
