//! `kill -9` at any moment.

use crate::*;

/// Whether a folder shows that the process is there.
type Moment = fn(&Path) -> bool;

#[test]
fn a_benchmark_killed_at_chosen_moments_ends_as_one_that_was_not() {
    let whole = uninterrupted(bench);
    assert_eq!(lines(whole.1.path()).len(), 4);
    let moments: [(&str, Moment); 4] = [
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
        kill_when(|| bench(folder.path()), folder.path(), || now(folder.path()));
        assert!(!folder.path().join("results.jsonl").exists(), "{moment}");
        let mut resume = resume(folder.path());
        resume.args(["--threads", "2"]);
        assert_ends_alike(resume, folder.path(), &whole);
    }
}

/// The journal asks for networks a moment before there is a folder for them.
#[test]
fn a_benchmark_killed_before_its_networks_had_a_folder_keeps_them() {
    let folder = tempfile::tempdir().unwrap();
    let begin = || {
        let mut command = bench(folder.path());
        command.arg("--keep-networks");
        command
    };
    kill_when(begin, folder.path(), || folder.path().join("unfinished.json").exists());
    let networks = folder.path().join("networks");
    // It may be there already: then as if it had been killed a moment earlier.
    let _ = fs::remove_dir_all(&networks);
    printed(&resume(folder.path()).output().unwrap());
    assert_eq!(fs::read_dir(networks).unwrap().count(), 4);
}

/// Runs finished and the position of the population under way: grows with every checkpoint.
fn reached(folder: &Path) -> (usize, Option<(usize, u32)>) {
    let lines = fs::read(partial(folder)).unwrap_or_default();
    let finished = lines.iter().filter(|&&byte| byte == b'\n').count();
    let population = (finished / 2 + 1).to_string();
    (finished, steps(&checkpoint(folder, &population)))
}

#[test]
fn a_benchmark_killed_again_and_again_ends_as_one_that_was_not() {
    let whole = uninterrupted(bench);
    let folder = tempfile::tempdir().unwrap();
    let mut child = bench(folder.path()).spawn().unwrap();
    let (mut last, mut kills) = (reached(folder.path()), 0_u64);
    loop {
        if child.try_wait().unwrap().is_some() {
            break;
        }
        let now = reached(folder.path());
        if now > last {
            // A little later each time: also while a file is written.
            std::thread::sleep(Duration::from_micros(130 * (kills % 16)));
            child.kill().unwrap();
            child.wait().unwrap();
            (last, kills) = (now, kills + 1);
            // Killed when all was done, and only its report was not printed yet: there is nothing
            // to go on with, and what it left is compared below.
            if !folder.path().join("unfinished.json").exists() {
                break;
            }
            child = resume(folder.path()).spawn().unwrap();
        }
    }
    let output = child.wait_with_output().unwrap();
    let killed = output.status.code().is_none();
    assert!(killed || output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(kills > 4, "killed {kills} times only");
    assert_eq!(lines(folder.path()), lines(whole.1.path()));
    // Killed when all was done, it may have left no report, or a part of one.
    let mut left = names(folder.path());
    left.retain(|name| !["origin.json", "report.html"].iter().any(|own| name.starts_with(own)));
    assert_eq!(left, ["results.jsonl"]);
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
    let second = checkpoint(folder.path(), "2");
    kill_when(|| bench(folder.path()), folder.path(), || second.exists());
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
        let path = checkpoint(&folder, population);
        kill_when(|| sweep(&folder), &folder, || steps(&path) >= Some((0, 5)));
        // What was asked for is in the folder; where it is run from does not matter.
        fs::remove_file(folder.with_extension("toml")).unwrap();
        let mut resume = resume(&folder);
        let again = self::printed(&resume.current_dir(outer.path()).output().unwrap());
        assert_eq!(lines(&folder), lines(&whole), "{moment}");
        assert_eq!(table(&again), table(&printed), "{moment}");
        let all = ["diverged.jsonl", "origin.json", "report.html", "results.jsonl"];
        assert_eq!(names(&folder), all, "{moment}");
        assert_eq!(gaps(&folder), gaps(&whole), "{moment}");
    }
}

/// What has no results, by strategy and reason.
fn gaps(folder: &Path) -> Vec<[String; 2]> {
    let text = fs::read_to_string(folder.join("diverged.jsonl")).unwrap();
    let gap = |line: &str| {
        let gap: serde_json::Value = serde_json::from_str(line).unwrap();
        ["strategy", "reason"].map(|name| gap[name].as_str().unwrap().to_owned())
    };
    text.lines().map(gap).collect()
}

/// Two cells in the middle of which a loss leaves the numbers, between and beside others.
fn diverging(folder: &Path) -> Command {
    let asked = "bench --strategy joint,rtf,si,generative-classifier,none --scenario class --hidden 8 \
                 --steps 12 --seeds 2 --threads 1 --checkpoint-every 1steps \
                 --set rtf.temperature=1e-38 --set generative-classifier.lr=1e9 --out";
    let asked: Vec<&str> = asked.split_whitespace().chain([folder.to_str().unwrap()]).collect();
    continual(&asked)
}

/// What was printed, and the one line of error with which it ends, of a command that lost cells.
fn lost(command: &mut Command) -> (String, String) {
    let output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    let last = error.lines().last().unwrap().to_owned();
    (String::from_utf8(output.stdout).unwrap(), last)
}

#[test]
fn cells_that_diverge_are_gaps_also_for_whoever_goes_on() {
    let outer = tempfile::tempdir().unwrap();
    let whole = outer.path().join("whole");
    let (printed, error) = lost(&mut diverging(&whole));
    for (place, cell) in ["rtf", "generative-classifier"].iter().enumerate() {
        assert!(printed.contains(&format!("- {cell} in class: {cell}, seed 2: the loss is")));
        let [strategy, reason] = &gaps(&whole)[place];
        assert_eq!(strategy, cell);
        assert!(reason.contains("at context 1, step"), "{reason}");
        assert!(error.contains(&format!("{cell} in class: {reason}")), "{error}");
    }
    assert!(error.starts_with("error: no results of rtf in class"), "{error}");
    let names_of = |folder: &Path| -> Vec<String> {
        let name = |line: &serde_json::Value| line["strategy"].as_str().unwrap().to_owned();
        lines(folder).iter().map(name).collect()
    };
    assert_eq!(names_of(&whole), ["joint", "joint", "si", "si", "none", "none"]);
    // In the cell behind each of those that are gaps, and in the first.
    for population in ["1", "3", "5"] {
        let folder = outer.path().join(population);
        let path = checkpoint(&folder, population);
        kill_when(|| diverging(&folder), &folder, || steps(&path) >= Some((0, 5)));
        let (again, told) = lost(&mut resume(&folder));
        assert_eq!(lines(&folder), lines(&whole), "{population}");
        assert_eq!((table(&again), &told), (table(&printed), &error), "{population}");
        assert_eq!(gaps(&folder), gaps(&whole), "{population}");
        let all = ["diverged.jsonl", "origin.json", "report.html", "results.jsonl"];
        assert_eq!(names(&folder), all, "{population}");
    }
    // A later benchmark in which all is well leaves nothing of them.
    quick(&whole);
    assert_eq!(names(&whole), ["origin.json", "report.html", "results.jsonl"]);
}

fn quick(folder: &Path) {
    let asked = ["bench", "--strategy", "none", "--scenario", "class", "--quick", "--out"];
    printed(&continual(&[&asked[..], &[folder.to_str().unwrap()]].concat()).output().unwrap());
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
